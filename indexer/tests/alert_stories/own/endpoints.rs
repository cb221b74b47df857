//! Where the blocks come from: one endpoint of several is in trouble.

use std::sync::Arc;

use bootwatch_rules::situation::{EndpointState, Situation};
use bootwatch_schema::{
    Ending::{Expired, Met},
    Severity::{Critical, Warning},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    PACE,
    judge::{Judge, all, clearing, config, endpoint, fired, noticed, shows},
};
use crate::{
    Story,
    bench::{self, Bench, Run, until},
    proxy::Proxy,
    told::grouped,
};

pub(crate) const STORIES: &[Story] = &[
    Story { alert: "EndpointDown", told: an_endpoint_that_does_not_answer_is_told },
    Story { alert: "EndpointLagging", told: an_endpoint_that_lags_is_told },
    Story {
        alert: "EndpointWrong",
        told: an_endpoint_of_another_chain_is_told_until_it_is_taken_out,
    },
    Story { alert: "EndpointsDisagree", told: endpoints_that_disagree_are_told_with_both_hashes },
];

// Fails when one of two endpoints goes away unnoticed, is told of before the configured time, under
// another name, or after it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_does_not_answer_is_told() {
    let bench = Bench::start(PACE).await;
    let node = Proxy::start(&bench.node.url()).await;
    let endpoints = [("good", bench.node.url()), ("other", node.url())];
    let run = bench.run(config(&bench, &endpoints, "", "")).await;
    run.reaches(5).await;
    node.be_away(true);
    let trouble = shows(&run, |s| endpoint(s, "other").state == EndpointState::Down).await;
    let kept = fired(&bench, "EndpointDown").await;
    let labels = [("endpoint".to_owned(), "other".to_owned())];
    assert_eq!((kept.severity, kept.labels), (Warning, labels.into()));
    let mut judge = Judge::of("EndpointDown");
    let told = judge.fires_in(180, &trouble, Timestamp::now());
    assert_eq!(told.text("headline"), "endpoint other does not answer");
    assert!(told.number("other").contains("502") && told.number("good").starts_with("up, block"));
    node.be_away(false);
    let well = shows(&run, |s| all(s, EndpointState::Up)).await;
    clearing(&bench, "EndpointDown").await;
    judge.clears_in(60, &well, Met);
    run.stop().await;
}

// Fails when a node that is behind passes for a good one, or for one that is away; when its newest block
// is another than it shows; or when it is told of after it has caught up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_lags_is_told() {
    let bench = Bench::start(PACE).await;
    let slow = Proxy::start(&bench.node.url()).await;
    until("blocks to be behind", || bench.node.height() > 10).await;
    // It shows the first block as its newest.
    slow.change(|method, answer| {
        if method == "status" {
            let sync = &mut answer["result"]["sync_info"];
            for of in ["height", "hash", "time"] {
                let key = |end: &str| match of {
                    "height" => format!("{end}_block_height"),
                    "hash" => format!("{end}_block_hash"),
                    _ => format!("{end}_block_time"),
                };
                sync[key("latest")] = sync[key("earliest")].clone();
            }
        }
    });
    let endpoints = [("slow", slow.url()), ("good", bench.node.url())];
    let run = bench.run(config(&bench, &endpoints, "", "")).await;
    let trouble = shows(&run, |s| endpoint(s, "slow").state == EndpointState::Lagging).await;
    let kept = fired(&bench, "EndpointLagging").await;
    let labels = [("endpoint".to_owned(), "slow".to_owned())];
    assert_eq!((kept.severity, kept.labels), (Warning, labels.into()));
    let mut judge = Judge::of("EndpointLagging");
    let told = judge.fires_in(300, &trouble, Timestamp::now());
    assert!(told.number("slow").starts_with("lagging, block 1: "), "{}", told.number("slow"));
    slow.be_honest();
    let well = shows(&run, |s| all(s, EndpointState::Up)).await;
    clearing(&bench, "EndpointLagging").await;
    judge.clears_in(60, &well, Met);
    run.stop().await;
}

// Fails when an endpoint of another chain under our name is not told of in ten seconds, or is told of
// after it was taken out of the configuration.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_of_another_chain_is_told_until_it_is_taken_out() {
    let bench = Bench::start(PACE).await;
    let ours = ("ours", bench.node.url());
    let run = bench.run(config(&bench, std::slice::from_ref(&ours), "", "")).await;
    let tip = run.reaches(10).await.complete_to;
    run.stop().await;
    let foreign = bench::node_at(([127, 0, 0, 1], 0).into(), 8).await;
    until("a foreign block of that height", || foreign.height() > tip + 5).await;
    let endpoints = [("foreign", foreign.url()), ours.clone()];
    let run = bench.run(config(&bench, &endpoints, "", "")).await;
    let trouble = shows(&run, |s| endpoint(s, "foreign").state == EndpointState::Wrong).await;
    let kept = noticed(&bench, "EndpointWrong").await;
    let labels = [("endpoint".to_owned(), "foreign".to_owned())];
    assert_eq!((kept.severity, kept.labels), (Critical, labels.into()));
    let mut judge = Judge::of("EndpointWrong");
    let told = judge.fires_in(10, &trouble, Timestamp::now());
    assert_eq!(told.text("headline"), "endpoint foreign is on another chain");
    assert!(told.number("foreign").contains("another chain"), "{}", told.number("foreign"));
    run.stop().await;
    let run = bench.run(config(&bench, &[ours], "", "")).await;
    let well = shows(&run, |s| all(s, EndpointState::Up)).await;
    // Nobody says that it is well: it is not asked any more.
    judge.clears_in(60, &well, Expired);
    run.stop().await;
}

// Fails when two blocks of one height are not told of in ten seconds, with the hashes that the endpoints
// show, or when it goes on once they agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_disagree_are_told_with_both_hashes() {
    let mut attempts = 0;
    let (bench, b, run, trouble) = loop {
        attempts += 1;
        assert!(attempts <= 5, "the other one was always convicted before they disagreed");
        match disagree().await {
            Some(scene) => break scene,
            None => continue,
        }
    };
    assert_eq!(noticed(&bench, "EndpointsDisagree").await.severity, Critical);
    let mut judge = Judge::of("EndpointsDisagree");
    let told = judge.fires_in(10, &trouble, Timestamp::now());
    let height = trouble.data.disagreement.as_ref().unwrap().height;
    let told_of = format!("endpoints disagree about block {}", grouped(height));
    assert_eq!(told.text("headline"), told_of);
    let hash = bench::hash_of(&bench.node.url(), height).await;
    assert_eq!(told.number("honest"), hash);
    assert_eq!(told.number("other"), hash.chars().rev().collect::<String>());
    b.be_honest();
    let well = shows(&run, |s| s.data.disagreement.is_none() && !s.stale).await;
    clearing(&bench, "EndpointsDisagree").await;
    judge.clears_in(60, &well, Met);
    run.stop().await;
}

/// Two endpoints that show different blocks of a height. None when the one that lies was examined when
/// the other's block was already stored: then it is convicted, and there is no disagreement.
async fn disagree() -> Option<(Bench, Proxy, Run, Arc<Situation>)> {
    let bench = Bench::start(3 * PACE).await;
    let (a, b) = (Proxy::start(&bench.node.url()).await, Proxy::start(&bench.node.url()).await);
    // The honest one is selected: of the other, it is what its status says that differs.
    b.be_away(true);
    let endpoints = [("honest", a.url()), ("other", b.url())];
    let run = bench.run(config(&bench, &endpoints, "", "")).await;
    run.reaches(10).await;
    b.be_away(false);
    let both = shows(&run, |s| all(s, EndpointState::Up)).await;
    let fork = both.complete_to + 10;
    b.change(move |method, answer| {
        let (height, hash) = match method {
            "status" => {
                ("/result/sync_info/latest_block_height", "/result/sync_info/latest_block_hash")
            }
            "blockchain" => {
                ("/result/block_metas/0/header/height", "/result/block_metas/0/block_id/hash")
            }
            _ => return,
        };
        let height = answer.pointer(height).and_then(Value::as_str).unwrap_or_default();
        if height.parse::<i64>().is_ok_and(|height| height >= fork)
            && let Some(hash) = answer.pointer_mut(hash)
        {
            *hash = json!(hash.as_str().unwrap().chars().rev().collect::<String>());
        }
    });
    let convicted = |s: &Situation| endpoint(s, "other").state == EndpointState::Wrong;
    let trouble = shows(&run, |s| s.data.disagreement.is_some() || convicted(s)).await;
    if trouble.data.disagreement.is_none() {
        run.stop().await;
        return None;
    }
    Some((bench, b, run, trouble))
}
