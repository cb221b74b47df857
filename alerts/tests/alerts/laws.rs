//! What holds for every sequence of observations, gaps in knowledge, orders and restarts.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_alerts::{Decision, Engine, Policy};
use bootwatch_rules::situation::Situation;
use bootwatch_schema::{Ending, IncidentState, Orders, Silence};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::fixture::*;

/// What one look finds.
#[derive(Debug, Clone, Copy)]
enum Look {
    Trouble,
    Settled,
    Stale,
    NotKnown,
}

/// A look, after how many blocks it comes, whether the process was started anew before it, and
/// whether a silence is in force.
type Story = Vec<(Look, i64, bool, bool)>;

fn stories() -> impl Strategy<Value = Story> {
    let look = prop_oneof![
        4 => Just(Look::Trouble),
        3 => Just(Look::Settled),
        1 => Just(Look::Stale),
        1 => Just(Look::NotKnown),
    ];
    let blocks = prop_oneof![4 => 1..30i64, 1 => 30..900i64];
    prop::collection::vec((look, blocks, any::<bool>(), prop::bool::weighted(0.1)), 1..80)
}

fn seen(look: Look, height: i64) -> Situation {
    let mut now = match look {
        Look::Settled => settled(height),
        _ => situation(height),
    };
    now.stale = matches!(look, Look::Stale);
    if matches!(look, Look::NotKnown) {
        now.hosts[0].known = false;
        entry(&mut now).advice = None;
    }
    now
}

fn silence(on: bool) -> Orders {
    let silence = Silence {
        id: 1,
        matchers: [("alert".to_owned(), "DecisionMissing".to_owned())].into(),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: Some(Timestamp::MAX),
        ends_epoch: None,
        author: "me".into(),
        comment: "racks move".into(),
        expired_at: None,
    };
    Orders { silences: on.then_some(silence).into_iter().collect(), ..Orders::default() }
}

/// Decisions of a story, with the Situation of each.
fn tell(story: &Story, restarts: bool, policy: &Policy) -> Vec<(Situation, Decision)> {
    let mut engine = Engine::new(policy.clone());
    let mut height = before_capture(25 * 60);
    story
        .iter()
        .map(|(look, blocks, restart, silenced)| {
            height += blocks;
            if restarts && *restart {
                let kept = engine.incidents().cloned().collect();
                engine = Engine::new(policy.clone());
                engine.restore(kept);
            }
            engine.obey(silence(*silenced));
            let now = seen(*look, height);
            let decision = evaluate(&mut engine, &now);
            (now, decision)
        })
        .collect()
}

/// With the waits that are the default.
fn patient() -> Policy {
    Policy { pacing: bootwatch_alerts::Pacing::default(), ..policy() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    // Fails when anything the engine decides by is not kept with the incidents.
    #[test]
    fn a_restart_at_any_point_changes_nothing(story in stories(), patient in any::<bool>()) {
        let policy = if patient { self::patient() } else { policy() };
        let calm: Vec<_> = tell(&story, false, &policy).into_iter().map(|(_, d)| d).collect();
        let torn: Vec<_> = tell(&story, true, &policy).into_iter().map(|(_, d)| d).collect();
        prop_assert_eq!(calm, torn);
    }

    // Fails when an end is told to somebody who never heard of the beginning, when a step is told
    // twice to one person, or when two messages share an id, which the outbox would swallow.
    #[test]
    fn nobody_hears_an_end_first_or_a_step_twice(story in stories(), patient in any::<bool>()) {
        let policy = if patient { self::patient() } else { policy() };
        let mut ids = BTreeSet::new();
        // What each recipient knows: occurrence and step, or nothing open.
        let mut known: BTreeMap<(String, String), (u32, u32)> = BTreeMap::new();
        let mut steps = BTreeSet::new();
        for (_, decision) in tell(&story, true, &policy) {
            for message in &decision.messages {
                prop_assert!(ids.insert(message.message_id.clone()), "{}", message.subject);
                let key = (message.incident.clone(), message.recipient.clone());
                let incident = decision
                    .incidents
                    .iter()
                    .find(|incident| incident.fingerprint == message.incident)
                    .expect("what is told is kept in the same decision");
                if incident.state == IncidentState::Resolved {
                    let open = known.remove(&key);
                    prop_assert!(open.is_some(), "end without beginning: {}", message.subject);
                    continue;
                }
                prop_assert!(incident.silenced_by.is_none(), "silenced and told");
                let now = (incident.occurrence, incident.step);
                let told = incident.told[&format!("email:{}", message.recipient)];
                if message.subject.contains("no choice") && told.times == 1 {
                    prop_assert!(known.get(&key).is_none_or(|before| before.0 < now.0));
                }
                let deadline = incident.deadline;
                let step = (key.clone(), now, deadline, told.times);
                prop_assert!(steps.insert(step), "told twice: {}", message.subject);
                known.insert(key, now);
            }
        }
    }

    // Fails when data that is missing opens, ends or tells anything.
    #[test]
    fn what_is_not_known_moves_nothing(story in stories()) {
        let mut states: BTreeMap<String, (IncidentState, Option<Ending>, u32)> = BTreeMap::new();
        for ((now, decision), (look, ..)) in tell(&story, false, &policy()).iter().zip(&story) {
            let blind = matches!(look, Look::Stale | Look::NotKnown);
            for incident in &decision.incidents {
                let state = (incident.state, incident.ending, incident.step);
                let before = states.insert(incident.fingerprint.clone(), state);
                if blind {
                    prop_assert_eq!(before, Some(state), "at {}", now.complete_to);
                }
            }
            prop_assert!(!blind || decision.messages.is_empty());
        }
    }

    // Fails when a deadline that needed a notice passes without one, in every story that shows the
    // trouble at least once on the last rung, unsilenced.
    #[test]
    fn a_costly_deadline_is_told_before_it_passes(story in stories(), late in 1..300i64) {
        let mut engine = Engine::new(patient());
        let mut height = before_capture(20 * 60);
        let mut messages = Vec::new();
        for (look, blocks, _, _) in story {
            height = (height + blocks).min(CAPTURE - late - 1);
            messages.extend(evaluate(&mut engine, &seen(look, height)).messages);
        }
        messages.extend(evaluate(&mut engine, &situation(CAPTURE - late)).messages);
        let told = |to: &str| {
            let at = |message: &bootwatch_schema::NewMessage| message.recipient == to
                && message.subject.starts_with("[CRITICAL]");
            messages.iter().any(at)
        };
        prop_assert!(told("ops@example.org") && told("me@example.net"));
    }
}

// Fails when a mutation of time alone, at which nothing else changes, tells something twice.
#[test]
fn looking_again_says_nothing() {
    let mut engine = engine();
    let now = situation(before_capture(100));
    assert_eq!(engine.evaluate(&now, now.head_time).messages.len(), 2);
    for seconds in 1..600 {
        let at = now.head_time + SignedDuration::from_secs(seconds);
        assert!(engine.evaluate(&now, at).is_empty(), "after {seconds} s");
    }
}
