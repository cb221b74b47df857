//! `NoHealthyEndpoint`, `EndpointDown`, `EndpointLagging`, `EndpointWrong` and `EndpointsDisagree`:
//! where the blocks come from.

use bootwatch_rules::situation::{EndpointState, EndpointView};
use bootwatch_schema::{Ending, Incident, Severity};
use jiff::SignedDuration;

use super::{About, Alert, Basis, CONDITION, View, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Notice, Row, grouped, plain},
};

pub(crate) const NONE_HEALTHY: &str = "NoHealthyEndpoint";
pub(crate) const DOWN: &str = "EndpointDown";
pub(crate) const LAGGING: &str = "EndpointLagging";
pub(crate) const WRONG: &str = "EndpointWrong";
pub(crate) const DISAGREE: &str = "EndpointsDisagree";
const ENDPOINT: &str = "endpoint";
const CLEAR: SignedDuration = SignedDuration::from_secs(60);

const ENDPOINT_ALERT: Alert =
    Alert { about: About::Bootwatch, basis: Basis::Bootwatch, absent, ..CONDITION };

pub(super) const NONE_HEALTHY_ALERT: Alert = Alert {
    name: NONE_HEALTHY,
    severity: "critical",
    when: "no endpoint can be used: Bootwatch is blind",
    // Before any of the endpoints' own alerts, which it explains.
    timing: |_| Timing { hold: SignedDuration::from_secs(60), clear: CLEAR },
    observe: none_healthy,
    absent: |_, view| match healthy(view).next() {
        Some(_) => Absence::Ended(Ending::Met),
        None => Absence::Unknown,
    },
    ..ENDPOINT_ALERT
};

pub(super) const DOWN_ALERT: Alert = Alert {
    name: DOWN,
    severity: "warning",
    when: "an endpoint does not answer",
    keys: &["endpoint_down_after"],
    timing: |policy| Timing { hold: policy.thresholds.endpoint_down_after, clear: CLEAR },
    observe: down,
    ..ENDPOINT_ALERT
};

pub(super) const LAGGING_ALERT: Alert = Alert {
    name: LAGGING,
    severity: "warning",
    when: "an endpoint is behind the others or catching up",
    keys: &["endpoint_lagging_after"],
    timing: |policy| Timing { hold: policy.thresholds.endpoint_lagging_after, clear: CLEAR },
    observe: lagging,
    ..ENDPOINT_ALERT
};

pub(super) const WRONG_ALERT: Alert = Alert {
    name: WRONG,
    severity: "critical",
    when: "an endpoint serves another chain, or blocks that disagree with ours",
    timing: |_| Timing { hold: SignedDuration::from_secs(10), clear: CLEAR },
    observe: wrong,
    ..ENDPOINT_ALERT
};

pub(super) const DISAGREE_ALERT: Alert = Alert {
    name: DISAGREE,
    severity: "critical",
    when: "endpoints show different blocks of one height: none is taken in until they agree",
    timing: |_| Timing { hold: SignedDuration::from_secs(10), clear: CLEAR },
    observe: disagree,
    absent: |_, _| Absence::Ended(Ending::Met),
    ..ENDPOINT_ALERT
};

fn disagree(view: View<'_>) -> Vec<Observed<'_>> {
    let Some(found) = &view.situation.data.disagreement else { return Vec::new() };
    let say = move |_: View<'_>| Notice {
        numbers: found
            .endpoints
            .iter()
            .map(|one| Row::new(&plain(&one.endpoint, 40), &plain(&one.hash, 80)))
            .collect(),
        ..says(
            format!("endpoints disagree about block {}", grouped(found.height)),
            "Endpoints show different blocks of the same height, and only one can be the chain's. \
             Nothing is taken in until they agree. Find out which one is right, and take the other \
             out of the configuration.",
        )
    };
    let summary = format!("endpoints disagree about block {}", grouped(found.height));
    vec![Observed::new(identity(DISAGREE, [], ""), Severity::Critical, summary, say)]
}

fn healthy(view: View<'_>) -> impl Iterator<Item = &EndpointView> {
    view.situation.endpoints.iter().filter(|endpoint| endpoint.state == EndpointState::Up)
}

fn none_healthy(view: View<'_>) -> Vec<Observed<'_>> {
    let endpoints = &view.situation.endpoints;
    let asked = |endpoint: &EndpointView| endpoint.state != EndpointState::Unknown;
    // One that lags can still be read from.
    let usable = |e: &EndpointView| matches!(e.state, EndpointState::Up | EndpointState::Lagging);
    if endpoints.is_empty() || !endpoints.iter().all(asked) || endpoints.iter().any(usable) {
        return Vec::new();
    }
    let say = move |view: View<'_>| Notice {
        numbers: endpoints.iter().map(row).collect(),
        ..says(
            "no endpoint can be used",
            format!(
                "None of the endpoints can be used, so no block has been taken in after block {}. \
                 Nothing is known about what came after it: deadlines go on, and Bootwatch cannot \
                 warn of them. Check the node, the network between, and [[endpoint]] rpc; a second \
                 endpoint helps.",
                grouped(view.situation.complete_to)
            ),
        )
    };
    let summary = "no endpoint can be used".to_owned();
    vec![Observed::new(identity(NONE_HEALTHY, [], ""), Severity::Critical, summary, say)]
}

fn down(view: View<'_>) -> Vec<Observed<'_>> {
    let what = "It does not answer. Blocks are taken from the other endpoints, when there are any.";
    in_state(view, EndpointState::Down, DOWN, Severity::Warning, "does not answer", what)
}

fn lagging(view: View<'_>) -> Vec<Observed<'_>> {
    let what = "It answers, but its newest block is older than that of others, or it is catching \
                up. It is used only when no better one is left.";
    in_state(view, EndpointState::Lagging, LAGGING, Severity::Warning, "lags behind", what)
}

fn wrong(view: View<'_>) -> Vec<Observed<'_>> {
    let what = "It serves another chain, or blocks that are not those of the stored chain. Nothing \
                is taken from it. Either its address is wrong, or it was reset, or somebody feeds \
                you a false chain.";
    in_state(view, EndpointState::Wrong, WRONG, Severity::Critical, "is on another chain", what)
}

fn in_state<'a>(
    view: View<'a>,
    state: EndpointState,
    alert: &'static str,
    severity: Severity,
    verb: &str,
    what: &'static str,
) -> Vec<Observed<'a>> {
    let endpoints = view.situation.endpoints.iter().filter(|e| e.state == state);
    endpoints
        .map(|endpoint| {
            let summary = format!("endpoint {} {verb}", plain(&endpoint.name, 40));
            let headline = summary.clone();
            let say = move |view: View<'_>| Notice {
                numbers: view.situation.endpoints.iter().map(row).collect(),
                ..says(headline.clone(), what)
            };
            let identity = identity(alert, [(ENDPOINT, endpoint.name.as_str())], "");
            Observed::new(identity, severity, summary, say)
        })
        .collect()
}

fn row(endpoint: &EndpointView) -> Row {
    let state = match endpoint.state {
        EndpointState::Unknown => "not asked yet",
        EndpointState::Up => "up",
        EndpointState::Lagging => "lagging",
        EndpointState::Down => "down",
        EndpointState::Wrong => "wrong",
    };
    let height =
        endpoint.height.map_or_else(String::new, |height| format!(", block {}", grouped(height)));
    let reason =
        endpoint.reason.as_ref().map_or_else(String::new, |why| format!(": {}", plain(why, 200)));
    Row::new(&plain(&endpoint.name, 40), &format!("{state}{height}{reason}"))
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let name = label(incident, ENDPOINT);
    match view.situation.endpoints.iter().find(|endpoint| endpoint.name == name) {
        None => Absence::Faded,
        Some(endpoint) if endpoint.state == EndpointState::Unknown => Absence::Unknown,
        Some(endpoint) if endpoint.state == EndpointState::Up => Absence::Ended(Ending::Met),
        // From one trouble into another: the other one speaks.
        Some(_) => Absence::Faded,
    }
}
