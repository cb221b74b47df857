//! Mails as files, to be looked at: `BOOTWATCH_SAMPLES=dir cargo test -p bootwatch-alerts samples`.

use bootwatch_alerts::{Engine, Form, Lang, Policy, Reader, Recipient};
use bootwatch_rules::situation::DeadlineName;
use jiff::tz::TimeZone;

use crate::fixture::*;

#[test]
fn samples() {
    let Ok(folder) = std::env::var("BOOTWATCH_SAMPLES") else { return };
    let reader = |form, lang, zone: &str| Recipient {
        form,
        reader: Reader { lang, zone: TimeZone::get(zone).unwrap() },
        ..Recipient::new("email", "ops@example.org")
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
    messages.extend(evaluate(&mut Engine::new(policy), &hostile).messages);
    for (index, message) in messages.iter().enumerate() {
        let write = |suffix: &str, text: &str| {
            std::fs::write(format!("{folder}/{index}.{suffix}"), text).unwrap();
        };
        write("txt", &format!("Subject: {}\n\n{}", message.subject, message.text));
        write("html", message.html.as_deref().unwrap_or_default());
    }
}
