//! Messages: decided once, sent once, never lost. Incidents and endpoints: as they were last.

use bootwatch_rules::{
    BlockFacts, Malformed,
    ledger::{Changes, Ledger, Tick},
    situation::{EndpointState, EndpointView, ProgressView, RequestsView},
};
use bootwatch_schema::{
    Acknowledgement, Clearing, Commit, Delivery, Ending, Incident, IncidentState, NewMessage,
    OrderBook, Part, ReadStore, ServiceRecord, Severity, Silence, SqliteReader, SqliteStore, Store,
    Told,
};
use rusqlite::Connection;

use crate::common::{Place, at, block};

fn message(id: &str, at_second: i64) -> NewMessage {
    NewMessage {
        message_id: id.into(),
        incident: format!("incident of {id}"),
        parts: vec![],
        channel: "email".into(),
        recipient: "host@example.org".into(),
        severity: Severity::Warning,
        subject: "[CRITICAL] capture in 500 blocks".into(),
        text: "text".into(),
        html: Some("<p>text</p>".into()),
        created_at: at(at_second),
        created_height: 1,
    }
}

fn commit_messages(store: &mut impl Store, height: i64, messages: &[NewMessage]) {
    commit_decisions(store, height, &[], messages);
}

fn commit_decisions(
    store: &mut impl Store,
    height: i64,
    incidents: &[Incident],
    messages: &[NewMessage],
) {
    let facts = block(height);
    let tick = Tick { height, time: facts.time };
    let ledger = Ledger { tip: Some(tick), ticks: [tick].into(), ..Ledger::default() };
    store
        .commit(&Commit {
            facts: &facts,
            forecast: None,
            observation: None,
            changes: &Changes::default(),
            ledger: &ledger,
            incidents,
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

// Fails when a firing notice that was not delivered still goes out beside the one that ends it, or
// when another recipient or incident loses a message by it.
#[test]
fn a_newer_message_of_an_incident_replaces_the_one_that_waits() {
    let place = Place::new();
    let mut store = place.open();
    let firing = NewMessage { incident: "i".into(), ..message("firing", 1) };
    let resolved = NewMessage { incident: "i".into(), ..message("resolved", 2) };
    let elsewhere = NewMessage { recipient: "other@example.org".into(), ..firing.clone() };
    let elsewhere = NewMessage { message_id: "elsewhere".into(), ..elsewhere };
    let unrelated = message("unrelated", 1);
    commit_messages(&mut store, 1, &[firing.clone(), elsewhere, unrelated]);
    let next = at(60);
    store
        .settle(&[Delivery::Retry { message_id: "firing".into(), next, error: "450".into() }])
        .unwrap();
    store.decide(&[], std::slice::from_ref(&resolved)).unwrap();
    let ids = |store: &SqliteStore| {
        let due = store.pending("email", at(99), 10).unwrap();
        due.into_iter().map(|m| m.message.message_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&store), ["elsewhere", "unrelated", "resolved"]);
    assert_eq!(store.backlog("email").unwrap().0, 3);
    // An attempt that was under way reports too late, and the decision made again is still known.
    store.settle(&[Delivery::Delivered { message_id: "firing".into(), at: next }]).unwrap();
    commit_messages(&mut store, 2, &[firing]);
    assert_eq!(ids(&store), ["elsewhere", "unrelated", "resolved"]);
    // What was delivered stays what it is.
    store.settle(&[Delivery::Delivered { message_id: "resolved".into(), at: next }]).unwrap();
    commit_messages(&mut store, 3, &[NewMessage { incident: "i".into(), ..message("again", 3) }]);
    assert_eq!(ids(&store), ["elsewhere", "unrelated", "again"]);
    assert_eq!(SqliteReader::open(&place.path()).unwrap().rejected("email", at(0)).unwrap(), 0);
}

#[test]
fn old_settled_messages_lose_their_bodies_and_waiting_ones_do_not() {
    let place = Place::new();
    let mut store = place.open();
    let messages: Vec<_> = (0..400).map(|n| message(&format!("m{n}"), n)).collect();
    commit_messages(&mut store, 1, &messages);
    // The oldest waits; the others are delivered in lots, over many reports.
    for lot in messages[1..].chunks(5) {
        let delivered = lot
            .iter()
            .map(|m| Delivery::Delivered { message_id: m.message_id.clone(), at: at(999) });
        store.settle(&delivered.collect::<Vec<_>>()).unwrap();
    }
    let db = Connection::open(place.path()).unwrap();
    let bodies: i64 = db.query_row("SELECT count(*) FROM body", [], |row| row.get(0)).unwrap();
    assert!((201..400).contains(&bodies), "{bodies}");
    let due = store.pending("email", at(999), 10).unwrap();
    assert_eq!(due.iter().map(|m| &m.message).collect::<Vec<_>>(), [&messages[0]]);
    // A decision whose body is gone is still known.
    commit_messages(&mut store, 2, &messages[1..3]);
    assert_eq!(store.backlog("email").unwrap().0, 1);
    assert_eq!(SqliteReader::open(&place.path()).unwrap().verify().unwrap().damages, 0);
}

fn told(n: i64) -> Told {
    Told { step: 3, severity: Severity::Warning, at: at(n + 3), times: 2, ended: n % 2 == 0 }
}

fn acknowledgement(n: i64) -> Acknowledgement {
    Acknowledgement {
        occurrence: 2,
        severity: Severity::Warning,
        author: "me".into(),
        comment: "on it".into(),
        at: at(n),
    }
}

// Fails when an order is lost, or the daemon's open connection keeps people from ordering.
#[test]
fn orders_are_kept_beside_a_running_writer() {
    let place = Place::new();
    let mut store = place.open();
    let mut book = OrderBook::open(&place.path()).unwrap();
    let silence = Silence {
        id: 0,
        matchers: [("host".into(), "gonka1a".into())].into(),
        starts_at: at(1),
        ends_at: Some(at(100)),
        ends_epoch: None,
        author: "me".into(),
        comment: "moving racks; '\"".into(),
        expired_at: None,
    };
    let until_epoch = Silence { ends_at: None, ends_epoch: Some(253), ..silence.clone() };
    assert_eq!(book.silence(&silence).unwrap(), 1);
    store.decide(&[incident(1, IncidentState::Firing)], &[]).unwrap();
    assert_eq!(book.silence(&until_epoch).unwrap(), 2);
    assert!(book.expire(1, at(50)).unwrap());
    assert!(!book.expire(1, at(60)).unwrap() && !book.expire(9, at(60)).unwrap());
    book.acknowledge("f", &Acknowledgement { occurrence: 1, ..acknowledgement(7) }).unwrap();
    book.acknowledge("f", &acknowledgement(8)).unwrap();
    let orders = SqliteReader::open(&place.path()).unwrap().orders().unwrap();
    let first = Silence { id: 1, expired_at: Some(at(50)), ..silence.clone() };
    assert_eq!(orders.silences, [first, Silence { id: 2, ..until_epoch }]);
    assert_eq!(orders.acknowledgements, [("f".to_owned(), acknowledgement(8))].into());
    // A silence without an end is refused by the table itself.
    assert!(book.silence(&Silence { ends_at: None, ..silence }).is_err());
}

// Fails when an incident of the first version is lost, or those who were told are forgotten.
#[test]
fn incidents_of_the_first_version_are_read() {
    let place = Place::new();
    let mut store = place.open();
    let old = incident(1, IncidentState::Firing);
    store.decide(std::slice::from_ref(&old), &[]).unwrap();
    drop(store);
    let db = Connection::open(place.path()).unwrap();
    // Back to the form that the first version wrote; the columns it did not have are left out.
    db.execute_batch(
        "UPDATE incident SET told = '[\"email:a@example.org\"]'; CREATE TABLE before AS
         SELECT fingerprint, alert, labels, window, state, severity, summary, opened_height,
             opened_at, changed_at, deadline, step, told, ending FROM incident;",
    )
    .unwrap();
    let first = include_str!("../../migrations/0001_facts_ledger_outbox.sql");
    let fourth = include_str!("../../migrations/0004_incident_life_and_orders.sql");
    let rows = "INSERT INTO incident SELECT * FROM old.before;";
    let path = place.path().with_extension("second");
    let second = Connection::open(&path).unwrap();
    second
        .execute_batch(&format!(
            "{first} ATTACH '{}' AS old; {rows} DETACH old; {fourth}",
            place.path().display()
        ))
        .unwrap();
    let told: String = second.query_row("SELECT told FROM incident", [], |row| row.get(0)).unwrap();
    let told: std::collections::BTreeMap<String, Told> = serde_json::from_str(&told).unwrap();
    let expected =
        Told { step: 3, severity: Severity::Critical, at: at(6), times: 1, ended: false };
    assert_eq!(told, [("email:a@example.org".to_owned(), expected)].into());
}

fn incident(n: i64, state: IncidentState) -> Incident {
    Incident {
        fingerprint: format!("{n:08X}"),
        alert: "DecisionMissing".into(),
        labels: [("host".into(), "gonka1a".into()), ("model_id".into(), "ü\"'".into())].into(),
        window: format!("epoch {n}"),
        state,
        severity: Severity::Critical,
        summary: "no choice".into(),
        opened_height: n,
        opened_at: at(n),
        changed_at: at(n + 5),
        deadline: Some(n + 500),
        step: 3,
        occurrence: 2,
        risen_at: at(n + 1),
        clearing: (n % 2 == 0).then_some(Clearing { since: at(n + 4), ending: Ending::Met }),
        unknown_since: (n % 3 == 0).then(|| at(n + 2)),
        acknowledged: Some(acknowledgement(n)),
        silenced_by: Some(n),
        inhibited_by: Some("root".into()),
        told: [("email:a@example.org".into(), told(n))].into(),
        ending: (state == IncidentState::Resolved).then_some(Ending::Met),
    }
}

#[test]
fn an_incident_is_as_it_was_last() {
    let place = Place::new();
    let mut store = place.open();
    let other = incident(2, IncidentState::Pending);
    commit_decisions(&mut store, 1, &[incident(1, IncidentState::Firing), other.clone()], &[]);
    let resolved = Incident {
        severity: Severity::Info,
        deadline: None,
        told: [].into(),
        ..incident(1, IncidentState::Resolved)
    };
    commit_decisions(&mut store, 2, std::slice::from_ref(&resolved), &[]);
    assert_eq!(store.load().unwrap().incidents, [resolved, other]);
}

#[test]
fn resolved_incidents_are_bounded_and_open_ones_stay() {
    let place = Place::new();
    let mut store = place.open();
    let open = incident(0, IncidentState::Firing);
    let resolved: Vec<_> = (1..=2_500).map(|n| incident(n, IncidentState::Resolved)).collect();
    commit_decisions(&mut store, 1, std::slice::from_ref(&open), &[]);
    commit_decisions(&mut store, 2, &resolved, &[]);
    let db = Connection::open(place.path()).unwrap();
    let kept: (i64, i64) = db
        .query_row(
            "SELECT count(*), min(opened_height) FROM incident WHERE state = 'resolved'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(kept, (2_000, 501), "the newest 2,000");
    let loaded = store.load().unwrap().incidents;
    assert_eq!(loaded.len(), 501);
    assert_eq!(loaded[0], open);
    assert_eq!(loaded[1..], resolved[2_000..]);
}

#[test]
fn what_the_daemon_notes_of_itself_is_replaced_as_a_whole() {
    let place = Place::new();
    let mut store = place.open();
    let endpoint = |name: &str, state, height: Option<i64>| EndpointView {
        name: name.into(),
        state,
        reason: height.is_none().then(|| "connection refused".into()),
        height,
        earliest: height.map(|h| h - 1000),
        selected: height.is_some(),
        websocket: height.is_some(),
        behind: height.map(|h| 5000 - h),
        latency_ms: height.map(|h| h.unsigned_abs()),
        quarantined_until: height.is_none().then(|| at(70)),
        requests: height.map(|_| RequestsView { used: 3, limit: 15 }),
    };
    let progress = |left, eta| ProgressView { done: 5, left, per_minute: 60, eta };
    assert_eq!(store.load().unwrap().service, ServiceRecord::default());
    let first = ServiceRecord {
        endpoints: vec![
            endpoint("own", EndpointState::Up, Some(5000)),
            endpoint("node2", EndpointState::Down, None),
            endpoint("node3", EndpointState::Lagging, Some(4000)),
        ],
        catching_up: Some(progress(10, Some(at(80)))),
        history: Some(progress(700, None)),
        at: Some(at(7)),
    };
    store.note_service(&first).unwrap();
    assert_eq!(store.load().unwrap().service, first);
    let second = ServiceRecord {
        endpoints: vec![endpoint("node3", EndpointState::Wrong, None)],
        catching_up: None,
        history: Some(progress(1, None)),
        at: Some(at(8)),
    };
    store.note_service(&second).unwrap();
    let reader = SqliteReader::open(&place.path()).unwrap();
    assert_eq!(reader.load().unwrap().service, second);
}

#[test]
fn what_cannot_be_read_is_counted_for_ever_and_kept_for_a_while() {
    let place = Place::new();
    let mut store = place.open();
    let broken = |height: i64, count: usize| {
        let thing = |n| Malformed {
            what: "tx".into(),
            place: format!("tx {n}"),
            reason: "truncated".into(),
            raw: "AA==".into(),
        };
        BlockFacts { malformed: (0..count).map(thing).collect(), ..block(height) }
    };
    store.keep(&[broken(1, 700), broken(3, 800)]).unwrap();
    store.keep(&[broken(2, 2_000), broken(9, 1)]).unwrap();
    let reader = SqliteReader::open(&place.path()).unwrap();
    assert_eq!(reader.load().unwrap().malformed, 3_501);
    let kept = reader.malformed(u32::MAX).unwrap();
    assert_eq!(kept.len(), 1_000);
    let places: Vec<_> = kept.iter().take(2).map(|(h, thing)| (*h, &*thing.place)).collect();
    assert_eq!(places, [(9, "tx 0"), (2, "tx 1999")]);
}

// Fails when a full outbox grows, loses a critical message, or lets the newest go before the oldest.
#[test]
fn a_full_outbox_lets_the_least_urgent_go() {
    let place = Place::new();
    let mut store = place.open();
    let of = |id: String, severity| NewMessage { severity, ..message(&id, 10) };
    let mut messages = vec![of("critical".into(), Severity::Critical)];
    messages.extend((0..2).map(|n| of(format!("info {n}"), Severity::Info)));
    messages.extend((0..9_997).map(|n| of(format!("warning {n}"), Severity::Warning)));
    commit_messages(&mut store, 1, &messages);
    assert_eq!(store.backlog("email").unwrap().0, 10_000);
    assert_eq!(store.gave_way(), vec![]);

    let more: Vec<_> = (0..3).map(|n| of(format!("more {n}"), Severity::Critical)).collect();
    store.post(&more).unwrap();
    assert_eq!(store.backlog("email").unwrap().0, 10_000);
    assert_eq!(store.gave_way(), vec![("email".to_owned(), 3)]);
    let left: Vec<String> = store
        .pending("email", at(99), 20_000)
        .unwrap()
        .into_iter()
        .map(|pending| pending.message.message_id)
        .collect();
    for gone in ["info 0", "info 1", "warning 0"] {
        assert!(!left.iter().any(|id| id == gone), "{gone} should have given way");
    }
    for kept in ["critical", "warning 1", "more 2"] {
        assert!(left.iter().any(|id| id == kept), "{kept} is lost");
    }
    // Decided again, what gave way does not come back.
    store.post(&messages[1..2]).unwrap();
    assert_eq!(store.backlog("email").unwrap().0, 10_000);
}

// Fails when a clock that jumps back holds a message up for as long as it jumped.
#[test]
fn a_retry_does_not_wait_for_a_clock_that_jumped_back() {
    let place = Place::new();
    let mut store = place.open();
    commit_messages(&mut store, 1, &[message("a", 10)]);
    let next = at(1_000_000);
    store
        .settle(&[Delivery::Retry { message_id: "a".into(), next, error: "later".into() }])
        .unwrap();
    assert_eq!(store.pending("email", at(999_000), 10).unwrap().len(), 0, "a usual wait");
    assert_eq!(store.pending("email", at(20), 10).unwrap().len(), 1, "no wait is so long");
}

// Fails when a mail that went out while a later one replaced it is recorded as never sent.
#[test]
fn what_went_out_is_delivered_though_it_was_replaced() {
    let place = Place::new();
    let mut store = place.open();
    let of = |id: &str| NewMessage { incident: "i".into(), ..message(id, 1) };
    store.post(&[of("first")]).unwrap();
    store.post(&[of("second")]).unwrap();
    store.settle(&[Delivery::Delivered { message_id: "first".into(), at: at(2) }]).unwrap();
    let db = Connection::open(place.path()).unwrap();
    let state = |id: &str| -> String {
        let select = "SELECT state FROM outbox WHERE message_id = ?1";
        db.query_row(select, [id], |row| row.get(0)).unwrap()
    };
    assert_eq!((state("first").as_str(), state("second").as_str()), ("delivered", "pending"));
}

// Fails when an alert that fires is not said again, one that ended is, or an old text of it.
#[test]
fn what_stands_is_the_last_word_on_what_goes_on() {
    let place = Place::new();
    let mut store = place.open();
    let of = |id: &str, incident: &str| NewMessage { incident: incident.into(), ..message(id, 1) };
    let incident = |fingerprint: &str, state| Incident {
        fingerprint: fingerprint.into(),
        alert: "A".into(),
        labels: [].into(),
        window: "1".into(),
        state,
        severity: Severity::Warning,
        summary: "s".into(),
        opened_height: 1,
        opened_at: at(1),
        changed_at: at(1),
        deadline: None,
        step: 1,
        occurrence: 1,
        risen_at: at(1),
        clearing: None,
        unknown_since: None,
        acknowledged: None,
        silenced_by: None,
        inhibited_by: None,
        told: [].into(),
        ending: None,
    };
    let incidents =
        [incident("on", IncidentState::Firing), incident("over", IncidentState::Resolved)];
    commit_decisions(&mut store, 1, &incidents, &[of("old", "on"), of("past", "over")]);
    assert!(store.standing("email").unwrap().is_empty(), "nothing was delivered yet");
    let delivered = |id: &str| Delivery::Delivered { message_id: id.into(), at: at(2) };
    store.settle(&["old", "past"].map(delivered)).unwrap();
    store.post(&[of("new", "on")]).unwrap();
    store.settle(&[delivered("new")]).unwrap();
    store.post(&[of("waits", "on")]).unwrap();
    let ids: Vec<String> =
        store.standing("email").unwrap().into_iter().map(|m| m.message_id).collect();
    assert_eq!(ids, ["new"]);
    assert!(store.standing("webhook").unwrap().is_empty());
}

// Fails when one recipient that refuses counts as all of them, or all of them as one.
#[test]
fn nobody_is_reached_when_everybody_refuses() {
    let place = Place::new();
    let mut store = place.open();
    let to = |id: &str, who: &str| NewMessage { recipient: who.into(), ..message(id, 0) };
    commit_messages(&mut store, 1, &[to("a", "me"), to("b", "you"), to("c", "me"), to("d", "you")]);
    let reader = SqliteReader::open(&place.path()).unwrap();
    assert!(!reader.nobody_reached().unwrap(), "nothing was tried");
    let at = at(2);
    let refused =
        |id: &str| Delivery::Rejected { message_id: id.into(), at, error: "550 no".into() };
    store.settle(&[refused("a")]).unwrap();
    assert!(reader.nobody_reached().unwrap());
    store.settle(&[Delivery::Delivered { message_id: "b".into(), at }]).unwrap();
    assert!(!reader.nobody_reached().unwrap(), "one is reached");
    store.settle(&[refused("d")]).unwrap();
    assert!(reader.nobody_reached().unwrap(), "the last one refuses as well");
}

/// A message of several incidents, some of which it says are over.
fn bundle(id: &str, firing: &[&str], ended: &[&str]) -> NewMessage {
    let part = |ended| move |incident: &&str| Part { incident: (*incident).into(), ended };
    let parts = firing.iter().map(part(false)).chain(ended.iter().map(part(true))).collect();
    NewMessage { parts, ..message(id, 1) }
}

fn due_ids(store: &SqliteStore) -> Vec<String> {
    let due = store.pending("email", at(99), 10).unwrap();
    due.into_iter().map(|m| m.message.message_id).collect()
}

fn delivered(id: &str) -> Delivery {
    Delivery::Delivered { message_id: id.into(), at: at(20) }
}

fn refused(id: &str) -> Delivery {
    Delivery::Rejected { message_id: id.into(), at: at(20), error: "550 no".into() }
}

// Fails when the end of one incident overtakes the bundle that tells of its beginning, or waits for
// longer than that, or when what does not concern the bundle waits for it.
#[test]
fn the_end_of_a_part_waits_for_its_bundle() {
    let place = Place::new();
    let mut store = place.open();
    let firing = bundle("firing", &["a", "b", "c"], &[]);
    commit_messages(&mut store, 1, std::slice::from_ref(&firing));
    assert_eq!(store.pending("email", at(99), 10).unwrap()[0].message, firing);
    // Greylisted: it is not due, and neither is what comes after it.
    let later = Delivery::Retry { message_id: "firing".into(), next: at(200), error: "451".into() };
    store.settle(&[later]).unwrap();
    let mixed = bundle("mixed", &["d"], &["b"]);
    commit_messages(&mut store, 2, &[bundle("a over", &[], &["a"]), mixed, message("other", 2)]);
    assert_eq!(due_ids(&store), ["other"]);
    store.settle(&[delivered("firing"), delivered("other")]).unwrap();
    assert_eq!(due_ids(&store), ["a over", "mixed"]);
}

// Fails when a bundle still goes out after newer messages have said all that it says, or goes while
// they have not.
#[test]
fn a_bundle_is_replaced_when_nothing_of_it_is_news() {
    let place = Place::new();
    let mut store = place.open();
    commit_messages(&mut store, 1, &[bundle("firing", &["a", "b"], &[])]);
    commit_messages(&mut store, 2, &[bundle("a over", &[], &["a"])]);
    assert_eq!(due_ids(&store), ["firing"]);
    commit_messages(&mut store, 3, &[bundle("b higher", &["b", "c"], &[])]);
    assert_eq!(due_ids(&store), ["a over", "b higher"]);
}

// Fails when the end is told to somebody who refused for good to hear of the beginning, whether the
// refusal comes before the end is decided or after; or when it is kept from somebody who had heard,
// or who refused the time before only.
#[test]
fn an_end_is_for_those_who_heard_the_beginning() {
    let place = Place::new();
    let mut store = place.open();
    let over = |id: &str, incident: &str| bundle(id, &[], &[incident]);
    // Refused before.
    commit_messages(&mut store, 1, &[bundle("firing", &["a", "b"], &[])]);
    store.settle(&[refused("firing")]).unwrap();
    commit_messages(&mut store, 2, &[over("a over", "a")]);
    assert_eq!(due_ids(&store), Vec::<String>::new());
    assert_eq!(store.backlog("email").unwrap().0, 0);
    // Told in the meantime: the next rung got through.
    commit_messages(&mut store, 3, &[bundle("b higher", &["b"], &[])]);
    store.settle(&[delivered("b higher")]).unwrap();
    commit_messages(&mut store, 4, &[over("b over", "b")]);
    assert_eq!(due_ids(&store), ["b over"]);
    store.settle(&[delivered("b over")]).unwrap();
    // It comes back, and that is refused while its end waits behind the bundle.
    commit_messages(&mut store, 5, &[bundle("again", &["b", "x"], &[]), over("over again", "b")]);
    assert_eq!(due_ids(&store), ["again"]);
    store.settle(&[refused("again")]).unwrap();
    assert_eq!(due_ids(&store), Vec::<String>::new());
    // And comes back once more.
    commit_messages(&mut store, 6, &[bundle("third", &["b"], &[])]);
    store.settle(&[delivered("third")]).unwrap();
    commit_messages(&mut store, 7, &[over("third over", "b")]);
    assert_eq!(due_ids(&store), ["third over"]);
    store.settle(&[delivered("third over")]).unwrap();
    // Replaced while it was under way, and then refused: the end is not sent after it.
    commit_messages(&mut store, 8, &[bundle("under way", &["c"], &[])]);
    commit_messages(&mut store, 9, &[over("c over", "c")]);
    store.settle(&[refused("under way")]).unwrap();
    assert_eq!(due_ids(&store), Vec::<String>::new());
    // Somebody else heard of it.
    let other = |message: NewMessage| NewMessage { recipient: "other@x.org".into(), ..message };
    commit_messages(
        &mut store,
        10,
        &[other(bundle("other", &["e"], &[])), bundle("e", &["e"], &[])],
    );
    store.settle(&[delivered("other"), refused("e")]).unwrap();
    commit_messages(&mut store, 11, &[other(over("for other", "e")), over("for none", "e")]);
    assert_eq!(due_ids(&store), ["for other"]);
}

// Fails when the engine does not learn who refused to hear of what goes on, or learns it of somebody
// who heard at last, of what is over and told, or of what is refused after its end.
#[test]
fn who_refused_a_beginning_is_known() {
    let place = Place::new();
    let mut store = place.open();
    let (me, key) = ("host@example.org", "email:host@example.org");
    let goes_on =
        |id: &str| Incident { fingerprint: id.into(), ..incident(1, IncidentState::Firing) };
    let incidents = [goes_on("a"), goes_on("b")];
    let firing = bundle("firing", &["a", "b", "gone"], &[]);
    commit_decisions(&mut store, 1, &incidents, std::slice::from_ref(&firing));
    let refusals = || {
        let orders = SqliteReader::open(&place.path()).unwrap().orders().unwrap();
        orders.refused.into_iter().map(|(id, who)| (id, Vec::from_iter(who))).collect::<Vec<_>>()
    };
    assert_eq!(firing.recipient, me);
    assert_eq!(refusals(), []);
    store.settle(&[refused("firing")]).unwrap();
    let both = ["a", "b"].map(|id| (id.to_owned(), vec![key.to_owned()]));
    assert_eq!(refusals(), both);
    commit_messages(&mut store, 2, &[bundle("again", &["a"], &[])]);
    assert_eq!(refusals(), both[1..], "it may still be told");
    store.settle(&[delivered("again")]).unwrap();
    commit_messages(&mut store, 3, &[bundle("mixed", &["c"], &["b"])]);
    store.settle(&[refused("mixed")]).unwrap();
    assert_eq!(refusals(), [], "an end that is refused is the last that is said");
}

// Fails when a critical message waits for hours behind a bundle that was put off when nothing in it was
// critical.
#[test]
fn what_stands_before_something_critical_is_as_urgent() {
    let place = Place::new();
    let mut store = place.open();
    commit_messages(&mut store, 1, &[bundle("bundle", &["a", "b"], &[]), message("other", 1)]);
    let put_off = |id: &str| {
        let (message_id, error) = (id.into(), "451".into());
        Delivery::Retry { message_id, next: at(2_000), error }
    };
    store.settle(&[put_off("bundle"), put_off("other")]).unwrap();
    commit_messages(&mut store, 2, &[bundle("warning", &["a"], &[])]);
    assert_eq!(due_ids(&store), Vec::<String>::new());
    let critical =
        NewMessage { severity: Severity::Critical, ..bundle("critical", &["b", "c"], &[]) };
    commit_messages(&mut store, 3, &[critical]);
    // The two together tell of all that the bundle tells of.
    assert_eq!(due_ids(&store), ["warning", "critical"]);
    commit_messages(&mut store, 4, &[bundle("second", &["d", "e"], &[])]);
    store.settle(&[put_off("second")]).unwrap();
    let critical = NewMessage { severity: Severity::Critical, ..bundle("rung", &["d"], &[]) };
    commit_messages(&mut store, 5, &[critical]);
    assert_eq!(due_ids(&store), ["warning", "critical", "second"]);
    let due = store.pending("email", at(99), 10).unwrap();
    assert_eq!(due[2].message.severity, Severity::Critical);
}
