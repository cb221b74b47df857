//! What governance is about to do, from the chain's answers to what is told.

use std::{sync::Arc, time::Duration};

use bootwatch::config::{Config, Environment};
use bootwatch_devnet::chain::Story;
use bootwatch_rules::situation::{Effect, PlansView, Situation};
use bootwatch_schema::{Ending, Incident, IncidentState, ReadStore as _, SqliteReader};

use crate::bench::{Bench, Run, passing_on};

/// A vote that is decided by block 14, an upgrade that is scheduled by 20 for 24, and another that
/// is scheduled by 28 and taken back by 32. Votes last four blocks.
const STORY: &str = r#"
shows = "Governance acts within thirty blocks."
hosts = 8
background = { choices = false, failures = false, traffic = 0 }

[[step]]
height = 14
do = "set-params"
title = "Refusals\r\nBcc: x <b>cost</b> more"
params = { refusal_penalty = { value = 12, exponent = -2 } }

[[step]]
height = 20
do = "schedule-upgrade"
name = "v0.2.15"
after = 4

[[step]]
height = 28
do = "schedule-upgrade"
name = "v0.2.16"
after = 200

[[step]]
height = 32
do = "cancel-upgrade"
"#;

async fn bench() -> Bench {
    let story = Story::parse("thirty-blocks", STORY).unwrap();
    let bench = Bench::tells(story, Duration::from_millis(20)).await;
    bench.node.faults().halt_at(Some(5));
    bench
}

/// Nobody is told, but everything that is worth a word is kept at once.
fn config(bench: &Bench, url: &str) -> Config {
    let text = format!(
        "[chain]\nchain_id = {:?}\n[store]\npath = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [[endpoint]]\nname = \"devnet\"\nrpc = {url:?}\n",
        bench.node.chain_id(),
        bench.database(),
    );
    Config::parse("test.toml", &text, &Environment::new()).unwrap()
}

/// Lets the chain go on to a height, and the daemon after it.
async fn go(bench: &Bench, run: &Run, height: i64) -> Arc<Situation> {
    bench.node.faults().halt_at(Some(height));
    run.reaches(height).await
}

fn plans(situation: &Situation) -> &PlansView {
    situation.plans.as_ref().expect("the chain was asked")
}

fn incidents(bench: &Bench, alert: &str) -> Vec<Incident> {
    let loaded = SqliteReader::open(&bench.database()).unwrap().load().unwrap();
    let mut found = loaded.incidents;
    found.retain(|incident| incident.alert == alert);
    found.sort_by_key(|incident| incident.opened_height);
    found
}

fn newest(bench: &Bench, alert: &str) -> (String, IncidentState, Option<Ending>) {
    let newest = incidents(bench, alert).pop().expect(alert);
    (newest.summary, newest.state, newest.ending)
}

// Fails when a vote is told only once it is in force, says other numbers than the chain then has, or
// does not end; and the same for an upgrade. The chain stands still where the test looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_and_upgrades_are_told_before_they_come_and_end_rightly() {
    let bench = bench().await;
    let run = bench.run(config(&bench, &bench.node.url())).await;
    let calm = go(&bench, &run, 9).await;
    assert_eq!((&plans(&calm).upgrade, plans(&calm).proposals.len()), (&None, 0));

    let voting = go(&bench, &run, 11).await;
    let [open] = plans(&voting).proposals.as_slice() else { panic!("{:?}", plans(&voting)) };
    assert_eq!((open.id, open.title.as_str()), (1, "Refusals\r\nBcc: x <b>cost</b> more"));
    let [change] = open.changes.as_slice() else { panic!("{:?}", open.changes) };
    assert_eq!(change.name, "refusal_penalty");
    assert_eq!((&*change.before, &*change.after, change.effect), ("1/10", "3/25", Effect::Charge));
    let summary = "proposal 1 would change refusal_penalty from 1/10 to 3/25".to_owned();
    assert_eq!(newest(&bench, "ProposalOpen"), (summary.clone(), IncidentState::Firing, None));
    assert!(incidents(&bench, "ParamsChanged").is_empty());

    let decided = go(&bench, &run, 14).await;
    assert_eq!(plans(&decided).proposals, []);
    let ended = (summary, IncidentState::Resolved, Some(Ending::Met));
    assert_eq!(newest(&bench, "ProposalOpen"), ended);
    let changes = &decided.params_change.as_ref().unwrap().changes;
    assert_eq!(changes, &open.changes, "what was foretold");
    assert_eq!(newest(&bench, "ParamsChanged").0, "refusal_penalty changed");

    let scheduled = go(&bench, &run, 21).await;
    let plan = plans(&scheduled).upgrade.as_ref().unwrap();
    assert_eq!((plan.name.as_str(), plan.height, plan.blocks_left), ("v0.2.15", 24, 3));
    let summary = "upgrade v0.2.15 at block 24".to_owned();
    assert_eq!(newest(&bench, "UpgradeNear"), (summary.clone(), IncidentState::Firing, None));

    // A restart shows the same, whether or not it can ask again.
    run.stop().await;
    let run = bench.run(config(&bench, &bench.node.url())).await;
    let again = run.reaches(21).await;
    let (mut before, mut after) = (plans(&scheduled).clone(), plans(&again).clone());
    for view in [&mut before, &mut after] {
        let plan = view.upgrade.as_mut().unwrap();
        (plan.eta, plan.eta_error_seconds) = (None, None);
    }
    assert_eq!(after, before);

    let upgraded = go(&bench, &run, 25).await;
    assert_eq!(plans(&upgraded).upgrade, None);
    let ended = (summary, IncidentState::Resolved, Some(Ending::Met));
    assert_eq!(newest(&bench, "UpgradeNear"), ended);

    let far = go(&bench, &run, 31).await;
    assert_eq!(plans(&far).upgrade.as_ref().unwrap().height, 228);
    let [open] = plans(&far).proposals.as_slice() else { panic!("{:?}", plans(&far)) };
    assert!(open.cancels_upgrade && !open.moves());
    let off = go(&bench, &run, 33).await;
    assert_eq!(plans(&off).upgrade, None);
    let ended =
        ("upgrade v0.2.16 at block 228".to_owned(), IncidentState::Resolved, Some(Ending::Expired));
    assert_eq!(newest(&bench, "UpgradeNear"), ended);
    run.stop().await;
}

// Fails when a node that has no such queries counts as faulty, or anything else is missing for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_tells_of_no_plans_is_as_good_as_any() {
    let bench = bench().await;
    let limited = passing_on(bench.node.url(), |body| {
        let body = body.replace("/cosmos.gov.v1.", "/none.").replace("/cosmos.upgrade.", "/none.");
        (body, Duration::ZERO)
    });
    let run = bench.run(config(&bench, &limited.await)).await;
    let end = go(&bench, &run, 31).await;
    assert_eq!(end.plans, None);
    assert_eq!(end.params_change.as_ref().unwrap().changes[0].after, "3/25");
    assert_eq!((end.data.reconciled, end.data.malformed), (0, 0));
    assert!(end.endpoints[0].reason.as_deref().is_none_or(|reason| !reason.contains("none.")));
    run.stop().await;
    bench.assert_contiguous();
    assert!(incidents(&bench, "ProposalOpen").is_empty());
    assert_eq!(incidents(&bench, "ParamsChanged").len(), 1);
}

// Fails when a node that does not answer such a query holds blocks up for longer than once and
// briefly: it would take a minute to answer, and blocks come every 20 ms.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_keeps_silent_about_plans_holds_nothing_up() {
    let bench = bench().await;
    let silent = passing_on(bench.node.url(), |body| {
        let wait = if body.contains("/cosmos.gov.v1.") { 60 } else { 0 };
        (body, Duration::from_secs(wait))
    });
    let began = std::time::Instant::now();
    let run = bench.run(config(&bench, &silent.await)).await;
    let end = go(&bench, &run, 31).await;
    assert_eq!(end.plans, None);
    assert!(end.params_change.is_some());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    run.stop().await;
}
