//! Whether a database is as it must be.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch::chain::{Endpoint, Rpc, RpcLimits, StateSource as _};
use bootwatch::{decode, metrics::Metrics};
use bootwatch_mailbox::Mail;
use bootwatch_rules::Height;

use crate::account::{self, Account, Read, differences};
use crate::chains::Stage;

/// What a run left.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) read: &'a Read,
    pub(crate) mails: &'a [Mail],
    /// The daemon ran in one process from beginning to end.
    pub(crate) undisturbed: bool,
}

/// What is wrong with it. Without an expected account, as for the run that makes it, what can be
/// said without one.
pub(crate) fn judge(evidence: &Evidence<'_>) -> Vec<String> {
    let Evidence { stage, read, .. } = evidence;
    let mut problems = of_the_store(stage, read);
    if let Some(expected) = stage.expected.get() {
        problems.extend(compare(expected, &read.account));
    }
    problems.extend(messages(evidence));
    problems
}

/// What is wrong with what was taken in, whatever was told of it.
pub(crate) fn of_the_store(stage: &Stage, read: &Read) -> Vec<String> {
    let mut problems: Vec<String> =
        read.damage.iter().map(|damage| format!("verify: {damage}")).collect();
    if read.tip != stage.last {
        problems.push(format!("the ledger is at {}, not at {}", read.tip, stage.last));
    }
    let (first, last) = (stage.first, stage.last);
    if !read.coverage.stored.iter().any(|(from, to)| *from <= first && *to == last) {
        problems.push(format!("{first}..={last} is not one range: {:?}", read.coverage.stored));
    }
    if let Some(hole) = read.coverage.unfillable.iter().find(|hole| hole.last >= first) {
        problems.push(format!("given up: {hole:?}"));
    }
    if read.reconciled > 0 {
        problems.push(format!("the ledger had to be corrected {} time(s)", read.reconciled));
    }
    if !read.members_known {
        problems.push("the choices of some member are not known".to_owned());
    }
    problems
}

fn compare(expected: &Account, found: &Account) -> Vec<String> {
    let named = |part: &str, lines: Vec<String>| -> Vec<String> {
        lines.into_iter().map(|line| format!("{part}: {line}")).collect()
    };
    let mut problems = named("facts", differences(&expected.facts, &found.facts));
    problems.extend(named("ledger", differences(&expected.ledger, &found.ledger)));
    let digests = expected.digests.differences(&found.digests);
    problems.extend(digests.into_iter().map(|part| format!("digest: {part} differ")));
    let untold = expected.captures_told.difference(&found.captures_told);
    // Nothing is decided while the members are those of another epoch.
    let knowing = untold.filter(|(height, _)| !members_unknown(expected, found, *height));
    problems.extend(knowing.map(|(_, capture)| format!("not told: {capture}")));
    let invented = found.captures_told.difference(&expected.captures_told);
    problems.extend(invented.map(|(_, capture)| format!("told of no capture: {capture}")));
    let wrong = found.judged.difference(&expected.judged);
    problems.extend(wrong.map(|judged| format!("judged otherwise: {judged}")));
    let never = found.decided.difference(&expected.decided);
    problems.extend(never.map(|incident| format!("false alarm: {incident}")));
    problems
}

/// Whether the members of the epoch in force at a height could not be read until then.
fn members_unknown(expected: &Account, found: &Account, height: Height) -> bool {
    found.members_at(height) != expected.members_at(height)
}

/// Captures that nobody was told of, because the members could not be read in time.
pub(crate) fn excused(expected: &Account, found: &Account) -> usize {
    let untold = expected.captures_told.difference(&found.captures_told);
    untold.filter(|(height, _)| members_unknown(expected, found, *height)).count()
}

/// Each decision of an incident is one message in the outbox, and each of those one mail at least.
fn messages(evidence: &Evidence<'_>) -> Vec<String> {
    let Evidence { read, mails, undisturbed, .. } = evidence;
    let mut problems = Vec::new();
    let mut of_incident = BTreeMap::<(&str, &str), usize>::new();
    for message in &read.outbox {
        if message.state == "rejected" {
            problems.push(format!("outbox: message {} was given up", message.id));
        }
        *of_incident.entry((&message.incident, &message.recipient)).or_default() += 1;
        if !read.incidents.iter().any(|incident| incident.fingerprint == message.incident) {
            problems.push(format!("outbox: message {} is of no incident", message.id));
        }
    }
    for incident in &read.incidents {
        if account::is_untold(incident) {
            problems.push(format!("nobody was told of {} {:?}", incident.alert, incident.labels));
        }
        for told in incident.told.keys() {
            let recipient = told.split_once(':').map_or(told.as_str(), |(_, address)| address);
            let sent = of_incident.get(&(incident.fingerprint.as_str(), recipient));
            let sent = sent.copied().unwrap_or(0);
            // A capture is told once; a missing decision for each step, and how it ended.
            let most = if incident.deadline.is_none() { 1 } else { 9 };
            if !(1..=most).contains(&sent) {
                let about = format!("{} {} {:?}", incident.alert, incident.window, incident.labels);
                problems.push(format!("outbox: {sent} messages to {recipient} about {about}"));
            }
        }
    }
    let ids: Vec<String> = mails.iter().filter_map(|mail| message_id(&mail.text())).collect();
    let distinct: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    for message in &read.outbox {
        let came = distinct.contains(message.id.as_str());
        let is_wrong = match message.state.as_str() {
            "delivered" => !came,
            // It was replaced by a later one about the same incident. When the daemon died between
            // the server's yes and its own record, it may have come as well.
            "superseded" => came && *undisturbed,
            // Everything had been delivered once the last fault was over. What was decided after
            // that, on the way to the end, may have come and may wait for the next start.
            _ => false,
        };
        if is_wrong {
            let came = if came { "came" } else { "never came" };
            problems.push(format!("message {} is {}, its mail {came}", message.id, message.state));
        }
    }
    let known: BTreeSet<&str> = read.outbox.iter().map(|message| message.id.as_str()).collect();
    for id in distinct.difference(&known) {
        problems.push(format!("a mail came of which the outbox knows nothing: {id}"));
    }
    if *undisturbed && ids.len() != distinct.len() {
        let doubled = ids.len() - distinct.len();
        problems.push(format!("{doubled} mails came twice though nothing was killed"));
    }
    problems
}

/// The outbox's name of a mail.
fn message_id(mail: &str) -> Option<String> {
    mail.lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix("Message-ID:"))
        .and_then(|id| id.trim().strip_prefix('<')?.split_once('@'))
        .map(|(id, _domain)| id.to_owned())
}

/// Holds the account of a run without faults against the chain itself.
pub(crate) async fn against_the_chain(stage: &Stage, account: &Account) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let node = stage.chain.replay(stage.last).await.map_err(|e| text(&e))?;
    let url = node.url().parse().map_err(|_| "the node has no URL".to_owned())?;
    let rpc = Rpc::new(
        Endpoint::new("oracle", &url),
        stage.chain.chain_id(),
        RpcLimits::default(),
        std::sync::Arc::new(Metrics::new([])),
    )
    .map_err(|e| text(&e))?;
    let mut blocks = Vec::new();
    for height in stage.first..=stage.last {
        let bodies = rpc.bodies(height).await.map_err(|e| text(&e))?;
        let (block, results) = bodies.read().map_err(|e| text(&e))?;
        let facts = decode::fetched(stage.chain.chain_id(), height, &block, &results);
        blocks.push(facts.map_err(|e| text(&e))?);
    }
    let told = account::of_blocks(&blocks);
    let stored: Vec<String> =
        account.facts.iter().filter(|line| !line.starts_with("work of ")).cloned().collect();
    let mut problems = differences(&told, &stored);
    let hosts = stage.chain.inspect(|chain| chain.hosts());
    let hosts = hosts.into_iter().map(|host| host.address.into());
    let (answers, error) = rpc.read_choices(hosts.collect::<Vec<_>>(), stage.last).await;
    if let Some(error) = error {
        return Err(text(&error));
    }
    let mut chosen = 0;
    for answer in answers {
        for (model, choice) in &answer.choices {
            chosen += 1;
            let line = format!("choice {model} {}: {choice:?} ", answer.host);
            if !account.ledger.iter().any(|stored| stored.starts_with(&line)) {
                problems.push(format!("not stored: {line}"));
            }
        }
    }
    let stored = account.ledger.iter().filter(|line| line.starts_with("choice ")).count();
    if stored != chosen {
        problems.push(format!("{stored} choices are stored, the chain has {chosen}"));
    }
    let told = account.captures_told.len();
    if told == 0 {
        let decided = account.decided.len();
        problems.push(format!(
            "too little happens: {chosen} choices at the end, {told} captures told, {decided} other \
             decisions"
        ));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
