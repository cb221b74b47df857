//! When what freezes.

use crate::{
    dashboard::Dashboard,
    overview::{deadlines, phases},
    panel::{bars, curves, stat, table, timeline},
};

pub(crate) fn dashboard() -> Dashboard {
    let panels = vec![
        stat("Epoch", "The effective epoch, and the one that choices count for now.")
            .ask("max(bootwatch_epoch{@})", "effective")
            .ask("max(bootwatch_epoch_upcoming{@})", "upcoming")
            .colours("blue", &[])
            .size(6, 4),
        stat("Next PoC start", "PoC start of the effective epoch, and the next one.")
            .ask("max(bootwatch_epoch_poc_start_height{@})", "this")
            .ask("max(bootwatch_epoch_next_poc_start_height{@})", "next")
            .colours("blue", &[])
            .size(6, 4),
        stat("Newest capture", "The newest block in which a capture was due or took place, and the epoch it counts for.")
            .ask("max(bootwatch_capture_height{@})", "block")
            .ask("max(bootwatch_capture_epoch{@})", "for epoch")
            .colours("blue", &[])
            .size(6, 4),
        stat("Block time", "Measured time between blocks: every estimate of a time rests on it.")
            .ask("avg(bootwatch_block_interval_seconds{@})", "a block")
            .unit("s")
            .colours("blue", &[])
            .size(6, 4),
        deadlines().size(24, 7),
        bars("Time left", "Time until each deadline, by its estimate.")
            .ask("sort(min by (deadline) (bootwatch_deadline_timestamp_seconds{@}) - time())", "{{deadline}}")
            .unit("dtdurations")
            .colours("red", &[(3600.0, "orange"), (21600.0, "green")])
            .size(12, 8),
        timeline("Nothing left to do", "Whether everything is settled for a host, a model and a deadline.")
            .ask("min by (participant, model_id, deadline) (bootwatch_deadline_satisfied{@})", "{{participant}} {{model_id}} {{deadline}}")
            .say("0", "open", "red")
            .say("1", "settled", "green")
            .colours("red", &[(1.0, "green")]),
        curves("Drift of the estimates", "When each deadline is expected. A level line means that the estimate stood; a step is a new epoch or changed parameters.")
            .ask("1000 * min by (deadline) (bootwatch_deadline_timestamp_seconds{@})", "{{deadline}}")
            .unit("dateTimeAsLocal"),
        curves("Uncertainty", "Each deadline may be this much earlier or later than expected.")
            .ask("max by (deadline) (bootwatch_deadline_uncertainty_seconds{@})", "{{deadline}}")
            .unit("s"),
        curves("Block time over time", "Measured time between blocks.")
            .ask("avg(bootwatch_block_interval_seconds{@})", "a block")
            .unit("s"),
        table("Trouble that the chain told of", "Newest block with trouble of each kind; 0 for none.")
            .ask("max by (kind) (bootwatch_chain_trouble_height{@})", "")
            .column("kind", "Kind", "")
            .column("Value", "Block", "none"),
        table("Governance", "Proposals in their voting period by effect, when the next vote ends, and the scheduled upgrade of the chain.")
            .ask("max by (effect) (bootwatch_proposals{@})", "")
            .column("effect", "Effect", "")
            .column("Value", "Proposals", "none"),
        stat("Next vote's end", "Time until the next of the votes ends.")
            .ask("min(bootwatch_proposals_voting_end_timestamp_seconds{@}) - time()", "left")
            .unit("dtdurations")
            .colours("blue", &[])
            .size(6, 8),
        stat("Upgrade", "The scheduled upgrade: its first block, the time until it, and whether it disturbs a deadline.")
            .ask("max(bootwatch_upgrade_height{@})", "block")
            .ask("max(bootwatch_upgrade_timestamp_seconds{@}) - time()", "seconds left")
            .ask("max(bootwatch_upgrade_disturbs{@})", "disturbs")
            .colours("blue", &[])
            .size(6, 8),
        phases().size(24, 7),
    ];
    Dashboard::new(
        "bootwatch-deadlines",
        "Deadlines",
        "When what freezes, how sure that is, and what is left to do before it.",
        panels,
    )
}
