//! Each recipient reads their own language, by their own clock, and only what they want.

use bootwatch_alerts::{Decision, Engine, Lang, Policy, Reader, Recipient, Wants};
use bootwatch_schema::Severity;
use jiff::tz::TimeZone;

use crate::fixture::*;

fn reader(lang: Lang, zone: &str, address: &str) -> Recipient {
    let reader = Reader { lang, zone: TimeZone::get(zone).unwrap() };
    Recipient { reader, ..Recipient::new("email", address) }
}

// Fails when somebody gets another's language or time.
#[test]
fn each_recipient_reads_their_own_language_and_time() {
    let mut engine = Engine::new(Policy {
        recipients: vec![
            reader(Lang::En, "UTC", "en"),
            reader(Lang::Ru, "Europe/Moscow", "ru"),
            reader(Lang::Zh, "Asia/Shanghai", "zh"),
        ],
        ..policy()
    });
    let messages = evaluate(&mut engine, &situation(before_capture(52))).messages;
    let subjects: Vec<&str> = messages.iter().map(|m| m.subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "[CRITICAL] my-gpu-1: no choice for DeepSeek-V4-Flash-0731, 52 min left",
            "[СРОЧНО] my-gpu-1: нет выбора для DeepSeek-V4-Flash-0731, осталось 52 мин",
            "[紧急] my-gpu-1: DeepSeek-V4-Flash-0731 尚未选择, 剩余 52 分钟",
        ]
    );
    let has = |index: usize, text: &str| {
        let said = &messages[index].text;
        assert!(said.contains(text), "{text} is not in\n{said}");
    };
    has(0, "Thu 13 Aug 2026 14:05 UTC");
    has(1, "чт 13 августа 2026 17:05 MSK");
    has(1, "чт 13 августа 2026 14:05 UTC");
    has(2, "2026年8月13日 周四 22:05 CST");
    // The command is the same for everybody.
    for index in 0..3 {
        has(index, "inferenced tx inference set-poc-delegation");
    }
    // The end comes in the same language.
    let end = stays(&mut engine, settled, before_capture(40)).messages;
    assert!(end[1].subject.starts_with("[ГОТОВО]"), "{}", end[1].subject);
    assert!(end[2].subject.starts_with("[已完成]"), "{}", end[2].subject);
}

// Fails when somebody hears of what they do not want, or hears the end of what they never heard of.
#[test]
fn each_recipient_hears_what_they_want() {
    let wants =
        |wants: Wants, address: &str| Recipient { wants, ..Recipient::new("email", address) };
    let critical = Wants { min_severity: Severity::Critical, ..Wants::default() };
    let other_host = Wants { hosts: Some(["gonka1other".to_owned()].into()), ..Wants::default() };
    let this_model = Wants { models: Some([MODEL.to_owned()].into()), ..Wants::default() };
    let mut engine = Engine::new(Policy {
        recipients: vec![
            wants(critical, "critical"),
            wants(other_host, "other"),
            wants(this_model, "model"),
        ],
        ..policy()
    });
    let told = |decision: Decision| -> Vec<String> {
        decision.messages.into_iter().map(|m| m.recipient).collect()
    };
    assert_eq!(told(evaluate(&mut engine, &situation(before_capture(20 * 60)))), ["model"]);
    assert_eq!(told(evaluate(&mut engine, &situation(before_capture(52)))), ["critical", "model"]);
    assert_eq!(told(stays(&mut engine, settled, before_capture(40))), ["critical", "model"]);
}
