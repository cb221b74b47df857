//! The Situation in words: what the page and `bootwatch status` both show, so that they cannot
//! differ. Texts of the chain are made harmless for terminals here; HTML is escaped by the page.

mod clock;
mod endpoint;
mod hosts;
mod models;
mod notices;
mod plans;
mod table;
#[cfg(test)]
mod tests;
pub mod text;
pub mod words;

use bootwatch_rules::{
    Address, Fraction, Height, ModelId, RuleSet,
    reward::CostUnit,
    situation::{Advice, HostModelView, HostView, ModelState, Phase, Situation},
};
use jiff::{Timestamp, tz::TimeZone};

use self::{
    clock::{due, until},
    hosts::host,
    models::candidate,
    notices::{data, notices},
    plans::planned,
    words::{clean, count, counted, elapsed, instant},
};
pub(crate) use self::{
    clock::{name, phase},
    hosts::{about, cost, delegate, outcomes, premise, range, record, reward, taken},
    models::outcome,
};
pub use self::{endpoint::Endpoint, plans::Planned};

/// Blocks that may be on their way without anything being wrong.
pub(crate) const BEHIND: Height = 3;

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
