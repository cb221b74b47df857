//! `GroupMarginLow`: an active model's group is about to lose the vote on its hosts' work, and with
//! it its place. Everybody who delegates into it then pays as if they had chosen nothing.

use bootwatch_rules::{margin::Margin, situation::ModelView};
use bootwatch_schema::{Ending, Severity};
use jiff::SignedDuration;

use super::{Alert, CONDITION, MODEL, View, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Notice, Row, grouped, percent, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "warning, critical when the vote cannot be won",
    when: "an active model's group has hardly more votes than its hosts' work needs; clears a \
           quarter above",
    keys: &["group_margin_percent"],
    timing: |_| Timing { hold: SignedDuration::from_mins(1), clear: SignedDuration::from_mins(10) },
    observe,
    absent: |incident, view| {
        let id = label(incident, MODEL);
        let model = view.situation.models.iter().find(|model| model.model_id.as_str() == id);
        match model {
            Some(model) if model.margin.is_some() => Absence::Ended(Ending::Met),
            // No group any more: that is another story, and this one is over.
            _ => Absence::Ended(Ending::Expired),
        }
    },
    ..CONDITION
};

const NAME: &str = "GroupMarginLow";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    view.situation
        .models
        .iter()
        .filter_map(|model| Some((model, model.margin.as_ref()?)))
        .filter_map(|(model, margin)| observed(model, margin, view))
        .collect()
}

fn observed<'a>(model: &'a ModelView, margin: &'a Margin, view: View<'a>) -> Option<Observed<'a>> {
    let identity = identity(NAME, [(MODEL, model.model_id.as_str())], "");
    // In 1/400 of what is needed, so that a quarter of a percent is a whole number.
    let percent_limit = i128::from(view.policy.thresholds.group_margin_percent);
    let limit = if view.is_open(&identity) { percent_limit * 5 } else { percent_limit * 4 };
    let need = i128::from(margin.votes.need?);
    if i128::from(margin.votes_spare) * 400 >= need * limit {
        return None;
    }
    let lost = margin.votes_spare < 0;
    let (step, severity) = if lost { (2, Severity::Critical) } else { (1, Severity::Warning) };
    let short = short_model(model.model_id.as_str());
    let summary = if lost {
        format!("{short}: its group cannot win the vote")
    } else {
        format!("{short}: its group has hardly more votes than it needs")
    };
    let say = move |_: View<'_>| say(model, margin, lost);
    Some(Observed { step, ..Observed::new(identity, severity, summary, say) })
}

fn say(model: &ModelView, margin: &Margin, lost: bool) -> Notice {
    let short = short_model(model.model_id.as_str());
    let need = grouped(margin.votes.need.unwrap_or_default());
    let have = grouped(margin.votes.have);
    let spare = margin.votes_spare.abs();
    let spare = format!("{} {}", grouped(spare), if spare == 1 { "vote" } else { "votes" });
    let headline = if lost {
        format!("{short}: {spare} short of keeping its group")
    } else {
        format!("{short}: only {spare} to spare")
    };
    let pivotal: Vec<String> =
        margin.pivotal.iter().take(3).map(|host| plain(host.as_str(), 80)).collect();
    let mut numbers = vec![
        Row::new("Votes", &format!("{have} of {need} needed")),
        Row::new("Largest part in one hand", &percent(&margin.largest_share.to_string())),
    ];
    if !pivotal.is_empty() {
        let count = grouped(i64::try_from(margin.pivotal_count).unwrap_or(i64::MAX));
        let fewest = format!("{count}: {}", pivotal.join(", "));
        numbers.push(Row::new("Hosts that can turn it", &fewest));
    }
    Notice {
        numbers,
        ..says(
            headline,
            format!(
                "The hosts that serve {} hold {have} of the {need} votes that must accept their \
                 work. If they fall below, the model loses its group at the next formation, and \
                 its delegators are charged as if they had chosen nothing.",
                plain(model.model_id.as_str(), 200)
            ),
        )
    }
}
