//! Each model: what its capture needs, what its last capture said, how its group stands.

use bootwatch_rules::{
    margin::Margin,
    situation::{Gap, ModelState, ModelView},
};

use super::{Families, count, flag, number, ratio, size};

/// One model.
pub(super) fn families(out: &mut Families, model: &ModelView) {
    let labels = &[("model_id", model.model_id.as_str())];
    out.gauge(
        "bootwatch_model_active",
        "1 when the model has a group with voting power, 0 when it is a candidate.",
        labels,
        flag(model.state == ModelState::Active),
    );
    out.gauge(
        "bootwatch_model_penalty_start_epoch",
        "First epoch in which the model can cost anything.",
        labels,
        count(model.penalty_start_epoch),
    );
    if let Some(coefficient) = model.coefficient.and_then(|c| c.to_fraction().ok()) {
        out.gauge(
            "bootwatch_model_coefficient",
            "What a unit of work for the model weighs; absent while it is not known.",
            labels,
            ratio(coefficient),
        );
    }
    if let Some(fell_out) = model.fell_out {
        out.gauge(
            "bootwatch_model_fell_out_epoch",
            "First epoch that was formed without the model; absent while it never fell out.",
            labels,
            count(fell_out.without_since),
        );
    }
    if let Some(margin) = &model.margin {
        self::margin(out, labels, margin);
    }
    if let Some(gaps) = &model.gaps {
        let [(hosts_have, hosts_need), (weight_have, weight_need), (reach_have, reach_need)] = GAPS;
        gap(out, labels, gaps.hosts, hosts_have, hosts_need);
        gap(out, labels, gaps.weight, weight_have, weight_need);
        gap(out, labels, gaps.reach, reach_have, reach_need);
        out.gauge(
            "bootwatch_model_projected_preeligible",
            "1 when the chain would find the model pre-eligible if the capture were now.",
            labels,
            flag(gaps.pre_eligible),
        );
        out.gauge(
            "bootwatch_model_projection_uncertain",
            "1 when the chain counted another network weight than we did, so that the projection may be wrong.",
            labels,
            flag(gaps.uncertain),
        );
    }
    if let Some(plan) = model.closing.as_ref().and_then(|closing| closing.all.as_ref()) {
        out.gauge(
            "bootwatch_model_closing_hosts",
            "Fewest hosts whose choices would close every gap of the candidate; absent when none suffice.",
            labels,
            size(plan.count),
        );
    }
    if let Some(snapshot) = &model.snapshot {
        out.gauge(
            "bootwatch_model_preeligible",
            "1 when the model was pre-eligible in its last capture.",
            labels,
            flag(snapshot.capture.pre_eligible),
        );
        out.gauge(
            "bootwatch_model_snapshot_height",
            "Height of the model's last capture.",
            labels,
            number(snapshot.capture.snapshot_height),
        );
        out.gauge(
            "bootwatch_model_snapshot_network_weight",
            "Weight of the network in the model's last capture.",
            labels,
            number(snapshot.capture.total_network_weight),
        );
        let [(hosts_have, hosts_need), (weight_have, weight_need), (reach_have, reach_need)] =
            SNAPSHOT;
        gap(out, labels, snapshot.gaps.hosts, hosts_have, hosts_need);
        gap(out, labels, snapshot.gaps.weight, weight_have, weight_need);
        gap(out, labels, snapshot.gaps.reach, reach_have, reach_need);
    }
}

type Named = (&'static str, &'static str);

/// Name and help of have and need, for hosts, weight and reach.
const GAPS: [(Named, Named); 3] = [
    (
        (
            "bootwatch_model_intent_hosts",
            "Hosts with weight that declare intent for the candidate.",
        ),
        ("bootwatch_model_required_hosts", "Hosts with weight that must declare intent."),
    ),
    (
        ("bootwatch_model_intent_weight", "Weight of the hosts that declare intent."),
        ("bootwatch_model_required_weight", "Weight that must declare intent."),
    ),
    (
        (
            "bootwatch_model_reachable_voting_power",
            "Weight of the hosts that declare intent and of those that delegate to them.",
        ),
        (
            "bootwatch_model_required_voting_power",
            "Weight that must be reached by intent and delegation.",
        ),
    ),
];

/// The same in the last capture.
const SNAPSHOT: [(Named, Named); 3] = [
    (
        (
            "bootwatch_model_snapshot_intent_hosts",
            "Hosts with weight that had declared intent in the model's last capture.",
        ),
        (
            "bootwatch_model_snapshot_required_hosts",
            "Hosts with weight that had to declare intent for the model's last capture.",
        ),
    ),
    (
        (
            "bootwatch_model_snapshot_intent_weight",
            "Weight of the hosts that had declared intent in the model's last capture.",
        ),
        (
            "bootwatch_model_snapshot_required_weight",
            "Weight that had to declare intent for the model's last capture.",
        ),
    ),
    (
        (
            "bootwatch_model_snapshot_reachable_voting_power",
            "Weight that intent and delegation reached in the model's last capture.",
        ),
        (
            "bootwatch_model_snapshot_required_voting_power",
            "Weight that intent and delegation had to reach in the model's last capture.",
        ),
    ),
];

/// An active model's group against what it needs.
const GROUP: [(Named, Named); 3] = [
    (
        ("bootwatch_model_group_voting_power", "Voting power of the live members of the group."),
        (
            "bootwatch_model_group_required_voting_power",
            "Voting power without which no host's work in the group is accepted.",
        ),
    ),
    (
        ("bootwatch_model_group_hosts", "Live members of the group with weight."),
        (
            "bootwatch_model_group_required_hosts",
            "Hosts that the group needs at its next formation.",
        ),
    ),
    (
        ("bootwatch_model_group_weight", "Network weight of the live members of the group."),
        (
            "bootwatch_model_group_required_weight",
            "Network weight that the group needs at its next formation.",
        ),
    ),
];

fn margin(out: &mut Families, labels: &[(&str, &str)], margin: &Margin) {
    let [(votes_have, votes_need), (hosts_have, hosts_need), (weight_have, weight_need)] = GROUP;
    gap(out, labels, margin.votes, votes_have, votes_need);
    gap(out, labels, margin.hosts, hosts_have, hosts_need);
    gap(out, labels, margin.weight, weight_have, weight_need);
    out.gauge(
        "bootwatch_model_group_largest_share_ratio",
        "Largest part of the group's voting power in one hand.",
        labels,
        ratio(margin.largest_share),
    );
    out.gauge(
        "bootwatch_model_group_pivotal_hosts",
        "Fewest hosts without whose votes no work in the group is accepted; 0 when it is lost already.",
        labels,
        size(margin.pivotal_count),
    );
}

fn gap(out: &mut Families, labels: &[(&str, &str)], gap: Gap, have: Named, need: Named) {
    out.gauge(have.0, have.1, labels, number(gap.have));
    if let Some(needed) = gap.need {
        out.gauge(need.0, need.1, labels, number(needed));
    }
}
