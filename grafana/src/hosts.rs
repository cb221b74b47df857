//! My hosts: what they chose, what that costs, and whom they rely on.

use crate::{
    dashboard::Dashboard,
    overview::to_do,
    panel::{curves, row, stat, table, timeline},
};

pub(crate) fn dashboard() -> Dashboard {
    let host = |metric: &str| {
        format!("max by (participant) ({metric}{{@, participant=~\"$participant\"}})")
    };
    let pair = |metric: &str| {
        format!(
            "max by (participant, model_id) ({metric}{{@, participant=~\"$participant\", model_id=~\"$model_id\"}})"
        )
    };
    let panels = vec![
        stat("Watched hosts", "Hosts with series of their own, and those beyond the bound of 64.")
            .ask("count(bootwatch_participant_info{@})", "watched")
            .ask("max(bootwatch_participants_untracked{@})", "beyond the bound")
            .colours("blue", &[])
            .size(6, 4),
        stat("To decide", "Hosts and models with something left to do.")
            .ask("count(bootwatch_participant_stake_ratio{@, participant=~\"$participant\"}) or vector(0)", "to decide")
            .colours("green", &[(1.0, "red")])
            .size(6, 4),
        stat("Largest charge ahead", "The most that the next epoch can still take of any host's reward.")
            .ask("max(bootwatch_participant_charge_ratio{@, participant=~\"$participant\"})", "at most")
            .ask("max(bootwatch_participant_charge_least_ratio{@, participant=~\"$participant\"})", "at least")
            .unit("percentunit")
            .colours("green", &[(0.001, "orange"), (0.1, "red")])
            .size(6, 4),
        stat("Excluded", "Hosts that were removed from the running epoch.")
            .ask("sum(bootwatch_participant_excluded{@, participant=~\"$participant\"})", "excluded")
            .colours("green", &[(1.0, "red")])
            .size(6, 4),
        to_do().size(24, 7),
        table("Hosts", "Each watched host: what is known of it, and what the next epoch can take.")
            .ask("max by (participant, name) (bootwatch_participant_info{@, participant=~\"$participant\"})", "")
            .ask(&host("bootwatch_participant_known"), "")
            .ask(&host("bootwatch_participant_member"), "")
            .ask(&host("bootwatch_participant_weight"), "")
            .ask(&host("bootwatch_participant_charge_ratio"), "")
            .ask(&host("bootwatch_participant_penalty_gnk"), "")
            .ask(&host("bootwatch_participant_penalty_fixed_ratio"), "")
            .ask(&host("bootwatch_participant_penalty_fixed_epoch"), "")
            .ask(&host("bootwatch_participant_reward_estimate_gnk"), "")
            .ask(&host("bootwatch_participant_reward_before_charges_gnk"), "")
            .ask(&host("bootwatch_participant_forecasts_right"), "")
            .ask(&host("bootwatch_participant_forecasts"), "")
            .column("name", "Host", "")
            .column("participant", "Address", "")
            .column("Value #B", "Known", "bool_yes_no")
            .column("Value #C", "Member", "bool_yes_no")
            .column("Value #D", "Weight", "short")
            .column("Value #E", "Charge at most", "percentunit")
            .column("Value #F", "About GNK", "none")
            .column("Value #G", "Fixed charge", "percentunit")
            .column("Value #H", "Of epoch", "none")
            .column("Value #I", "Reward, GNK", "none")
            .column("Value #J", "Before charges, GNK", "none")
            .column("Value #K", "Forecasts right", "none")
            .column("Value #L", "Forecasts", "none")
            .size(24, 8),
        row("Choices"),
        timeline("Choices", "The stored choice of each host for each model over time.")
            .ask("max by (participant, model_id, choice) (bootwatch_participant_choice{@, participant=~\"$participant\", model_id=~\"$model_id\"}) == 1", "{{participant}} {{model_id}}: {{choice}}")
            .say("1", "stored", "blue")
            .colours("blue", &[])
            .size(24, 10),
        table("Hosts and models", "What each model can take from each host, and what the host did for it in the newest PoC.")
            .ask(&pair("bootwatch_participant_penalty_ratio"), "")
            .ask(&pair("bootwatch_participant_penalty_least_ratio"), "")
            .ask(&pair("bootwatch_participant_serves"), "")
            .ask(&pair("bootwatch_participant_reaches"), "")
            .ask(&pair("bootwatch_participant_committed_nonces"), "")
            .ask(&pair("bootwatch_participant_distributed_nonces"), "")
            .column("participant", "Host", "")
            .column("model_id", "Model", "")
            .column("Value #A", "At most", "percentunit")
            .column("Value #B", "At least", "percentunit")
            .column("Value #C", "Serves", "bool_yes_no")
            .column("Value #D", "Reaches", "bool_yes_no")
            .column("Value #E", "Committed nonces", "none")
            .column("Value #F", "Distributed nonces", "none")
            .size(24, 8),
        table("Delegates", "What speaks for and against the hosts that are delegated to. Facts, no advice.")
            .ask(&pair("bootwatch_delegate_excluded"), "")
            .ask(&pair("bootwatch_delegate_guardian"), "")
            .ask(&pair("bootwatch_delegate_declines"), "")
            .ask(&pair("bootwatch_delegate_committed"), "")
            .ask(&pair("bootwatch_delegate_distributed"), "")
            .ask(&pair("bootwatch_delegate_voting_share_ratio"), "")
            .ask(&pair("bootwatch_delegate_delegated_weight"), "")
            .ask(&pair("bootwatch_delegate_burned_weight"), "")
            .column("participant", "Host", "")
            .column("model_id", "Model", "")
            .column("Value #A", "Excluded", "bool_yes_no")
            .column("Value #B", "Guardian", "bool_yes_no")
            .column("Value #C", "Declines itself", "bool_yes_no")
            .column("Value #D", "Committed", "bool_yes_no")
            .column("Value #E", "Distributed", "bool_yes_no")
            .column("Value #F", "Share of votes", "percentunit")
            .column("Value #G", "Delegated to it", "short")
            .column("Value #H", "Lost to the cap", "short")
            .size(24, 8),
        row("Course"),
        curves("Weight", "Each host's weight in the effective root group.")
            .ask(&host("bootwatch_participant_weight"), "{{participant}}")
            .unit("short"),
        curves("Charge ahead", "The most that the next epoch can still take of each host's reward.")
            .ask(&host("bootwatch_participant_charge_ratio"), "{{participant}}")
            .unit("percentunit"),
        curves("Fixed charge", "What the newest epoch with fixed charges takes (final).")
            .ask(&host("bootwatch_participant_penalty_fixed_ratio"), "{{participant}}")
            .unit("percentunit"),
        curves("Reward", "What the running epoch pays, as the chain estimates it, in GNK.")
            .ask(&host("bootwatch_participant_reward_estimate_gnk"), "{{participant}}")
            .unit("none"),
    ];
    Dashboard::new(
        "bootwatch-hosts",
        "My hosts",
        "What my hosts chose, what it costs them, and whom they rely on.",
        panels,
    )
    .with("participant", "Host", "bootwatch_participant_info")
    .with("model_id", "Model", "bootwatch_model_active")
}
