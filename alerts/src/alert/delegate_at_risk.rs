//! `DelegateAtRisk`: something speaks against the host that a watched host delegates to. A delegate
//! that fails is paid for by those who trusted it.

use bootwatch_rules::{
    Choice, Fraction,
    delegates::DelegateFacts,
    situation::{DeadlineName, HostModelView, HostView, ModelState, Phase},
};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{About, Alert, CONDITION, HOST, MODEL, View, costly, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{By, Notice, Row, Step, grouped, percent, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Host,
    severity: "critical, warning or info, by the risk",
    when: "a delegate was excluded, has not committed in time or sent no weight distribution \
           (critical); is a guardian, or itself delegates or refuses the model (warning); would \
           lose votes to the cap or holds too large a part of them (info)",
    keys: &["commit_blocks", "delegate_share_percent"],
    timing: |_| Timing::clears_after(120),
    observe,
    absent,
    ..CONDITION
};

const NAME: &str = "DelegateAtRisk";
const DELEGATE: &str = "delegate";
const RISK: &str = "risk";

/// What speaks against a delegate.
struct Risk {
    /// Its label.
    word: &'static str,
    severity: Severity,
    what: String,
}

impl Risk {
    fn new(word: &'static str, severity: Severity, what: impl Into<String>) -> Self {
        Self { word, severity, what: what.into() }
    }
}

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    view.choices()
        .filter_map(|(host, model)| Some((host, model, model.delegate.as_ref()?)))
        .flat_map(|(host, model, facts)| {
            risks(model, facts, view)
                .into_iter()
                .map(move |risk| observed(host, model, facts, risk, view))
        })
        .collect()
}

fn risks(model: &HostModelView, facts: &DelegateFacts, view: View<'_>) -> Vec<Risk> {
    use Severity::{Critical, Info, Warning};
    let mut risks = Vec::new();
    if let Some(exclusion) = &facts.excluded {
        let reason = plain(&exclusion.reason, 80);
        let block = grouped(exclusion.height);
        let what = format!("was excluded at block {block} ({reason})");
        risks.push(Risk::new("excluded", Critical, what));
    }
    if facts.guardian {
        let what = "is a guardian of the chain, which must stay independent of delegations";
        risks.push(Risk::new("guardian", Warning, what));
    }
    let active = view.model(&model.model_id).map(|m| m.state) == Some(ModelState::Active);
    match &facts.choice {
        Some(Choice::Delegate { .. }) if active => {
            risks.push(Risk::new("delegates", Warning, "delegates this model itself"));
        }
        Some(Choice::Refuse) if active => {
            risks.push(Risk::new("refuses", Warning, "refuses this model itself"));
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
        let what = "has not committed in the running PoC";
        risks.push(Risk::new("not_committed", Critical, what));
    } else if view.situation.epoch.phase == Phase::PocExchange && !facts.distributed {
        let what = "sent no weight distribution, without which its commit counts nothing";
        risks.push(Risk::new("not_distributed", Critical, what));
    }
    if let Some(burned) = facts.burned.filter(|burned| *burned > 0) {
        let what = format!("would lose {} voting power to the cap", grouped(burned));
        risks.push(Risk::new("capped", Info, what));
    }
    let limit = i128::from(view.policy.thresholds.delegate_share_percent);
    if let (Some(share), Some(limit)) = (facts.voting_share, Fraction::new(limit, 100))
        && share >= limit
    {
        let what = format!("holds {} of the group's voting power", percent(&share.to_string()));
        risks.push(Risk::new("concentration", Info, what));
    }
    risks
}

fn observed<'a>(
    host: &'a HostView,
    model: &'a HostModelView,
    facts: &'a DelegateFacts,
    risk: Risk,
    view: View<'a>,
) -> Observed<'a> {
    let labels = [
        (HOST, host.address.as_str()),
        (MODEL, model.model_id.as_str()),
        (DELEGATE, facts.host.as_str()),
        (RISK, risk.word),
    ];
    let short = short_model(model.model_id.as_str());
    let summary =
        format!("{}: the delegate for {short} {}", plain(&host.name, 40), plain(&risk.what, 120));
    let identity = identity(NAME, labels, view.situation.epoch.upcoming);
    let headline = summary.clone();
    let severity = risk.severity;
    Observed::new(identity, severity, summary, move |view| {
        let next = view.deadline(DeadlineName::ValidationStart).and_then(|d| d.height);
        let mut numbers = costly::numbers(host, model, view);
        numbers.extend(facts_rows(facts));
        let sound = view.model(&model.model_id).map_or(&[][..], |m| m.sound_delegates.as_slice());
        if !sound.is_empty() {
            let names: Vec<String> =
                sound.iter().take(3).map(|facts| plain(facts.host.as_str(), 80)).collect();
            numbers.push(Row::new("Nothing known speaks against", &names.join(", ")));
        }
        Notice {
            by: next
                .filter(|_| severity > Severity::Info)
                .map(|height| By::new(DeadlineName::ValidationStart, height, &view)),
            steps: model
                .advice
                .as_ref()
                .map(|advice| advice.commands.iter().map(Step::from).collect())
                .unwrap_or_default(),
            numbers,
            ..says(
                headline.clone(),
                format!(
                    "{} delegates {} to {}, which {}. If the delegate is not accepted at the \
                     validation end, the delegation counts as no choice.",
                    plain(&host.name, 40),
                    plain(model.model_id.as_str(), 200),
                    plain(facts.host.as_str(), 80),
                    risk.what
                ),
            )
        }
    })
}

fn facts_rows(facts: &DelegateFacts) -> Vec<Row> {
    let weight = facts.weight.map_or_else(|| "no live member".to_owned(), grouped);
    let mut rows = vec![
        Row::new("Delegate's weight", &weight),
        Row::new("Delegate's voting power", &grouped(facts.voting_power)),
        Row::new("Delegators", &grouped(facts.delegators.into())),
    ];
    if let Some(committed) = facts.committed {
        rows.push(Row::new("Delegate's nonces", &grouped(committed.into())));
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
    if incident.window != view.situation.epoch.upcoming.to_string() {
        return Absence::Faded;
    }
    match label(incident, RISK) {
        // That PoC is over settles nothing.
        "not_committed" if facts.committed.is_none() => Absence::Faded,
        "not_distributed" if !facts.distributed => Absence::Faded,
        _ => Absence::Ended(Ending::Met),
    }
}
