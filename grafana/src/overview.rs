//! What needs me now.

use crate::{
    dashboard::Dashboard,
    panel::{Panel, curves, row, stat, table, timeline},
};

pub(crate) fn dashboard() -> Dashboard {
    let panels = vec![
        stat("Next deadline", "Time until the next height that freezes something, by its estimate.")
            .ask("min(bootwatch_deadline_timestamp_seconds{@} - time())", "next")
            .unit("dtdurations")
            .colours("red", &[(3600.0, "orange"), (21600.0, "green")]),
        stat("To decide", "Hosts and models for which something is left to do before a deadline that will cost.")
            .ask("count(bootwatch_participant_stake_ratio{@} > 0) or vector(0)", "to decide")
            .colours("green", &[(1.0, "red")]),
        stat("Incidents", "What Bootwatch says is not as it should be, by severity.")
            .ask("sum by (severity) (bootwatch_incidents{@, state!=\"pending\"})", "{{severity}}")
            .colours("green", &[(1.0, "orange")]),
        stat("Pre-eligible candidates", "Candidates that the chain would find pre-eligible if the capture were now (projected).")
            .ask("sum(bootwatch_model_projected_preeligible{@})", "projected")
            .ask("count(bootwatch_model_projected_preeligible{@})", "candidates")
            .colours("blue", &[]),
        stat("Blocks behind", "Blocks that endpoints told of and that are not stored yet.")
            .ask("max(bootwatch_chain_height{@} - bootwatch_ingest_height{@})", "behind")
            .colours("green", &[(5.0, "orange"), (50.0, "red")]),
        stat("Age of the data", "Time since the newest stored block's own time.")
            .ask("max(time() - bootwatch_ingest_block_timestamp_seconds{@})", "age")
            .unit("s")
            .colours("green", &[(30.0, "orange"), (120.0, "red")]),
        deadlines().size(12, 7),
        to_do().size(12, 7),
        gaps(),
        row("Course"),
        phases().size(24, 6),
        timeline("Alerts over time", "Incidents of each alert over time.")
            .ask("sum by (alert) (bootwatch_alerts_firing{@}) > 0", "{{alert}}")
            .colours("green", &[(1.0, "red")]),
        curves("Height", "The newest height that endpoints told of, and the newest that is stored.")
            .ask("max(bootwatch_chain_height{@})", "chain")
            .ask("max(bootwatch_ingest_height{@})", "stored"),
    ];
    Dashboard::new(
        "bootwatch-overview",
        "Overview",
        "What needs me now: the next deadlines, what is left to decide, what is missing, and whether the data can be trusted.",
        panels,
    )
}

/// The deadlines that lie ahead.
pub(crate) fn deadlines() -> Panel {
    table("Deadlines", "Heights that freeze something, with the estimate of when.")
        .ask("min by (deadline) (bootwatch_deadline_timestamp_seconds{@}) - time()", "")
        .ask("min by (deadline) (bootwatch_deadline_timestamp_seconds{@}) * 1000", "")
        .ask("min by (deadline) (bootwatch_deadline_height{@})", "")
        .ask("max by (deadline) (bootwatch_deadline_uncertainty_seconds{@})", "")
        .ask("max by (deadline) (bootwatch_deadline_epoch{@})", "")
        .column("deadline", "Deadline", "")
        .column("Value #A", "Left", "dtdurations")
        .column("Value #B", "Expected", "dateTimeAsLocal")
        .column("Value #C", "Last block", "none")
        .column("Value #D", "Give or take", "s")
        .column("Value #E", "Epoch", "none")
}

/// What is left to do.
pub(crate) fn to_do() -> Panel {
    table("What to do", "What is at stake for which host and model, why, and by which deadline. The mail and `bootwatch status` carry the command.")
        .ask("max by (participant, model_id, deadline, reason) (bootwatch_participant_stake_ratio{@})", "")
        .column("participant", "Host", "")
        .column("model_id", "Model", "")
        .column("deadline", "Before", "")
        .column("reason", "Why", "")
        .column("Value", "At stake", "percentunit")
}

/// Each candidate's gaps.
fn gaps() -> Panel {
    table("Gaps of the candidates", "What is missing for each candidate if the capture were now (projected), and the fewest hosts that would close it.")
        .ask("max by (model_id) (bootwatch_model_projected_preeligible{@})", "")
        .ask("clamp_min(max by (model_id) (bootwatch_model_required_hosts{@}) - max by (model_id) (bootwatch_model_intent_hosts{@}), 0)", "")
        .ask("clamp_min(max by (model_id) (bootwatch_model_required_weight{@}) - max by (model_id) (bootwatch_model_intent_weight{@}), 0)", "")
        .ask("clamp_min(max by (model_id) (bootwatch_model_required_voting_power{@}) - max by (model_id) (bootwatch_model_reachable_voting_power{@}), 0)", "")
        .ask("max by (model_id) (bootwatch_model_closing_hosts{@})", "")
        .column("model_id", "Model", "")
        .column("Value #A", "Pre-eligible", "bool_yes_no")
        .column("Value #B", "Hosts missing", "none")
        .column("Value #C", "Weight missing", "short")
        .column("Value #D", "Reach missing", "short")
        .column("Value #E", "Fewest hosts to close it", "none")
        .size(24, 7)
}

/// The phases of the epoch over time.
pub(crate) fn phases() -> Panel {
    timeline(
        "Phases",
        "The phase of the epoch. Choices freeze at a capture and at validation start.",
    )
    .ask("max by (phase) (bootwatch_epoch_phase{@})", "{{phase}}")
    .colours("transparent", &[(1.0, "blue")])
    .say("0", " ", "transparent")
    .say("1", "now", "blue")
}
