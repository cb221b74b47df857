//! Explanations and comparisons for a terminal, narrow enough for a phone.

use std::fmt::Write as _;

use bootwatch_rules::{
    Choice, ChoiceAction, Height,
    forecast::Outcome,
    reward::Cost,
    situation::{Gaps, ModelState},
    whatif::{Comparison, Side},
};
use bootwatch_schema::{ChoiceOrigin, StoredChoice};

use super::{Explanation, ModelExplanation, explain::Snapshot};
use crate::report::{
    self,
    words::{clean, count, gnk, percent},
};

/// Before and after side by side.
#[must_use]
pub fn comparison(answer: &Comparison) -> String {
    let mut out = String::new();
    let (before, after) = (&answer.before, &answer.after);
    line(&mut out, 0, &clean(answer.host.as_str()));
    line(
        &mut out,
        0,
        &format!("{}, {}", clean(answer.model_id.as_str()), state(answer.model_state)),
    );
    line(
        &mut out,
        0,
        &format!("after block {}, rules {}", count(answer.height), clean(&answer.rule_set)),
    );
    if answer.stale {
        line(&mut out, 0, "! The data is old: this is what held at that block.");
    }
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut row = |name: &str, value: &dyn Fn(&Side) -> String| {
        rows.push([name.to_owned(), value(before), value(after)]);
    };
    row("choice", &|side| side.choice.kind.clone());
    if before.reaches.is_some() || after.reaches.is_some() {
        row("reaches", &|side| match side.reaches {
            Some(true) => "yes".to_owned(),
            Some(false) => "no".to_owned(),
            None => "unknown".to_owned(),
        });
    }
    if before.gaps.is_some() {
        let gap = |side: &Side, pick: &dyn Fn(&Gaps) -> Option<i64>| {
            side.gaps.as_ref().map_or("unknown".to_owned(), |gaps| match pick(gaps) {
                Some(0) => "enough".to_owned(),
                Some(missing) => format!("{} missing", count(missing)),
                None => "never enough".to_owned(),
            })
        };
        row("hosts", &|side| gap(side, &|gaps| gaps.hosts.missing));
        row("weight", &|side| gap(side, &|gaps| gaps.weight.missing));
        row("reach", &|side| gap(side, &|gaps| gaps.reach.missing));
        row("pre-eligible", &|side| {
            side.gaps
                .as_ref()
                .map_or("unknown", |g| if g.pre_eligible { "yes" } else { "no" })
                .into()
        });
    }
    row("this model", &|side| {
        side.forecast.as_ref().map_or("unknown".to_owned(), |f| report::range(&f.charge))
    });
    row("all models", &|side| side.charge.as_ref().map_or("unknown".to_owned(), report::range));
    let (costs, totals) = ([&before.cost, &after.cost], [&before.total_cost, &after.total_cost]);
    if costs.into_iter().all(Option::is_some) && totals.into_iter().all(Option::is_some) {
        let whole = |cost: &Option<Cost>| cost.as_ref().map_or(String::new(), report::taken);
        row("this model takes", &|side| whole(&side.cost));
        row("all models take", &|side| whole(&side.total_cost));
        if totals.into_iter().flatten().any(|cost| cost.shares > 0) {
            row("delegates get", &|side| {
                side.total_cost.as_ref().map_or(String::new(), |cost| match cost.shares {
                    0 => "nothing".to_owned(),
                    most => format!("up to {}", report::about(cost.unit, most)),
                })
            });
        }
    }
    line(&mut out, 0, "");
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max("before".len())
    };
    let (name, now) = (width(0), width(1));
    line(&mut out, 1, &format!("{:<name$}  {:<now$}  after", "", "before"));
    for [what, was, would] in &rows {
        line(&mut out, 1, &format!("{what:<name$}  {was:<now$}  {would}"));
    }
    if let Some(cost) = &before.total_cost {
        line(&mut out, 0, "");
        line(&mut out, 1, &format!("amounts: {}", report::premise(cost)));
    }
    for (title, side) in [("Before", before), ("After", after)] {
        line(&mut out, 0, "");
        line(&mut out, 0, title);
        line(&mut out, 1, &view(&side.choice.kind, side.choice.delegate_to.as_ref()));
        match &side.forecast {
            None => line(&mut out, 1, "what it costs cannot be told now"),
            Some(forecast) => {
                for outcome in report::outcomes(forecast) {
                    line(&mut out, 1, &outcome);
                }
            }
        }
    }
    line(&mut out, 0, "");
    line(&mut out, 0, "Counts when it is included by");
    for until in &answer.deadlines {
        let deadline = &until.deadline;
        let height =
            deadline.height.map_or("no block with these parameters".to_owned(), |height| {
                format!("block {}, for epoch {}", count(height), deadline.epoch)
            });
        line(&mut out, 1, &format!("{}: {height}", report::name(deadline.name)));
        if let Some(wipe) = until.wiped_at {
            let wipe = count(wipe);
            line(
                &mut out,
                2,
                &format!("not before block {wipe}, which wipes refusals and intents"),
            );
        }
    }
    if before.forecast == after.forecast && before.gaps == after.gaps {
        line(&mut out, 0, "");
        let trap = match (answer.model_state, &answer.choose) {
            (ModelState::Candidate, ChoiceAction::Refuse) => {
                " A refusal does not protect on a candidate that stays ineligible."
            }
            _ => "",
        };
        line(&mut out, 0, &format!("It changes nothing in the epoch being formed.{trap}"));
    }
    out
}

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

fn lever_name(action: bootwatch_rules::forecast::LeverAction) -> &'static str {
    use bootwatch_rules::forecast::LeverAction;
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

fn chosen(stored: &StoredChoice) -> String {
    match &stored.choice {
        Choice::Delegate { delegate_to } => view("delegate", Some(delegate_to)),
        Choice::Refuse => "refuse".to_owned(),
        Choice::Intent => "intent".to_owned(),
    }
}

fn view(kind: &str, delegate: Option<&bootwatch_rules::Address>) -> String {
    match delegate {
        Some(delegate) => format!("delegate to {}", clean(delegate.as_str())),
        None => clean(kind),
    }
}

fn state(state: ModelState) -> &'static str {
    match state {
        ModelState::Active => "active",
        ModelState::Candidate => "candidate",
    }
}

fn line(out: &mut String, depth: usize, text: &str) {
    let indent = depth * 2;
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}", format!("{:indent$}{text}", "").trim_end());
}
