//! `GapBeforeCapture`: if the capture were now, a candidate model would miss it.

use bootwatch_rules::situation::{Deadline, DeadlineName, Gaps, ModelState, ModelView};
use bootwatch_schema::{Ending, Incident, Severity};
use jiff::SignedDuration;

use super::{Alert, CONDITION, MODEL, View, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{By, Notice, Row, Step, gap_rows, grouped, plain, short_model, shortfall},
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
                    format!("{short} would miss the capture of epoch {}", deadline.epoch),
                    move |view| say(model, gaps, deadline, height, view),
                )
            }
        })
        .collect()
}

fn say(model: &ModelView, gaps: &Gaps, deadline: &Deadline, height: i64, view: View<'_>) -> Notice {
    let by = By::new(DeadlineName::Capture, height, &view);
    let short = short_model(model.model_id.as_str());
    let missing = shortfall(gaps);
    let mut numbers = gap_rows(gaps);
    match model.closing.as_ref().map(|closing| &closing.all) {
        Some(Some(plan)) if plan.count > 0 => {
            let hosts: Vec<String> = plan
                .steps
                .iter()
                .take(3)
                .map(|step| format!("{} ({})", plain(step.host.as_str(), 80), grouped(step.weight)))
                .collect();
            let count = grouped(i64::try_from(plan.count).unwrap_or(i64::MAX));
            let fewest = format!("{count}, such as {}", hosts.join(", "));
            numbers.push(Row::new("Fewest hosts that would close it", &fewest));
        }
        Some(None) => numbers.push(Row::new("Fewest hosts that would close it", "none would")),
        _ => {}
    }
    let steps: Vec<Step> = view
        .choices()
        .filter(|(_, own)| own.model_id == model.model_id)
        .filter_map(|(host, own)| Some((host, own.advice.as_ref()?)))
        .flat_map(|(host, advice)| advice.commands.iter().map(|c| Step::of(&host.name, c)))
        .collect();
    Notice {
        by: Some(by.clone()),
        steps,
        numbers,
        ..says(
            format!("{short}: {missing}, {}", by.left),
            format!(
                "If the capture of epoch {} were now, {} would not be pre-eligible: {missing}. \
                 This is a projection from the present choices and weights.",
                deadline.epoch,
                plain(model.model_id.as_str(), 200)
            ),
        )
    }
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
