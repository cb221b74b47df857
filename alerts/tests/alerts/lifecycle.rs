//! Every transition of an incident, on Situations as they follow each other.

use std::collections::BTreeSet;

use bootwatch_alerts::{Decision, Engine};
use bootwatch_rules::situation::{DeadlineName, Phase};
use bootwatch_schema::{Ending, IncidentState, Severity};

use crate::fixture::*;

fn subjects(decision: &Decision) -> BTreeSet<&str> {
    decision.messages.iter().map(|m| m.subject.as_str()).collect()
}

fn only_subject(decision: &Decision) -> &str {
    let subjects = subjects(decision);
    assert_eq!(subjects.len(), 1, "{subjects:?}");
    assert_eq!(decision.messages.len(), 2, "both recipients get it");
    subjects.into_iter().next().unwrap()
}

/// The engine after the incident was told at 52 minutes.
fn fired() -> Engine {
    let mut engine = engine();
    assert_eq!(evaluate(&mut engine, &situation(before_capture(100))).messages.len(), 2);
    engine
}

// Fails when a rung is skipped, said twice, or less urgent than it should be.
#[test]
fn each_rung_is_told_once_and_severity_rises() {
    let mut engine = engine();
    let mut told = Vec::new();
    for height in (before_capture(26 * 60)..CAPTURE).step_by(11) {
        let decision = evaluate(&mut engine, &situation(height));
        if !decision.messages.is_empty() {
            told.push(only_subject(&decision).to_owned());
        }
    }
    let tail = "my-gpu-1: no choice for DeepSeek-V4-Flash-0731";
    assert_eq!(
        told,
        [
            format!("[INFO] {tail}, 23 h left"),
            format!("[WARNING] {tail}, 5 h 59 min left"),
            format!("[CRITICAL] {tail}, 1 h 59 min left"),
            format!("[CRITICAL] {tail}, 29 min left"),
        ]
    );
}

// Fails when rungs that were passed while nobody looked are told one after the other.
#[test]
fn skipped_rungs_collapse_into_the_current_one() {
    let mut engine = engine();
    let decision = evaluate(&mut engine, &situation(before_capture(20)));
    assert!(only_subject(&decision).ends_with("20 min left"));
    assert_eq!(decision.incidents[0].step, 4);
    assert!(evaluate(&mut engine, &situation(before_capture(19))).is_empty());
}

// Fails when the ladder needs a time: before two blocks are known there is none.
#[test]
fn blocks_count_while_no_time_is_known() {
    let mut engine = engine();
    let mut now = situation(CAPTURE - 300);
    now.deadlines[0].eta = None;
    let decision = evaluate(&mut engine, &now);
    assert!(only_subject(&decision).ends_with("300 blocks left"));
    assert_eq!(decision.incidents[0].severity, Severity::Critical);
}

// Fails when an estimate that wavers around a rung speaks twice.
#[test]
fn a_wavering_estimate_says_nothing_new() {
    let mut engine = fired();
    for minutes in [119, 121, 119, 125, 118] {
        let mut now = situation(before_capture(100) + 1);
        now.deadlines[0].eta = Some(now.head_time + jiff::SignedDuration::from_mins(minutes));
        assert!(evaluate(&mut engine, &now).is_empty());
    }
}

// Fails when a deadline that moves away by a change of parameters leaves its last rungs unsaid.
#[test]
fn a_moved_deadline_starts_the_ladder_anew() {
    let mut engine = engine();
    evaluate(&mut engine, &situation(before_capture(20)));
    let moved = |height: i64| {
        let mut now = situation(height);
        now.deadlines[0].height = Some(CAPTURE + 6_000);
        now.deadlines[0].eta = Some(time(CAPTURE + 6_000));
        advise(&mut now, DeadlineName::Capture, CAPTURE + 6_000);
        now
    };
    let decision = evaluate(&mut engine, &moved(before_capture(19)));
    assert_eq!(decision.incidents[0].deadline, Some(CAPTURE + 6_000));
    assert!(decision.messages.is_empty(), "less urgent than what was told");
    let decision = evaluate(&mut engine, &moved(CAPTURE + 6_000 - 300));
    assert!(only_subject(&decision).ends_with("25 min left"));
}

// Fails when the good end is not told, or told to somebody who never heard of the trouble.
#[test]
fn done_goes_only_to_those_who_were_told() {
    let mut first = policy();
    first.recipients.truncate(1);
    let mut engine = Engine::new(first);
    let decision = evaluate(&mut engine, &situation(before_capture(100)));
    let mut second = Engine::new(policy());
    second.restore(decision.incidents);
    let decision = stays(&mut second, settled, before_capture(90));
    let [message] = decision.messages.as_slice() else { panic!("{decision:?}") };
    assert_eq!(message.recipient, "ops@example.org");
    assert_eq!(message.subject, "[DONE] my-gpu-1: settled for DeepSeek-V4-Flash-0731 (intent)");
    assert_eq!(decision.incidents[0].ending, Some(Ending::Met));
    assert_eq!(decision.incidents[0].state, IncidentState::Resolved);
}

// Fails when a recovery is announced of which nobody knew the trouble.
#[test]
fn what_was_never_told_ends_in_silence() {
    let mut engine = engine();
    assert!(evaluate(&mut engine, &situation(before_capture(25 * 60))).is_empty());
    let decision = stays(&mut engine, settled, before_capture(24 * 60));
    assert!(decision.messages.is_empty());
}

// Fails when a host that can do nothing any more, since it has left the epoch, reads that it is settled.
#[test]
fn what_cannot_be_helped_is_not_settled() {
    let mut engine = fired();
    let helpless = |height| {
        let mut now = situation(height);
        entry(&mut now).advice = None;
        now
    };
    let decision = stays(&mut engine, helpless, before_capture(40));
    assert_eq!(decision.incidents[0].ending, Some(Ending::Expired));
    let subject = "[DONE] my-gpu-1: nothing left to decide for DeepSeek-V4-Flash-0731";
    assert!(subjects(&decision).contains(subject), "{:?}", subjects(&decision));
    assert!(decision.messages[0].text.contains("changes what it pays any more"));
}

// Fails when the deadline passes and the last word is anything but that it was missed.
#[test]
fn a_deadline_that_passes_is_missed() {
    let mut engine = fired();
    evaluate(&mut engine, &situation(CAPTURE - 1));
    let mut now = situation(CAPTURE);
    advise(&mut now, DeadlineName::ValidationStart, VALIDATION_START);
    let decision = evaluate(&mut engine, &now);
    let missed = decision.incidents.iter().find(|i| i.ending.is_some()).unwrap();
    assert_eq!((missed.ending, missed.severity), (Some(Ending::Missed), Severity::Critical));
    let subjects = subjects(&decision);
    assert!(
        subjects.contains("[CRITICAL] my-gpu-1: capture missed for DeepSeek-V4-Flash-0731"),
        "{subjects:?}"
    );
    assert!(
        subjects.iter().any(|s| s.starts_with("[CRITICAL] my-gpu-1: no choice for")),
        "what can still be done is an incident of its own: {subjects:?}"
    );
}

// Fails when a transaction in the deadline's own block is called late: it is in time.
#[test]
fn the_last_block_still_counts() {
    for (kind, ending) in [("intent", Ending::Met), ("refuse", Ending::Missed)] {
        let mut engine = fired();
        let mut now = situation(CAPTURE);
        entry(&mut now).choice = choice(kind, Some(CAPTURE));
        let decision = evaluate(&mut engine, &now);
        assert_eq!(decision.incidents[0].ending, Some(ending), "{kind}");
    }
}

// Fails when a jump over the deadline is called met or missed: nobody saw.
#[test]
fn an_unseen_deadline_expires() {
    let mut engine = fired();
    let mut now = situation(CAPTURE + 500);
    entry(&mut now).choice = choice("intent", Some(CAPTURE - 7));
    let decision = evaluate(&mut engine, &now);
    assert_eq!(decision.incidents[0].ending, Some(Ending::Expired));
    assert!(only_subject(&decision).ends_with("is over, outcome not seen"));
}

// Fails when missing data fires or resolves anything.
#[test]
fn unknown_freezes() {
    let unknown: [fn(&mut bootwatch_rules::situation::Situation); 5] = [
        |s| s.stale = true,
        |s| s.epoch.phase = Phase::Unknown,
        |s| s.hosts[0].known = false,
        |s| entry(s).choice.kind = "unknown".into(),
        |s| s.epoch.phase = Phase::Formed,
    ];
    for (index, make) in unknown.into_iter().enumerate() {
        let mut now = situation(before_capture(90));
        entry(&mut now).advice = None;
        make(&mut now);
        let mut engine = fired();
        let decision = evaluate(&mut engine, &now);
        assert!(decision.messages.is_empty(), "case {index}: told");
        now.head_time += jiff::SignedDuration::from_hours(1);
        let later = evaluate(&mut engine, &now);
        assert!(later.is_empty(), "case {index}: {later:?}");
        let known = engine.incidents().find(|i| i.alert == "DecisionMissing").unwrap();
        assert_eq!(known.state, IncidentState::Firing, "case {index}: resolved");
        assert_eq!(known.unknown_since, Some(time(before_capture(90))), "case {index}");
        // It goes on where it was.
        let decision = evaluate(&mut engine, &situation(before_capture(25)));
        assert!(only_subject(&decision).ends_with("25 min left"), "case {index}");
    }
    let mut stale = situation(before_capture(20));
    stale.stale = true;
    assert!(evaluate(&mut engine(), &stale).is_empty(), "fired on stale data");
    // Known again, it is no longer marked.
    let mut engine = fired();
    evaluate(&mut engine, &stale);
    let decision = evaluate(&mut engine, &situation(before_capture(19)));
    assert_eq!(decision.incidents[0].unknown_since, None);
}

// Fails when a choice that is withdrawn before the deadline is not told again, or under the id of
// the first time, which the outbox would swallow.
#[test]
fn a_withdrawn_choice_fires_again() {
    let mut engine = engine();
    let first = evaluate(&mut engine, &situation(before_capture(100)));
    stays(&mut engine, settled, before_capture(90));
    let again = evaluate(&mut engine, &situation(before_capture(80)));
    assert!(only_subject(&again).ends_with("1 h 20 min left"));
    assert_eq!(again.incidents[0].occurrence, 2);
    assert_eq!(again.incidents[0].fingerprint, first.incidents[0].fingerprint);
    assert_ne!(again.messages[0].message_id, first.messages[0].message_id);
}

// Fails when a host or a model that is gone keeps an incident open for ever.
#[test]
fn what_is_no_longer_watched_ends() {
    let mut engine = fired();
    let without_hosts = |height| {
        let mut now = situation(height);
        now.hosts.clear();
        now
    };
    let decision = stays(&mut engine, without_hosts, before_capture(90));
    assert_eq!(decision.incidents[0].ending, Some(Ending::Expired));
    assert!(decision.messages.is_empty(), "the operator took it out");

    let mut engine = fired();
    let without_models = |height| {
        let mut now = situation(height);
        now.hosts[0].models.clear();
        now
    };
    let decision = stays(&mut engine, without_models, before_capture(90));
    assert!(only_subject(&decision).starts_with("[DONE] my-gpu-1: nothing left to decide"));
}

// Fails when a restart at any point of an incident's life decides something twice, forgets
// something, or gives it another id.
#[test]
fn a_restart_after_every_block_changes_nothing() {
    let story = |restarts: bool| {
        let mut engine = engine();
        let mut messages = Vec::new();
        let heights: BTreeSet<i64> =
            (before_capture(25 * 60)..=CAPTURE + 600).step_by(97).chain([CAPTURE]).collect();
        for height in heights {
            let mut now = situation(height);
            if height > CAPTURE {
                now.models[0].snapshot = Some(snapshot(CAPTURE, false));
            }
            messages.extend(evaluate(&mut engine, &now).messages);
            if restarts {
                let kept = engine.incidents().cloned().collect();
                engine = self::engine();
                engine.restore(kept);
            }
        }
        messages
    };
    let calm = story(false);
    assert_eq!(calm, story(true));
    let ids: BTreeSet<_> = calm.iter().map(|m| &m.message_id).collect();
    assert_eq!(ids.len(), calm.len());
}

// Fails when advice that comes and goes is told each time: that was a mail for every flip.
#[test]
fn flapping_advice_is_not_told_each_time() {
    let mut engine = fired();
    let mut told = 0;
    // Every other block for 100 minutes, then every ten minutes of a long day.
    for height in before_capture(100)..before_capture(31) {
        let now = if height % 2 == 0 { situation(height) } else { settled(height) };
        told += evaluate(&mut engine, &now).messages.len();
    }
    assert_eq!(told, 0, "faster than it clears");

    let mut engine = self::engine();
    let mut told = 0;
    for height in before_capture(23 * 60)..before_capture(7 * 60) {
        let now = if (height / 120) % 2 == 0 { situation(height) } else { settled(height) };
        told += evaluate(&mut engine, &now).messages.len();
    }
    // Each end has to be twice as convincing as the one before: 1, 2, 4, 8, 16 minutes.
    assert!((4..=2 * 2 * 5).contains(&told), "48 times on and off: {told}");
}

// Fails when what was settled a moment before the deadline is called missed, or when what was
// withdrawn in its very last block is called settled.
#[test]
fn settled_just_before_the_deadline_is_met() {
    for (kind, ending) in [("intent", Ending::Met), ("none", Ending::Missed)] {
        let mut engine = fired();
        evaluate(&mut engine, &situation(CAPTURE - 4));
        evaluate(&mut engine, &settled(CAPTURE - 2));
        let mut now = situation(CAPTURE);
        entry(&mut now).choice = choice(kind, Some(CAPTURE - 2));
        let decision = evaluate(&mut engine, &now);
        let ended = decision.incidents.iter().find(|i| i.alert == "DecisionMissing").unwrap();
        assert_eq!(ended.ending, Some(ending), "{kind}");
    }
}

// Fails when the result of a capture is not told, told twice, or told with the wrong urgency.
#[test]
fn a_capture_is_told_once() {
    for (passed, subject) in [
        (true, "[INFO] DeepSeek-V4-Flash-0731 is pre-eligible"),
        (
            false,
            "[WARNING] DeepSeek-V4-Flash-0731 missed the capture: 1 host and 68,661 reach short",
        ),
    ] {
        let mut engine = engine();
        let mut now = situation(CAPTURE);
        now.models[0].snapshot = Some(snapshot(CAPTURE, passed));
        assert_eq!(only_subject(&evaluate(&mut engine, &now)), subject);
        now.complete_to += 1;
        assert!(evaluate(&mut engine, &now).is_empty());
        now.epoch.upcoming = 361;
        let decision = evaluate(&mut engine, &now);
        assert_eq!(decision.incidents[0].ending, Some(Ending::Expired));
        assert!(decision.messages.is_empty(), "that an epoch passes is no news");
    }
}

// Fails when a second capture of the same epoch, after a change of parameters, stays unsaid.
#[test]
fn a_second_capture_is_another_incident() {
    let mut engine = engine();
    let mut now = situation(CAPTURE);
    now.models[0].snapshot = Some(snapshot(CAPTURE, false));
    evaluate(&mut engine, &now);
    now.complete_to = CAPTURE + 100;
    now.models[0].snapshot = Some(snapshot(CAPTURE + 100, true));
    assert!(only_subject(&evaluate(&mut engine, &now)).ends_with("is pre-eligible"));
}

// Fails when a first start tells what happened before it.
#[test]
fn the_past_stays_quiet() {
    let mut now = situation(CAPTURE + 10);
    now.models[0].snapshot = Some(snapshot(CAPTURE, false));
    now.complete_from = CAPTURE + 1;
    assert!(evaluate(&mut engine(), &now).is_empty());
    now.complete_from = CAPTURE;
    now.epoch.upcoming = 361;
    assert!(evaluate(&mut engine(), &now).is_empty());
}

// Fails when the notice of an end, which takes the place of one that still waits, does not say that
// and when the thing fired: it may be all that is read of it.
#[test]
fn an_end_says_when_it_began() {
    let mut engine = fired();
    let decision = stays(&mut engine, settled, before_capture(90));
    let text = &decision.messages[0].text;
    assert!(text.contains("It fired") && text.contains(" – "), "{text}");
}
