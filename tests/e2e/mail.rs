//! A mail arrives at a real SMTP server, exactly once per decision.

use std::{collections::BTreeSet, time::Duration};

use bootwatch_mailbox::{Mail, Mailbox};
use bootwatch_schema::{ReadStore, SqliteReader};
use tempfile::TempDir;

use crate::harness::{
    config::Config,
    daemon::{Daemon, complete_to},
    node::{EPOCH_LENGTH, Node},
    process::{free_port, until},
};

/// The decision is made while no mail server answers; the daemon is killed before it can deliver,
/// and comes back. A decision that lives in memory only is lost here, and one that is made again
/// after the restart arrives twice.
#[tokio::test(flavor = "multi_thread")]
async fn survives_a_restart_between_decision_and_delivery() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("misses-then-passes", dir.path()).await;
    let host = node.hosts().into_iter().next().unwrap();
    let port = free_port();
    let config = Config::new(&node.chain_id(), node.url())
        .host("mine", &host)
        .email(&format!("127.0.0.1:{port}"), "operator@example.org")
        .write(dir.path());
    let store = dir.path().join("bootwatch.db");

    let daemon = Daemon::start(dir.path(), &config);
    until("a capture's result in the outbox", Duration::from_secs(60), || async {
        let reader = SqliteReader::open(&store).ok()?;
        (reader.backlog("email").ok()?.0 > 0).then_some(())
    })
    .await;
    daemon.kill();

    let mailbox = Mailbox::start(("127.0.0.1", port)).await.unwrap();
    let mut daemon = Daemon::start(dir.path(), &config);
    let behind = complete_to(&store).unwrap();
    daemon.reaches(behind + EPOCH_LENGTH).await;
    daemon.kill();
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(behind + EPOCH_LENGTH + 10).await;
    until("an empty outbox", Duration::from_secs(90), || async {
        let reader = SqliteReader::open(&store).ok()?;
        (reader.backlog("email").ok()?.0 == 0).then_some(())
    })
    .await;
    daemon.stop().await;

    let mails = mailbox.mails();
    let ids: Vec<String> = mails.iter().map(|mail| header(mail, "Message-ID")).collect();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "a mail arrived twice: {ids:#?}");

    // Every capture since the daemon first started was decided on, and nothing before it.
    let reader = SqliteReader::open(&store).unwrap();
    let &(first, last) = reader.load().unwrap().coverage.stored.last().unwrap();
    let captures = reader.captures(first..=last).unwrap();
    assert!(!captures.is_empty(), "no capture in {first}..={last}");
    for dated in &captures {
        let (model, height) = (dated.fact.model_id.as_str(), dated.fact.snapshot_height);
        let told = mails
            .iter()
            .filter(|mail| {
                let text = mail.text();
                text.contains(model)
                    && text.contains(&height.to_string())
                    && header(mail, "Subject").to_lowercase().contains("capture")
            })
            .count();
        let subjects: Vec<_> = mails.iter().map(|mail| header(mail, "Subject")).collect();
        assert_eq!(told, 1, "mails on the capture of {model} at {height}; all: {subjects:#?}");
    }
}

/// A header of a mail, unfolded and decoded.
fn header(mail: &Mail, name: &str) -> String {
    let message = mail_parser::MessageParser::default().parse(&mail.data).expect("a mail");
    match name {
        "Message-ID" => message.message_id().unwrap_or_default().to_owned(),
        "Subject" => message.subject().unwrap_or_default().to_owned(),
        _ => panic!("no test asks for {name}"),
    }
}
