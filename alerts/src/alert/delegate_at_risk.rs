//! `DelegateAtRisk`: something speaks against the host that a watched host delegates to. A delegate
//! that fails is paid for by those who trusted it.

use bootwatch_rules::{
    Choice, EpochIndex, Fraction,
    delegates::DelegateFacts,
    situation::{DeadlineName, HostModelView, HostView, ModelState, Phase},
};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{
    About, Alert, CONDITION, HOST, MODEL, View, costly, ended, identity, label, names, says,
};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{By, Lang, Name, Notice, Phrase, Risk, Row, grouped, percent, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Host,
    severity: "critical, warning or info, by the risk",
    when: "a delegate was excluded or has not committed in time (critical); sent no weight \
           distribution, is a guardian, or itself delegates or refuses the model (warning); would \
           lose votes to the cap or holds too large a part of them (info)",
    keys: &["commit_blocks", "delegate_share_percent"],
    timing: |_| Timing::clears_after(120),
    observe,
    absent,
    over,
    ..CONDITION
};

const NAME: &str = "DelegateAtRisk";
const DELEGATE: &str = "delegate";
const RISK: &str = "risk";

/// What speaks against a delegate.
struct Against {
    risk: Risk,
    severity: Severity,
    /// A number or a reason.
    detail: Option<String>,
}

impl Against {
    fn new(risk: Risk, severity: Severity) -> Self {
        Self { risk, severity, detail: None }
    }

    fn with(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }

    fn words(&self, lang: Lang) -> String {
        let risk = Phrase::Risk(self.risk).say(lang);
        match &self.detail {
            Some(detail) => format!("{risk} ({detail})"),
            None => risk,
        }
    }
}

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    view.choices()
        .filter_map(|(host, model)| Some((host, model, model.delegate.as_ref()?)))
        .flat_map(|(host, model, facts)| {
            risks(model, facts, view)
                .into_iter()
                .map(move |against| observed(host, model, facts, against, view))
        })
        .collect()
}

fn risks(model: &HostModelView, facts: &DelegateFacts, view: View<'_>) -> Vec<Against> {
    use Severity::{Critical, Info, Warning};
    let mut risks = Vec::new();
    if let Some(exclusion) = &facts.excluded {
        let detail = format!("{}, {}", grouped(exclusion.height), plain(&exclusion.reason, 80));
        risks.push(Against::new(Risk::Excluded, Critical).with(detail));
    }
    if facts.guardian {
        risks.push(Against::new(Risk::Guardian, Warning));
    }
    let active = view.model(&model.model_id).map(|m| m.state) == Some(ModelState::Active);
    match &facts.choice {
        Some(Choice::Delegate { .. }) if active => {
            risks.push(Against::new(Risk::Delegates, Warning));
        }
        // Between validation start and the wipe a refusal counts for nothing, and does not last.
        Some(Choice::Refuse) if active && view.situation.epoch.phase != Phase::PocValidate => {
            risks.push(Against::new(Risk::Refuses, Warning));
        }
        _ => {}
    }
    let left = view
        .deadline(DeadlineName::CommitDeadline)
        .and_then(|deadline| deadline.height)
        .map_or(i64::MAX, |height| view.blocks_left(height));
    let late = match view.situation.epoch.phase {
        Phase::PocGenerate => left <= view.policy.thresholds.commit_blocks,
        Phase::PocExchange => true,
        _ => false,
    };
    if late && facts.committed.is_none() {
        risks.push(Against::new(Risk::NotCommitted, Critical));
    } else if view.situation.epoch.phase == Phase::PocExchange && !facts.distributed {
        // Most send it in these very blocks: it has to match what was committed last.
        risks.push(Against::new(Risk::NotDistributed, Warning));
    }
    if let Some(burned) = facts.burned.filter(|burned| *burned > 0) {
        risks.push(Against::new(Risk::Capped, Info).with(grouped(burned)));
    }
    let limit = i128::from(view.policy.thresholds.delegate_share_percent);
    if let (Some(share), Some(limit)) = (facts.voting_share, Fraction::new(limit, 100))
        && share >= limit
    {
        let share = percent(&share.to_string());
        risks.push(Against::new(Risk::Concentrated, Info).with(share));
    }
    risks
}

fn observed<'a>(
    host: &'a HostView,
    model: &'a HostModelView,
    facts: &'a DelegateFacts,
    against: Against,
    view: View<'a>,
) -> Observed<'a> {
    let labels = [
        (HOST, host.address.as_str()),
        (MODEL, model.model_id.as_str()),
        (DELEGATE, facts.host.as_str()),
        (RISK, against.risk.as_str()),
    ];
    let identity = identity(NAME, labels, window(against.risk, view));
    let summary = headline(host, model, &against, Lang::En);
    let severity = against.severity;
    Observed::new(identity, severity, summary, move |view| say(host, model, facts, &against, view))
}

/// The epoch that it is about: an exclusion ends with the running one, everything else is about the one
/// that the next choices count for.
fn window(risk: Risk, view: View<'_>) -> EpochIndex {
    match risk {
        Risk::Excluded => view.situation.epoch.index,
        _ => view.situation.epoch.upcoming,
    }
}

fn headline(host: &HostView, model: &HostModelView, against: &Against, lang: Lang) -> String {
    let (risk, short) = (&against.words(lang), &short_model(model.model_id.as_str()));
    let words = Phrase::DelegateOf { model: short, risk }.say(lang);
    format!("{}: {words}", plain(&host.name, 40))
}

fn say(
    host: &HostView,
    model: &HostModelView,
    facts: &DelegateFacts,
    against: &Against,
    view: View<'_>,
) -> Notice {
    let lang = view.lang();
    let next = view.deadline(DeadlineName::ValidationStart).and_then(|d| d.height);
    let mut numbers = costly::numbers(host, model, view);
    numbers.extend(facts_rows(facts, lang));
    let sound = view.model(&model.model_id).map_or(&[][..], |m| m.sound_delegates.as_slice());
    if !sound.is_empty() {
        let names: Vec<String> =
            sound.iter().take(3).map(|facts| plain(facts.host.as_str(), 80)).collect();
        numbers.push(Row::named(Name::SoundDelegates, &names.join(", "), lang));
    }
    let what = Phrase::DelegateOfWhat {
        host: &plain(&host.name, 40),
        model: &plain(model.model_id.as_str(), 200),
        delegate: &plain(facts.host.as_str(), 80),
        risk: &against.words(lang),
    };
    Notice {
        by: next
            .filter(|_| against.severity > Severity::Info)
            .map(|height| By::new(DeadlineName::ValidationStart, height, &view)),
        steps: model.advice.as_ref().map(costly::steps).unwrap_or_default(),
        numbers,
        ..says(headline(host, model, against, lang), what.say(lang))
    }
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let lang = view.lang();
    let (host, model) = names(incident, view);
    let risk = Risk::ALL.into_iter().find(|risk| risk.as_str() == label(incident, RISK));
    let risk = risk.map_or_else(String::new, |risk| Phrase::Risk(risk).say(lang));
    let words = Phrase::DelegateOf { model: &model, risk: &risk }.say(lang);
    ended(incident, view, &format!("{host}: {words}"))
}

fn facts_rows(facts: &DelegateFacts, lang: Lang) -> Vec<Row> {
    let weight = facts.weight.map_or_else(|| Phrase::NoLiveMember.say(lang), grouped);
    let mut rows = vec![
        Row::named(Name::DelegateWeight, &weight, lang),
        Row::named(Name::DelegatePower, &grouped(facts.voting_power), lang),
        Row::named(Name::Delegators, &grouped(facts.delegators.into()), lang),
    ];
    if let Some(committed) = facts.committed {
        rows.push(Row::named(Name::DelegateNonces, &grouped(committed.into()), lang));
    }
    rows
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let Some((host, model)) = view.choice_of(incident) else { return Absence::Faded };
    if !host.known || model.choice.kind == "unknown" {
        return Absence::Unknown;
    }
    let still = model.choice.delegate_to.as_ref().map(bootwatch_rules::Address::as_str)
        == Some(label(incident, DELEGATE));
    if !still {
        return Absence::Ended(Ending::Met);
    }
    let Some(facts) = &model.delegate else { return Absence::Unknown };
    let risk = Risk::ALL.into_iter().find(|risk| risk.as_str() == label(incident, RISK));
    let goes_on = risk.is_some_and(|risk| incident.window == window(risk, view).to_string());
    match risk {
        _ if !goes_on => Absence::Faded,
        // That PoC is over settles nothing.
        Some(Risk::NotCommitted) if facts.committed.is_none() => Absence::Faded,
        Some(Risk::NotDistributed) if !facts.distributed => Absence::Faded,
        _ => Absence::Ended(Ending::Met),
    }
}
