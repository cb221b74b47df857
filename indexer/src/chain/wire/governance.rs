//! What governance is about to do.

use prost::Message;

use super::{Any, PageRequest, PageResponse, Params};

/// `cosmos.gov.v1.QueryProposalsRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ProposalsRequest {
    /// 2 is the voting period.
    #[prost(int32, tag = "1")]
    pub proposal_status: i32,
    /// Which page.
    #[prost(message, optional, tag = "4")]
    pub pagination: Option<PageRequest>,
}

/// `cosmos.gov.v1.QueryProposalsResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ProposalsResponse {
    /// The proposals.
    #[prost(message, repeated, tag = "1")]
    pub proposals: Vec<Proposal>,
    /// Where the next page begins.
    #[prost(message, optional, tag = "2")]
    pub pagination: Option<PageResponse>,
}

/// `cosmos.gov.v1.Proposal`, SDK 0.50.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Proposal {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What is executed when it passes, in this order.
    #[prost(message, repeated, tag = "2")]
    pub messages: Vec<Any>,
    /// When the vote ends.
    #[prost(message, optional, tag = "9")]
    pub voting_end_time: Option<Timestamp>,
    /// Its title.
    #[prost(string, tag = "11")]
    pub title: String,
    /// It needs more votes in a shorter time.
    #[prost(bool, tag = "14")]
    pub expedited: bool,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `MsgUpdateParams`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgUpdateParams {
    /// The whole set.
    #[prost(message, optional, tag = "2")]
    pub params: Option<Params>,
}

/// `cosmos.upgrade.v1beta1.MsgSoftwareUpgrade`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgSoftwareUpgrade {
    /// What is scheduled.
    #[prost(message, optional, tag = "2")]
    pub plan: Option<UpgradePlan>,
}

/// `cosmos.upgrade.v1beta1.Plan`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct UpgradePlan {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The first block of the new program.
    #[prost(int64, tag = "3")]
    pub height: i64,
}

/// `cosmos.upgrade.v1beta1.QueryCurrentPlanResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CurrentPlanResponse {
    /// Absent when nothing is scheduled.
    #[prost(message, optional, tag = "1")]
    pub plan: Option<UpgradePlan>,
}
