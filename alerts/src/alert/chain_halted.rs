//! `ChainHalted`: endpoints answer, and none of them has a new block.

use bootwatch_rules::situation::EndpointState;
use bootwatch_schema::{Ending, Severity};

use super::{About, Alert, Basis, CONDITION, View, identity, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Notice, Row, grouped, plain, utc},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "critical",
    when: "endpoints answer, and none has shown a new block for a while",
    keys: &["chain_halted_after"],
    timing: |_| Timing::clears_after(30),
    observe,
    absent: |_, view| {
        let moves = view.situation.head > view.situation.complete_to;
        if moves || !view.situation.stale { Absence::Ended(Ending::Met) } else { Absence::Unknown }
    },
    ..CONDITION
};

pub(crate) const NAME: &str = "ChainHalted";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let situation = view.situation;
    let answers = situation.endpoints.iter().any(|e| e.state == EndpointState::Up);
    let age = view.now.duration_since(situation.head_time);
    if !situation.stale
        || !answers
        || situation.head > situation.complete_to
        || age < view.policy.thresholds.chain_halted_after
    {
        return Vec::new();
    }
    let next = situation.complete_to.saturating_add(1);
    let upgrade = situation.plans.as_ref().and_then(|plans| plans.upgrade.as_ref());
    let upgrade = upgrade.filter(|upgrade| upgrade.height == next).map_or_else(String::new, |plan| {
        let name = plain(&plan.name, 60);
        format!(
            " Block {} is that of upgrade {name}: it comes once enough hosts run the new program.",
            grouped(next)
        )
    });
    let say = move |view: View<'_>| Notice {
        numbers: vec![
            Row::new("Newest block", &grouped(situation.complete_to)),
            Row::new("Its time", &utc(situation.head_time, None, view.lang())),
        ],
        ..says(
            format!("no new block after {}", grouped(situation.complete_to)),
            format!(
                "The endpoints answer, but none of them has a newer block. Either the chain stands \
                 still, or all of them have lost the network. Deadlines are blocks: they move back \
                 by as long as this lasts.{upgrade}"
            ),
        )
    };
    let summary = "the chain has no new block".to_owned();
    vec![Observed::new(identity(NAME, [], ""), Severity::Critical, summary, say)]
}
