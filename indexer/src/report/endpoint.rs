//! Endpoints in words.

use bootwatch_rules::situation::{EndpointState, EndpointView};

use super::words::{clean, count};

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: &'static str,
    /// Its state is good.
    pub up: bool,
    /// The newest block it told of; a dash when it told of none.
    pub block: String,
    /// How fast it answers; a dash before its first answer.
    pub latency: String,
    /// Requests of the last minute, and how many there may be.
    pub budget: String,
    /// The rest.
    pub remarks: String,
    /// All of it in one line.
    pub notes: String,
}

impl Endpoint {
    /// Words for an endpoint.
    #[must_use]
    pub fn new(endpoint: &EndpointView) -> Self {
        let dash = || "-".to_owned();
        let block = endpoint.height.map(count);
        let latency = endpoint.latency_ms.map(|latency| format!("{latency} ms"));
        let budget = endpoint.requests.map(|r| format!("{} of {}", r.used, r.limit));
        let earliest = endpoint.earliest.map(|height| format!("back to {}", count(height)));
        let selected = endpoint.selected.then(|| "in use".to_owned());
        let websocket = endpoint.websocket.then(|| "websocket".to_owned());
        let reason = endpoint.reason.as_deref().map(clean);
        let join = |notes: &[&Option<String>]| {
            let notes: Vec<_> = notes.iter().filter_map(|note| note.as_deref()).collect();
            notes.join(", ")
        };
        let notes = join(&[
            &block.as_ref().map(|block| format!("block {block}")),
            &earliest,
            &selected,
            &websocket,
            &latency.as_ref().map(|latency| format!("answers in {latency}")),
            &budget.as_ref().map(|budget| format!("{budget} requests a minute")),
            &reason,
        ]);
        Self {
            block: block.unwrap_or_else(dash),
            latency: latency.unwrap_or_else(dash),
            budget: budget.unwrap_or_else(|| "no limit".to_owned()),
            remarks: join(&[&earliest, &selected, &websocket, &reason]),
            notes,
            name: clean(&endpoint.name),
            state: match endpoint.state {
                EndpointState::Unknown => "not asked yet",
                EndpointState::Up => "up",
                EndpointState::Lagging => "lagging",
                EndpointState::Down => "down",
                EndpointState::Wrong => "wrong chain or blocks",
            },
            up: endpoint.state == EndpointState::Up,
        }
    }
}
