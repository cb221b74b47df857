//! Mails as files, to be looked at: `BOOTWATCH_SAMPLES=dir cargo test -p bootwatch-alerts samples`.

use bootwatch_rules::situation::DeadlineName;

use crate::fixture::*;

#[test]
fn samples() {
    let Ok(folder) = std::env::var("BOOTWATCH_SAMPLES") else { return };
    let mut engine = engine();
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
    messages.extend(evaluate(&mut self::engine(), &hostile).messages);
    for (index, message) in messages.iter().step_by(2).enumerate() {
        let write = |suffix: &str, text: &str| {
            std::fs::write(format!("{folder}/{index}.{suffix}"), text).unwrap();
        };
        write("txt", &format!("Subject: {}\n\n{}", message.subject, message.text));
        write("html", message.html.as_deref().unwrap_or_default());
    }
}
