//! What governance is about to do.

use bootwatch_rules::situation::{PlansView, ProposalView};

use super::{Families, flag, number, seconds, size};

const EFFECTS: [&str; 3] = ["moves", "changes", "other"];

/// The scheduled upgrade, and the proposals in their voting period.
pub(super) fn families(out: &mut Families, plans: &PlansView) {
    if let Some(upgrade) = &plans.upgrade {
        out.gauge(
            "bootwatch_upgrade_height",
            "First block of the scheduled upgrade of the chain; absent while none is scheduled.",
            &[],
            number(upgrade.height),
        );
        if let Some(eta) = upgrade.eta {
            out.gauge(
                "bootwatch_upgrade_timestamp_seconds",
                "When the scheduled upgrade is expected.",
                &[],
                seconds(eta),
            );
        }
        out.gauge(
            "bootwatch_upgrade_disturbs",
            "1 when the scheduled upgrade falls where the network may still be busy with it at a deadline.",
            &[],
            flag(upgrade.disturbs.is_some()),
        );
    }
    for name in EFFECTS {
        let count = plans.proposals.iter().filter(|proposal| effect(proposal) == name).count();
        out.gauge(
            "bootwatch_proposals",
            "Proposals in their voting period, by effect: moves a deadline, threshold, charge or model; changes something else; or other.",
            &[("effect", name)],
            size(count),
        );
    }
    if let Some(end) = plans.proposals.iter().filter_map(|proposal| proposal.voting_end).min() {
        out.gauge(
            "bootwatch_proposals_voting_end_timestamp_seconds",
            "When the next of the votes ends; absent while there is none.",
            &[],
            seconds(end),
        );
    }
}

fn effect(proposal: &ProposalView) -> &'static str {
    if proposal.moves() {
        "moves"
    } else if !proposal.changes.is_empty() || proposal.upgrade.is_some() || proposal.cancels_upgrade
    {
        "changes"
    } else {
        "other"
    }
}
