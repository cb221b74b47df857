//! `BlocksLost`: a range of blocks that no endpoint has any more.

use bootwatch_schema::Severity;

use super::{About, Alert, Basis, EVENT, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Notice, Row, grouped},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "warning",
    when: "blocks of the running epoch are missing, and no endpoint has them any more",
    observe,
    ..EVENT
};

const NAME: &str = "BlocksLost";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let epoch_start = view.situation.epoch.poc_start;
    let holes = view.situation.data.unfillable.iter();
    holes
        .filter(|(_, last)| epoch_start > 0 && *last >= epoch_start)
        .map(|&(first, last)| {
            let lost = match last.saturating_sub(first).saturating_add(1) {
                1 => "1 block is lost".to_owned(),
                count => format!("{} blocks are lost", grouped(count)),
            };
            let say = move |_: View<'_>| Notice {
                numbers: vec![Row::new("First", &grouped(first)), Row::new("Last", &grouped(last))],
                ..says(
                    lost.clone(),
                    "No endpoint has these blocks any more. Choices were read again from the \
                     chain's state behind them, so what is shown now is right; captures, commits \
                     and the history in between are missing. An endpoint that keeps more blocks \
                     avoids it.",
                )
            };
            // A hole may grow at its end while it is found.
            let summary = format!("blocks from {} on are lost", grouped(first));
            Observed::new(identity(NAME, [], first), Severity::Warning, summary, say)
        })
        .collect()
}
