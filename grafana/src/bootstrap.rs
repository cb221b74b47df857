//! Whether candidates get through their capture, and how active models stand.

use crate::{
    dashboard::Dashboard,
    panel::{bars, curves, row, table, timeline},
};

pub(crate) fn dashboard() -> Dashboard {
    let ratio = |have: &str, need: &str| {
        format!(
            "max by (model_id) ({have}{{@, model_id=~\"$model_id\"}}) / max by (model_id) ({need}{{@, model_id=~\"$model_id\"}})"
        )
    };
    let of = |metric: &str| format!("max by (model_id) ({metric}{{@, model_id=~\"$model_id\"}})");
    let bar = |title, what, have, need| {
        bars(title, what)
            .ask(&ratio(have, need), "{{model_id}}")
            .unit("percentunit")
            .colours("red", &[(0.8, "orange"), (1.0, "green")])
    };
    let course = |title, what, have, need, unit| {
        curves(title, what)
            .ask(&of(have), "{{model_id}}")
            .ask(&of(need), "{{model_id}}, needed")
            .unit(unit)
    };
    let mut panels = vec![
        row("Candidates, if the capture were now (projected)"),
        bar("Hosts", "Hosts with weight that declare intent, of those that are needed.", "bootwatch_model_intent_hosts", "bootwatch_model_required_hosts"),
        bar("Weight", "Weight of the hosts that declare intent, of what is needed.", "bootwatch_model_intent_weight", "bootwatch_model_required_weight"),
        bar("Reach", "Weight that intent and delegation reach, of what is needed.", "bootwatch_model_reachable_voting_power", "bootwatch_model_required_voting_power"),
        timeline("Projected", "Whether the chain would find the candidate pre-eligible, over time.")
            .ask(&of("bootwatch_model_projected_preeligible"), "{{model_id}}")
            .say("0", "no", "red").say("1", "pre-eligible", "green")
            .colours("red", &[(1.0, "green")]),
        timeline("Captured", "What the model's newest capture said. Advisory: a model that misses it may still become active.")
            .ask(&of("bootwatch_model_preeligible"), "{{model_id}}")
            .say("0", "no", "red").say("1", "pre-eligible", "green")
            .colours("red", &[(1.0, "green")]),
        course("Hosts over time", "Hosts with intent against what is needed.", "bootwatch_model_intent_hosts", "bootwatch_model_required_hosts", "none"),
        course("Weight over time", "Weight with intent against what is needed.", "bootwatch_model_intent_weight", "bootwatch_model_required_weight", "short"),
        course("Reach over time", "Reached weight against what is needed.", "bootwatch_model_reachable_voting_power", "bootwatch_model_required_voting_power", "short"),
    ];
    panels.push(
        table("Newest captures", "What the chain itself counted, by its event.")
            .ask(&of("bootwatch_model_snapshot_height"), "")
            .ask(&of("bootwatch_model_preeligible"), "")
            .ask(&of("bootwatch_model_snapshot_intent_hosts"), "")
            .ask(&of("bootwatch_model_snapshot_required_hosts"), "")
            .ask(&of("bootwatch_model_snapshot_intent_weight"), "")
            .ask(&of("bootwatch_model_snapshot_required_weight"), "")
            .ask(&of("bootwatch_model_snapshot_reachable_voting_power"), "")
            .ask(&of("bootwatch_model_snapshot_required_voting_power"), "")
            .ask(&of("bootwatch_model_snapshot_network_weight"), "")
            .column("model_id", "Model", "")
            .column("Value #A", "Block", "none")
            .column("Value #B", "Pre-eligible", "bool_yes_no")
            .column("Value #C", "Hosts", "none")
            .column("Value #D", "Needed hosts", "none")
            .column("Value #E", "Weight", "short")
            .column("Value #F", "Needed weight", "short")
            .column("Value #G", "Reach", "short")
            .column("Value #H", "Needed reach", "short")
            .column("Value #I", "Network", "short"),
    );
    panels.extend([
        table("Models", "Every model of the parameters: whether it has a group, from which epoch on it can cost, and what a unit of its work weighs.")
            .ask(&of("bootwatch_model_active"), "")
            .ask(&of("bootwatch_model_penalty_start_epoch"), "")
            .ask(&of("bootwatch_model_coefficient"), "")
            .ask(&of("bootwatch_model_fell_out_epoch"), "")
            .ask(&of("bootwatch_model_projection_uncertain"), "")
            .column("model_id", "Model", "")
            .column("Value #A", "Active", "bool_yes_no")
            .column("Value #B", "Costs from epoch", "none")
            .column("Value #C", "Coefficient", "none")
            .column("Value #D", "Fell out in epoch", "none")
            .column("Value #E", "Projection uncertain", "bool_yes_no"),
        row("Groups of active models"),
        bar("Votes", "Voting power of a group's live members, of what its hosts' work needs.", "bootwatch_model_group_voting_power", "bootwatch_model_group_required_voting_power"),
        bar("Hosts of the group", "Live members with weight, of what the next formation needs.", "bootwatch_model_group_hosts", "bootwatch_model_group_required_hosts"),
        bar("Weight of the group", "Network weight of the live members, of what the next formation needs.", "bootwatch_model_group_weight", "bootwatch_model_group_required_weight"),
        curves("Largest share", "Largest part of a group's voting power in one hand.")
            .ask(&of("bootwatch_model_group_largest_share_ratio"), "{{model_id}}")
            .unit("percentunit"),
        curves("Pivotal hosts", "Fewest hosts without whose votes no work in the group is accepted.")
            .ask(&of("bootwatch_model_group_pivotal_hosts"), "{{model_id}}"),
        curves("Network weight", "The network's weight in captures, and by how much our own count differed.")
            .ask(&of("bootwatch_model_snapshot_network_weight"), "{{model_id}}")
            .ask("max(bootwatch_network_weight_difference{@})", "difference")
            .unit("short"),
    ]);
    Dashboard::new("bootwatch-bootstrap", "Bootstrap eligibility", "Which candidates get through their capture, what is missing, and how the groups of active models stand.", panels)
        .with("model_id", "Model", "bootwatch_model_active")
}
