//! After a capture, what we would have said is held against what the chain said.

use bootwatch_rules::{BlockFacts, Capture, Network, ledger::Ledger, preeligibility};

/// One difference for each capture of the block that our own projection contradicts. Empty while
/// the state of that very height, or the choice of a live member, is not known: then nothing was
/// projected.
pub(crate) fn contradicted(ledger: &Ledger, facts: &BlockFacts) -> Vec<String> {
    let Some(state) = ledger.state.as_ref().filter(|state| state.height == facts.height) else {
        return Vec::new();
    };
    let (Some(params), Ok(network)) =
        (&state.params.delegation, Network::new(ledger.live_members()))
    else {
        return Vec::new();
    };
    if network.members().any(|(host, _)| !ledger.known_hosts.contains(host)) {
        return Vec::new();
    }
    let project = |said: &Capture| {
        let model = state.params.models.iter().find(|model| model.model_id == said.model_id)?;
        let choices = ledger.choices.get(&said.model_id);
        let standing = choices.into_iter().flatten().map(|(host, s)| (host, &s.choice));
        let projected = preeligibility::project(params, model, &network, standing);
        Some(projected.capture(facts.height))
    };
    facts
        .captures
        .iter()
        .filter_map(|said| {
            let projected = project(said)?;
            (projected != *said)
                .then(|| format!("projected {projected:?}, the chain said {said:?}"))
        })
        .collect()
}
