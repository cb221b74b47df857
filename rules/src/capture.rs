//! What the chain says about one candidate model at the capture height.

use serde::{Deserialize, Serialize};

use crate::{Height, ModelId, Weight};

/// The ten attributes of a `bootstrap_model_preeligibility` event. Advisory: a model that misses
/// may still activate, and one that passes may still fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Capture {
    /// Height of the capture; equals the height of the block that carries the event.
    pub snapshot_height: Height,
    /// The candidate.
    pub model_id: ModelId,
    /// All three checks hold and the model's coefficient is positive.
    pub pre_eligible: bool,
    /// Enough weight declared intent.
    pub meets_weight_threshold: bool,
    /// Enough hosts with weight declared intent.
    pub meets_v_min: bool,
    /// Intent and delegations to it hold more than two thirds of the network's weight.
    pub meets_reachability: bool,
    /// Hosts with weight that declared intent.
    pub intent_host_count: i64,
    /// Their weight.
    pub intent_weight: Weight,
    /// Their weight and that of the hosts that delegate to them.
    pub reachable_voting_power: Weight,
    /// Weight of all live members of the effective root group.
    pub total_network_weight: Weight,
}
