//! The watched hosts, and what each of them has to decide.

use std::str::FromStr as _;

use bootwatch_rules::{
    Fraction,
    reward::CostUnit,
    situation::{AdviceReason, DeadlineName, HostModelView, HostView},
};

use super::{Families, HOSTS, MODELS, coins, count, delegates, flag, number, ratio};

const CHOICES: [&str; 5] = ["delegate", "refuse", "intent", "none", "unknown"];

/// The watched hosts, up to the bound.
pub(super) fn families(out: &mut Families, hosts: &[HostView]) {
    out.gauge(
        "bootwatch_participants_untracked",
        "Watched hosts without series of their own, because there are too many.",
        &[],
        number(i64::try_from(hosts.len().saturating_sub(HOSTS)).unwrap_or(i64::MAX)),
    );
    for host in hosts.iter().take(HOSTS) {
        self::host(out, host);
    }
}

fn host(out: &mut Families, host: &HostView) {
    let participant = host.address.as_str();
    let labels = &[("participant", participant)];
    out.gauge(
        "bootwatch_participant_info",
        "A watched host and its name; always 1.",
        &[("participant", participant), ("name", &host.name)],
        1.0,
    );
    out.gauge(
        "bootwatch_participant_known",
        "1 when the host's choices are known completely.",
        labels,
        flag(host.known),
    );
    out.gauge(
        "bootwatch_participant_member",
        "1 when the host is a live member of the effective root group.",
        labels,
        flag(host.weight.is_some()),
    );
    if let Some(weight) = host.weight {
        out.gauge(
            "bootwatch_participant_weight",
            "The host's weight in the effective root group; absent when it is no live member.",
            labels,
            number(weight),
        );
    }
    out.gauge(
        "bootwatch_participant_excluded",
        "1 when the host was removed from the running epoch.",
        labels,
        flag(host.excluded.is_some()),
    );
    if let Some(charge) = &host.charge {
        out.gauge(
            "bootwatch_participant_charge_ratio",
            "The most that the next epoch can still take of the host's reward, over all models.",
            labels,
            ratio(charge.max),
        );
        out.gauge(
            "bootwatch_participant_charge_least_ratio",
            "The least that the next epoch will take of the host's reward, over all models.",
            labels,
            ratio(charge.min),
        );
    }
    if let Some(fixed) = &host.fixed {
        out.gauge(
            "bootwatch_participant_penalty_fixed_epoch",
            "The epoch of bootwatch_participant_penalty_fixed_ratio.",
            labels,
            count(fixed.epoch),
        );
        out.gauge(
            "bootwatch_participant_penalty_fixed_ratio",
            "What the newest epoch with fixed charges takes of the host's reward, over all models.",
            labels,
            ratio(fixed.fraction),
        );
    }
    if let Some(earned) = &host.reward {
        out.gauge(
            "bootwatch_participant_reward_estimate_gnk",
            "What the running epoch pays the host after charges and shares, as the chain estimates it.",
            labels,
            coins(earned.reward.estimate),
        );
        if let Some(before) = earned.reward.before_charges {
            out.gauge(
                "bootwatch_participant_reward_before_charges_gnk",
                "About what the running epoch would pay the host without charges and shares.",
                labels,
                coins(before),
            );
        }
    }
    if let Some(cost) = host.cost.filter(|cost| cost.unit == CostUnit::Ngonka) {
        out.gauge(
            "bootwatch_participant_penalty_gnk",
            "About the most that the next epoch can take of the host's reward, over all models.",
            labels,
            coins(cost.most),
        );
    }
    out.gauge(
        "bootwatch_participant_forecasts",
        "Epochs in which a forecast of the host's charges was held against the chain.",
        labels,
        count(host.record.epochs),
    );
    out.gauge(
        "bootwatch_participant_forecasts_right",
        "Those in which it was right.",
        labels,
        count(host.record.right),
    );
    for model in host.models.iter().take(MODELS) {
        host_model(out, participant, host, model);
    }
}

fn host_model(out: &mut Families, participant: &str, host: &HostView, model: &HostModelView) {
    let labels = [("participant", participant), ("model_id", model.model_id.as_str())];
    for choice in CHOICES {
        let [participant, model_id] = labels;
        out.gauge(
            "bootwatch_participant_choice",
            "1 for the choice that is stored for the host and the model.",
            &[participant, model_id, ("choice", choice)],
            flag(model.choice.kind == choice),
        );
    }
    // Whether nothing is left to do is only known of a host whose choices are.
    if host.known {
        for name in [DeadlineName::Capture, DeadlineName::ValidationStart] {
            let open = model.advice.as_ref().is_some_and(|advice| advice.deadline == name);
            let [participant, model_id] = labels;
            out.gauge(
                "bootwatch_deadline_satisfied",
                "1 when nothing is left to do for the host and the model until the deadline.",
                &[("deadline", name.as_str()), model_id, participant],
                flag(!open),
            );
        }
    }
    if let Some(forecast) = &model.forecast {
        out.gauge(
            "bootwatch_participant_penalty_ratio",
            "The most that the model can still take of the host's reward in the next epoch.",
            &labels,
            ratio(forecast.charge.max),
        );
        out.gauge(
            "bootwatch_participant_penalty_least_ratio",
            "The least that the model will take of the host's reward in the next epoch.",
            &labels,
            ratio(forecast.charge.min),
        );
    }
    if let Some(advice) = model.advice.as_ref().filter(|_| host.known) {
        let [participant, model_id] = labels;
        let stake = Fraction::from_str(&advice.charge).map_or(f64::NAN, ratio);
        let deadline = ("deadline", advice.deadline.as_str());
        out.gauge(
            "bootwatch_participant_stake_ratio",
            "Part of the reward that is at stake unless the host acts before the deadline, and why; absent when there is nothing to do.",
            &[participant, model_id, deadline, ("reason", reason(advice.reason))],
            stake,
        );
    }
    out.gauge(
        "bootwatch_participant_serves",
        "1 when the host serves the model in the running epoch.",
        &labels,
        flag(model.serves),
    );
    if let Some(reaches) = model.reaches {
        out.gauge(
            "bootwatch_participant_reaches",
            "1 when the host's weight counts towards the candidate's reach.",
            &labels,
            flag(reaches),
        );
    }
    if let Some(committed) = model.committed {
        out.gauge(
            "bootwatch_participant_committed_nonces",
            "Nonces that the host committed in the newest PoC; absent without a commit.",
            &labels,
            f64::from(committed),
        );
    }
    if let Some(distributed) = model.distributed {
        out.gauge(
            "bootwatch_participant_distributed_nonces",
            "Nonces in the host's weight distribution of the newest PoC; absent while it is missing.",
            &labels,
            count(distributed),
        );
    }
    if let Some(facts) = &model.delegate {
        delegates::families(out, &labels, facts);
    }
}

/// Why there is something to do, as the Situation's JSON says it.
fn reason(reason: AdviceReason) -> &'static str {
    match reason {
        AdviceReason::NoChoice => "no_choice",
        AdviceReason::RefusalExpired => "refusal_expired",
        AdviceReason::IntentExpired => "intent_expired",
        AdviceReason::RefusalOnCandidate => "refusal_on_candidate",
        AdviceReason::IntentOnActive => "intent_on_active",
        AdviceReason::DelegateDoesNotServe => "delegate_does_not_serve",
        AdviceReason::DelegateWithoutIntent => "delegate_without_intent",
        AdviceReason::TooLate => "too_late",
        AdviceReason::IntentNotServed => "intent_not_served",
    }
}
