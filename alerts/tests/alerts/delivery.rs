//! Who hears what, and when: waits, batches, quiet hours, rates, reminders, silences, root causes.

use bootwatch_alerts::{Engine, Form, Pacing, Policy, QuietHours, Recipient, Wants};
use bootwatch_rules::situation::{EndpointState, EndpointView, Situation};
use bootwatch_schema::{Acknowledgement, IncidentState, NewMessage, Orders, Severity, Silence};
use jiff::{SignedDuration, Timestamp};

use crate::fixture::*;

const ONE: &str = "ops@example.org";

/// One recipient and the default waits, for decisions, captures and endpoints.
fn patient(change: impl FnOnce(&mut Policy)) -> Engine {
    let mut policy = Policy {
        recipients: vec![recipient(ONE)],
        off: all_but(&["DecisionMissing", "CaptureResult", "EndpointDown", "NoHealthyEndpoint"]),
        pacing: Pacing::default(),
        ..policy()
    };
    change(&mut policy);
    Engine::new(policy)
}

/// A Situation in which a warning is due: the capture is five hours away.
fn warning(seconds: i64) -> Situation {
    let mut now = situation(before_capture(300));
    now.head_time += SignedDuration::from_secs(seconds);
    now
}

/// Looks every ten seconds from one second to another, and tells what was said and when.
fn watch(
    engine: &mut Engine,
    at: impl Fn(i64) -> Situation,
    seconds: std::ops::Range<i64>,
) -> Vec<(i64, NewMessage)> {
    let mut said = Vec::new();
    for second in seconds.step_by(10) {
        let messages = evaluate(engine, &at(second)).messages;
        said.extend(messages.into_iter().map(|message| (second, message)));
    }
    said
}

fn subjects(said: &[(i64, NewMessage)]) -> Vec<(i64, &str)> {
    said.iter().map(|(at, message)| (*at, message.subject.as_str())).collect()
}

const CHOICE: &str = "my-gpu-1: no choice for DeepSeek-V4-Flash-0731";

// Fails when what is not critical is told before it lasted, or what is critical waits.
#[test]
fn a_first_notice_waits_unless_it_is_critical() {
    let mut engine = patient(|_| {});
    let said = watch(&mut engine, warning, 0..600);
    assert_eq!(subjects(&said), [(30, format!("[WARNING] {CHOICE}, 4 h 59 min left").as_str())]);
    let critical = |second| {
        let mut now = situation(before_capture(100));
        now.head_time += SignedDuration::from_secs(second);
        now
    };
    let said = watch(&mut patient(|_| {}), critical, 0..600);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0, 0);
    // What comes and goes within the wait is never heard of.
    let mut engine = patient(|_| {});
    assert!(evaluate(&mut engine, &warning(0)).messages.is_empty());
    let gone = |second| {
        let mut now = settled(before_capture(300));
        now.head_time += SignedDuration::from_secs(second);
        now
    };
    assert_eq!(subjects(&watch(&mut engine, gone, 10..3_600)), []);
}

/// Several models that the host has not decided on.
fn models(count: usize, seconds: i64) -> Situation {
    let mut now = warning(seconds);
    let first = now.hosts[0].models[0].clone();
    now.hosts[0].models = (0..count)
        .map(|n| {
            let mut model = first.clone();
            model.model_id = format!("org/model-{n}").as_str().into();
            model
        })
        .collect();
    now
}

// Fails when twelve models make twelve mails, or a command of one of them is lost on the way.
#[test]
fn many_notices_become_one_message() {
    let said = watch(&mut patient(|_| {}), |s| models(4, s), 0..300);
    let [(30, message)] = said.as_slice() else { panic!("{:?}", subjects(&said)) };
    assert_eq!(
        message.subject,
        "[WARNING] 4 notices: my-gpu-1: no choice for model-0, 4 h 59 min left; my-gpu-1: no \
         choice for model-1, 4 h 59 min left; and 2 more"
    );
    for n in 0..4 {
        assert!(message.text.contains(&format!("no choice for model-{n}")), "{}", message.text);
    }
    assert!(message.text.contains("inferenced tx inference set-poc-delegation"));
    assert_eq!(message.parts.len(), 4, "the outbox keeps the order of each");
    // Two are read faster one by one.
    assert_eq!(watch(&mut patient(|_| {}), |s| models(2, s), 0..300).len(), 2);
}

// Fails when the outbox is not told which incidents a message tells of, or that it is of their end:
// it could then keep no order between a bundle and what follows of its parts.
#[test]
fn a_message_names_what_it_tells_of() {
    let mut engine = patient(|_| {});
    let said = watch(&mut engine, |s| models(4, s), 0..300);
    let begun: Vec<&str> = said[0].1.parts.iter().map(|part| part.incident.as_str()).collect();
    assert!(said[0].1.parts.iter().all(|part| !part.ended));
    assert!(!begun.contains(&said[0].1.incident.as_str()), "a bundle is a thread of its own");
    let said = watch(&mut engine, |s| models(3, s), 1_000..2_000);
    let [(_, end)] = said.as_slice() else { panic!("{:?}", subjects(&said)) };
    let [part] = end.parts.as_slice() else { panic!("{:?}", end.parts) };
    assert!(part.ended && begun.contains(&part.incident.as_str()) && part.incident == end.incident);
}

// Fails when a bundle tells somebody how something ended whose beginning they refused for good.
#[test]
fn an_end_is_not_for_whom_refused_the_beginning() {
    let mut engine = patient(|_| {});
    let begun = watch(&mut engine, |s| models(4, s), 0..300);
    let refused = begun[0].1.parts[0].incident.clone();
    let key = format!("email:{ONE}");
    engine.obey(Orders { refused: [(refused.clone(), [key].into())].into(), ..Orders::default() });
    let said = watch(&mut engine, |s| models(0, s), 1_000..2_000);
    let [(_, end)] = said.as_slice() else { panic!("{:?}", subjects(&said)) };
    assert_eq!(end.parts.len(), 3, "{:?}", subjects(&said));
    assert!(end.parts.iter().all(|part| part.ended && part.incident != refused));
}

// Fails when what comes shortly after a message is not put together with what else comes.
#[test]
fn what_comes_in_between_goes_together() {
    let mut engine = patient(|_| {});
    let growing = |seconds: i64| models(1 + usize::try_from(seconds / 40).unwrap().min(5), seconds);
    let said = watch(&mut engine, growing, 0..900);
    let times: Vec<i64> = said.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [30, 330], "{:?}", subjects(&said));
    assert!(said[1].1.subject.starts_with("[WARNING] 5 notices:"));
}

// Fails when a rate drops something.
#[test]
fn a_rate_holds_back_and_loses_nothing() {
    let mut engine = patient(|policy| {
        policy.pacing.per_hour = 2;
        policy.pacing.batch_every = SignedDuration::ZERO;
    });
    let growing =
        |seconds: i64| models(1 + usize::try_from(seconds / 300).unwrap().min(5), seconds);
    let said = watch(&mut engine, growing, 0..5_000);
    let times: Vec<i64> = said.iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 3, "{:?}", subjects(&said));
    assert!(times[2] > 3_600, "{times:?}");
    assert!(said[2].1.subject.contains("4 notices"), "{}", said[2].1.subject);
}

// Fails when what is critical waits because the hour's messages are spent, or because one has just
// gone.
#[test]
fn a_rate_never_holds_what_is_critical() {
    let mut engine = patient(|policy| {
        policy.pacing.per_hour = 1;
        policy.pacing.batch_every = SignedDuration::from_hours(2);
    });
    // Twenty minutes lie between the two.
    let said = watch(
        &mut engine,
        |second| {
            let mut now = situation(before_capture(140));
            now.head_time += SignedDuration::from_secs(second);
            now
        },
        0..60,
    );
    assert_eq!(said.len(), 1, "{:?}", subjects(&said));
    let decision = evaluate(&mut engine, &situation(before_capture(119)));
    assert_eq!(decision.messages.len(), 1, "the hour's message is spent");
    assert!(decision.messages[0].subject.starts_with("[CRITICAL]"));
}

// Fails when a reminder comes too early, twice, after an acknowledgement, or for good news; when it
// does not say that it is one; or when a restart moves it.
#[test]
fn reminders_run_on_their_own_clock() {
    // The deadline moves along: no rung comes in between.
    let critical = |second| {
        let mut now = situation(before_capture(100));
        now.head_time += SignedDuration::from_secs(second);
        now.deadlines[0].eta = Some(time(CAPTURE) + SignedDuration::from_secs(second));
        now
    };
    let mut engine = patient(|_| {});
    let mut said = watch(&mut engine, critical, 0..14_000);
    let kept: Vec<_> = engine.incidents().cloned().collect();
    let mut engine = patient(|_| {});
    engine.restore(kept);
    said.extend(watch(&mut engine, critical, 14_000..30_000));
    let times: Vec<i64> = said.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 14_400, 28_800]);
    assert!(said[2].1.text.contains("reminder 2"), "{}", said[2].1.text);
    let ids: std::collections::BTreeSet<_> = said.iter().map(|(_, m)| &m.message_id).collect();
    assert_eq!(ids.len(), 3);

    let incident = engine.incidents().find(|i| i.alert == "DecisionMissing").unwrap();
    let ack = Acknowledgement {
        occurrence: incident.occurrence,
        severity: Severity::Critical,
        author: "me".into(),
        comment: "on it".into(),
        at: Timestamp::UNIX_EPOCH,
    };
    let orders = Orders {
        acknowledgements: [(incident.fingerprint.clone(), ack)].into(),
        ..Orders::default()
    };
    engine.obey(orders);
    assert_eq!(subjects(&watch(&mut engine, critical, 30_000..60_000)), []);
    let known = engine.incidents().find(|i| i.alert == "DecisionMissing").unwrap();
    assert_eq!(known.acknowledged.as_ref().map(|ack| ack.author.as_str()), Some("me"));
}

// Fails when an acknowledgement of a warning also covers what becomes critical.
#[test]
fn an_acknowledgement_ends_when_severity_rises() {
    let mut engine = patient(|_| {});
    watch(&mut engine, warning, 0..60);
    let incident = engine.incidents().next().unwrap();
    let ack = Acknowledgement {
        occurrence: 1,
        severity: Severity::Warning,
        author: "me".into(),
        comment: String::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    let acknowledgements = [(incident.fingerprint.clone(), ack)].into();
    engine.obey(Orders { acknowledgements, ..Orders::default() });
    assert!(evaluate(&mut engine, &situation(before_capture(290))).messages.is_empty());
    let decision = evaluate(&mut engine, &situation(before_capture(119)));
    assert!(decision.messages[0].subject.starts_with("[CRITICAL]"));
}

fn night(policy: &mut Policy) {
    // In Berlin, where the recipient lives, 11:05 is the time of `warning`, 16:05 that of the capture.
    policy.pacing.quiet =
        Some(QuietHours { from: "10:00".parse().unwrap(), to: "13:00".parse().unwrap() });
}

// Fails when quiet hours are broken by what can wait, or lose it, or keep what cannot.
#[test]
fn quiet_hours_hold_what_can_wait() {
    let mut engine = patient(night);
    let said = watch(&mut engine, warning, 0..10_000);
    let [(at, message)] = said.as_slice() else { panic!("{:?}", subjects(&said)) };
    assert_eq!(*at, 115 * 60, "at 13:00");
    assert!(message.subject.starts_with("[WARNING]"));

    // The deadline falls into them: 16:05 is before 17:00.
    let mut engine = patient(|policy| {
        night(policy);
        policy.pacing.quiet.as_mut().unwrap().to = "17:00".parse().unwrap();
    });
    assert_eq!(watch(&mut engine, warning, 0..600)[0].0, 30);

    // Critical at once, and so is its good end.
    let mut engine = patient(|policy| {
        night(policy);
        policy.pacing.quiet.as_mut().unwrap().to = "18:00".parse().unwrap();
    });
    let critical = evaluate(&mut engine, &situation(before_capture(100)));
    assert_eq!(critical.messages.len(), 1);
    let decision = stays(&mut engine, settled, before_capture(90));
    assert!(decision.messages[0].subject.starts_with("[DONE]"));

    // What happened in the night and is over by morning is still news; what came and went is not.
    let mut engine = patient(night);
    let mut now = settled(before_capture(300));
    now.models[0].snapshot = Some(snapshot(now.complete_to - 5, true));
    assert!(evaluate(&mut engine, &now).messages.is_empty());
    assert!(evaluate(&mut engine, &warning(100)).messages.is_empty());
    let over = |second| {
        let mut now = settled(before_capture(300));
        now.head_time += SignedDuration::from_secs(second);
        now
    };
    let said = watch(&mut engine, over, 200..10_000);
    let said = subjects(&said);
    assert_eq!(said, [(6_900, "[INFO] DeepSeek-V4-Flash-0731 is pre-eligible")]);
}

fn silence(matchers: &[(&str, &str)], ends_at: Option<Timestamp>, epoch: Option<u64>) -> Silence {
    Silence {
        id: 7,
        matchers: matchers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at,
        ends_epoch: epoch,
        author: "me".into(),
        comment: "racks move".into(),
        expired_at: None,
    }
}

// Fails when a silence covers something else, does not cover its own, never ends, or keeps what
// still fires afterwards untold.
#[test]
fn a_silence_covers_what_it_matches_until_it_ends() {
    let end = time(before_capture(60));
    let cases: [(&[(&str, &str)], bool); 6] = [
        (&[("alert", "DecisionMissing")], true),
        (&[("host", "my-gpu-1"), ("severity", "critical")], true),
        (&[("model", MODEL)], true),
        (&[], true),
        (&[("host", "rack-2")], false),
        (&[("alert", "DecisionMissing"), ("rack", "7")], false),
    ];
    for (matchers, covers) in cases {
        let mut engine = engine();
        let silences = vec![silence(matchers, Some(end), None)];
        engine.obey(Orders { silences, ..Orders::default() });
        let decision = evaluate(&mut engine, &situation(before_capture(100)));
        assert_eq!(decision.messages.is_empty(), covers, "{matchers:?}");
        assert_eq!(decision.incidents[0].silenced_by, covers.then_some(7));
        if covers {
            let after = evaluate(&mut engine, &situation(before_capture(59)));
            assert!(after.messages[0].subject.ends_with("59 min left"), "{matchers:?}");
        }
    }
    let mut engine = engine();
    let silences = vec![silence(&[], None, Some(360))];
    engine.obey(Orders { silences, ..Orders::default() });
    assert!(evaluate(&mut engine, &situation(before_capture(100))).messages.is_empty());
    let mut next = situation(before_capture(99));
    next.epoch.index = 360;
    assert!(!evaluate(&mut engine, &next).messages.is_empty());
    // What ends under a silence is not told afterwards either.
    let mut engine = fired_then_silenced();
    let decision = stays(&mut engine, settled, before_capture(90));
    assert!(decision.messages.is_empty());
    engine.obey(Orders::default());
    assert!(evaluate(&mut engine, &settled(before_capture(80))).messages.is_empty());
}

fn fired_then_silenced() -> Engine {
    let mut engine = engine();
    evaluate(&mut engine, &situation(before_capture(100)));
    let silences = vec![silence(&[], Some(Timestamp::MAX), None)];
    engine.obey(Orders { silences, ..Orders::default() });
    engine
}

// Fails when a cause and its effects are all told, when the effects are forgotten once the cause is
// gone, or when the cause does not say what it holds back.
#[test]
fn the_root_cause_speaks_for_its_effects() {
    let mut engine = patient(|_| {});
    let down = |states: [EndpointState; 2]| {
        move |seconds: i64| {
            let mut now = settled(before_capture(300));
            now.head_time += SignedDuration::from_secs(seconds);
            now.stale = states.iter().all(|state| *state == EndpointState::Down);
            now.endpoints = ["mine", "spare"]
                .into_iter()
                .zip(states)
                .map(|(name, state)| EndpointView {
                    name: name.into(),
                    state,
                    reason: None,
                    height: None,
                    earliest: None,
                    selected: false,
                    websocket: false,
                    behind: None,
                    latency_ms: None,
                    quarantined_until: None,
                    requests: None,
                })
                .collect();
            now
        }
    };
    let (up, gone) = (EndpointState::Up, EndpointState::Down);
    let said = watch(&mut engine, down([gone, gone]), 0..3_600);
    assert_eq!(subjects(&said), [(60, "[CRITICAL] no endpoint can be used")]);
    let held: Vec<_> = engine.incidents().filter(|i| i.inhibited_by.is_some()).collect();
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|incident| incident.state == IncidentState::Firing));
    // One comes back: the root is over, and what is left of its effects is told.
    let said = watch(&mut engine, down([up, gone]), 3_600..7_200);
    let said = subjects(&said);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|(_, s)| *s == "[DONE] over: no endpoint can be used"), "{said:?}");
    assert!(said.iter().any(|(_, s)| *s == "[WARNING] endpoint spare does not answer"));
}

// Fails when who was warned of a deadline is left without a word because it passed while Bootwatch
// was blind: then the root cause would have swallowed the end.
#[test]
fn a_deadline_that_passes_in_the_dark_is_spoken_of_afterwards() {
    let mut engine = patient(|_| {});
    let down = |height: i64| {
        let mut now = situation(height);
        now.stale = true;
        now.endpoints = vec![EndpointView {
            name: "mine".into(),
            state: EndpointState::Down,
            reason: None,
            height: None,
            earliest: None,
            selected: false,
            websocket: false,
            behind: None,
            latency_ms: None,
            quarantined_until: None,
            requests: None,
        }];
        now
    };
    assert_eq!(evaluate(&mut engine, &situation(before_capture(40))).messages.len(), 1);
    for minutes in (0..39).rev() {
        let mut now = down(before_capture(39));
        now.head_time = time(before_capture(minutes));
        evaluate(&mut engine, &now);
    }
    assert!(engine.incidents().any(|i| i.alert == "DecisionMissing" && i.inhibited_by.is_some()));
    let mut now = situation(CAPTURE + 90);
    now.endpoints = down(CAPTURE).endpoints;
    now.endpoints[0].state = EndpointState::Up;
    let decision = evaluate(&mut engine, &now);
    let said: Vec<_> = decision.messages.iter().map(|m| m.subject.as_str()).collect();
    assert!(said.iter().any(|s| s.ends_with("is over, outcome not seen")), "{said:?}");
}

// Fails when a recipient hears of what it does not want, or of an end whose beginning it did not hear.
#[test]
fn recipients_hear_what_they_want() {
    let of = |address: &str, wants| Recipient { wants, ..recipient(address) };
    let other_host = Wants { hosts: Some(["rack-9".into()].into()), ..Wants::default() };
    let other_alert = Wants { alerts: Some(["ChainHalted".into()].into()), ..Wants::default() };
    let this_alert = Wants { alerts: Some(["DecisionMissing".into()].into()), ..Wants::default() };
    let mut engine = Engine::new(Policy {
        recipients: vec![of("a", other_host), of("b", other_alert), of("c", this_alert)],
        ..policy()
    });
    let decision = evaluate(&mut engine, &situation(before_capture(100)));
    let told: Vec<_> = decision.messages.iter().map(|m| m.recipient.as_str()).collect();
    assert_eq!(told, ["c"]);
    let decision = stays(&mut engine, settled, before_capture(90));
    assert_eq!(decision.messages.len(), 1);
}

// Fails when a program has to wait for the morning, or gets several incidents in one message: none of
// them would be found by the id of the message's incident.
#[test]
fn programs_know_no_night_and_no_bundles() {
    for form in [Form::Json, Form::Alertmanager] {
        let mut engine = patient(|policy| {
            night(policy);
            policy.pacing.bundle_from = 2;
            policy.pacing.first_notice_delay = SignedDuration::ZERO;
            policy.off = all_but(&["DecisionMissing", "EndpointDown"]);
            policy.recipients[0].form = form;
        });
        let mut now = warning(0);
        let mut model = now.hosts[0].models[0].clone();
        model.model_id = "b/another".into();
        now.hosts[0].models.push(model);
        let decision = evaluate(&mut engine, &now);
        assert_eq!(decision.messages.len(), 2, "{form:?}");
        for message in &decision.messages {
            let is_known = engine.incidents().any(|i| i.fingerprint == message.incident);
            assert!(is_known, "{form:?}: no incident {}", message.incident);
        }
    }
}

// Fails when a clock that was ahead and is set right holds back what is due now: found by
// fault schedules whose clock jumps.
#[test]
fn a_clock_that_is_set_back_holds_nothing() {
    const AHEAD: i64 = 1_800;
    let mut engine = patient(|_| ());
    assert!(evaluate(&mut engine, &warning(AHEAD)).messages.is_empty(), "the first notice waits");
    assert_eq!(watch(&mut engine, warning, 0..10).len(), 1, "it was first seen in the future");

    let mut engine = patient(|policy| policy.pacing.first_notice_delay = SignedDuration::ZERO);
    assert_eq!(evaluate(&mut engine, &warning(AHEAD)).messages.len(), 1);
    let mut now = warning(0);
    let mut model = now.hosts[0].models[0].clone();
    model.model_id = "b/another".into();
    now.hosts[0].models.push(model);
    let said = evaluate(&mut engine, &now).messages;
    let of_another = said.iter().any(|message| message.text.contains("b/another"));
    assert!(of_another, "the last one was told in the future");
}
