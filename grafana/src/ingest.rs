//! Where the blocks come from, and how they get in.

use crate::{
    dashboard::Dashboard,
    panel::{curves, heatmap, row, stat, table, timeline},
};

pub(crate) fn dashboard() -> Dashboard {
    let p95 = |metric: &str| {
        format!(
            "histogram_quantile(0.95, sum by (le) (rate({metric}_bucket{{@}}[$__rate_interval])))"
        )
    };
    let panels = vec![
        stat("Known", "Whether a block has been judged, and whether the data is too old to rely on.")
            .ask("min(bootwatch_situation_known{@})", "known")
            .ask("max(bootwatch_ingest_stale{@})", "stale")
            .unit("bool_yes_no")
            .colours("blue", &[]),
        stat("Stored from", "First and last height of the contiguous range that is stored.")
            .ask("min(bootwatch_ingest_first_height{@})", "from")
            .ask("max(bootwatch_ingest_height{@})", "to")
            .colours("blue", &[]),
        stat("Lost blocks", "Blocks that no endpoint has any more.")
            .ask("max(bootwatch_ingest_gap_blocks{@})", "lost")
            .ask("max(bootwatch_ingest_gap_last_height{@})", "last of them")
            .colours("green", &[(1.0, "red")]),
        stat("Disagreement", "Lowest block that endpoints show differently; 0 while they agree.")
            .ask("max(bootwatch_endpoint_disagreement_height{@})", "block")
            .colours("green", &[(1.0, "red")]),
        stat("Since the newest block", "Time since the newest block was taken in.")
            .ask("max(time() - bootwatch_ingest_advanced_timestamp_seconds{@})", "ago")
            .unit("s")
            .colours("green", &[(30.0, "orange"), (120.0, "red")]),
        stat("State read at", "Height at which parameters and weights were last read from the chain.")
            .ask("max(bootwatch_state_height{@})", "block")
            .colours("blue", &[]),
        row("Endpoints"),
        timeline("States", "The state of each endpoint.")
            .ask("max by (endpoint, state) (bootwatch_endpoint_state{@}) == 1", "{{endpoint}}: {{state}}")
            .say("1", "so", "blue")
            .colours("blue", &[]),
        timeline("In use", "The endpoint that blocks are taken from, and whose websocket delivers.")
            .ask("max by (endpoint) (bootwatch_endpoint_selected{@})", "{{endpoint}} selected")
            .ask("max by (endpoint) (bootwatch_ws_connected{@})", "{{endpoint}} websocket")
            .say("0", "no", "orange").say("1", "yes", "green")
            .colours("orange", &[(1.0, "green")]),
        table("Endpoints", "What each endpoint has, how fast it answers, and how often it may be asked.")
            .ask("max by (endpoint) (bootwatch_endpoint_up{@})", "")
            .ask("max by (endpoint) (bootwatch_endpoint_height{@})", "")
            .ask("max by (endpoint) (bootwatch_endpoint_earliest_height{@})", "")
            .ask("max by (endpoint) (bootwatch_endpoint_lag_blocks{@})", "")
            .ask("max by (endpoint) (bootwatch_endpoint_latency_seconds{@})", "")
            .ask("max by (endpoint) (bootwatch_endpoint_requests_used{@})", "")
            .ask("max by (endpoint) (bootwatch_endpoint_requests_limit{@})", "")
            .ask("time() - max by (endpoint) (bootwatch_endpoint_last_message_timestamp_seconds{@} > 0)", "")
            .ask("clamp_min(max by (endpoint) (bootwatch_endpoint_quarantined_until_timestamp_seconds{@}) - time(), 0)", "")
            .column("endpoint", "Endpoint", "")
            .column("Value #A", "Up", "bool_yes_no")
            .column("Value #B", "Newest", "none")
            .column("Value #C", "Oldest", "none")
            .column("Value #D", "Behind", "none")
            .column("Value #E", "Answers in", "s")
            .column("Value #F", "Requests a minute", "none")
            .column("Value #G", "Limit", "none")
            .column("Value #H", "Heard of", "s")
            .column("Value #I", "Left alone for", "s")
            .size(24, 7),
        curves("Requests", "Requests by endpoint and method.")
            .ask("sum by (endpoint, method) (rate(bootwatch_rpc_requests_total{@}[$__rate_interval]))", "{{endpoint}} {{method}}")
            .unit("reqps"),
        curves("Failures", "Requests without a usable answer, by reason.")
            .ask("sum by (endpoint, reason) (rate(bootwatch_rpc_request_failures_total{@}[$__rate_interval]))", "{{endpoint}} {{reason}}")
            .unit("reqps"),
        curves("Duration", "95 of 100 requests took no longer than this.")
            .ask("histogram_quantile(0.95, sum by (le, method) (rate(bootwatch_rpc_request_duration_seconds_bucket{@}[$__rate_interval])))", "{{method}}")
            .unit("s"),
        curves("Websockets", "Subscriptions that were made, and that ended by reason.")
            .ask("sum by (endpoint) (increase(bootwatch_ws_connects_total{@}[$__rate_interval]))", "{{endpoint}} connected")
            .ask("sum by (endpoint, reason) (increase(bootwatch_ws_disconnects_total{@}[$__rate_interval]))", "{{endpoint}} {{reason}}"),
        curves("Blocks that do not link", "Blocks of an endpoint that did not link to those already stored.")
            .ask("sum by (endpoint) (increase(bootwatch_endpoint_mismatches_total{@}[$__rate_interval]))", "{{endpoint}}"),
        row("Blocks"),
        curves("Stored", "Blocks stored, by the way they came.")
            .ask("sum by (source) (rate(bootwatch_ingest_blocks_total{@}[$__rate_interval]))", "{{source}}")
            .unit("cps")
            .stacked(),
        curves("Left", "Blocks that are still wanted: up to the head, and of history.")
            .ask("max by (lane) (bootwatch_ingest_blocks_left{@})", "{{lane}}"),
        curves("Pace", "Blocks stored a second while there is something to catch up with.")
            .ask("max by (lane) (bootwatch_ingest_blocks_per_second{@})", "{{lane}}")
            .unit("cps"),
        heatmap("Delay", "From a block's own time to its commit in the database, at the tip.")
            .ask("sum by (le) (increase(bootwatch_ingest_delay_seconds_bucket{@}[$__rate_interval]))", "{{le}}")
            .unit("s"),
        curves("Latency at the tip", "95 of 100: from a websocket frame to its Situation, and a database transaction.")
            .ask(&p95("bootwatch_ingest_tip_latency_seconds"), "frame to Situation")
            .ask(&p95("bootwatch_ingest_commit_duration_seconds"), "transaction")
            .unit("s"),
        curves("Events", "Chain events, choices and store commits stored, by kind.")
            .ask("sum by (event) (increase(bootwatch_ingest_events_total{@}[$__rate_interval]))", "{{event}}"),
        curves("Unreadable", "Things in blocks that should have been readable and were not.")
            .ask("sum by (event) (increase(bootwatch_ingest_event_decode_failures_total{@}[$__rate_interval]))", "{{event}}")
            .ask("sum(increase(bootwatch_ingest_malformed_total{@}[$__rate_interval]))", "in the database"),
        curves("Contradictions", "Statements that the chain contradicted, and corrections of the ledger from its state.")
            .ask("sum by (statement) (increase(bootwatch_rule_mismatches_total{@}[$__rate_interval]))", "{{statement}}")
            .ask("sum(increase(bootwatch_ledger_corrections_total{@}[$__rate_interval]))", "ledger corrected"),
        stat("Forecasts", "Epochs in which every forecast of a charge was right, of those that were compared; the newest contradiction's block, if any.")
            .ask("max(bootwatch_forecasts_right{@})", "right")
            .ask("max(bootwatch_forecasts{@})", "compared")
            .ask("max(bootwatch_rule_mismatch_height{@})", "contradicted at")
            .colours("blue", &[])
            .size(12, 4),
    ];
    Dashboard::new(
        "bootwatch-ingest",
        "Ingest and endpoints",
        "Where the blocks come from, whether they all get in, and how fast.",
        panels,
    )
}
