//! What we said is held against what the chain said: projections against captures, forecasts against
//! the charges that it fixed.

use bootwatch_rules::{
    BlockFacts, Fraction,
    forecast::{ChargeRange, KeptForecast, Progress},
    ledger::Ledger,
};

use crate::metrics::Metrics;

/// Counts and logs every host whose charge is now known to be another one than was said, and gives
/// the first of them in words.
pub(crate) fn tell(progress: &Progress, metrics: &Metrics) -> Option<String> {
    let KeptForecast { epoch, height, rule_set, hosts, .. } = &*progress.forecast;
    let mut first = None;
    for (host, charge) in progress.wrong.iter().filter_map(|host| hosts.get_key_value(host)) {
        metrics.rule_mismatch("forecast");
        let stored = charge.stored.unwrap_or(Fraction::ZERO);
        first.get_or_insert_with(|| {
            let ChargeRange { min, max } = charge.range;
            format!(
                "epoch {epoch}: forecast {min} to {max} for {host}, the chain charges {stored}; \
                 hosts forecast wrong: {}",
                progress.wrong.len()
            )
        });
        tracing::error!(
            host = host.as_str(),
            epoch,
            least = %charge.range.min,
            most = %charge.range.max,
            %stored,
            %rule_set,
            forecast_at = height,
            "the chain charges something else than was forecast: our rules are wrong here"
        );
    }
    first
}

/// A capture that contradicts what we made of the same block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// `network_weight` or `projection`.
    pub(crate) statement: &'static str,
    /// What differs.
    pub(crate) difference: String,
}

/// What the captures of the newest block contradict. Empty while the state of that very height, or
/// the choice of a live member, is not known: then nothing was projected.
pub(crate) fn contradicted(ledger: &Ledger, facts: &BlockFacts) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for said in &facts.captures {
        let Some(terms) = ledger.frozen.terms.get(&said.model_id) else { continue };
        // The same in all captures of a block, so it is told once.
        let chain = said.total_network_weight;
        if let Some(ours) = terms.network_weight.filter(|ours| *ours != chain)
            && found.is_empty()
        {
            let difference =
                format!("the network weighs {ours} by our count, {chain} by the chain");
            found.push(Contradiction { statement: "network_weight", difference });
        }
        if let Some(ours) = terms.ours.as_ref().filter(|ours| *ours != said) {
            let difference = format!("projected {ours:?}, the chain said {said:?}");
            found.push(Contradiction { statement: "projection", difference });
        }
    }
    found
}
