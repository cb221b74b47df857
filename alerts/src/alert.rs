//! What is watched: a small file for each alert, from the condition to the words.

mod blocks_lost;
mod capture_missing;
mod capture_moved;
mod capture_result;
pub(crate) mod chain_halted;
mod chain_trouble;
mod charged;
mod commit_missing;
mod costly;
mod decisions;
mod delegate_at_risk;
mod disk_low;
pub(crate) mod endpoint;
mod excluded;
mod forecast_mismatch;
mod gap_before_capture;
mod group_margin_low;
pub(crate) mod ingest_stalled;
mod models_changed;
pub(crate) mod notifications_failing;
mod params_changed;
mod penalty_start_near;
mod proposal_open;
mod table;
mod upgrade_near;
mod weight_distribution_missing;

use std::collections::BTreeMap;

use bootwatch_rules::{
    Height, ModelId,
    situation::{Deadline, DeadlineName, HostModelView, HostView, ModelView, Situation},
};
use bootwatch_schema::{Ending, Incident, IncidentState, Severity};
use jiff::{SignedDuration, Timestamp};

pub use self::table::{Description, describe, table};
use crate::{
    incident::Identity,
    lifecycle::{Absence, Observed, Timing},
    message::{Lang, Notice, Phrase, Reader, Tag, plain, short_model},
    policy::Policy,
};

/// Everything an alert may look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) situation: &'a Situation,
    pub(crate) policy: &'a Policy,
    /// Who reads what is said of it.
    pub(crate) reader: &'a Reader,
    /// Incidents as they were before this evaluation.
    pub(crate) incidents: &'a BTreeMap<String, Incident>,
    pub(crate) now: Timestamp,
}

/// What an alert is about, for the table of all alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    Host,
    Network,
    Bootwatch,
}

/// What an alert rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// The chain's data: while that is stale, the alert is frozen.
    Chain,
    /// What Bootwatch knows of itself: always judged.
    Bootwatch,
}

/// An alert.
pub(crate) struct Alert {
    /// Its name, in incidents, settings and silences.
    pub(crate) name: &'static str,
    pub(crate) about: About,
    pub(crate) basis: Basis,
    /// It is repeated while it goes on. What tells of one event is not.
    pub(crate) repeats: bool,
    /// Its severity, for the table.
    pub(crate) severity: &'static str,
    /// When it fires, for the table.
    pub(crate) when: &'static str,
    /// The keys of `[alerts]` that it compares with.
    pub(crate) keys: &'static [&'static str],
    /// How long its condition has to hold, and to be gone.
    pub(crate) timing: fn(&Policy) -> Timing,
    /// What holds now.
    pub(crate) observe: for<'a> fn(View<'a>) -> Vec<Observed<'a>>,
    /// What became of an open incident that `observe` did not return.
    pub(crate) absent: fn(&Incident, View<'_>) -> Absence,
    /// What to say about how it ended.
    pub(crate) over: fn(&Incident, View<'_>) -> Notice,
}

impl Alert {
    /// It tells of something that happened, and not of something that goes on.
    pub(crate) fn is_event(&self) -> bool {
        (self.timing)(&Policy::default()) == Timing::AT_ONCE && !self.repeats
    }
}

/// What most alerts have in common: a condition of the chain that goes on until it is gone for a
/// minute.
const CONDITION: Alert = Alert {
    name: "",
    about: About::Network,
    basis: Basis::Chain,
    repeats: true,
    severity: "",
    when: "",
    keys: &[],
    timing: |_| Timing::clears_after(60),
    observe: |_| Vec::new(),
    absent: |_, _| Absence::Ended(Ending::Met),
    over,
};

/// Something that happened once: told once, over in silence.
const EVENT: Alert = Alert {
    repeats: false,
    timing: |_| Timing::AT_ONCE,
    absent: |_, _| Absence::Faded,
    ..CONDITION
};

/// All alerts, in the order in which they are decided.
pub(crate) const ALERTS: &[Alert] = &[
    decisions::DECISION_MISSING,
    decisions::CHOICE_EXPIRED,
    decisions::REFUSAL_ON_CANDIDATE,
    decisions::CHOICE_TOO_LATE,
    decisions::DELEGATION_DELETED,
    decisions::DELEGATION_WITHOUT_EFFECT,
    delegate_at_risk::ALERT,
    commit_missing::ALERT,
    weight_distribution_missing::ALERT,
    excluded::ALERT,
    charged::ALERT,
    capture_result::ALERT,
    gap_before_capture::ALERT,
    capture_missing::ALERT,
    capture_moved::ALERT,
    models_changed::ADDED,
    models_changed::REMOVED,
    models_changed::FELL_OUT,
    penalty_start_near::ALERT,
    params_changed::ALERT,
    proposal_open::ALERT,
    upgrade_near::ALERT,
    group_margin_low::ALERT,
    chain_trouble::EPOCH_ERROR,
    chain_trouble::FALLBACK,
    endpoint::NONE_HEALTHY_ALERT,
    ingest_stalled::ALERT,
    chain_halted::ALERT,
    endpoint::DOWN_ALERT,
    endpoint::LAGGING_ALERT,
    endpoint::WRONG_ALERT,
    endpoint::DISAGREE_ALERT,
    blocks_lost::ALERT,
    forecast_mismatch::ALERT,
    notifications_failing::ALERT,
    disk_low::ALERT,
];

/// The alert of a name.
pub(crate) fn find(name: &str) -> Option<&'static Alert> {
    ALERTS.iter().find(|alert| alert.name == name)
}

impl<'a> View<'a> {
    /// The language to speak.
    pub(crate) fn lang(&self) -> Lang {
        self.reader.lang
    }

    /// The next deadline of a name.
    pub(crate) fn deadline(&self, name: DeadlineName) -> Option<&'a Deadline> {
        self.situation.deadlines.iter().find(|deadline| deadline.name == name)
    }

    /// Blocks after `complete_to` up to a height; negative once it has passed.
    pub(crate) fn blocks_left(&self, height: Height) -> Height {
        height.saturating_sub(self.situation.complete_to)
    }

    /// The time until a deadline by its estimate, when that estimate is for this height.
    pub(crate) fn time_left(&self, name: DeadlineName, height: Height) -> Option<SignedDuration> {
        let deadline = self.deadline(name).filter(|d| d.height == Some(height))?;
        Some(deadline.eta?.duration_since(self.now))
    }

    /// When a height that freezes something is expected.
    pub(crate) fn eta(&self, height: Height) -> Option<Timestamp> {
        self.situation.deadlines.iter().find(|d| d.height == Some(height))?.eta
    }

    /// Whether an incident goes on: what is over ends at another threshold than it began at.
    fn is_open(&self, identity: &Identity) -> bool {
        self.incidents
            .get(&identity.fingerprint())
            .is_some_and(|incident| incident.state != IncidentState::Resolved)
    }

    /// In a block that was watched, and in the running epoch: what came before is the past.
    fn is_news(&self, height: Height) -> bool {
        let situation = self.situation;
        (situation.complete_from..=situation.complete_to).contains(&height)
            && height >= situation.epoch.poc_start
    }

    fn model(&self, id: &ModelId) -> Option<&'a ModelView> {
        self.situation.models.iter().find(|model| model.model_id == *id)
    }

    /// Every watched host whose choices are known, with each of its models.
    fn choices(&self) -> impl Iterator<Item = (&'a HostView, &'a HostModelView)> + use<'a> {
        self.situation
            .hosts
            .iter()
            .filter(|host| host.known)
            .flat_map(|host| host.models.iter().map(move |model| (host, model)))
    }

    /// The host of an incident.
    fn host_of(&self, incident: &Incident) -> Option<&'a HostView> {
        let address = label(incident, HOST);
        self.situation.hosts.iter().find(|host| host.address.as_str() == address)
    }

    /// The host and model of an incident.
    fn choice_of(&self, incident: &Incident) -> Option<(&'a HostView, &'a HostModelView)> {
        let host = self.host_of(incident)?;
        let id = label(incident, MODEL);
        Some((host, host.models.iter().find(|model| model.model_id.as_str() == id)?))
    }
}

impl<'a> Observed<'a> {
    /// A condition without steps and deadline.
    fn new(
        identity: Identity,
        severity: Severity,
        summary: String,
        say: impl Fn(View<'a>) -> Notice + 'a,
    ) -> Self {
        Self { identity, step: 1, severity, deadline: None, summary, say: Box::new(say) }
    }
}

/// The label of the host, its address.
pub(crate) const HOST: &str = "host";
/// The label of the model.
pub(crate) const MODEL: &str = "model";
/// The label of the deadline.
pub(crate) const DEADLINE: &str = "deadline";

/// The value of a label; empty when an incident of an older version lacks it.
pub(crate) fn label<'a>(incident: &'a Incident, name: &str) -> &'a str {
    incident.labels.get(name).map_or("", String::as_str)
}

/// The word for a severity in labels, silences and the configuration.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn identity<const N: usize>(
    alert: &'static str,
    labels: [(&str, &str); N],
    window: impl ToString,
) -> Identity {
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Identity { alert, labels: labels.into(), window: window.to_string() }
}

/// A notice of two sentences; its tag is that of the incident.
fn says(headline: impl Into<String>, what: impl Into<String>) -> Notice {
    Notice { what: what.into(), ..Notice::bare(Tag::Done, headline.into()) }
}

/// The name of an incident's host as people know it, and its model in short.
fn names(incident: &Incident, view: View<'_>) -> (String, String) {
    let host = view.host_of(incident).map_or(label(incident, HOST), |host| host.name.as_str());
    (plain(host, 40), short_model(label(incident, MODEL)))
}

/// How something ended that is named like this in the reader's language.
fn ended(incident: &Incident, view: View<'_>, what: &str) -> Notice {
    let (headline, text) = match incident.ending {
        Some(Ending::Missed) => (Phrase::TooLate { what }, Phrase::TooLateWhat { what }),
        _ => (Phrase::Over { what }, Phrase::OverWhat { what }),
    };
    let notice = says(headline.say(view.lang()), text.say(view.lang()));
    match incident.ending {
        Some(Ending::Missed) => Notice { tag: Tag::Severity(incident.severity), ..notice },
        _ => notice,
    }
}

/// The words for an end that needs no more of them.
fn over(incident: &Incident, view: View<'_>) -> Notice {
    ended(incident, view, &incident.summary)
}
