//! What is wrong, and how complete the data is, in words.

use bootwatch_rules::situation::{EndpointState, ProgressView, Situation};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    BEHIND,
    hosts::record,
    words::{clean, count, counted, elapsed, instant},
};

/// What is wrong with the data, and with how people hear of things.
pub(super) fn notices(s: &Situation, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let mut notices = Vec::new();
    if s.stale && s.complete_to > 0 {
        notices.push(format!(
            "Stale since {}, {} ago: everything below is as of block {}.",
            instant(s.head_time, now, zone),
            elapsed(s.head_time, now),
            count(s.complete_to)
        ));
    }
    if s.data.state_unread && s.complete_to > 0 {
        notices.push(format!(
            "Parameters and members are as of block {}; they may have changed since, and could not \
             be read anew yet. Nothing is decided on them.",
            count(s.state_height)
        ));
    }
    if s.head - s.complete_to >= BEHIND {
        notices.push(format!(
            "Blocks {} to {} are not taken in yet.",
            count(s.complete_to + 1),
            count(s.head)
        ));
    }
    if !s.endpoints.iter().any(|endpoint| endpoint.state == EndpointState::Up) {
        notices.push("No endpoint is up.".to_owned());
    }
    for endpoint in s.endpoints.iter().filter(|e| e.state == EndpointState::Wrong) {
        let reason =
            endpoint.reason.as_deref().map_or_else(String::new, |r| format!(": {}", clean(r)));
        notices.push(format!(
            "{} serves a wrong chain or wrong blocks{reason}; nothing is taken from it.",
            clean(&endpoint.name)
        ));
    }
    if let Some(differ) = &s.data.disagreement {
        let sides = differ.endpoints.iter().map(|side| {
            let hash: String = clean(&side.hash).chars().take(16).collect();
            format!("{} shows {hash}…", clean(&side.endpoint))
        });
        notices.push(format!(
            "Endpoints disagree about block {}: {}. Nothing more is taken in until they agree; if \
             one of them is wrong, take it out of the configuration.",
            count(differ.height),
            sides.collect::<Vec<_>>().join(", ")
        ));
    }
    if let Some(weight) = &s.network_weight {
        notices.push(format!(
            "At the capture of block {} the chain counted a network weight of {}, we count {}: \
             what is projected for candidates is uncertain.",
            count(weight.height),
            count(weight.chain),
            count(weight.ours)
        ));
    }
    if let Some(trouble) = &s.service.store_trouble {
        notices.push(format!("The database cannot be written: {}.", clean(trouble)));
    }
    if s.service.nobody_reached {
        notices.push("Nobody hears of alerts: everybody refused the last message.".to_owned());
    }
    if let Some(mismatch) = &s.service.mismatch {
        notices.push(format!(
            "The chain contradicted our rules at block {}: {}.",
            count(mismatch.height),
            clean(&mismatch.what)
        ));
    }
    if s.plans.as_ref().is_some_and(|plans| plans.more) {
        notices.push("Governance votes on more proposals than are shown.".to_owned());
    }
    for (first, last) in &s.data.unfillable {
        notices.push(format!(
            "Blocks {} to {} are missing: no endpoint has them. They are fetched if one turns up that does.",
            count(*first),
            count(*last)
        ));
    }
    notices
}

/// How complete the data is, and what waits to be sent.
pub(super) fn data(s: &Situation) -> Vec<String> {
    let mut data = vec![
        format!("complete from block {} to {}", count(s.complete_from), count(s.complete_to)),
        format!("parameters and weights read at block {}", count(s.state_height)),
    ];
    if s.data.malformed > 0 {
        data.push(format!("{} in blocks could not be read", counted(s.data.malformed, "thing")));
    }
    if s.data.reconciled > 0 {
        data.push(format!(
            "corrected {} from the chain's state",
            counted(s.data.reconciled, "time")
        ));
    }
    if let Some(record) = record(&s.record) {
        data.push(format!("{record}, over all hosts"));
    }
    for channel in s.service.channels.iter().filter(|c| c.waiting > 0 || c.rejected > 0) {
        data.push(format!(
            "{}: {} waiting, {} refused in a day",
            clean(&channel.name),
            counted(channel.waiting, "message"),
            channel.rejected
        ));
    }
    let work = [("to catch up", &s.data.catching_up), ("of history to fill", &s.data.history)];
    for (what, progress) in work {
        data.extend(progress.as_ref().map(|progress| left(what, progress)));
    }
    data
}

/// `12,000 blocks of history to fill, 4,800 a minute, ready about 14:05 UTC`.
fn left(what: &str, progress: &ProgressView) -> String {
    let mut text = format!("{} {what}", counted(progress.left, "block"));
    if progress.per_minute > 0 {
        text.push_str(&format!(
            ", {} a minute",
            count(i64::try_from(progress.per_minute).unwrap_or(i64::MAX))
        ));
    }
    if let Some(eta) = progress.eta {
        text.push_str(&format!(", ready about {}", eta.strftime("%a %d %b %H:%M UTC")));
    }
    text
}
