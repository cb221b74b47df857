//! The Situation as gauges.

use bootwatch_rules::{
    Fraction,
    reward::CostUnit,
    situation::{
        Deadline, DeadlineName, DeadlineState, EndpointState, EndpointView, Gap, HostModelView,
        HostView, ModelState, ModelView, Phase, Situation,
    },
};
use prometheus::proto::MetricFamily;

use super::{families::Families, seconds};

/// Watched hosts beyond this many get no series of their own, only a count.
const HOSTS: usize = 64;
/// Models beyond this many get none: `poc_params` is governed, yet a bound is a bound.
const MODELS: usize = 64;

const PHASES: [(Phase, &str); 6] = [
    (Phase::PocGenerate, "poc_generate"),
    (Phase::PocExchange, "poc_exchange"),
    (Phase::PocValidate, "poc_validate"),
    (Phase::Formed, "formed"),
    (Phase::Inference, "inference"),
    (Phase::Unknown, "unknown"),
];

const CHOICES: [&str; 5] = ["delegate", "refuse", "intent", "none", "unknown"];

/// All gauges of a Situation; before the first one, only that there is none.
pub(super) fn families(situation: Option<&Situation>) -> Vec<MetricFamily> {
    let mut out = Families::default();
    out.gauge(
        "bootwatch_situation_known",
        "1 once a block has been taken in and judged; everything about the chain is absent before.",
        &[],
        flag(situation.is_some()),
    );
    if let Some(situation) = situation {
        chain(&mut out, situation);
        for deadline in &situation.deadlines {
            self::deadline(&mut out, deadline);
        }
        for model in situation.models.iter().take(MODELS) {
            self::model(&mut out, model);
        }
        hosts(&mut out, &situation.hosts);
        for endpoint in &situation.endpoints {
            self::endpoint(&mut out, endpoint);
        }
    }
    out.into_vec()
}

fn chain(out: &mut Families, s: &Situation) {
    out.gauge(
        "bootwatch_chain_info",
        "The chain and the rule set in use; always 1.",
        &[("chain_id", &s.chain_id), ("rule_set", &s.rule_set)],
        1.0,
    );
    out.gauge(
        "bootwatch_chain_height",
        "Newest height that any endpoint told of.",
        &[],
        number(s.head),
    );
    out.gauge(
        "bootwatch_ingest_height",
        "Every block up to this height is stored, from bootwatch_ingest_first_height on.",
        &[],
        number(s.complete_to),
    );
    out.gauge(
        "bootwatch_ingest_first_height",
        "First height of the contiguous range that ends at bootwatch_ingest_height.",
        &[],
        number(s.complete_from),
    );
    out.gauge(
        "bootwatch_ingest_block_timestamp_seconds",
        "Time of the block at bootwatch_ingest_height.",
        &[],
        seconds(s.head_time),
    );
    out.gauge(
        "bootwatch_ingest_stale",
        "1 when the data is too old to say what holds now.",
        &[],
        flag(s.stale),
    );
    out.gauge(
        "bootwatch_ingest_gap_blocks",
        "Blocks that are missing because no endpoint has them; fetched if one turns up that does.",
        &[],
        s.data.unfillable.iter().map(|(first, last)| number(last - first + 1)).sum(),
    );
    out.gauge(
        "bootwatch_endpoint_disagreement_height",
        "Lowest block that endpoints show differently, which stops ingestion; 0 while they agree.",
        &[],
        s.data.disagreement.as_ref().map_or(0.0, |differ| number(differ.height)),
    );
    out.counter(
        "bootwatch_ingest_malformed_total",
        "Things in blocks that could not be read, since the database began.",
        &[],
        count(s.data.malformed),
    );
    out.counter(
        "bootwatch_ledger_corrections_total",
        "Times the ledger differed from the chain's state and was corrected, since the database began.",
        &[],
        count(s.data.reconciled),
    );
    out.gauge(
        "bootwatch_state_height",
        "Height at which parameters and weights were last read from the chain.",
        &[],
        number(s.state_height),
    );
    out.gauge("bootwatch_epoch", "The effective epoch.", &[], count(s.epoch.index));
    out.gauge(
        "bootwatch_epoch_upcoming",
        "The epoch that choices and captures count for now.",
        &[],
        count(s.epoch.upcoming),
    );
    for (phase, name) in PHASES {
        out.gauge(
            "bootwatch_epoch_phase",
            "1 for the phase the epoch is in.",
            &[("phase", name)],
            flag(s.epoch.phase == phase),
        );
    }
    if let Some(block_seconds) = s.epoch.block_seconds {
        out.gauge(
            "bootwatch_block_interval_seconds",
            "Measured time between blocks.",
            &[],
            block_seconds,
        );
    }
}

fn deadline(out: &mut Families, deadline: &Deadline) {
    let labels = &[("deadline", deadline.name.as_str())];
    if deadline.state != DeadlineState::Ahead {
        return;
    }
    if let Some(height) = deadline.height {
        out.gauge(
            "bootwatch_deadline_height",
            "Last block that still counts for the deadline.",
            labels,
            number(height),
        );
    }
    if let Some(eta) = deadline.eta {
        out.gauge(
            "bootwatch_deadline_timestamp_seconds",
            "When the deadline is expected.",
            labels,
            seconds(eta),
        );
    }
    if let Some(error) = deadline.eta_error_seconds {
        out.gauge(
            "bootwatch_deadline_uncertainty_seconds",
            "The deadline may be this much earlier or later than expected.",
            labels,
            error,
        );
    }
    out.gauge(
        "bootwatch_deadline_epoch",
        "The epoch the deadline counts for.",
        labels,
        count(deadline.epoch),
    );
}

fn model(out: &mut Families, model: &ModelView) {
    let labels = &[("model_id", model.model_id.as_str())];
    out.gauge(
        "bootwatch_model_active",
        "1 when the model has a group with voting power, 0 when it is a candidate.",
        labels,
        flag(model.state == ModelState::Active),
    );
    out.gauge(
        "bootwatch_model_penalty_start_epoch",
        "First epoch in which the model can cost anything.",
        labels,
        count(model.penalty_start_epoch),
    );
    if let Some(gaps) = &model.gaps {
        let [(hosts_have, hosts_need), (weight_have, weight_need), (reach_have, reach_need)] = GAPS;
        gap(out, labels, gaps.hosts, hosts_have, hosts_need);
        gap(out, labels, gaps.weight, weight_have, weight_need);
        gap(out, labels, gaps.reach, reach_have, reach_need);
        out.gauge(
            "bootwatch_model_projected_preeligible",
            "1 when the chain would find the model pre-eligible if the capture were now.",
            labels,
            flag(gaps.pre_eligible),
        );
    }
    if let Some(snapshot) = &model.snapshot {
        out.gauge(
            "bootwatch_model_preeligible",
            "1 when the model was pre-eligible in its last capture.",
            labels,
            flag(snapshot.capture.pre_eligible),
        );
        out.gauge(
            "bootwatch_model_snapshot_height",
            "Height of the model's last capture.",
            labels,
            number(snapshot.capture.snapshot_height),
        );
        out.gauge(
            "bootwatch_model_snapshot_network_weight",
            "Weight of the network in the model's last capture.",
            labels,
            number(snapshot.capture.total_network_weight),
        );
    }
}

type Named = (&'static str, &'static str);

/// Name and help of have and need, for hosts, weight and reach.
const GAPS: [(Named, Named); 3] = [
    (
        (
            "bootwatch_model_intent_hosts",
            "Hosts with weight that declare intent for the candidate.",
        ),
        ("bootwatch_model_required_hosts", "Hosts with weight that must declare intent."),
    ),
    (
        ("bootwatch_model_intent_weight", "Weight of the hosts that declare intent."),
        ("bootwatch_model_required_weight", "Weight that must declare intent."),
    ),
    (
        (
            "bootwatch_model_reachable_voting_power",
            "Weight of the hosts that declare intent and of those that delegate to them.",
        ),
        (
            "bootwatch_model_required_voting_power",
            "Weight that must be reached by intent and delegation.",
        ),
    ),
];

fn gap(out: &mut Families, labels: &[(&str, &str)], gap: Gap, have: Named, need: Named) {
    out.gauge(have.0, have.1, labels, number(gap.have));
    if let Some(needed) = gap.need {
        out.gauge(need.0, need.1, labels, number(needed));
    }
}

fn hosts(out: &mut Families, hosts: &[HostView]) {
    out.gauge(
        "bootwatch_participants_untracked",
        "Watched hosts without series of their own, because there are too many.",
        &[],
        number(i64::try_from(hosts.len().saturating_sub(HOSTS)).unwrap_or(i64::MAX)),
    );
    for host in hosts.iter().take(HOSTS) {
        let participant = host.address.as_str();
        out.gauge(
            "bootwatch_participant_info",
            "A watched host and its name; always 1.",
            &[("participant", participant), ("name", &host.name)],
            1.0,
        );
        out.gauge(
            "bootwatch_participant_known",
            "1 when the host's choices are known completely.",
            &[("participant", participant)],
            flag(host.known),
        );
        out.gauge(
            "bootwatch_participant_member",
            "1 when the host is a live member of the effective root group.",
            &[("participant", participant)],
            flag(host.weight.is_some()),
        );
        if let Some(weight) = host.weight {
            out.gauge(
                "bootwatch_participant_weight",
                "The host's weight in the effective root group; absent when it is no live member.",
                &[("participant", participant)],
                number(weight),
            );
        }
        if let Some(fixed) = &host.fixed {
            out.gauge(
                "bootwatch_participant_penalty_fixed_ratio",
                "What the newest epoch with fixed charges takes of the host's reward, over all models.",
                &[("participant", participant)],
                ratio(fixed.fraction),
            );
        }
        if let Some(earned) = &host.reward {
            out.gauge(
                "bootwatch_participant_reward_estimate_gnk",
                "What the running epoch pays the host after charges and shares, as the chain estimates it.",
                &[("participant", participant)],
                coins(earned.reward.estimate),
            );
            if let Some(before) = earned.reward.before_charges {
                out.gauge(
                    "bootwatch_participant_reward_before_charges_gnk",
                    "About what the running epoch would pay the host without charges and shares.",
                    &[("participant", participant)],
                    coins(before),
                );
            }
        }
        if let Some(cost) = host.cost.filter(|cost| cost.unit == CostUnit::Ngonka) {
            out.gauge(
                "bootwatch_participant_penalty_gnk",
                "About the most that the next epoch can take of the host's reward, over all models.",
                &[("participant", participant)],
                coins(cost.most),
            );
        }
        out.gauge(
            "bootwatch_participant_forecasts",
            "Epochs in which a forecast of the host's charges was held against the chain.",
            &[("participant", participant)],
            count(host.record.epochs),
        );
        out.gauge(
            "bootwatch_participant_forecasts_right",
            "Those in which it was right.",
            &[("participant", participant)],
            count(host.record.right),
        );
        for model in host.models.iter().take(MODELS) {
            host_model(out, participant, host, model);
        }
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
}

fn endpoint(out: &mut Families, endpoint: &EndpointView) {
    let labels = &[("endpoint", endpoint.name.as_str())];
    let mut one = |name, help, value| out.gauge(name, help, labels, value);
    one(
        "bootwatch_endpoint_up",
        "1 when the endpoint answers and its data is good.",
        flag(endpoint.state == EndpointState::Up),
    );
    one(
        "bootwatch_endpoint_lagging",
        "1 when the endpoint is behind the others or catching up.",
        flag(endpoint.state == EndpointState::Lagging),
    );
    one("bootwatch_endpoint_selected", "1 when blocks are taken from it.", flag(endpoint.selected));
    one("bootwatch_ws_connected", "1 when its websocket delivers.", flag(endpoint.websocket));
    if let Some(height) = endpoint.height {
        one("bootwatch_endpoint_height", "Newest height it told of.", number(height));
    }
    if let Some(earliest) = endpoint.earliest {
        one("bootwatch_endpoint_earliest_height", "Oldest height it still has.", number(earliest));
    }
    one(
        "bootwatch_endpoint_wrong",
        "1 when the endpoint serves another chain, or cannot be read.",
        flag(endpoint.state == EndpointState::Wrong),
    );
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

/// A fraction as a float, for Prometheus only. Its text is `3/20`, or `1`.
fn ratio(fraction: Fraction) -> f64 {
    let text = fraction.to_string();
    let (above, below) = text.split_once('/').unwrap_or((&text, "1"));
    above.parse::<f64>().unwrap_or(f64::NAN) / below.parse::<f64>().unwrap_or(f64::NAN)
}

/// ngonka as GNK.
fn coins(ngonka: u64) -> f64 {
    count(ngonka) / 1e9
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn number(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn count(value: u64) -> f64 {
    value as f64
}
