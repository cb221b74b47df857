//! The chain of reasoning behind a charge.

use bootwatch_rules::{
    Height,
    forecast::{LeverAction, Outcome},
    situation::ModelState,
};
use bootwatch_schema::ChoiceOrigin;

use super::{chosen, line, state};
use crate::{
    evidence::{Explanation, ModelExplanation, explain::Snapshot},
    report::{
        self,
        words::{clean, count, gnk, percent},
    },
};

/// The chain of reasoning.
#[must_use]
pub fn explanation(answer: &Explanation) -> String {
    let mut out = String::new();
    let e = answer;
    let name = if e.name.is_empty() { String::new() } else { format!("{}, ", clean(&e.name)) };
    line(&mut out, 0, &format!("{name}{}", clean(e.host.as_str())));
    line(&mut out, 0, &format!("epoch {}, as of block {} ({})", e.epoch, count(e.height), e.time));
    if e.stale {
        line(&mut out, 0, "! The data is old: this is what held at that block.");
    }
    charge(&mut out, e);
    if !e.missing.is_empty() {
        line(&mut out, 0, "");
        line(&mut out, 0, "Not known");
        for text in &e.missing {
            line(&mut out, 1, &format!("! {}", clean(text)));
        }
    }
    line(&mut out, 0, "");
    line(&mut out, 0, "Inputs");
    line(&mut out, 1, &format!("rules {}: {}", clean(&e.rule_set.name), clean(&e.rule_set.source)));
    match &e.weight {
        Some(weight) => line(
            &mut out,
            1,
            &format!(
                "weight {} of epoch {}, read at block {}",
                count(weight.weight),
                weight.epoch,
                count(weight.read_at)
            ),
        ),
        None => line(&mut out, 1, "no live member of the epoch before, as far as it was read"),
    }
    for source in &e.params {
        let at = match source.at {
            "capture" => "at the capture",
            "validation_start" => "at validation start",
            _ => "now",
        };
        line(
            &mut out,
            1,
            &format!(
                "parameters {at}, block {}, unchanged since {}",
                count(source.height),
                count(source.since)
            ),
        );
        if let Some(p) = &source.params.delegation {
            line(
                &mut out,
                2,
                &format!(
                    "refusal {}, no participation {}, delegation share {}",
                    p.refusal_penalty, p.no_participation_penalty, p.delegation_share
                ),
            );
            line(
                &mut out,
                2,
                &format!(
                    "v_min {}, w_threshold {}, deploy window {}",
                    p.v_min, p.w_threshold, p.deploy_window
                ),
            );
        }
    }
    line(&mut out, 0, "");
    line(&mut out, 0, "Heights");
    let heights = [
        ("capture", e.course.capture),
        ("PoC start", e.course.poc_start),
        ("commit deadline", e.course.commit_deadline),
        ("validation start", e.course.validation_start),
        ("validation end", e.course.validation_end),
        ("effective", e.course.effective),
    ];
    for (name, height) in heights {
        let text = match height {
            Some(height) if height > e.height => {
                format!("{}, in {} blocks", count(height), count(height - e.height))
            }
            Some(height) => format!("{}, passed", count(height)),
            None => "not known, or none".to_owned(),
        };
        line(&mut out, 1, &format!("{name:<16}  {text}"));
    }
    for model in &e.models {
        line(&mut out, 0, "");
        self::model(&mut out, model, e.height);
    }
    out
}

fn charge(out: &mut String, e: &Explanation) {
    match (&e.fixed, &e.forecast) {
        (Some(fixed), _) => {
            let fraction = fixed.fraction.map_or("an unreadable fraction".to_owned(), |fraction| {
                percent(&fraction.to_string())
            });
            line(
                out,
                0,
                &format!(
                    "final: {fraction} of the reward{}, read after block {}",
                    fixed
                        .amount
                        .filter(|amount| *amount > 0)
                        .map_or(String::new(), |amount| format!(" (about {})", gnk(amount))),
                    count(fixed.read_after)
                ),
            );
            for transfer in &fixed.transfers {
                line(
                    out,
                    1,
                    &format!(
                        "{} for {} moves from {} to {}",
                        transfer.share,
                        clean(transfer.model_id.as_str()),
                        clean(transfer.from.as_str()),
                        clean(transfer.to.as_str())
                    ),
                );
            }
            match (e.resolved, fixed.fraction) {
                (Some(ours), Some(theirs)) if ours == theirs => {
                    line(out, 1, "the rules come to the same from the inputs below");
                }
                (Some(ours), _) => {
                    let ours = percent(&ours.to_string());
                    line(out, 1, &format!("! from the inputs below the rules come to {ours}"));
                }
                (None, _) => line(out, 1, "not every input is stored, so it is not recomputed"),
            }
        }
        (None, Some(range)) => {
            let whole = if e.rules_charge_weight() { "weight" } else { "reward" };
            let cost = e.cost.as_ref().map(report::cost).unwrap_or_default();
            line(out, 0, &format!("projected: {} of the {whole}{cost}", report::range(range)));
        }
        (None, None) => line(out, 0, "charge not known"),
    }
    if let Some(kept) = &e.kept {
        let held = match kept.charge.outcome {
            Some(Outcome::Right) => "it was right",
            Some(Outcome::Wrong) => "! it was wrong",
            None => "not compared yet",
        };
        let said = report::range(&kept.charge.range);
        let height = count(kept.height);
        line(
            out,
            1,
            &format!("forecast at block {height}, rules {}: {said}; {held}", kept.rule_set),
        );
    }
    if let Some(record) = report::record(&e.record) {
        line(out, 1, &record);
    }
    if let Some(reward) = &e.reward {
        line(out, 1, &report::reward(reward));
    }
}

fn model(out: &mut String, model: &ModelExplanation, tip: Height) {
    let now = model.state.map_or("no longer in the parameters", state);
    line(out, 0, &format!("{}, {now}", clean(model.model_id.as_str())));
    if let Some(start) = model.penalty_start_epoch {
        let coefficient = model.coefficient.map_or(
            "its coefficient is not known: the chain works it out for every epoch".to_owned(),
            |coefficient| format!("coefficient {coefficient}"),
        );
        line(out, 1, &format!("can cost from epoch {start}, {coefficient}"));
    }
    // An active model is not captured.
    if model.capture.is_some() || model.state != Some(ModelState::Active) {
        snapshot(out, "capture", &model.at_capture, tip);
    }
    if let Some(dated) = &model.capture {
        let c = &dated.fact;
        let verdict = if c.pre_eligible { "pre-eligible" } else { "not pre-eligible" };
        line(
            out,
            2,
            &format!(
                "event of block {}: {verdict}; hosts {}, weight {}, reach {} of {}",
                count(dated.block.height),
                count(c.intent_host_count),
                count(c.intent_weight),
                count(c.reachable_voting_power),
                count(c.total_network_weight)
            ),
        );
        line(out, 2, &format!("block hash {}", clean(&dated.block.hash)));
    } else if let Some(gaps) = &model.gaps {
        let verdict = if gaps.pre_eligible { "pre-eligible" } else { "not pre-eligible" };
        line(out, 2, &format!("projected now: {verdict}"));
    }
    snapshot(out, "validation start", &model.at_validation_start, tip);
    if let Some(work) = &model.work
        && let Some(committed) = work.committed
    {
        let height = work
            .last_commit
            .map_or(String::new(), |height| format!(", last at block {}", count(height)));
        line(out, 1, &format!("committed {} nonces{height}", count(i64::from(committed))));
    }
    if let Some(delegate) = &model.delegate {
        line(out, 1, &report::delegate(delegate));
    }
    if let Some(forecast) = &model.forecast {
        for outcome in report::outcomes(forecast) {
            line(out, 1, &outcome);
        }
        if let Some(cost) = model.cost.as_ref().map(report::cost).filter(|cost| !cost.is_empty()) {
            line(out, 1, cost.trim_start_matches(": "));
        }
        for lever in &forecast.levers {
            line(
                out,
                2,
                &format!(
                    "can still {} until block {} ({})",
                    lever_name(lever.action),
                    count(lever.last_height),
                    report::name(lever.deadline)
                ),
            );
        }
    }
    if let Some(mode) = model.mode {
        let fraction = model.fraction.unwrap_or_default();
        line(out, 1, &format!("resolved: {mode}, {}", percent(&fraction.to_string())));
    }
}

fn lever_name(action: LeverAction) -> &'static str {
    match action {
        LeverAction::Delegate => "delegate",
        LeverAction::Refuse => "refuse",
        LeverAction::Intent => "declare intent",
        LeverAction::Commit => "commit",
    }
}

fn snapshot(out: &mut String, name: &str, snapshot: &Snapshot, tip: Height) {
    let Some(height) = snapshot.height else {
        return line(out, 1, &format!("{name}: no block, or not known"));
    };
    let when = if height > tip { "now, for" } else { "at" };
    let choice = match &snapshot.choice {
        Some(stored) => chosen(stored),
        None if snapshot.known => "none".to_owned(),
        None => "unknown".to_owned(),
    };
    line(out, 1, &format!("{when} {name} {}: {choice}", count(height)));
    match snapshot.choice.as_ref().map(|stored| &stored.origin) {
        Some(ChoiceOrigin::Tx(dated)) => {
            line(out, 2, &format!("tx {}", clean(&dated.fact.tx_hash)));
            line(out, 2, &format!("in block {}", count(dated.block.height)));
        }
        Some(ChoiceOrigin::State { read_at }) => {
            line(out, 2, &format!("read from the chain's state after block {}", count(*read_at)));
        }
        None => {}
    }
}
