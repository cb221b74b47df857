//! What arrives, as a mail program reads it.

use bootwatch_alerts::{
    Engine,
    channel::{Channel, email::Email},
};
use bootwatch_mailbox::{Mail, Mailbox};
use bootwatch_rules::situation::DeadlineName;
use bootwatch_schema::PendingMessage;
use mail_parser::{HeaderValue, MessageParser};

use crate::{fixture::*, smtp::settings};

/// Sends every message of an engine's decision on a Situation, and returns what arrives.
async fn arrive(engine: &mut Engine, now: &bootwatch_rules::situation::Situation) -> Vec<Mail> {
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let email = Email::new(settings(&mailbox)).unwrap();
    for message in evaluate(engine, now).messages {
        let pending = PendingMessage { message, attempts: 0, last_error: None };
        email.send(&pending).await.unwrap();
    }
    mailbox.mails()
}

// Fails when a header that people, threads or machines need is missing, when the body lacks a part,
// or when its parts are out of order.
#[tokio::test]
async fn a_mail_says_everything_in_order() {
    let mut engine = engine();
    let mails = arrive(&mut engine, &situation(before_capture(52))).await;
    assert_eq!(mails.len(), 2);
    let mail = MessageParser::default().parse(&mails[0].data).unwrap();
    assert_eq!(
        mail.subject(),
        Some("[CRITICAL] my-gpu-1: no choice for DeepSeek-V4-Flash-0731, 52 min left")
    );
    let id = mail.message_id().unwrap();
    assert!(id.ends_with("@example.org") && id.len() == 44, "{id}");
    let HeaderValue::Text(thread) = mail.in_reply_to() else { panic!() };
    assert!(thread.ends_with(".incident@example.org"));
    assert_eq!(mail.references().as_text(), Some(thread.as_ref()));
    let auto = mail.header("Auto-Submitted").and_then(HeaderValue::as_text);
    assert_eq!(auto.map(str::trim), Some("auto-generated"));
    assert_eq!(mail.date().unwrap().to_timestamp(), time(before_capture(52)).as_second());
    let to = mail.to().and_then(|to| to.first()).unwrap();
    assert_eq!((to.name(), to.address()), (Some("Ops"), Some("ops@example.org")));

    let text = mail.body_text(0).unwrap();
    let html = mail.body_html(0).unwrap();
    for body in [&text, &html] {
        let mut rest = body.as_ref();
        for part in [
            "No choice stands for this model",
            "16:05 CEST",
            "14:05 UTC",
            "5,551,615",
            "15 %",
            "inferenced tx inference set-poc-delegation",
            "2 of 3, 1 missing",
            "Data complete to block 5,550,991",
            "v0.2.14",
        ] {
            let at = rest.find(part).unwrap_or_else(|| panic!("{part} is missing after:\n{rest}"));
            rest = &rest[at..];
        }
    }

    // The end of the story comes into the same thread, under an id of its own.
    evaluate(&mut engine, &settled(before_capture(42)));
    let end = arrive(&mut engine, &settled(before_capture(40))).await;
    let end = MessageParser::default().parse(&end[0].data).unwrap();
    assert_eq!(end.in_reply_to().as_text(), Some(thread.as_ref()));
    assert_ne!(end.message_id(), Some(id));
}

// Fails when a model id or host name writes a header, markup, or a command of its own.
#[tokio::test]
async fn hostile_names_stay_names() {
    let id = "evil/x\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script>\u{202e}&\"'";
    let mut now = situation(before_capture(52));
    now.hosts[0].name = "h\r\nX-Evil: 1<img src=x>".into();
    entry(&mut now).model_id = id.into();
    now.models[0].model_id = id.into();
    advise(&mut now, DeadlineName::Capture, CAPTURE);
    let mails = arrive(&mut engine(), &now).await;
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert_eq!(mail.to.len(), 1);
        let parsed = MessageParser::default().parse(&mail.data).unwrap();
        assert!(parsed.bcc().is_none() && parsed.header("X-Evil").is_none());
        assert!(!parsed.subject().unwrap().contains(['\r', '\n', '\u{202e}']));
        let html = parsed.body_html(0).unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(html.contains("&#60;script&#62;"));
        let text = parsed.body_text(0).unwrap();
        assert!(!text.contains("inferenced") && text.contains("hidden characters"), "{text}");
        assert!(!text.contains('\u{202e}'));
    }
}

// Fails when a name of a megabyte makes a mail of megabytes, or a header that servers refuse.
#[tokio::test]
async fn endless_names_are_cut() {
    let mut now = situation(before_capture(52));
    let id = "A".repeat(1 << 20);
    entry(&mut now).model_id = id.as_str().into();
    entry(&mut now).advice.as_mut().unwrap().commands.clear();
    let mails = arrive(&mut engine(), &now).await;
    assert!(mails[0].data.len() < 20_000, "{}", mails[0].data.len());
    assert!(mails[0].text().lines().all(|line| line.len() <= 998), "RFC 5322 §2.1.1");
}
