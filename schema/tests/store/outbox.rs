//! Messages: decided once, sent once, never lost.

use bootwatch_rules::ledger::{Changes, Ledger, Tick};
use bootwatch_schema::{Commit, Delivery, NewMessage, ReadStore, SqliteReader, SqliteStore, Store};

use crate::common::{Place, at, block};

fn message(id: &str, at_second: i64) -> NewMessage {
    NewMessage {
        message_id: id.into(),
        incident: format!("incident of {id}"),
        channel: "email".into(),
        recipient: "host@example.org".into(),
        subject: "[CRITICAL] capture in 500 blocks".into(),
        text: "text".into(),
        html: Some("<p>text</p>".into()),
        created_at: at(at_second),
        created_height: 1,
    }
}

fn commit_messages(store: &mut impl Store, height: i64, messages: &[NewMessage]) {
    let facts = block(height);
    let tick = Tick { height, time: facts.time };
    let ledger = Ledger { tip: Some(tick), ticks: [tick].into(), ..Ledger::default() };
    store
        .commit(&Commit {
            facts: &facts,
            observation: None,
            changes: &Changes::default(),
            ledger: &ledger,
            incidents: &[],
            messages,
        })
        .unwrap();
}

#[test]
fn a_message_waits_until_it_is_settled() {
    let place = Place::new();
    let mut store = place.open();
    commit_messages(&mut store, 1, &[message("a", 10), message("b", 11), message("c", 12)]);

    let due = store.pending("email", at(11), 10).unwrap();
    assert_eq!(due.iter().map(|m| &*m.message.message_id).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(due[0].message, message("a", 10));
    assert_eq!(due[0].attempts, 0);
    assert_eq!(store.pending("webhook", at(99), 10).unwrap(), vec![]);
    assert_eq!(store.pending("email", at(99), 1).unwrap().len(), 1);
    assert_eq!(store.backlog("email").unwrap(), (3, Some(at(10))));

    store
        .settle(&[
            Delivery::Delivered { message_id: "a".into(), at: at(20) },
            Delivery::Retry { message_id: "b".into(), next: at(50), error: "450 later".into() },
            Delivery::Rejected { message_id: "c".into(), at: at(20), error: "550 no".into() },
            Delivery::Delivered { message_id: "never seen".into(), at: at(20) },
        ])
        .unwrap();
    assert_eq!(store.pending("email", at(49), 10).unwrap(), vec![]);
    assert_eq!(store.backlog("email").unwrap(), (1, Some(at(11))));

    drop(store);
    let store = place.open();
    let due = store.pending("email", at(50), 10).unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].message, message("b", 11));
    assert_eq!((due[0].attempts, due[0].last_error.as_deref()), (1, Some("450 later")));
}

#[test]
fn the_same_decision_is_one_message_before_and_after_delivery() {
    let place = Place::new();
    let mut store = place.open();
    let again = NewMessage { subject: "other words".into(), ..message("a", 30) };
    commit_messages(&mut store, 1, &[message("a", 10), again.clone()]);
    commit_messages(&mut store, 2, std::slice::from_ref(&again));
    let due = store.pending("email", at(99), 10).unwrap();
    assert_eq!(due.iter().map(|m| &m.message).collect::<Vec<_>>(), [&message("a", 10)]);

    store.settle(&[Delivery::Delivered { message_id: "a".into(), at: at(20) }]).unwrap();
    commit_messages(&mut store, 3, &[again]);
    assert_eq!(store.backlog("email").unwrap(), (0, None));
    // A late, second report changes nothing.
    store
        .settle(&[Delivery::Retry { message_id: "a".into(), next: at(0), error: "late".into() }])
        .unwrap();
    let reader = SqliteReader::open(&place.path()).unwrap();
    assert_eq!(reader.pending("email", at(99), 10).unwrap(), vec![]);
}

#[test]
fn a_message_waits_for_an_older_one_of_its_incident() {
    let place = Place::new();
    let mut store = place.open();
    let firing = NewMessage { incident: "i".into(), ..message("firing", 1) };
    let resolved = NewMessage { incident: "i".into(), ..message("resolved", 2) };
    let elsewhere = NewMessage { recipient: "other@example.org".into(), ..resolved.clone() };
    let elsewhere = NewMessage { message_id: "elsewhere".into(), ..elsewhere };
    commit_messages(&mut store, 1, &[firing, resolved, elsewhere]);
    let ids = |store: &SqliteStore| {
        let due = store.pending("email", at(9), 10).unwrap();
        due.into_iter().map(|m| m.message.message_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&store), ["firing", "elsewhere"]);
    let next = at(60);
    store
        .settle(&[Delivery::Retry { message_id: "firing".into(), next, error: "450".into() }])
        .unwrap();
    assert_eq!(ids(&store), ["elsewhere"]);
    store.settle(&[Delivery::Delivered { message_id: "firing".into(), at: next }]).unwrap();
    assert_eq!(ids(&store), ["resolved", "elsewhere"]);
}
