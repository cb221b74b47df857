//! Mails as files, to be looked at: `BOOTWATCH_SAMPLES=dir cargo test -p bootwatch-alerts samples`.

use bootwatch_alerts::{Engine, Form, Lang, Policy, Reader, Recipient, daily};
use bootwatch_rules::{
    Exclusion, Fraction,
    reward::{Cost, CostUnit},
    situation::{DeadlineName, FixedCharge, HostModelView},
};
use bootwatch_schema::{Incident, NewMessage};
use jiff::{SignedDuration, tz::TimeZone};

use crate::{fixture::*, watched::*};

#[test]
fn samples() {
    let Ok(folder) = std::env::var("BOOTWATCH_SAMPLES") else { return };
    let reader = |form, lang: Lang, zone: &str| Recipient {
        form,
        reader: Reader { lang, zone: TimeZone::get(zone).unwrap() },
        ..Recipient::new("email", &format!("{lang}-{form:?}"))
    };
    let policy = Policy {
        recipients: vec![
            reader(Form::Mail, Lang::En, "Europe/Berlin"),
            reader(Form::Mail, Lang::Ru, "Europe/Moscow"),
            reader(Form::Mail, Lang::Zh, "Asia/Shanghai"),
            reader(Form::Telegram, Lang::Ru, "Europe/Moscow"),
            reader(Form::Slack, Lang::En, "UTC"),
            reader(Form::Discord, Lang::Zh, "UTC"),
            reader(Form::Json, Lang::En, "UTC"),
            reader(Form::Alertmanager, Lang::En, "UTC"),
        ],
        page: Some("https://watch.example.org/".into()),
        ..policy()
    };
    let mut engine = Engine::new(policy.clone());
    let mut messages = Vec::new();
    messages.extend(evaluate(&mut engine, &situation(before_capture(52))).messages);
    let mut now = situation(CAPTURE);
    now.models[0].snapshot = Some(snapshot(CAPTURE, false));
    advise(&mut now, DeadlineName::ValidationStart, VALIDATION_START);
    messages.extend(evaluate(&mut engine, &now).messages);
    messages.extend(evaluate(&mut engine, &settled(CAPTURE + 20)).messages);
    let mut hostile = situation(before_capture(52));
    let id = format!("evil/<script>alert(1)</script>&\"'\u{202e}\r\nBcc: x@y{}", "A".repeat(300));
    hostile.hosts[0].name = "<b>host</b>".into();
    entry(&mut hostile).model_id = id.as_str().into();
    hostile.models[0].model_id = id.as_str().into();
    advise(&mut hostile, DeadlineName::Capture, CAPTURE);
    messages.extend(evaluate(&mut Engine::new(policy.clone()), &hostile).messages);
    let mails = Policy { recipients: policy.recipients[..3].to_vec(), ..policy.clone() };
    let typical = typical(&mails);
    let named = typical
        .iter()
        .map(|(name, message)| (format!("{name}-{}", &message.recipient[..2]), message));
    let numbered = messages.iter().enumerate().map(|(at, message)| (at.to_string(), message));
    for (name, message) in named.chain(numbered) {
        let write = |suffix: &str, text: &str| {
            std::fs::write(format!("{folder}/{name}.{suffix}"), text).unwrap();
        };
        write("txt", &format!("Subject: {}\n\n{}", message.subject, message.text));
        write("html", message.html.as_deref().unwrap_or_default());
    }
}

/// Typical mails in every language, to be looked at, see `samples`: a rung of the ladder and its end, a
/// final charge, a delegate, an ingest that stands, and a bundle.
fn typical(policy: &Policy) -> Vec<(&'static str, NewMessage)> {
    let only = |alerts: &[&str]| Engine::new(Policy { off: all_but(alerts), ..policy.clone() });
    let mut all = Vec::new();
    let mut keep = |name, said: Vec<NewMessage>| all.extend(said.into_iter().map(|m| (name, m)));

    let mut engine = only(&["DecisionMissing"]);
    let mut now = situation(before_capture(52));
    let (unit, of) = (CostUnit::Ngonka, 82_300_000_000_000);
    entry(&mut now).cost = Some(Cost { unit, of, least: 0, most: 12_345_000_000_000, shares: 0 });
    keep("decision", evaluate(&mut engine, &now).messages);
    keep("decision-met", stays(&mut engine, settled, before_capture(40)).messages);
    let mut engine = only(&["DecisionMissing"]);
    evaluate(&mut engine, &situation(before_capture(12)));
    keep("decision-missed", evaluate(&mut engine, &situation(CAPTURE)).messages);

    let mut now = quiet(QUIET);
    let fraction = Fraction::new(3, 20).unwrap();
    now.hosts[0].fixed = Some(FixedCharge { epoch: 359, fraction, amount: Some(12_345_000_000) });
    keep("charged", evaluate(&mut only(&["Charged"]), &now).messages);

    let mut now = quiet(QUIET);
    let exclusion = Exclusion { reason: "cpoc".into(), height: 5_546_600 };
    delegate(&mut now).excluded = Some(exclusion);
    keep("delegate", evaluate(&mut only(&["DelegateAtRisk"]), &now).messages);

    let mut now = quiet(QUIET);
    (now.stale, now.head) = (true, now.complete_to + 1_200);
    let late = time(QUIET) + SignedDuration::from_mins(20);
    keep("stalled", only(&["IngestStalled"]).evaluate(&now, late).messages);

    let mut now = situation(before_capture(52));
    let first = now.hosts[0].models[0].clone();
    now.hosts[0].models = ["moonshotai/Kimi-K2.6", "MiniMaxAI/MiniMax-M2.7", MODEL]
        .map(|id| HostModelView { model_id: id.into(), ..first.clone() })
        .into();
    keep("bundle", evaluate(&mut only(&["DecisionMissing"]), &now).messages);

    let engine = &mut only(&["DecisionMissing"]);
    let now = situation(before_capture(52));
    evaluate(engine, &now);
    let incidents: Vec<Incident> = engine.incidents().cloned().collect();
    for recipient in &policy.recipients {
        let day = jiff::civil::date(2026, 8, 13);
        let said = |incidents: &[Incident]| {
            daily::message(recipient, day, None, incidents, Some(&now), None, now.head_time)
        };
        keep("daily-well", vec![said(&[])]);
        keep("daily-firing", vec![said(&incidents)]);
    }
    all
}
