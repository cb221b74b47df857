//! What speaks for and against the host that a watched host delegates to.

use bootwatch_rules::{Choice, delegates::DelegateFacts};

use super::{Families, flag, number, ratio};

/// The facts about one delegate, under the host that delegates.
pub(super) fn families(out: &mut Families, labels: &[(&str, &str)], facts: &DelegateFacts) {
    let mut one = |name, help, value| out.gauge(name, help, labels, value);
    one(
        "bootwatch_delegate_excluded",
        "1 when the host's delegate was removed from the running epoch.",
        flag(facts.excluded.is_some()),
    );
    one(
        "bootwatch_delegate_guardian",
        "1 when the host's delegate is one of the chain's guardians.",
        flag(facts.guardian),
    );
    one(
        "bootwatch_delegate_declines",
        "1 when the host's delegate itself delegates or refuses the model.",
        flag(matches!(facts.choice, Some(Choice::Delegate { .. } | Choice::Refuse))),
    );
    one(
        "bootwatch_delegate_committed",
        "1 when the host's delegate committed in the newest PoC.",
        flag(facts.committed.is_some()),
    );
    one(
        "bootwatch_delegate_distributed",
        "1 when the host's delegate sent the weight distribution of the newest PoC.",
        flag(facts.distributed),
    );
    one(
        "bootwatch_delegate_delegated_weight",
        "Weight of the live hosts that delegate to the host's delegate.",
        number(facts.delegated_weight),
    );
    if let Some(share) = facts.voting_share {
        one(
            "bootwatch_delegate_voting_share_ratio",
            "The delegate's part of its group's voting power; absent without a group.",
            ratio(share),
        );
    }
    if let Some(burned) = facts.burned {
        one(
            "bootwatch_delegate_burned_weight",
            "Weight that the cap on one host's voting power would burn if the group formed now.",
            number(burned),
        );
    }
}
