//! What a database says: two runs on the same chain must say the same. As the store's own digests,
//! which know every column, and as lines of text, which show what differs.
//!
//! Left out is what rightly differs: when something was read that may be read at several heights,
//! which hosts were asked for beside the members (a restart asks for all that ever chose), and what
//! lies before the first block or describes the endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bootwatch_rules::{
    BlockFacts, EpochIndex, Height, ModelId,
    ledger::{CaptureTerms, Ledger},
};
use bootwatch_schema::{
    Coverage, Digest, Incident, IncidentState, LedgerDigest, ReadStore as _, SqliteReader,
    StoreError,
};
use rusqlite::{Connection, OpenFlags};

/// More than any of the chains has.
const ALL: u32 = 1_000_000;
/// The alert that a capture calls for.
const CAPTURE_RESULT: &str = "CaptureResult";

/// What a database says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Account {
    /// The store's digests: of the blocks, and of the ledger at the last one.
    pub(crate) digests: Digests,
    /// Headers and facts of blocks.
    pub(crate) facts: Vec<String>,
    /// The ledger after the last block.
    pub(crate) ledger: Vec<String>,
    /// What our rules made of captures, where everything for it was read in time: never otherwise
    /// than expected, but perhaps nothing.
    pub(crate) judged: BTreeSet<String>,
    /// What was decided of captures, by height: each must be told, if the members were known then.
    pub(crate) captures_told: BTreeSet<(Height, String)>,
    /// Epochs whose members were read, and where first.
    pub(crate) members_read: BTreeMap<EpochIndex, Height>,
    /// What was decided otherwise: how much depends on which blocks were judged at the tip.
    pub(crate) decided: BTreeSet<String>,
}

/// What the store's own digests say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Digests {
    blocks: Option<Digest>,
    ledger: Option<LedgerDigest>,
}

impl Digests {
    /// Names of those that differ from what is expected. Not compared is the ledger's memory, which
    /// rightly depends on when the state was read, and headers of which a part is pruned.
    pub(crate) fn differences(&self, found: &Self) -> Vec<&'static str> {
        let blocks = |digests: &Self| digests.blocks.clone();
        let facts = |digest: Digest| (digest.blocks, digest.facts);
        let headers = |digest: Digest| (digest.headers_from, digest.headers);
        let (expected, told) = (blocks(self), blocks(found));
        let mut names = Vec::new();
        if expected.clone().map(facts) != told.clone().map(facts) {
            names.push("the blocks' facts");
        }
        let (expected, told) = (expected.map(headers), told.map(headers));
        let pruned = |a: &(Height, String), b: &(Height, String)| a.0 != b.0;
        if expected != told && !expected.zip(told).is_some_and(|(a, b)| pruned(&a, &b)) {
            names.push("the headers");
        }
        let ledger = |digests: &Self| {
            digests.ledger.clone().map(|ledger| (ledger.tip, ledger.choices, ledger.state))
        };
        if ledger(self) != ledger(found) {
            names.push("the ledger");
        }
        names
    }
}

impl Account {
    /// The epoch whose members are known at a height.
    pub(crate) fn members_at(&self, height: Height) -> Option<EpochIndex> {
        let read = self.members_read.iter().filter(|(_, first)| **first <= height);
        read.map(|(index, _)| *index).max()
    }
}

/// A message as the outbox has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) incident: String,
    pub(crate) recipient: String,
    pub(crate) state: String,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// A database, read whole.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) account: Account,
    pub(crate) coverage: Coverage,
    pub(crate) tip: Height,
    /// How often the ledger had to be corrected.
    pub(crate) reconciled: u64,
    /// Whether the choices of every member are known.
    pub(crate) members_known: bool,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) outbox: Vec<Message>,
    /// What `verify` found.
    pub(crate) damage: Vec<String>,
}

/// Reads the database at `path`, the blocks from `first` to `last`.
pub(crate) fn read(path: &Path, first: Height, last: Height) -> Result<Read, AccountError> {
    let reader = SqliteReader::open(path)?;
    let loaded = reader.load()?;
    let mut facts = Facts::default();
    for height in first..=last {
        match reader.block(height)? {
            Some(block) => facts.block(height, &block.hash, block.time),
            None => facts.lines.push(format!("block {height}: none")),
        }
    }
    for dated in reader.captures(first..=last)? {
        facts.fact(dated.block.height, "capture", &dated.fact);
    }
    for dated in reader.choice_txs(first..=last, None, ALL)? {
        facts.fact(dated.block.height, "choice", &dated.fact);
    }
    for dated in reader.events(None, first..=last, ALL)? {
        facts.fact(dated.block.height, "event", &dated.fact);
    }
    let mut malformed = reader.malformed(ALL)?;
    malformed.reverse();
    for (height, thing) in malformed.into_iter().filter(|(height, _)| *height >= first) {
        facts.fact(height, "malformed", &thing);
    }
    let digests =
        Digests { blocks: Some(reader.digest(first..=last)?), ledger: reader.ledger_digest()? };
    let mut account = Account {
        digests,
        facts: facts.lines,
        ledger: ledger_lines(&loaded.ledger),
        judged: judged(&loaded.ledger),
        ..Account::default()
    };
    for stage in stages(&loaded.ledger, first) {
        for work in reader.work(stage, ALL)? {
            account.facts.push(format!("work of {stage}: {work:?}"));
        }
    }
    if let Some((oldest, newest)) = reader.epoch_span()? {
        for index in oldest..=newest {
            let read = reader.epoch(index)?.map(|epoch| (index, epoch.first_read));
            account.members_read.extend(read);
        }
    }
    for incident in &loaded.incidents {
        let about = format!("{} {} {:?}", incident.alert, incident.window, incident.labels);
        if incident.alert == CAPTURE_RESULT {
            let height = incident.window.parse().unwrap_or_default();
            // Whether one of the history before is still news depends on when it was filled in.
            if height >= first {
                account.captures_told.insert((height, about));
            }
        } else {
            account.decided.insert(about);
        }
    }
    Ok(Read {
        account,
        tip: loaded.ledger.tip.map_or(0, |tip| tip.height),
        coverage: loaded.coverage,
        reconciled: loaded.reconciled,
        members_known: loaded.ledger.state.as_ref().is_some_and(|state| {
            state.members.iter().all(|member| loaded.ledger.known_hosts.contains(&member.host))
        }),
        incidents: loaded.incidents,
        outbox: outbox(path)?,
        damage: reader.verify()?.damage.iter().map(ToString::to_string).collect(),
    })
}

/// The lines of blocks as the node tells them.
pub(crate) fn of_blocks(blocks: &[BlockFacts]) -> Vec<String> {
    let mut facts = Facts::default();
    for block in blocks {
        facts.block(block.height, &block.hash, block.time);
    }
    for block in blocks {
        block.captures.iter().for_each(|fact| facts.fact(block.height, "capture", fact));
    }
    for block in blocks {
        block.choices.iter().for_each(|fact| facts.fact(block.height, "choice", fact));
    }
    for block in blocks {
        block.events.iter().for_each(|fact| facts.fact(block.height, "event", fact));
    }
    for block in blocks {
        block.malformed.iter().for_each(|fact| facts.fact(block.height, "malformed", fact));
    }
    facts.lines
}

#[derive(Default)]
struct Facts {
    lines: Vec<String>,
}

impl Facts {
    fn block(&mut self, height: Height, hash: &str, time: jiff::Timestamp) {
        self.lines.push(format!("block {height}: {hash} {time}"));
    }

    fn fact(&mut self, height: Height, kind: &str, fact: &impl std::fmt::Debug) {
        self.lines.push(format!("{kind} in {height}: {fact:?}"));
    }
}

/// PoC stages that began within the blocks.
fn stages(ledger: &Ledger, first: Height) -> Vec<Height> {
    let Some(state) = &ledger.state else { return Vec::new() };
    let length = state.params.epoch.epoch_length.max(1);
    let mut stages = Vec::new();
    let mut start = ledger.stage.unwrap_or(state.latest.poc_start);
    while start > first {
        stages.push(start);
        start -= length;
    }
    stages
}

fn ledger_lines(ledger: &Ledger) -> Vec<String> {
    let mut lines = vec![format!("tip: {:?}", ledger.tip)];
    for (model, hosts) in &ledger.choices {
        for (host, standing) in hosts {
            // A choice read from the state is dated by the reading.
            let since = standing.origin.as_ref().map(|_| standing.since);
            let (choice, origin) = (&standing.choice, &standing.origin);
            lines.push(format!("choice {model} {host}: {choice:?} since {since:?} by {origin:?}"));
        }
    }
    for (model, capture) in &ledger.captures {
        lines.push(format!("newest capture of {model}: {capture:?}"));
    }
    for (model, hosts) in &ledger.work {
        for (host, work) in hosts {
            lines.push(format!("work in stage {:?}: {model} {host} {work:?}", ledger.stage));
        }
    }
    lines.push(format!("clock: {:?}", ledger.clock()));
    lines.push(format!("charges: {:?}", ledger.charges));
    lines.push(format!("version: {:?}", ledger.app_version));
    let frozen = &ledger.frozen;
    for (kind, choices) in [
        ("capture", &frozen.capture),
        ("validation start", &frozen.validation_start),
        ("wipe", &frozen.wiped),
    ] {
        lines.push(format!("frozen at {kind}: {choices:?}"));
    }
    for (model, terms) in &frozen.terms {
        let read = CaptureTerms { network_weight: None, ours: None, ..terms.clone() };
        lines.push(format!("terms of {model}: {read:?}"));
    }
    if let Some(state) = &ledger.state {
        lines.push(format!("params: {:?}", state.params));
        for member in &state.members {
            lines.push(format!("member of {}: {member:?}", state.effective.index));
        }
        for group in &state.model_groups {
            lines.push(format!("group of {}: {group:?}", state.effective.index));
        }
    }
    lines
}

fn judged(ledger: &Ledger) -> BTreeSet<String> {
    let of = |(model, terms): (&ModelId, &CaptureTerms)| {
        let weight = terms.network_weight.map(|weight| format!("network weight {weight}"));
        let ours = terms.ours.as_ref().map(|capture| format!("{capture:?}"));
        let at = terms.height;
        weight
            .into_iter()
            .chain(ours)
            .map(move |text| format!("{model} at {at}: {text}"))
            .collect::<Vec<_>>()
    };
    ledger.frozen.terms.iter().flat_map(of).collect()
}

/// Incidents that nobody was told of yet, and messages that are not settled.
pub(crate) fn undelivered(path: &Path) -> Result<usize, AccountError> {
    let incidents = SqliteReader::open(path)?.load()?.incidents;
    let untold = incidents.iter().filter(|incident| is_untold(incident)).count();
    let pending = outbox(path)?.iter().filter(|message| message.state == "pending").count();
    Ok(untold + pending)
}

/// Whether somebody should have been told of it and nobody was. What something more urgent speaks
/// for is told by that, and is no news any more when it ends while that speaks.
pub(crate) fn is_untold(incident: &Incident) -> bool {
    let goes_on = incident.state == IncidentState::Firing && incident.clearing.is_none();
    goes_on && incident.told.is_empty() && incident.inhibited_by.is_none()
}

/// All messages, settled or not.
pub(crate) fn outbox(path: &Path) -> Result<Vec<Message>, AccountError> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut select =
        db.prepare("SELECT message_id, incident, recipient, state FROM outbox ORDER BY id")?;
    let rows = select.query_map([], |row| {
        Ok(Message {
            id: row.get(0)?,
            incident: row.get(1)?,
            recipient: row.get(2)?,
            state: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lines that only one of two lists has, the first few.
pub(crate) fn differences(expected: &[String], found: &[String]) -> Vec<String> {
    const SHOWN: usize = 6;
    let count = |lines: &[String]| {
        let mut counts = BTreeMap::<String, i64>::new();
        lines.iter().for_each(|line| *counts.entry(line.clone()).or_default() += 1);
        counts
    };
    let (mut left, right) = (count(expected), count(found));
    for (line, times) in right {
        *left.entry(line).or_default() -= times;
    }
    let mut lines: Vec<String> = expected
        .iter()
        .chain(found)
        .filter_map(|line| match left.remove(line)? {
            0 => None,
            n if n > 0 => Some(format!("missing ({n}x): {line}")),
            n => Some(format!("surplus ({}x): {line}", -n)),
        })
        .collect();
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        lines.truncate(SHOWN);
        lines.push(format!("and {more} more"));
    }
    lines
}
