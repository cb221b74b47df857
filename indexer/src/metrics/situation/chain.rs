//! The chain and its epoch.

use bootwatch_rules::{
    ledger::TROUBLES,
    situation::{Phase, Situation},
};

use super::{Families, count, flag, number};

const PHASES: [(Phase, &str); 6] = [
    (Phase::PocGenerate, "poc_generate"),
    (Phase::PocExchange, "poc_exchange"),
    (Phase::PocValidate, "poc_validate"),
    (Phase::Formed, "formed"),
    (Phase::Inference, "inference"),
    (Phase::Unknown, "unknown"),
];

/// The chain and its epoch.
pub(super) fn families(out: &mut Families, s: &Situation) {
    out.gauge(
        "bootwatch_chain_info",
        "The chain and the rule set in use; always 1.",
        &[("chain_id", &s.chain_id), ("rule_set", &s.rule_set)],
        1.0,
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
    let epoch = &s.epoch;
    out.gauge(
        "bootwatch_epoch_poc_start_height",
        "PoC start of the effective epoch; 0 while it is not known.",
        &[],
        number(epoch.poc_start),
    );
    out.gauge(
        "bootwatch_epoch_next_poc_start_height",
        "The next PoC start.",
        &[],
        number(epoch.next_poc_start),
    );
    if let Some(captured) = &epoch.captured {
        out.gauge(
            "bootwatch_capture_height",
            "Newest block in which a capture was due or took place.",
            &[],
            number(captured.height),
        );
        if let Some(epoch) = captured.epoch {
            out.gauge(
                "bootwatch_capture_epoch",
                "The epoch that the capture at bootwatch_capture_height counts for; absent for a capture that was not due there.",
                &[],
                count(epoch),
            );
        }
    }
    out.gauge(
        "bootwatch_network_weight_difference",
        "Our count of the network's weight at the newest capture less the chain's; 0 where they agree.",
        &[],
        s.network_weight.map_or(0.0, |weight| number(weight.ours - weight.chain)),
    );
    if let Some(change) = &s.params_change {
        out.gauge(
            "bootwatch_params_change_height",
            "Block of the newest change of the chain's parameters; absent while none was seen.",
            &[],
            number(change.height),
        );
    }
    for kind in TROUBLES {
        let newest = s.chain_troubles.iter().filter(|trouble| trouble.kind == kind);
        out.gauge(
            "bootwatch_chain_trouble_height",
            "Newest block in which the chain itself told of trouble of that kind; 0 for none.",
            &[("kind", kind)],
            newest.map(|trouble| number(trouble.height)).fold(0.0, f64::max),
        );
    }
}
