//! Whether hosts were told in time, by the chain's own records: what it charged, removed and captured.
//!
//! *In time*: the mail server had taken the notice before the nodes showed the block that freezes the
//! choice. From the time on from which the trouble could be known to then, the world must have been
//! [sound](Health) for [`PATIENCE`] at a stretch; where it was not, nobody could, and that is counted by
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bootwatch_devnet::chain::{Because, Chain, EpochRecord, StoredChoice};
use bootwatch_rules::Height;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OpenFlags};

use super::FIRST;
use crate::chains::Stage;
use crate::run::{self, Arrival, Health, Kept};

/// So long the world has to be sound at a stretch: a mail server that has failed three times is tried
/// again after half a minute to two, a node likewise.
const PATIENCE: SignedDuration = SignedDuration::from_secs(120);
/// Data that is older is called stale, and nothing ends by it.
const STALE: SignedDuration = SignedDuration::from_secs(90);

/// The engine hears of a refusal so soon.
const HEARD: SignedDuration = SignedDuration::from_secs(5);

/// Alerts that tell a host to act on its choice for a model.
const ACT: [&str; 8] = [
    "DecisionMissing",
    "ChoiceExpired",
    "RefusalOnCandidate",
    "ChoiceTooLate",
    "DelegationDeleted",
    "DelegationWithoutEffect",
    "CommitMissing",
    "WeightDistributionMissing",
];

/// A message of the outbox, and what it tells of.
#[derive(Debug)]
struct Message {
    number: i64,
    recipient: String,
    state: String,
    settled: Option<Timestamp>,
    subject: String,
    decided: Timestamp,
    height: Height,
    parts: Vec<(usize, bool)>,
}

/// What a month left.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    stage: &'a Stage,
    arrivals: &'a [Arrival],
    health: &'a [Health],
    messages: BTreeMap<String, Message>,
    incidents: Vec<Kept>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) problems: Vec<String>,
    pub(super) counts: BTreeMap<&'static str, u64>,
}

/// Something that a host had to be told of.
struct Need {
    what: &'static str,
    host: String,
    model: String,
    /// The block after which it could be known, and the one that made it final.
    from: Height,
    until: Height,
    alerts: &'static [&'static str],
}

impl<'a> Evidence<'a> {
    pub(super) fn read(
        stage: &'a Stage,
        database: &Path,
        arrivals: &'a [Arrival],
        health: &'a [Health],
        known: &BTreeMap<String, Kept>,
    ) -> Result<Self, rusqlite::Error> {
        let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut known = known.clone();
        known.extend(run::incidents(&db)?);
        let names = known.keys().cloned().zip(0..);
        let numbers: BTreeMap<String, usize> = names.collect();
        let incidents = known.into_values().collect();
        let mut messages = BTreeMap::new();
        let mut select = db.prepare(
            "SELECT message_id, id, recipient, state, subject, created_at, created_height,
                 settled_at
             FROM outbox",
        )?;
        let mut parts = db.prepare("SELECT incident, ended FROM part WHERE message = ?1")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let number = row.get(1)?;
            let mut of_message = Vec::new();
            let mut found = parts.query([number])?;
            while let Some(part) = found.next()? {
                // Delivery's own troubles are no incidents of the store.
                if let Some(incident) = numbers.get(&part.get::<_, String>(0)?) {
                    of_message.push((*incident, part.get(1)?));
                }
            }
            let time = |nanos: i64| Timestamp::from_nanosecond(nanos.into()).unwrap_or_default();
            let message = Message {
                number,
                recipient: row.get(2)?,
                state: row.get(3)?,
                subject: row.get(4)?,
                settled: row.get::<_, Option<i64>>(7)?.map(time),
                decided: time(row.get(5)?),
                height: row.get(6)?,
                parts: of_message,
            };
            messages.insert(row.get(0)?, message);
        }
        Ok(Self { stage, arrivals, health, messages, incidents })
    }

    /// Each mail that came, with its message; once, however often it came.
    fn first_arrivals(&self) -> impl Iterator<Item = (&Arrival, &Message)> {
        let mut seen = BTreeSet::new();
        let fresh = self.arrivals.iter().filter(move |arrival| seen.insert(arrival.id.as_str()));
        fresh.filter_map(|arrival| Some((arrival, self.messages.get(&arrival.id)?)))
    }

    /// Whether, at the block `until`, the host stood warned: the last that came since `since` says so.
    fn is_warned(&self, need: &Need, since: Height) -> bool {
        let about = |incident: &Kept| {
            need.alerts.contains(&incident.alert.as_str())
                && incident.model == need.model
                && (incident.host == need.host || need.host.is_empty())
        };
        let mut standing = BTreeSet::new();
        let came = self.first_arrivals().filter(|(arrival, _)| {
            arrival.recipient == FIRST && (since..need.until).contains(&arrival.head)
        });
        for (number, ended) in came.flat_map(|(_, message)| &message.parts) {
            if about(&self.incidents[*number]) {
                if *ended {
                    standing.remove(number)
                } else {
                    standing.insert(*number)
                };
            }
        }
        !standing.is_empty()
    }

    /// What was said to the first recipient of a host and model between two blocks.
    fn said(&self, host: &str, model: &str, from: Height, until: Height) -> String {
        let mut said: Vec<(i64, String)> = Vec::new();
        for (id, message) in &self.messages {
            let about =
                message.parts.iter().map(|(number, ended)| (&self.incidents[*number], ended));
            let about: Vec<String> = about
                .filter(|(incident, _)| incident.host == host && incident.model == model)
                .map(|(incident, ended)| {
                    format!("{}{}", incident.alert, if *ended { " over" } else { "" })
                })
                .collect();
            if about.is_empty()
                || message.recipient != FIRST
                || !(from..=until).contains(&message.height)
            {
                continue;
            }
            let came = self.arrivals.iter().find(|arrival| arrival.id == *id);
            let came = came.map_or("never".to_owned(), |arrival| arrival.head.to_string());
            let (height, state) = (message.height, &message.state);
            let about = about.join(", ");
            said.push((
                message.number,
                format!("\n    decided at {height}, came at {came}, {state}: {about}"),
            ));
        }
        said.sort();
        said.into_iter().map(|(_, line)| line).collect()
    }

    /// The longest time at a stretch, between two blocks, in which the world was sound.
    fn longest_sound(&self, from: Height, until: Height) -> SignedDuration {
        let time = |height| self.stage.chain.time(height).unwrap_or_default();
        let (from, until) = (time(from), time(until));
        let ends = self.health.iter().skip(1).map(|health| health.from).chain([Timestamp::MAX]);
        let stretches = self.health.iter().zip(ends).filter(|(health, _)| health.sound);
        let within =
            stretches.map(|(health, end)| end.min(until).duration_since(health.from.max(from)));
        within.max().unwrap_or_default().max(SignedDuration::ZERO)
    }
}

/// Judges a month. `kills` processes died, and the server kept so many mails without saying so.
pub(super) fn judge(evidence: &Evidence<'_>, kills: u64, unsaid: u64) -> Verdict {
    let mut verdict = Verdict::default();
    evidence.stage.chain.inspect(|chain| {
        in_time(evidence, chain, &mut verdict);
        ends_are_true(evidence, chain, &mut verdict);
    });
    order(evidence, &mut verdict);
    duplicates(evidence, kills, unsaid, &mut verdict);
    verdict
}

impl Verdict {
    fn count(&mut self, name: &'static str, more: u64) {
        *self.counts.entry(name).or_default() += more;
    }

    fn wrong(&mut self, text: String) {
        self.problems.push(text);
    }
}

fn in_time(evidence: &Evidence<'_>, chain: &Chain, verdict: &mut Verdict) {
    let first = evidence.stage.first;
    let epochs: Vec<EpochRecord> = chain.epochs();
    for pair in epochs.windows(2) {
        let [before, epoch] = pair else { continue };
        // What began before the daemon did is not its to tell.
        if before.effective < first {
            continue;
        }
        verdict.count("epochs", 1);
        for need in needs(chain, before, epoch, evidence) {
            verdict.count("deadlines", 1);
            verdict.count(need.what, 1);
            let sound = evidence.longest_sound(need.from, need.until);
            if evidence.is_warned(&need, before.validation_end) {
                verdict.count("in-time", 1);
            } else if sound < PATIENCE {
                verdict.count("not-possible", 1);
            } else {
                verdict.wrong(format!(
                    "not told in time: {} of {} for {} in epoch {}: known from block {}, final with \
                     {}; for {} s the world was sound{}",
                    need.what,
                    need.host,
                    need.model,
                    epoch.index,
                    need.from,
                    need.until,
                    sound.as_secs(),
                    evidence.said(&need.host, &need.model, before.poc_start, need.until)
                ));
            }
        }
    }
}

/// What the chain's records of an epoch call for.
fn needs(
    chain: &Chain,
    before: &EpochRecord,
    epoch: &EpochRecord,
    evidence: &Evidence<'_>,
) -> Vec<Need> {
    let watched = |host: &str| evidence.stage.watched.iter().any(|own| own.address == host);
    let mut needs = Vec::new();
    for bill in epoch.bills.iter().filter(|bill| watched(&bill.host)) {
        let (host, model) = (bill.host.as_str(), bill.model.as_str());
        let until = match (bill.because, &epoch.capture) {
            (Because::Refused, _) => continue,
            (Because::Nothing, _) => epoch.validation_start,
            (Because::Missed, Some(capture)) => capture.height,
            (Because::Missed, None) => continue,
        };
        if !chain.is_member_at(until, host) {
            continue;
        }
        let stored = chain.choice_at(until, host, model);
        let committed = chain.committed_at(until, epoch.poc_start, host, model);
        // From the block after which nothing that helps was stored any more.
        let same = |height: &Height| chain.choice_at(*height, host, model) == stored;
        let since = (before.effective..until).rev().take_while(same).last().unwrap_or(until);
        let mut need = |what, from: Height, alerts| {
            let (host, model) = (host.to_owned(), model.to_owned());
            needs.push(Need { what, host, model, from, until, alerts });
        };
        match stored {
            // Its work was not accepted: nobody could know.
            _ if committed => {}
            None if chain.serves_at(until, host, model) => {
                need("own-work", since.max(epoch.poc_start), &ACT);
            }
            None => {
                // Taken by the wipe of the epoch before.
                let last = chain.choice_at(before.validation_end - 1, host, model);
                let lost = matches!(last, Some(StoredChoice::Intent | StoredChoice::Refusal));
                need(if lost { "lost-at-the-wipe" } else { "undecided" }, since, &ACT);
            }
            Some(StoredChoice::Refusal) => need("refusal-in-vain", since, &ACT),
            Some(StoredChoice::Intent) if bill.because == Because::Nothing => {
                // Of a candidate that became active it would have had to commit.
                let at = if chain.is_active_at(since, model) { since } else { epoch.poc_start };
                need("intent-in-vain", at.max(since), &ACT);
            }
            Some(StoredChoice::Intent) => {}
            Some(StoredChoice::Delegation(to)) => {
                let removed = chain.exclusions().into_iter().find(|exclusion| {
                    exclusion.host == to
                        && exclusion.epoch == before.index
                        && exclusion.height < until
                });
                if let Some(exclusion) = removed {
                    const ALERTS: [&str; 3] =
                        ["DelegateAtRisk", "DelegationWithoutEffect", "DecisionMissing"];
                    need("delegate-removed", since.max(exclusion.height), &ALERTS);
                }
            }
        }
    }
    if let Some(capture) = &epoch.capture {
        for (model, _) in &capture.models {
            needs.push(Need {
                what: "captures",
                host: String::new(),
                model: model.clone(),
                from: capture.height,
                // The next one replaces it.
                until: capture.height + epoch.poc_start - before.poc_start,
                alerts: &["CaptureResult"],
            });
        }
    }
    needs
}

/// What is said to be done is so by the chain, and nothing ends by old data.
fn ends_are_true(evidence: &Evidence<'_>, chain: &Chain, verdict: &mut Verdict) {
    let mut false_ends = 0;
    for (number, incident) in evidence.incidents.iter().enumerate() {
        let acts = ACT[..6].contains(&incident.alert.as_str());
        let (true, Some("met"), Some(deadline)) =
            (acts, incident.ending.as_deref(), incident.deadline)
        else {
            continue;
        };
        let (host, model) = (incident.host.as_str(), incident.model.as_str());
        // What was settled when that was said may have been cleared since.
        let told = evidence.messages.values().filter(|m| m.parts.contains(&(number, true)));
        let told = told.map(|message| message.height).max().unwrap_or(deadline).min(deadline);
        let settled = chain.choice_at(told, host, model).is_some();
        let charged = chain.epochs().into_iter().any(|epoch| {
            epoch.index.to_string() == incident.window
                && epoch.bills.iter().any(|bill| {
                    (bill.host.as_str(), bill.model.as_str()) == (host, model)
                        && match bill.because {
                            Because::Refused => false,
                            Because::Nothing => epoch.validation_start == deadline,
                            Because::Missed => {
                                epoch.capture.as_ref().is_some_and(|c| c.height == deadline)
                            }
                        }
                })
        });
        if charged && !settled {
            false_ends += 1;
            verdict.wrong(format!(
                "false end: {} of {host} for {model} before {deadline} is met, and the chain has no \
                 choice there{}",
                incident.alert,
                evidence.said(host, model, deadline - 80, deadline + 20)
            ));
        }
    }
    for message in evidence.messages.values() {
        let ends = message.parts.iter().filter(|(_, ended)| *ended);
        let of_the_chain: Vec<&Kept> = ends
            .map(|(number, _)| &evidence.incidents[*number])
            .filter(|incident| !incident.host.is_empty() || !incident.model.is_empty())
            .collect();
        if of_the_chain.is_empty() {
            continue;
        }
        verdict.count("ends", 1);
        let head = evidence.stage.chain.time(message.height).unwrap_or_default();
        let age = message.decided.duration_since(head);
        if age > STALE {
            false_ends += 1;
            let subject = &message.subject;
            verdict.wrong(format!("an end by data {} s old: {subject}", age.as_secs()));
        }
        // What stands in the subject stood in the chain.
        let ([incident], [_]) = (of_the_chain.as_slice(), message.parts.as_slice()) else {
            continue;
        };
        let stored = chain.choice_at(message.height, &incident.host, &incident.model);
        let word = match stored {
            None => "nothing",
            Some(StoredChoice::Delegation(_)) => "delegation",
            Some(StoredChoice::Refusal) => "refusal",
            Some(StoredChoice::Intent) => "intent",
        };
        let settled = message.subject.contains("settled for ");
        if settled && !message.subject.contains(&format!("({word})")) {
            false_ends += 1;
            let (subject, height) = (&message.subject, message.height);
            verdict.wrong(format!("block {height} has {word} where it is said: {subject}"));
        }
    }
    verdict.count("false-ends", false_ends);
}

/// Each incident's messages come to a recipient in the order in which they were decided, and an end
/// only after something else was told, or with it.
fn order(evidence: &Evidence<'_>, verdict: &mut Verdict) {
    let mut last = BTreeMap::<(&str, usize), i64>::new();
    let came: BTreeSet<i64> =
        evidence.first_arrivals().map(|(_, message)| message.number).collect();
    for (arrival, message) in evidence.first_arrivals() {
        for (incident, ended) in &message.parts {
            let key = (message.recipient.as_str(), *incident);
            let before = last.insert(key, message.number).unwrap_or(0);
            if before > message.number {
                let subject = &message.subject;
                verdict.wrong(format!("{} came too late: {subject}", arrival.id));
            }
            if !ended {
                continue;
            }
            // Since the end before, something was told, or would have been if this had not come.
            let earlier = |ends: bool| {
                evidence.messages.values().filter(move |other| {
                    other.number < message.number
                        && other.recipient == message.recipient
                        && other.parts.contains(&(*incident, ends))
                })
            };
            let since = earlier(true)
                .filter(|other| came.contains(&other.number))
                .map(|other| other.number)
                .max()
                .unwrap_or(0);
            // What was refused only after the end had been put into a bundle is told there.
            let known = message.decided.saturating_sub(HEARD).unwrap_or_default();
            let waited = |other: &Message| {
                message.parts.len() > 1 && other.settled.is_none_or(|settled| settled > known)
            };
            let begun = earlier(false).filter(|other| other.number > since).any(|other| {
                came.contains(&other.number) || other.state == "superseded" || waited(other)
            });
            if !begun {
                let subject = &message.subject;
                verdict.wrong(format!("{} got an end of what it never heard of: {subject}", key.0));
            }
        }
    }
}

/// A mail comes twice only when the process died, or the server did not say that it had it.
fn duplicates(evidence: &Evidence<'_>, kills: u64, unsaid: u64, verdict: &mut Verdict) {
    let distinct: BTreeSet<&str> = evidence.arrivals.iter().map(|a| a.id.as_str()).collect();
    let (came, mails) = (distinct.len() as u64, evidence.arrivals.len() as u64);
    let again = mails - came;
    verdict.count("mails", came);
    verdict.count("duplicates", again);
    if again > kills + unsaid {
        verdict.wrong(format!(
            "{again} mails came again, with {kills} kills and {unsaid} that the server kept silent of"
        ));
    }
    let unknown = distinct.iter().filter(|id| !evidence.messages.contains_key(**id)).count();
    if unknown > 0 {
        verdict.wrong(format!("{unknown} mails came that the outbox does not know"));
    }
    for (id, message) in &evidence.messages {
        let lost = message.state == "delivered" && !distinct.contains(id.as_str());
        if lost {
            verdict.wrong(format!("said to be delivered and never came: {}", message.subject));
        }
        if message.state == "rejected" && message.recipient == FIRST {
            verdict.wrong(format!("given up: {}", message.subject));
        }
    }
}
