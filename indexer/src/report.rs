//! The Situation in words: what the page and `bootwatch status` both show, so that they cannot
//! differ. Texts of the chain are made harmless for terminals here; HTML is escaped by the page.

mod clock;
mod hosts;
mod models;
mod plans;
mod table;
#[cfg(test)]
mod tests;
pub mod text;
pub mod words;

use bootwatch_rules::{
    Address, Fraction, Height, ModelId, RuleSet,
    reward::CostUnit,
    situation::{
        Advice, EndpointState, EndpointView, HostModelView, HostView, ModelState, Phase,
        ProgressView, Situation,
    },
};
use jiff::{Timestamp, tz::TimeZone};

pub use self::plans::Planned;
use self::{
    clock::{due, until},
    hosts::host,
    models::candidate,
    plans::planned,
    words::{clean, count, counted, elapsed, instant},
};
pub(crate) use self::{
    clock::{name, phase},
    hosts::{about, cost, delegate, outcomes, premise, range, record, reward, taken},
    models::outcome,
};

/// Blocks that may be on their way without anything being wrong.
const BEHIND: Height = 3;

/// Whether somebody has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing to do, and everything that is needed to say so is known.
    Calm,
    /// Something to do.
    Act,
    /// It cannot be said.
    Unknown,
}

impl Level {
    /// A word for style sheets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Act => "act",
            Self::Unknown => "unknown",
        }
    }
}

/// A Situation in words, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether somebody has to do something.
    pub level: Level,
    /// That in one sentence.
    pub headline: String,
    /// Chain, epoch, height, age: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// What is wrong with the data.
    pub notices: Vec<String>,
    /// What to do, most urgent first.
    pub actions: Vec<Action>,
    /// The deadlines ahead.
    pub deadlines: Vec<Due>,
    /// What governance is about to do.
    pub plans: Vec<Planned>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
    /// The active models.
    pub active: Vec<String>,
    /// The watched hosts.
    pub hosts: Vec<Host>,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// How complete the data is.
    pub data: Vec<String>,
}

/// Something that a host should do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The host's name.
    pub host: String,
    /// The model.
    pub model: String,
    /// Why.
    pub why: String,
    /// What it costs not to: `15 %`.
    pub charge: String,
    /// Until when: deadline, block, time left.
    pub by: String,
    /// What it does, and the command.
    pub commands: Vec<(String, String)>,
    /// The host's address.
    pub address: Address,
    /// The model's id.
    pub model_id: ModelId,
    /// The deadline's name.
    pub deadline: &'static str,
    /// The last block that still counts.
    pub last_height: Height,
    /// When that is expected.
    pub eta: Option<Timestamp>,
}

/// A deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its name.
    pub name: &'static str,
    /// What it freezes.
    pub meaning: &'static str,
    /// The epoch it counts for.
    pub epoch: String,
    /// Its block.
    pub height: String,
    /// Blocks left, such as `1 block`; a dash when it is not known.
    pub blocks: String,
    /// Time left, with its error.
    pub left: String,
    /// When, in UTC and here.
    pub at: String,
    /// When, for machines.
    pub datetime: Option<String>,
}

/// A candidate model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The model.
    pub model: String,
    /// Whether it would pass, and from when it costs.
    pub verdict: String,
    /// It would pass.
    pub passes: bool,
    /// Hosts, weight, reach.
    pub bars: Vec<Bar>,
    /// What its last capture said.
    pub snapshot: Option<String>,
}

/// Have, need and missing of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// `hosts`, `weight` or `reach`.
    pub name: &'static str,
    /// What is there.
    pub have: String,
    /// What is needed.
    pub need: String,
    /// What is missing; `-` when nothing is.
    pub missing: String,
    /// Nothing is missing.
    pub met: bool,
    /// Have and need as numbers, for a drawing.
    pub scale: Option<(i64, i64)>,
}

/// A watched host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its weight, or why it has none.
    pub weight: String,
    /// What the epoch being formed next can take from it, and what the last one took.
    pub charges: Vec<String>,
    /// Its models.
    pub models: Vec<HostModel>,
}

/// A watched host and a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostModel {
    /// The model.
    pub model: String,
    /// The stored choice.
    pub choice: String,
    /// What else is known.
    pub notes: String,
    /// The outcomes that are still open: charge and reason of each.
    pub outcomes: Vec<String>,
    /// There is something to do.
    pub act: bool,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: &'static str,
    /// Its state is good.
    pub up: bool,
    /// The newest block it told of; a dash when it told of none.
    pub block: String,
    /// How fast it answers; a dash before its first answer.
    pub latency: String,
    /// Requests of the last minute, and how many there may be.
    pub budget: String,
    /// The rest.
    pub remarks: String,
    /// All of it in one line.
    pub notes: String,
}

impl Endpoint {
    /// Words for an endpoint.
    #[must_use]
    pub fn new(endpoint: &EndpointView) -> Self {
        let dash = || "-".to_owned();
        let block = endpoint.height.map(count);
        let latency = endpoint.latency_ms.map(|latency| format!("{latency} ms"));
        let budget = endpoint.requests.map(|r| format!("{} of {}", r.used, r.limit));
        let earliest = endpoint.earliest.map(|height| format!("back to {}", count(height)));
        let selected = endpoint.selected.then(|| "in use".to_owned());
        let websocket = endpoint.websocket.then(|| "websocket".to_owned());
        let reason = endpoint.reason.as_deref().map(clean);
        let join = |notes: &[&Option<String>]| {
            let notes: Vec<_> = notes.iter().filter_map(|note| note.as_deref()).collect();
            notes.join(", ")
        };
        let notes = join(&[
            &block.as_ref().map(|block| format!("block {block}")),
            &earliest,
            &selected,
            &websocket,
            &latency.as_ref().map(|latency| format!("answers in {latency}")),
            &budget.as_ref().map(|budget| format!("{budget} requests a minute")),
            &reason,
        ]);
        Self {
            block: block.unwrap_or_else(dash),
            latency: latency.unwrap_or_else(dash),
            budget: budget.unwrap_or_else(|| "no limit".to_owned()),
            remarks: join(&[&earliest, &selected, &websocket, &reason]),
            notes,
            name: clean(&endpoint.name),
            state: match endpoint.state {
                EndpointState::Unknown => "not asked yet",
                EndpointState::Up => "up",
                EndpointState::Lagging => "lagging",
                EndpointState::Down => "down",
                EndpointState::Wrong => "wrong chain or blocks",
            },
            up: endpoint.state == EndpointState::Up,
        }
    }
}

impl Report {
    /// Words for `situation` as it looks at `now`, with times also in `zone`.
    #[must_use]
    pub fn new(situation: &Situation, now: Timestamp, zone: &TimeZone) -> Self {
        let s = situation;
        let mut actions: Vec<_> = s
            .hosts
            .iter()
            .flat_map(|host| host.models.iter().map(move |model| (host, model)))
            .filter_map(|(host, model)| {
                Some(action(s, host, model, model.advice.as_ref()?, now, zone))
            })
            .collect();
        actions.sort_by_key(|action| action.last_height);
        let (level, headline) = headline(s, &actions);
        let by_weight = s.rule_set.parse().is_ok_and(RuleSet::charges_weight);
        let whole = if by_weight { "weight" } else { "reward" };
        Self {
            level,
            headline,
            facts: facts(s, now, zone),
            notices: notices(s, now, zone),
            actions,
            deadlines: s.deadlines.iter().map(|deadline| due(deadline, now, zone)).collect(),
            plans: s.plans.as_ref().map(|plans| planned(plans, now, zone)).unwrap_or_default(),
            candidates: s
                .models
                .iter()
                .filter(|model| model.state == ModelState::Candidate)
                .map(|model| candidate(model, s))
                .collect(),
            active: s
                .models
                .iter()
                .filter(|model| model.state == ModelState::Active)
                .map(|model| clean(model.model_id.as_str()))
                .collect(),
            hosts: s.hosts.iter().map(|view| host(view, whole)).collect(),
            endpoints: s.endpoints.iter().map(Endpoint::new).collect(),
            data: data(s),
        }
    }
}

fn headline(s: &Situation, actions: &[Action]) -> (Level, String) {
    if s.complete_to == 0 {
        return (Level::Unknown, "Nothing is known yet: no block has been taken in.".to_owned());
    }
    let unread = s.hosts.iter().filter(|host| !host.known).count();
    if s.stale {
        let sentence = "The data is old: what holds now is not known.";
        return (Level::Unknown, sentence.to_owned());
    }
    if s.epoch.phase == Phase::Unknown {
        let sentence = "The epoch cannot be told: the chain's state has not been read yet.";
        return (Level::Unknown, sentence.to_owned());
    }
    match actions {
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" and {} to do", counted(more, "more thing")),
            };
            (Level::Act, format!("{} needs you: {}{more}.", first.host, first.by))
        }
        [] if s.head - s.complete_to >= BEHIND => {
            let behind = counted(s.head - s.complete_to, "block");
            (Level::Unknown, format!("Catching up: {behind} behind the chain."))
        }
        [] if unread > 0 => {
            (Level::Unknown, format!("The choices of {unread} watched hosts are not known yet."))
        }
        [] if s.hosts.is_empty() => {
            (Level::Calm, "No host is watched; this is the network's view.".to_owned())
        }
        [] => {
            let open = s
                .hosts
                .iter()
                .filter(|host| host.charge.is_some_and(|c| c.max != Fraction::default()))
                .count();
            let open = match open {
                0 => String::new(),
                hosts => format!("; what others do can still cost {hosts} of them reward"),
            };
            (Level::Calm, format!("Nothing to do for your hosts{open}."))
        }
    }
}

fn facts(s: &Situation, now: Timestamp, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("chain", clean(&s.chain_id)),
        (
            "epoch",
            format!(
                "{}, {}; choices count for {}",
                s.epoch.index,
                phase(s.epoch.phase),
                s.epoch.upcoming
            ),
        ),
        ("block", block(s, now, zone)),
        ("rules", clean(&s.rule_set)),
    ];
    if let Some(seconds) = s.epoch.block_seconds {
        facts.push(("block time", format!("{seconds:.2} s")));
    }
    facts
}

fn block(s: &Situation, now: Timestamp, zone: &TimeZone) -> String {
    if s.complete_to == 0 {
        return "none yet".to_owned();
    }
    let (age, at) = (elapsed(s.head_time, now), instant(s.head_time, now, zone));
    format!("{}, {age} ago ({at})", count(s.complete_to))
}

fn notices(s: &Situation, now: Timestamp, zone: &TimeZone) -> Vec<String> {
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

/// `15 %`, and what that is in coins where it is known.
fn charge(model: &HostModelView, advice: &Advice) -> String {
    let percent = words::percent(&advice.charge);
    let amount = model.cost.filter(|cost| cost.unit == CostUnit::Ngonka && cost.most > 0);
    match amount {
        Some(cost) => format!("{percent} (about {})", words::gnk(cost.most)),
        None => percent,
    }
}

fn action(
    s: &Situation,
    host: &HostView,
    model: &HostModelView,
    advice: &Advice,
    now: Timestamp,
    zone: &TimeZone,
) -> Action {
    let due = s
        .deadlines
        .iter()
        .find(|d| d.name == advice.deadline && d.height == Some(advice.last_height));
    let eta = due.and_then(|due| due.eta);
    let left = match eta {
        Some(eta) => format!(", {} ({})", until(eta, now), instant(eta, now, zone)),
        None => String::new(),
    };
    Action {
        host: clean(&host.name),
        model: clean(model.model_id.as_str()),
        why: clean(&advice.why),
        charge: charge(model, advice),
        by: format!("{} at block {}{left}", name(advice.deadline), count(advice.last_height)),
        commands: advice
            .commands
            .iter()
            .map(|command| (clean(&command.does), clean(&command.line)))
            .collect(),
        address: host.address.clone(),
        model_id: model.model_id.clone(),
        deadline: name(advice.deadline),
        last_height: advice.last_height,
        eta,
    }
}

fn data(s: &Situation) -> Vec<String> {
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
