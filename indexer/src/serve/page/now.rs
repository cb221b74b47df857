//! What needs somebody now: one sentence with one time, then what to do, most urgent first.

use bootwatch_rules::situation::DeadlineState;
use bootwatch_schema::{Incident, Severity};

use super::{
    alerts::{self, Alert, Alerts},
    pieces::{Certainty, Countdown, Moment, Sight},
};
use crate::report::{Action, BEHIND, Level, Report, words};

/// The top of the page.
pub(super) struct Now {
    /// A word for the style: `act`, `warn`, `calm` or `unknown`.
    pub(super) level: &'static str,
    /// The same in two words.
    pub(super) kicker: &'static str,
    /// The page's one sentence.
    pub(super) headline: String,
    /// By when, or what comes next.
    pub(super) by: Option<By>,
    /// What the first thing to do is about, and what it costs not to.
    pub(super) stake: Option<String>,
    pub(super) degree: Certainty,
    /// What is wrong with the data.
    pub(super) notices: Vec<String>,
    /// What to do.
    pub(super) tasks: Vec<Task>,
    /// What fires beside that and is more than good to know.
    pub(super) firing: Vec<Alert>,
}

/// A moment that matters.
pub(super) struct By {
    /// What happens then.
    pub(super) what: String,
    pub(super) left: Countdown,
    pub(super) at: Moment,
    pub(super) block: String,
}

/// Something to do.
pub(super) struct Task {
    pub(super) host: String,
    pub(super) model: String,
    pub(super) why: String,
    pub(super) charge: String,
    pub(super) deadline: &'static str,
    pub(super) block: String,
    pub(super) left: Option<Countdown>,
    pub(super) at: Option<Moment>,
    /// What it does and the command, best first.
    pub(super) best: Option<(String, String)>,
    pub(super) others: Vec<(String, String)>,
    /// The incident that was raised for it.
    pub(super) alert: Option<Alert>,
}

impl Now {
    /// Before the first block.
    pub(super) fn nothing_yet(obstacle: Option<String>) -> Self {
        Self {
            level: "unknown",
            kicker: "No data yet",
            headline: "Nothing is known yet: no block has been taken in.".to_owned(),
            by: None,
            stake: None,
            degree: Certainty::PROJECTED,
            notices: obstacle.into_iter().collect(),
            tasks: Vec::new(),
            firing: Vec::new(),
        }
    }

    pub(super) fn new(
        report: &Report,
        incidents: &[Incident],
        list: &Alerts,
        sight: &Sight<'_>,
    ) -> Self {
        let of_action =
            |incident: &Incident| report.actions.iter().any(|action| is_about(incident, action));
        let mut firing: Vec<&Incident> = incidents
            .iter()
            .filter(|i| alerts::speaks(i) && i.severity > Severity::Info && !of_action(i))
            .collect();
        firing.sort_by_key(|incident| alerts::urgency(incident));
        let worst = firing.iter().map(|incident| incident.severity).max();
        let (level, kicker, headline) = sentence(report, worst, firing.len(), sight);
        let tasks = report.actions.iter().map(|action| Task {
            host: action.host.clone(),
            model: action.model.clone(),
            why: action.why.clone(),
            charge: action.charge.clone(),
            deadline: action.deadline,
            block: words::count(action.last_height),
            left: action.eta.map(|eta| sight.countdown(eta)),
            at: action.eta.map(|eta| sight.moment(eta)),
            best: action.commands.first().cloned(),
            others: action.commands.iter().skip(1).cloned().collect(),
            alert: incidents
                .iter()
                .filter(|incident| is_about(incident, action))
                .max_by_key(|incident| (incident.severity, incident.opened_at))
                .and_then(|incident| list.of(incident)),
        });
        Self {
            level,
            kicker,
            headline,
            by: by(report, sight),
            stake: report.actions.first().filter(|_| report.level == Level::Act).map(|action| {
                format!("{}: otherwise {} of the reward.", action.model, action.charge)
            }),
            degree: Certainty::PROJECTED,
            notices: report.notices.clone(),
            tasks: tasks.collect(),
            firing: firing.into_iter().filter_map(|incident| list.of(incident)).collect(),
        }
    }
}

fn is_about(incident: &Incident, action: &Action) -> bool {
    let label = |name: &str| incident.labels.get(name).map(String::as_str);
    alerts::goes_on(incident)
        && label("host") == Some(action.address.as_str())
        && label("model") == Some(action.model_id.as_str())
}

fn sentence(
    report: &Report,
    worst: Option<Severity>,
    firing: usize,
    sight: &Sight<'_>,
) -> (&'static str, &'static str, String) {
    let fires = words::counted(firing, "alert");
    let unknown = match sight.situation {
        Some(s) if s.stale => "Stale",
        Some(s) if s.head - s.complete_to >= BEHIND => "Catching up",
        _ => "Not known",
    };
    let verb = if firing == 1 { "fires" } else { "fire" };
    match (report.level, report.actions.as_slice(), worst) {
        (Level::Act, [first, rest @ ..], _) => {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(", and {} to do", words::counted(more, "more thing")),
            };
            let headline = format!(
                "{} must act by block {}{more}.",
                first.host,
                words::count(first.last_height)
            );
            ("act", "Needs you", headline)
        }
        (Level::Unknown, ..) | (Level::Act, [], _) => ("unknown", unknown, report.headline.clone()),
        (Level::Calm, _, Some(Severity::Critical)) => {
            ("act", "Needs you", format!("{fires} {verb}; no choice of your hosts is due."))
        }
        (Level::Calm, _, Some(Severity::Warning)) => {
            ("warn", "Look at this", format!("{fires} {verb}; no choice of your hosts is due."))
        }
        (Level::Calm, ..) => ("calm", "Nothing to do", report.headline.clone()),
    }
}

/// The last block of the first thing to do, or the next deadline while there is nothing.
fn by(report: &Report, sight: &Sight<'_>) -> Option<By> {
    let moment = |what: String, eta, block: i64| By {
        what,
        left: sight.countdown(eta),
        at: sight.moment(eta),
        block: words::count(block),
    };
    match report.level {
        Level::Unknown => None,
        Level::Act => {
            let first = report.actions.first()?;
            Some(moment(format!("left until {}", first.deadline), first.eta?, first.last_height))
        }
        Level::Calm => {
            let s = sight.situation?;
            let ahead = s.deadlines.iter().filter(|d| d.state == DeadlineState::Ahead);
            let next = ahead.min_by_key(|deadline| deadline.height)?;
            let name = crate::report::name(next.name);
            Some(moment(format!("left until {name}"), next.eta?, next.height?))
        }
    }
}
