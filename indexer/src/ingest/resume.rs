//! Where a store left off.

use bootwatch_rules::{Height, forecast::Forecasts, ledger::Ledger};
use bootwatch_schema::Loaded;

use super::coverage::Coverage;

/// Where a store left off.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) ledger: Ledger,
    /// The last height that is stored or given up; none in an empty store.
    pub(crate) done: Option<Height>,
    /// The hash of the ledger's tip; none where nothing is there to link to.
    pub(crate) last_hash: Option<String>,
    pub(crate) coverage: Coverage,
    pub(crate) malformed: u64,
    pub(crate) reconciled: u64,
    pub(crate) forecasts: Forecasts,
}

impl From<Loaded> for Resumed {
    fn from(loaded: Loaded) -> Self {
        let coverage = Coverage::from(&loaded.coverage);
        let mut ledger = loaded.ledger;
        let tip = ledger.tip.map(|tip| tip.height);
        let holes = coverage.unfillable();
        // A hole may have been recorded in the last moment before a crash.
        let ahead = tip.and_then(|tip| holes.holding(tip.saturating_add(1)));
        if let Some(tip) = tip
            && (ahead.is_some() || is_unread_since_hole(&ledger, &coverage, tip))
        {
            ledger.known_hosts.clear();
        }
        Self {
            done: ahead.map(|(_, last)| last).or(tip),
            last_hash: loaded.last_hash.filter(|_| tip.is_some() && ahead.is_none()),
            malformed: loaded.malformed,
            reconciled: loaded.reconciled,
            forecasts: loaded.forecasts,
            coverage,
            ledger,
        }
    }
}

/// The ledger has skipped a hole: blocks are stored on both sides of it. What it knew before may be
/// outdated, and the answers that were asked for behind it may not all have come.
fn is_unread_since_hole(ledger: &Ledger, coverage: &Coverage, tip: Height) -> bool {
    let first = coverage.complete_from(tip);
    let behind = coverage.unfillable().holding(first.saturating_sub(1));
    let skipped = |(hole, _): (Height, Height)| {
        ledger.ticks.front().is_some_and(|oldest| oldest.height < hole)
    };
    behind.is_some_and(skipped)
}
