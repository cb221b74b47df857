//! What is said about delivery itself, and to whom.

use bootwatch_alerts::{
    Form, Lang, Reader, Recipient,
    trouble::{self, Trouble},
};
use jiff::{SignedDuration, Timestamp};

use crate::fixture::{before_capture, recipient, situation};

fn everybody() -> Vec<Recipient> {
    let reader = Reader { lang: Lang::Ru, ..Reader::default() };
    vec![
        recipient("a@example.org"),
        recipient("b@example.org"),
        Recipient { form: Form::Telegram, reader, ..Recipient::new("telegram", "-1") },
    ]
}

fn said(recipient: &str, at: Timestamp) -> Vec<bootwatch_schema::NewMessage> {
    let trouble = Trouble {
        channel: "email".into(),
        recipient: recipient.into(),
        error: "550 no such <b>mailbox</b>\r\n".into(),
    };
    let now = situation(before_capture(52));
    trouble::messages(&trouble, &everybody(), Some(&now), None, at)
}

// Fails when the one who cannot be reached is written to, the others are not, or it is not said in
// their language.
#[test]
fn a_refusal_goes_to_everybody_else() {
    let now = situation(before_capture(52)).head_time;
    let messages = said("a@example.org", now);
    let to: Vec<&str> = messages.iter().map(|m| m.recipient.as_str()).collect();
    assert_eq!(to, ["b@example.org", "-1"]);
    assert_eq!(messages[0].subject, "[WARNING] messages by email to a@example.org are refused");
    assert!(messages[0].text.contains("550 no such"), "{}", messages[0].text);
    let telegram = &messages[1].text;
    assert!(telegram.contains("отклоняются") && telegram.contains("&lt;b&gt;"), "{telegram}");
}

// Fails when the same day says it twice, or the next day does not say it.
#[test]
fn a_refusal_is_told_once_a_day() {
    let now = situation(before_capture(52)).head_time;
    let id = |hours| {
        said("a@example.org", now + SignedDuration::from_hours(hours))[0].message_id.clone()
    };
    assert_eq!(id(0), id(1));
    assert_ne!(id(0), id(24));
}

// Fails when a test looks like an alert, or two tests are one message.
#[test]
fn a_test_says_that_it_is_one() {
    let now = situation(before_capture(52)).head_time;
    for recipient in everybody() {
        let message = trouble::test_message(&recipient, now);
        assert!(message.subject.starts_with("[TEST]") || message.subject.starts_with("[ПРОВЕРКА]"));
        let later = trouble::test_message(&recipient, now + SignedDuration::from_secs(1));
        assert_ne!(message.message_id, later.message_id);
    }
}
