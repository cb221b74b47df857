//! The email channel and the courier against a real SMTP server with faults.

use std::{sync::Arc, time::Duration};

use bootwatch_alerts::{
    backoff::Backoff,
    channel::{
        Channel, SendError,
        email::{Email, EmailSettings, Tls},
    },
    courier::{self, CourierPolicy},
};
use bootwatch_mailbox::{Fault, Login, Mailbox, Stage};
use bootwatch_schema::{Delivery, PendingMessage};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::outbox::{Memory, message};

async fn mailbox() -> Mailbox {
    Mailbox::start("127.0.0.1:0").await.unwrap()
}

pub(crate) fn settings(mailbox: &Mailbox) -> EmailSettings {
    EmailSettings {
        host: "127.0.0.1".into(),
        port: mailbox.address().port(),
        tls: Tls::None,
        extra_roots: None,
        from: "Bootwatch <bootwatch@example.org>".into(),
        to: vec!["Ops <ops@example.org>".into(), "me@example.net".into()],
        username: None,
        password: None,
        timeout: Duration::from_secs(10),
    }
}

fn email(mailbox: &Mailbox) -> Email {
    Email::new(settings(mailbox)).unwrap()
}

fn pending(recipient: &str) -> PendingMessage {
    let message = message("0a1b", "fff0", recipient, Timestamp::UNIX_EPOCH);
    PendingMessage { message, attempts: 0, last_error: None }
}

/// Delivers until nothing waits.
async fn deliver(outbox: &Memory, email: Email) {
    let stop = CancellationToken::new();
    let policy = CourierPolicy {
        backoff: Backoff::new(vec![Duration::from_millis(20)]),
        poll: Duration::from_millis(20),
        ..CourierPolicy::default()
    };
    let run = courier::run(outbox.clone(), email, policy, Arc::new(Notify::new()), stop.clone());
    let watch = async {
        while outbox.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
    };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(run, watch) })
        .await
        .expect("everything is settled in time");
}

fn two(outbox: &Memory) {
    outbox.put(message("a", "i", "ops@example.org", Timestamp::UNIX_EPOCH.max(Timestamp::now())));
    outbox.put(message("b", "i", "me@example.net", Timestamp::now()));
}

// Fails when the log-in is not sent, or a wrong one costs a message.
#[tokio::test]
async fn a_refused_log_in_blames_the_account_not_the_message() {
    let mailbox = mailbox().await;
    mailbox.inject(Fault::reply(Stage::Auth, "535 5.7.8 wrong password").times(1));
    let settings = EmailSettings {
        username: Some("user".into()),
        password: Some("p:ss".to_owned().into()),
        ..settings(&mailbox)
    };
    assert!(!format!("{settings:?}").contains("p:ss"), "secrets do not show");
    let email = Email::new(settings).unwrap();
    let error = email.send(&pending("ops@example.org")).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Unavailable(text) if text.contains("log-in") && !text.contains("p:ss")),
        "{error:?}"
    );
    email.send(&pending("ops@example.org")).await.unwrap();
    let mail = mailbox.next().await.unwrap();
    assert_eq!(mail.login, Some(Login { username: "user".into(), password: "p:ss".into() }));
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("bootwatch@example.org", &["ops@example.org".to_owned()][..])
    );
}

// Fails when STARTTLS is asked for and a server without it gets the mail in the clear.
#[tokio::test]
async fn starttls_is_never_given_up() {
    let mailbox = mailbox().await;
    let email = Email::new(EmailSettings { tls: Tls::Starttls, ..settings(&mailbox) }).unwrap();
    let error = email.send(&pending("ops@example.org")).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Unavailable(text) if text.contains("STARTTLS")),
        "{error:?}"
    );
    assert_eq!(mailbox.received(), 0);
}

// Fails when a fault is taken for another kind: what is for ever, for now, or for all.
#[tokio::test]
async fn each_fault_is_judged_by_what_can_be_done() {
    let cases = [
        (Fault::greylist(1), "later"),
        (Fault::refuse("ops@example.org"), "refused"),
        (Fault::reply(Stage::Body, "554 5.7.1 spam"), "refused"),
        (Fault::reply(Stage::Body, "452 4.3.1 disk full"), "later"),
        (Fault::reply(Stage::Mail, "550 5.7.1 not your address"), "unavailable"),
        (Fault::busy(), "unavailable"),
        (Fault::drop_at(Stage::Body), "later"),
        (Fault::drop_at(Stage::Rcpt), "unavailable"),
        (Fault::hang_at(Stage::Data), "unavailable"),
    ];
    for (fault, kind) in cases {
        let mailbox = mailbox().await;
        mailbox.inject(fault.clone());
        let timeout = Duration::from_millis(500);
        let email = Email::new(EmailSettings { timeout, ..settings(&mailbox) }).unwrap();
        let found = match email.send(&pending("ops@example.org")).await.unwrap_err() {
            SendError::Unavailable(_) => "unavailable",
            SendError::Throttled { .. } => "throttled",
            SendError::Later(_) => "later",
            SendError::Refused(_) => "refused",
        };
        assert_eq!(found, kind, "{fault:?}");
        mailbox.stop().await;
    }
    let gone = mailbox().await;
    let email = email(&gone);
    gone.stop().await;
    let error = email.send(&pending("ops@example.org")).await.unwrap_err();
    assert!(matches!(error, SendError::Unavailable(_)), "{error:?}");
}

// Fails when a fault loses a mail or one bad recipient keeps the other's back.
#[tokio::test]
async fn every_good_recipient_gets_its_mail_exactly_once() {
    for fault in [
        Fault::greylist(3),
        Fault::busy().times(2),
        Fault::drop_at(Stage::Data).times(1),
        Fault::reply(Stage::Body, "451 4.3.0 try again").times(2),
    ] {
        let mailbox = mailbox().await;
        mailbox.inject(fault.clone());
        let outbox = Memory::default();
        two(&outbox);
        deliver(&outbox, email(&mailbox)).await;
        let mut to: Vec<String> = mailbox.mails().into_iter().flat_map(|m| m.to).collect();
        to.sort();
        assert_eq!(to, ["me@example.net", "ops@example.org"], "{fault:?}");
        mailbox.stop().await;
    }
    let mailbox = mailbox().await;
    mailbox.inject(Fault::refuse("ops@example.org"));
    let outbox = Memory::default();
    two(&outbox);
    deliver(&outbox, email(&mailbox)).await;
    let Some(Delivery::Rejected { error, .. }) = outbox.entry(0).end else { panic!() };
    assert!(error.contains("550"), "{error}");
    assert_eq!(mailbox.mails()[0].to, ["me@example.net"]);
}

// Fails when the one duplicate that cannot be avoided has another Message-ID.
#[tokio::test]
async fn a_lost_answer_makes_one_duplicate_with_the_same_id() {
    let mailbox = mailbox().await;
    mailbox.inject(Fault::drop_at(Stage::Body).times(1));
    let outbox = Memory::default();
    outbox.put(message("0a1b", "i", "ops@example.org", Timestamp::now()));
    deliver(&outbox, email(&mailbox)).await;
    let mails = mailbox.mails();
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert!(mail.text().contains("Message-ID: <0a1b@example.org>"), "{}", mail.text());
    }
}

// Fails when every mail costs a connection, or the last one is left open.
#[tokio::test]
async fn a_burst_shares_one_connection() {
    let mailbox = mailbox().await;
    let outbox = Memory::default();
    for index in 0..200 {
        let id = index.to_string();
        outbox.put(message(&id, &id, "ops@example.org", Timestamp::now()));
    }
    deliver(&outbox, email(&mailbox)).await;
    assert_eq!((mailbox.received(), mailbox.connections()), (200, 1));
}

// Fails when a setting that cannot work passes, or a dangerous one is not spoken of.
#[tokio::test]
async fn settings_are_checked_before_anything_is_opened() {
    let mailbox = mailbox().await;
    let wrong = |change: fn(&mut EmailSettings)| {
        let mut settings = settings(&mailbox);
        change(&mut settings);
        Email::new(settings).unwrap_err().to_string()
    };
    assert!(wrong(|s| s.from = "nobody".into()).contains("from = \"nobody\""));
    assert!(wrong(|s| s.to = vec!["a@b\r\nBcc: c@d".into()]).contains("to ="));
    assert!(wrong(|s| s.to.clear()).contains("to is empty"));
    assert!(wrong(|s| s.username = Some("u".into())).contains("password is missing"));
    let login = |host: &str| {
        let mut settings = settings(&mailbox);
        settings.host = host.into();
        settings.username = Some("u".into());
        settings.password = Some("p".to_owned().into());
        Email::new(settings).unwrap().warning().is_some()
    };
    assert!(!login("127.0.0.1") && !login("localhost") && login("mail.example.org"));
}
