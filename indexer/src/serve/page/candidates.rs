//! Candidate models: the three gaps, and what would close them.

use std::collections::BTreeMap;

use bootwatch_rules::{
    Choice,
    closing::{Effect, Plan, Step},
    situation::{Gap, ModelState, ModelView, Situation},
};

use super::pieces::{Bar, Certainty, Number, names, short};
use crate::report::{
    Report,
    words::{count, counted},
};

/// Steps of a plan that are named.
const NAMED: usize = 3;

/// A candidate.
pub(super) struct CandidateModel {
    pub(super) model: String,
    pub(super) verdict: String,
    pub(super) passes: bool,
    pub(super) degree: Option<Certainty>,
    pub(super) gaps: Vec<GapRow>,
    /// What all three take together.
    pub(super) together: Option<String>,
    /// What the choices of watched hosts would change.
    pub(super) effects: Vec<String>,
    /// What the last capture said.
    pub(super) snapshot: Option<String>,
}

/// One check.
pub(super) struct GapRow {
    pub(super) name: &'static str,
    pub(super) have: Number,
    pub(super) need: Option<Number>,
    pub(super) missing: Option<Number>,
    pub(super) met: bool,
    pub(super) bar: Option<Bar>,
    pub(super) closing: Option<String>,
}

pub(super) fn candidates(s: &Situation, report: &Report) -> Vec<CandidateModel> {
    let names = names(s);
    let views = s.models.iter().filter(|model| model.state == ModelState::Candidate);
    // The report has the same candidates in the same order.
    views
        .zip(&report.candidates)
        .map(|(view, words)| CandidateModel {
            model: words.model.clone(),
            verdict: words.verdict.clone(),
            passes: words.passes,
            degree: view.gaps.as_ref().map(|gaps| Certainty::of(gaps.degree)),
            gaps: rows(view, &names),
            together: together(view, &names),
            effects: effects(s, view),
            snapshot: words.snapshot.clone(),
        })
        .collect()
}

fn rows(view: &ModelView, names: &BTreeMap<&str, String>) -> Vec<GapRow> {
    let Some(gaps) = &view.gaps else { return Vec::new() };
    let closing = view.closing.as_ref();
    let row = |name, gap: Gap, plan: Option<Option<&Plan>>| GapRow {
        name,
        have: Number::new(gap.have),
        need: gap.need.map(Number::new),
        missing: gap.missing.map(Number::new),
        met: gap.missing == Some(0),
        bar: Bar::new(gap),
        closing: plan.filter(|_| gap.missing != Some(0)).map(|plan| closes(plan, names)),
    };
    vec![
        row("hosts", gaps.hosts, closing.map(|c| c.hosts.as_ref())),
        row("weight", gaps.weight, closing.map(|c| c.weight.as_ref())),
        row("reach", gaps.reach, closing.map(|c| c.reach.as_ref())),
    ]
}

/// `closed by 2 hosts: rack-1 (21,000) declares intent, …`.
fn closes(plan: Option<&Plan>, names: &BTreeMap<&str, String>) -> String {
    let Some(plan) = plan else { return "all hosts together would not close it".to_owned() };
    let steps: Vec<_> = plan.steps.iter().take(NAMED).map(|step| choice(step, names)).collect();
    let more = match plan.count.saturating_sub(steps.len()) {
        0 => String::new(),
        more => format!(", and {} more", count(i64::try_from(more).unwrap_or(i64::MAX))),
    };
    format!("{} would close it: {}{more}", counted(plan.count, "host"), steps.join(", "))
}

fn choice(step: &Step, names: &BTreeMap<&str, String>) -> String {
    let name = |address: &str| names.get(address).cloned().unwrap_or_else(|| short(address));
    let does = match &step.choose {
        Choice::Delegate { delegate_to } => format!("delegates to {}", name(delegate_to.as_str())),
        Choice::Intent => "declares intent".to_owned(),
        Choice::Refuse => "refuses".to_owned(),
    };
    format!("{} (weight {}) {does}", name(step.host.as_str()), count(step.weight))
}

fn together(view: &ModelView, names: &BTreeMap<&str, String>) -> Option<String> {
    let open = |gap: Gap| gap.missing != Some(0);
    let gaps = view.gaps.as_ref()?;
    let missing = [gaps.hosts, gaps.weight, gaps.reach].into_iter().filter(|gap| open(*gap));
    // With one gap its own line says the same.
    if missing.count() < 2 {
        return None;
    }
    let text = closes(view.closing.as_ref()?.all.as_ref(), names);
    Some(text.replacen("close it", "close all gaps", 1))
}

fn effects(s: &Situation, view: &ModelView) -> Vec<String> {
    if view.gaps.as_ref().is_none_or(|gaps| gaps.pre_eligible) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for host in &s.hosts {
        let of_model = host.models.iter().find(|model| model.model_id == view.model_id);
        let Some(effects) = of_model.and_then(|model| model.effects.as_ref()) else { continue };
        let name = crate::report::words::clean(&host.name);
        if let Some(effect) = &effects.intent {
            lines.push(format!("if {name} declared intent: {}", after(effect)));
        }
        if let Some(effect) = &effects.delegate {
            lines.push(format!(
                "if {name} delegated to a host that declared intent: {}",
                after(effect)
            ));
        }
    }
    lines
}

fn after(effect: &Effect) -> String {
    if effect.pre_eligible {
        return "it would pass".to_owned();
    }
    let amount = |n: Option<i64>| n.map_or_else(|| "out of reach".to_owned(), count);
    format!(
        "missing hosts {}, weight {}, reach {}",
        count(effect.hosts_missing),
        amount(effect.weight_missing),
        amount(effect.reach_missing)
    )
}
