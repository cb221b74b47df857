//! Alerts in a running daemon, against a simulated chain and a real mail server.

use std::time::Duration;

use bootwatch::config::{Config, Environment};
use bootwatch_mailbox::Mailbox;
use bootwatch_schema::{OrderBook, ReadStore as _, Silence, SqliteReader};
use jiff::{SignedDuration, Timestamp};

use crate::bench::Bench;

/// The bench's configuration with mail, and alerts that do not wait.
fn config(bench: &Bench, mailbox: &Mailbox) -> Config {
    let text = format!(
        "[chain]\nchain_id = {:?}\n[store]\npath = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [[endpoint]]\nname = \"devnet\"\nrpc = {:?}\n\
         [email]\nsmtp = \"{}\"\ntls = \"none\"\nfrom = \"b@example.org\"\nto = [\"me@example.org\"]\n\
         [alerts]\nchain_halted_after = \"1s\"\nfirst_notice_delay = \"0s\"\nbatch_every = \"0s\"\n\
         bundle_from = \"1000\"\nper_hour = \"1000\"\n",
        bench.node.chain_id(),
        bench.database(),
        bench.node.url(),
        mailbox.address(),
    );
    Config::parse("test.toml", &text, &Environment::new()).unwrap()
}

pub(crate) fn subjects(mailbox: &Mailbox) -> Vec<String> {
    let subject = |mail: &bootwatch_mailbox::Mail| {
        let parsed = mail_parser::MessageParser::default().parse(&mail.data).unwrap();
        parsed.subject().unwrap_or_default().to_owned()
    };
    mailbox.mails().iter().map(subject).collect()
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(tokio::time::Instant::now() < patience, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn halted(bench: &Bench) -> Option<bootwatch_schema::Incident> {
    let loaded = SqliteReader::open(&bench.database()).unwrap().load().unwrap();
    loaded.incidents.into_iter().find(|incident| incident.alert == "ChainHalted")
}

// Fails when a halt is not told although no block comes any more, when it is told again after a
// restart, or when a silence that was ordered beside the daemon is not heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_chain_is_told_once_and_can_be_silenced() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let run = bench.run(config(&bench, &mailbox)).await;
    run.reaches(5).await;
    bench.node.faults().halt_at(Some(bench.node.height() + 1));
    let told = || subjects(&mailbox).iter().filter(|s| s.contains("no new block after")).count();
    until("the mail of the halt", || told() == 1).await;
    run.stop().await;

    let run = bench.run(config(&bench, &mailbox)).await;
    let silence = Silence {
        id: 0,
        matchers: [("alert".to_owned(), "ChainHalted".to_owned())].into(),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: Some(Timestamp::now() + SignedDuration::from_hours(1)),
        ends_epoch: None,
        author: "test".into(),
        comment: "planned".into(),
        expired_at: None,
    };
    OrderBook::open(&bench.database()).unwrap().silence(&silence).unwrap();
    until("the silence", || halted(&bench).is_some_and(|i| i.silenced_by == Some(1))).await;
    assert_eq!(told(), 1, "{:?}", subjects(&mailbox));
    run.stop().await;
}
