use std::sync::Arc;

use jiff::ToSpan as _;
use reqwest::Url;

use super::{knowledge::AWAY, *};
use crate::{
    chain::{Access, Class, Endpoint, Problem, RpcLimits},
    metrics::Metrics,
};

fn rpc(name: &str, limit: u32) -> Rpc {
    let url = Url::parse("http://127.0.0.1:1").unwrap();
    let max_requests_per_minute = std::num::NonZeroU32::new(limit);
    let access = Access { max_requests_per_minute, ..Access::default() };
    let endpoint = Endpoint::new(name, &url).with_access(access);
    Rpc::new(endpoint, "c", RpcLimits::default(), Arc::new(Metrics::new([]))).unwrap()
}

fn endpoints(count: usize) -> Endpoints {
    Endpoints::new((0..count).map(|n| rpc(&format!("e{n}"), 0)).collect())
}

/// A block of our chain: its hash and time follow from its height.
fn known(height: Height) -> Known {
    let time = Timestamp::UNIX_EPOCH + (height * 5).seconds();
    Known { height, hash: format!("H{height}"), time }
}

fn status(head: Height) -> NodeStatus {
    let Known { hash, time, .. } = known(head);
    NodeStatus {
        head,
        head_hash: hash,
        head_time: time,
        earliest: 1,
        catching_up: false,
        version: "0.38.21".into(),
        took: Duration::from_millis(20),
    }
}

fn forked(head: Height) -> NodeStatus {
    NodeStatus { head_hash: format!("X{head}"), ..status(head) }
}

fn failure(class: Class) -> ChainError {
    let problem = Problem::Transport("refused".into());
    ChainError { endpoint: "x".into(), method: "status", height: None, problem, class }
}

#[tokio::test(start_paused = true)]
async fn the_first_that_is_up_is_selected_once_it_has_lasted() {
    let endpoints = endpoints(3);
    let selection = endpoints.selection();
    assert_eq!(*selection.borrow(), None);
    endpoints.note_status(2, &status(100));
    assert_eq!(*selection.borrow(), Some(2));
    endpoints.note_status(1, &status(99));
    assert_eq!(*selection.borrow(), Some(2), "one that is as good must wait");
    tokio::time::advance(Duration::from_secs(31)).await;
    endpoints.tick();
    assert_eq!(*selection.borrow(), Some(1));
    endpoints.note_status(0, &status(50));
    assert_eq!(endpoints.usable(), [1, 2, 0]);
    endpoints.note_failure(1, &failure(Class::Retry));
    assert_eq!(*selection.borrow(), Some(2), "away from one that fails at once");
    endpoints.note_failure(2, &failure(Class::Retry));
    assert_eq!(*selection.borrow(), Some(0), "one that lags is better than none");
    assert!(endpoints.views()[0].selected && !endpoints.views()[2].selected);
}

#[tokio::test(start_paused = true)]
async fn heights_of_wrong_endpoints_do_not_count() {
    let endpoints = endpoints(2);
    endpoints.note_status(0, &status(1000));
    endpoints.note_failure(0, &failure(Class::WrongChain));
    assert_eq!(endpoints.head(), 0);
    endpoints.note_status(1, &status(10));
    assert_eq!(endpoints.head(), 10);
    assert!(!endpoints.all_wrong());
    let evidence = Evidence { height: 9, ours: "A".into(), theirs: "B".into() };
    endpoints.note_foreign(1, evidence.clone());
    assert!(endpoints.all_wrong());
    endpoints.note_status(1, &status(11));
    assert!(endpoints.usable().is_empty(), "what it says of itself does not clear it");
    assert!(endpoints.reasons().contains("e1: its block 9 is B, ours is A"));
    assert_eq!(endpoints.fork(), Some(evidence));
}

#[tokio::test(start_paused = true)]
async fn candidates_can_have_the_height_and_may_be_asked() {
    let endpoints = Endpoints::new(vec![rpc("spent", 1), rpc("pruned", 0), rpc("whole", 0)]);
    for index in 0..3 {
        let earliest = if index == 1 { 50 } else { 1 };
        endpoints.note_status(index, &NodeStatus { earliest, ..status(100) });
    }
    assert_eq!(endpoints.candidates(60), [0, 1, 2]);
    assert_eq!(endpoints.candidates(40), [0, 2]);
    assert!(endpoints.candidates(101).is_empty());
    endpoints.note_results(2, false);
    assert_eq!(endpoints.candidates(40), [0]);
    assert_eq!(endpoints.usable(), [0, 1, 2], "the state can still be asked of it");
    drop(endpoints.rpc(0).budget().slot(Priority::Urgent).await);
    assert_eq!(endpoints.candidates(60), [1, 0], "its budget is spent");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(endpoints.candidates(60), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn one_that_contradicts_what_is_stored_is_left_alone_and_may_end_it() {
    let endpoints = endpoints(2);
    (90..=100).for_each(|height| endpoints.note_stored(None, known(height)));
    endpoints.note_failure(1, &failure(Class::Retry));
    endpoints.note_status(0, &forked(100));
    assert_eq!(endpoints.fork(), None, "one node behind the URL may be confused");
    endpoints.note_status(0, &forked(100));
    assert!(endpoints.quarantine(0).is_some());
    assert_eq!(endpoints.fork(), None, "the other may still hold our chain");
    tokio::time::advance(ABSENT).await;
    let evidence = endpoints.fork().unwrap();
    assert_eq!((evidence.height, &*evidence.theirs), (100, "X100"));
    endpoints.note_status(1, &status(101));
    assert_eq!(endpoints.fork(), None);
    assert_eq!(*endpoints.selection().borrow(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_was_started_anew_is_known_by_its_time() {
    let endpoints = endpoints(1);
    (90..=100).for_each(|height| endpoints.note_stored(None, known(height)));
    let lagging = status(40);
    endpoints.note_status(0, &lagging);
    endpoints.note_status(0, &lagging);
    assert_eq!(endpoints.fork(), None, "lower and earlier is a node that lags");
    let anew = NodeStatus { head_time: known(105).time, ..forked(40) };
    endpoints.note_status(0, &anew);
    endpoints.note_status(0, &anew);
    let evidence = endpoints.fork().unwrap();
    assert!(evidence.theirs.contains("block 40"), "{evidence:?}");
}

#[tokio::test(start_paused = true)]
async fn two_that_differ_stop_until_one_is_convicted_or_they_agree() {
    let endpoints = endpoints(3);
    for index in 0..3 {
        endpoints.note_status(index, &status(100));
    }
    endpoints.note_stored(Some(0), known(101));
    assert_eq!(endpoints.disagreement(), None);
    // The first stands by the stored block; that the second has another convicts nobody.
    endpoints.note_status(1, &forked(101));
    endpoints.note_status(1, &forked(101));
    let view = endpoints.disagreement_view().unwrap();
    assert_eq!(view.height, 101);
    let said: Vec<_> = view.endpoints.iter().map(|d| (&*d.endpoint, &*d.hash)).collect();
    assert_eq!(said, [("e0", "H101"), ("e1", "X101")]);
    assert_eq!(endpoints.quarantine(1), None);
    endpoints.note_hash(1, 101, "H101");
    assert_eq!(endpoints.disagreement(), None, "they agree");

    endpoints.note_block(2, 105, "X105");
    endpoints.note_block(0, 105, "H105");
    assert_eq!(endpoints.disagreement().unwrap().height, 105);
    let evidence = Evidence { height: 90, ours: "H90".into(), theirs: "X90".into() };
    endpoints.note_foreign(2, evidence);
    assert_eq!(endpoints.disagreement(), None, "one was convicted");
    assert_eq!(endpoints.fork(), None);
    endpoints.note_hash(0, 106, "H106");
    endpoints.note_hash(1, 106, "X106");
    assert!(endpoints.disagreement().is_some());
    endpoints.note_failure(1, &failure(Class::Retry));
    assert!(endpoints.disagreement().is_some(), "a lost request decides nothing");
    tokio::time::advance(AWAY).await;
    assert_eq!(endpoints.disagreement(), None, "one is gone");
}

/// Fails when an examination clears an endpoint that was convicted while it was under way, or that
/// contradicts what another one stands by.
#[tokio::test(start_paused = true)]
async fn only_a_block_that_is_stored_clears_one_of_another_chain() {
    let endpoints = endpoints(2);
    (90..=100).for_each(|height| endpoints.note_stored(Some(0), known(height)));
    endpoints.note_status(0, &status(100));
    endpoints.note_status(1, &status(200));
    let asked = endpoints.examination(1, &status(200)).unwrap().hash_at.unwrap();
    let evidence = Evidence { height: 90, ours: "H90".into(), theirs: "X90".into() };
    endpoints.note_foreign(1, evidence);
    assert_eq!(endpoints.note_hash(1, asked, "X100"), Ruling::Undecided);
    endpoints.note_examined(1, true);
    let is_wrong = || endpoints.views()[1].state == EndpointState::Wrong;
    assert!(is_wrong(), "it was asked before it was found out");
    let pause = endpoints.quarantine(1).unwrap();

    tokio::time::advance(pause).await;
    endpoints.note_status(1, &status(200));
    let asked = endpoints.examination(1, &status(200)).unwrap().hash_at.unwrap();
    let ruling = endpoints.note_hash(1, asked, "X100");
    assert_eq!(ruling, Ruling::Undecided, "the other stands by what is stored");
    endpoints.note_examined(1, ruling == Ruling::Confirms);
    assert!(is_wrong());
    let ruling = endpoints.note_hash(1, asked, "H100");
    endpoints.note_examined(1, ruling == Ruling::Confirms);
    assert!(!is_wrong(), "it shows what is stored");
}

#[tokio::test(start_paused = true)]
async fn one_that_lags_is_left_alone_only_beside_a_better_one() {
    let endpoints = endpoints(2);
    endpoints.note_status(0, &status(100));
    for round in 0..4 {
        endpoints.note_status(1, &status(50 + round));
        assert_eq!(endpoints.quarantine(1), None, "round {round}");
        tokio::time::advance(Duration::from_secs(30)).await;
    }
    endpoints.note_status(1, &status(60));
    assert!(endpoints.quarantine(1).is_some());
    assert!(endpoints.views()[1].quarantined_until.is_some());
    assert_eq!(endpoints.usable(), [0]);
    endpoints.note_failure(0, &failure(Class::Retry));
    assert_eq!(endpoints.usable(), [1], "it is better than none");
}

#[tokio::test(start_paused = true)]
async fn an_examination_asks_for_what_is_known_and_is_made_once() {
    let endpoints = endpoints(2);
    endpoints.note_status(0, &status(100));
    let blank = endpoints.examination(0, &status(100)).unwrap();
    assert_eq!(blank, Examination { hash_at: None, results_at: 99 });
    assert!(!endpoints.are_mustered());
    endpoints.note_examined(0, false);
    assert_eq!(endpoints.examination(0, &status(101)), None);
    // The second is asked for what the first spoke of.
    endpoints.note_status(1, &status(101));
    assert_eq!(endpoints.examination(1, &status(101)).unwrap().hash_at, Some(100));
    endpoints.note_examined(1, false);
    assert!(endpoints.are_mustered());
    endpoints.examine_again(0);
    endpoints.note_stored(Some(0), known(90));
    assert_eq!(endpoints.examination(0, &status(101)).unwrap().hash_at, Some(90));
    tokio::time::advance(MUSTER).await;
    assert!(endpoints.are_mustered(), "nobody is waited for any longer");
}
