//! Where the blocks come from.

use bootwatch_rules::situation::{EndpointState, EndpointView};

use super::{Families, count, flag, number, seconds};

const STATES: [(EndpointState, &str); 5] = [
    (EndpointState::Unknown, "unknown"),
    (EndpointState::Up, "up"),
    (EndpointState::Lagging, "lagging"),
    (EndpointState::Down, "down"),
    (EndpointState::Wrong, "wrong"),
];

/// One endpoint.
pub(super) fn families(out: &mut Families, endpoint: &EndpointView) {
    let labels = &[("endpoint", endpoint.name.as_str())];
    for (state, name) in STATES {
        out.gauge(
            "bootwatch_endpoint_state",
            "1 for the state the endpoint is in; wrong: it serves another chain, or blocks that do not link to ours.",
            &[labels[0], ("state", name)],
            flag(endpoint.state == state),
        );
    }
    let mut one = |name, help, value| out.gauge(name, help, labels, value);
    one(
        "bootwatch_endpoint_up",
        "1 when the endpoint answers and its data is good.",
        flag(endpoint.state == EndpointState::Up),
    );
    one("bootwatch_endpoint_selected", "1 when blocks are taken from it.", flag(endpoint.selected));
    one("bootwatch_ws_connected", "1 when its websocket delivers.", flag(endpoint.websocket));
    if let Some(height) = endpoint.height {
        one("bootwatch_endpoint_height", "Newest height it told of.", number(height));
    }
    if let Some(earliest) = endpoint.earliest {
        one("bootwatch_endpoint_earliest_height", "Oldest height it still has.", number(earliest));
    }
    if let Some(behind) = endpoint.behind {
        one(
            "bootwatch_endpoint_lag_blocks",
            "Blocks that it is behind the best of the others.",
            number(behind),
        );
    }
    if let Some(latency) = endpoint.latency_ms {
        one(
            "bootwatch_endpoint_latency_seconds",
            "How long it takes to answer, smoothed.",
            count(latency) / 1e3,
        );
    }
    one(
        "bootwatch_endpoint_quarantined_until_timestamp_seconds",
        "Until when it is left alone because it lied or lagged; 0 when it is not.",
        endpoint.quarantined_until.map_or(0.0, seconds),
    );
    if let Some(requests) = endpoint.requests {
        one(
            "bootwatch_endpoint_requests_used",
            "Requests over HTTP in the last minute; absent without a limit.",
            f64::from(requests.used),
        );
        one(
            "bootwatch_endpoint_requests_limit",
            "Requests over HTTP that it may be asked in any minute; absent without a limit.",
            f64::from(requests.limit),
        );
    }
}
