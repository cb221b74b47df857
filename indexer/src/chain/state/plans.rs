//! What governance is about to do: the scheduled upgrade, and the proposals that are voted on.

use bootwatch_rules::{
    Height,
    plans::{Plans, Proposal, UpgradePlan},
};
use jiff::Timestamp;
use prost::Message as _;

use super::{Question, StateSource, answer, convert::params};
use crate::chain::{ChainError, wire};

const PROPOSALS: &str = "Proposals";
const CURRENT_PLAN: &str = "CurrentPlan";
/// Proposals on a page, and pages: a voting period of mainnet has seen a handful at most.
const PAGE: u64 = 20;
const PAGES: usize = 5;
/// `PROPOSAL_STATUS_VOTING_PERIOD`. One whose deposit is not paid yet may never be voted on.
const VOTING: i32 = 2;

/// Characters of a title or a name, and types of messages, that are kept: strangers chose them.
const TEXT: usize = 200;
const TYPES: usize = 50;

const UPDATE_PARAMS: &str = "/inference.inference.MsgUpdateParams";
const SOFTWARE_UPGRADE: &str = "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade";
const CANCEL_UPGRADE: &str = "/cosmos.upgrade.v1beta1.MsgCancelUpgrade";

pub(super) async fn read<S: StateSource + ?Sized>(
    source: &S,
    height: Height,
) -> Result<Plans, ChainError> {
    let path = "/cosmos.upgrade.v1beta1.Query/CurrentPlan".to_owned();
    let plan = Question { method: CURRENT_PLAN, path, data: Vec::new() };
    let [plan, first] = super::ask(source, [plan, page(Vec::new())], height).await?;
    let plan: wire::CurrentPlanResponse = answer(source, CURRENT_PLAN, plan, height)?;
    let upgrade = plan.plan.and_then(upgrade);
    let mut plans = Plans { read_at: height, upgrade, ..Plans::default() };
    let mut value = first;
    for number in 1..=PAGES {
        let page_read: wire::ProposalsResponse = answer(source, PROPOSALS, value, height)?;
        plans.proposals.extend(page_read.proposals.into_iter().map(proposal));
        let key = page_read.pagination.unwrap_or_default().next_key;
        if key.is_empty() {
            break;
        }
        if number == PAGES {
            tracing::warn!(height, read = plans.proposals.len(), "more proposals are voted on");
            plans.more = true;
            break;
        }
        let next = page(key);
        value = source.query(next.method, &next.path, next.data, height).await;
    }
    plans.proposals.sort_by_key(|proposal| proposal.id);
    plans.proposals.dedup_by_key(|proposal| proposal.id);
    Ok(plans)
}

fn page(key: Vec<u8>) -> Question {
    let pagination = Some(wire::PageRequest { key, limit: PAGE });
    let request = wire::ProposalsRequest { proposal_status: VOTING, pagination };
    let path = "/cosmos.gov.v1.Query/Proposals".to_owned();
    Question { method: PROPOSALS, path, data: request.encode_to_vec() }
}

fn upgrade(plan: wire::UpgradePlan) -> Option<UpgradePlan> {
    (plan.height > 0).then(|| UpgradePlan { name: cut(&plan.name), height: plan.height })
}

/// Messages are executed in their order, so the last of a kind counts. One that cannot be read, or
/// is of a kind that nothing here hangs on, is named by its type alone.
fn proposal(wire: wire::Proposal) -> Proposal {
    let mut proposal = Proposal {
        id: wire.id,
        title: cut(&wire.title),
        voting_end: wire.voting_end_time.and_then(|t| Timestamp::new(t.seconds, t.nanos).ok()),
        expedited: wire.expedited,
        ..Proposal::default()
    };
    for any in wire.messages {
        let value = any.value.as_slice();
        match any.type_url.as_str() {
            UPDATE_PARAMS => {
                let read = wire::MsgUpdateParams::decode(value).ok();
                proposal.params = read.and_then(|update| update.params).map(params);
            }
            SOFTWARE_UPGRADE => {
                let read = wire::MsgSoftwareUpgrade::decode(value).ok();
                proposal.upgrade = read.and_then(|message| message.plan).and_then(upgrade);
                proposal.cancels_upgrade = false;
            }
            CANCEL_UPGRADE => {
                proposal.upgrade = None;
                proposal.cancels_upgrade = true;
            }
            _ => {}
        }
        let kind = cut(&any.type_url);
        if proposal.messages.len() < TYPES && !proposal.messages.contains(&kind) {
            proposal.messages.push(kind);
        }
    }
    proposal
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(type_url: &str, value: Vec<u8>) -> wire::Any {
        wire::Any { type_url: type_url.to_owned(), value }
    }

    /// The bytes that the chain's own code writes, by field number, and fields that are not read.
    #[test]
    fn a_proposal_is_read_from_its_bytes() {
        // deploy_window = 600 (field 1) in delegation_params (16) in params (2).
        let params = [0x12, 0x06, 0x82, 0x01, 0x03, 0x08, 0xd8, 0x04];
        // A plan (2) with name "v9" (1), the zero time (2), height 300 (3), info "x" (4).
        let plan = [
            &[0x0a, 0x01, b'g', 0x12, 0x16][..],
            &[0x0a, 0x02, b'v', b'9'],
            &[0x12, 0x0b, 0x08, 0x80, 0x92, 0xb8, 0xc3, 0x98, 0xfe, 0xff, 0xff, 0xff, 0x01],
            &[0x18, 0xac, 0x02],
            &[0x22, 0x00],
        ]
        .concat();
        let message = |type_url: &str, value: &[u8]| any(type_url, value.to_vec()).encode_to_vec();
        let field = |tag: u8, bytes: &[u8]| {
            [&[tag << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
        };
        let bytes = [
            &[0x08, 0x65][..],
            &field(2, &message(UPDATE_PARAMS, &params)),
            &field(2, &message(SOFTWARE_UPGRADE, &plan)),
            &field(2, &message("/inference.inference.MsgRegisterModel", &[1, 2, 3])),
            // Status, voting end at 1,780,000,000.5 s, title, summary, expedited, failed reason.
            &[0x18, 0x02],
            &field(9, &[0x08, 0x80, 0xca, 0xe2, 0xd0, 0x06, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]),
            &field(11, b"A title"),
            &field(12, b"more"),
            &[0x70, 0x01],
            &field(15, b"none"),
        ]
        .concat();
        let read = proposal(wire::Proposal::decode(bytes.as_slice()).unwrap());
        assert_eq!((read.id, read.title.as_str(), read.expedited), (101, "A title", true));
        let half = Timestamp::new(1_780_000_000, 500_000_000).unwrap();
        assert_eq!(read.voting_end, Some(half));
        assert_eq!(read.params.unwrap().delegation.unwrap().deploy_window, 600);
        assert_eq!(read.upgrade, Some(UpgradePlan { name: "v9".into(), height: 300 }));
        let kinds = [UPDATE_PARAMS, SOFTWARE_UPGRADE, "/inference.inference.MsgRegisterModel"];
        assert_eq!(read.messages, kinds);
    }

    // Fails when something a stranger wrote is kept at any length, or stops the reading.
    #[test]
    fn what_a_stranger_proposes_is_bounded_and_harmless() {
        let mut messages = vec![any(UPDATE_PARAMS, vec![0xff]), any(SOFTWARE_UPGRADE, vec![0xff])];
        messages.extend((0..500).map(|n| any(&format!("/x.Msg{n}"), Vec::new())));
        messages.push(any(CANCEL_UPGRADE, Vec::new()));
        let read = proposal(wire::Proposal {
            title: "ж".repeat(5_000),
            voting_end_time: Some(wire::Timestamp { seconds: i64::MAX, nanos: -1 }),
            messages,
            ..wire::Proposal::default()
        });
        assert_eq!(read.title.chars().count(), TEXT);
        assert_eq!((read.params, read.upgrade, read.voting_end), (None, None, None));
        assert_eq!((read.messages.len(), read.cancels_upgrade), (TYPES, true));
        let none = upgrade(wire::UpgradePlan { name: "v9".into(), height: 0 });
        assert_eq!(none, None, "a plan without a height is none");
    }

    #[test]
    fn the_last_message_of_a_kind_counts() {
        let plan = |height| Some(wire::UpgradePlan { name: "v9".into(), height });
        let schedule = |height| {
            let message = wire::MsgSoftwareUpgrade { plan: plan(height) };
            any(SOFTWARE_UPGRADE, message.encode_to_vec())
        };
        let cancel = any(CANCEL_UPGRADE, Vec::new());
        let messages = vec![schedule(5), cancel, schedule(7), schedule(9)];
        let read = proposal(wire::Proposal { messages, ..wire::Proposal::default() });
        assert_eq!(read.upgrade.map(|plan| plan.height), Some(9));
        assert!(!read.cancels_upgrade);
    }
}
