//! Many notices that are due together become one message, so that a night's worth of them, or the
//! same for twelve models, is read at one glance.

use super::delivery::Item;
use crate::{
    incident::{Telling, digest},
    message::{Lang, Notice, Phrase, Row, Tag, plain},
};

/// Headlines named in a subject.
const NAMED: usize = 2;
/// Commands in one message; the rest is on the page.
const MAX_STEPS: usize = 12;

/// Splits what is due into messages: what is critical together with its like, the rest together,
/// and each on its own while there are fewer than `from`.
pub(super) fn groups(items: Vec<Item<'_>>, from: usize) -> Vec<Vec<Item<'_>>> {
    let key = |item: &Item<'_>| item.is_critical().then(|| item.incident.alert.clone());
    let mut groups: Vec<(Option<String>, Vec<Item<'_>>)> = Vec::new();
    for item in items {
        let key = key(&item);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    // What is critical goes first.
    groups.sort_by_key(|(key, _)| key.is_none());
    groups
        .into_iter()
        .flat_map(|(_, group)| {
            if group.len() >= from.max(2) {
                vec![group]
            } else {
                group.into_iter().map(|item| vec![item]).collect()
            }
        })
        .collect()
}

/// The id of a message about several things: that of all of them together.
pub(super) fn id(ids: &[String]) -> String {
    digest(ids.iter().map(String::as_str))
}

/// One notice for several, the most urgent first. `notices` are those of `items`, in their order.
pub(super) fn notice(items: &[Item<'_>], notices: &[Notice], lang: Lang) -> Notice {
    let mut order: Vec<usize> = (0..notices.len()).collect();
    let rank = |at: &usize| {
        let item = &items[*at];
        let open = item.telling != Telling::Ended || item.is_critical();
        let incident = item.incident;
        let urgency = std::cmp::Reverse((open, incident.severity));
        (urgency, incident.deadline.unwrap_or(i64::MAX), incident.summary.as_str())
    };
    order.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let sorted: Vec<&Notice> = order.iter().map(|at| &notices[*at]).collect();
    let worst = items
        .iter()
        .filter(|item| item.telling != Telling::Ended || item.is_critical())
        .map(|item| item.incident.severity)
        .max();
    let named: Vec<&str> =
        sorted.iter().take(NAMED).map(|notice| notice.headline.as_str()).collect();
    let more = sorted.len().saturating_sub(named.len());
    let (count, named) = (sorted.len(), named.join("; "));
    Notice {
        tag: worst.map_or(Tag::Done, Tag::Severity),
        headline: plain(&Phrase::Bundle { count, named: &named, more }.say(lang), 140),
        what: Phrase::BundleWhat { count }.say(lang),
        list: sorted.iter().map(|notice| row(notice, lang)).collect(),
        // The nearest.
        by: sorted.iter().filter_map(|notice| notice.by.clone()).min_by_key(|by| by.fact.height),
        // Each has its own.
        cost: None,
        steps: sorted
            .iter()
            .flat_map(|notice| notice.steps.iter().map(|step| step.about(&notice.headline)))
            .take(MAX_STEPS)
            .collect(),
        numbers: Vec::new(),
    }
}

/// One of several: what happens, what it costs, and until when it can be helped.
fn row(notice: &Notice, lang: Lang) -> Row {
    let tag = Phrase::Tag(notice.tag).say(lang);
    let by = notice.by.as_ref().map(|by| format!("· {}", by.block));
    let parts = [Some(notice.what.clone()), notice.cost.clone(), by];
    let value: Vec<String> = parts.into_iter().flatten().collect();
    Row::new(&format!("{tag} {}", notice.headline), &value.join(" "))
}
