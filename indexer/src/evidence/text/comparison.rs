//! Before and after another choice.

use bootwatch_rules::{
    ChoiceAction,
    reward::Cost,
    situation::{Gaps, ModelState},
    whatif::{Comparison, Side},
};

use super::{line, state, view};
use crate::report::{
    self,
    words::{clean, count},
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
    line(&mut out, 0, "");
    let premise = before.total_cost.as_ref().map(report::premise);
    let premise = premise.unwrap_or_else(|| {
        "not known: what the host earns has not been read, as it is for watched hosts".to_owned()
    });
    line(&mut out, 1, &format!("amounts: {premise}"));
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
