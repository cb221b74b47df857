//! `GapBeforeCapture`: if the capture were now, a candidate model would miss it.

use bootwatch_rules::situation::{Deadline, DeadlineName, Gaps, ModelState, ModelView};
use bootwatch_schema::{Ending, Incident, Severity};
use jiff::SignedDuration;

use super::{Alert, CONDITION, MODEL, View, ended, identity, label, names, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{
        By, Lang, Name, Notice, Phrase, Row, Step, gap_rows, grouped, plain, short_model, shortfall,
    },
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "warning when the model can cost in that epoch, else info",
    when: "the capture is near, and by the present intents and delegations a candidate misses it \
           (projected)",
    keys: &["gap_within"],
    timing: |_| Timing {
        hold: SignedDuration::from_secs(60),
        // Choices come and go shortly before a capture.
        clear: SignedDuration::from_mins(10),
    },
    observe,
    absent,
    over,
    ..CONDITION
};

const NAME: &str = "GapBeforeCapture";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let Some(deadline) = view.deadline(DeadlineName::Capture) else { return Vec::new() };
    let Some(height) = deadline.height.filter(|height| view.blocks_left(*height) > 0) else {
        return Vec::new();
    };
    let near = view
        .time_left(DeadlineName::Capture, height)
        .is_some_and(|left| left <= view.policy.thresholds.gap_within);
    let candidates = view.situation.models.iter().filter(|m| m.state == ModelState::Candidate);
    candidates
        .filter_map(|model| Some((model, model.gaps.as_ref()?)))
        .filter(|(_, gaps)| !gaps.pre_eligible)
        .map(|(model, gaps)| {
            let costs = model.penalty_start_epoch <= deadline.epoch;
            let severity = if costs { Severity::Warning } else { Severity::Info };
            let short = short_model(model.model_id.as_str());
            Observed {
                step: u32::from(near),
                deadline: Some(height),
                ..Observed::new(
                    identity(NAME, [(MODEL, model.model_id.as_str())], deadline.epoch),
                    severity,
                    // Without the numbers, which change with every choice.
                    would_miss(&short, &deadline.epoch.to_string(), Lang::En),
                    move |view| say(model, gaps, deadline, height, view),
                )
            }
        })
        .collect()
}

fn would_miss(model: &str, epoch: &str, lang: Lang) -> String {
    Phrase::WouldMiss { model, epoch }.say(lang)
}

fn say(model: &ModelView, gaps: &Gaps, deadline: &Deadline, height: i64, view: View<'_>) -> Notice {
    let lang = view.lang();
    let by = By::new(DeadlineName::Capture, height, &view);
    let short = short_model(model.model_id.as_str());
    let missing = &shortfall(gaps, lang);
    let mut numbers = gap_rows(gaps, lang);
    let fewest = match model.closing.as_ref().map(|closing| &closing.all) {
        Some(Some(plan)) if plan.count > 0 => {
            let hosts: Vec<String> = plan
                .steps
                .iter()
                .take(3)
                .map(|step| format!("{} ({})", plain(step.host.as_str(), 80), grouped(step.weight)))
                .collect();
            let count = &grouped(i64::try_from(plan.count).unwrap_or(i64::MAX));
            Some(Phrase::SuchAs { count, hosts: &hosts.join(", ") }.say(lang))
        }
        Some(None) => Some(Phrase::NoneWould.say(lang)),
        _ => None,
    };
    numbers.extend(fewest.map(|fewest| Row::named(Name::FewestHosts, &fewest, lang)));
    let steps: Vec<Step> = view
        .choices()
        .filter(|(_, own)| own.model_id == model.model_id)
        .filter_map(|(host, own)| Some((host, own.advice.as_ref()?)))
        .flat_map(|(host, advice)| advice.commands.iter().map(|c| Step::of(&host.name, c)))
        .collect();
    let (id, epoch) = (&plain(model.model_id.as_str(), 200), deadline.epoch);
    let mut what = Phrase::WouldMissWhat { model: id, epoch, missing }.say(lang);
    if gaps.uncertain {
        what = format!("{what} {}", Phrase::Uncertain.say(lang));
    }
    let headline = format!("{short}: {missing}, {}", by.left);
    Notice { by: Some(by), steps, numbers, ..says(headline, what) }
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let (_, model) = names(incident, view);
    ended(incident, view, &would_miss(&model, &incident.window, view.lang()))
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let id = label(incident, MODEL);
    let Some(model) = view.situation.models.iter().find(|m| m.model_id.as_str() == id) else {
        return Absence::Ended(Ending::Expired);
    };
    // What the capture itself said is told by another alert.
    if incident.deadline.is_none_or(|deadline| view.blocks_left(deadline) <= 0) {
        return Absence::Faded;
    }
    if model.state == ModelState::Candidate && model.gaps.is_none() {
        return Absence::Unknown;
    }
    Absence::Ended(Ending::Met)
}
