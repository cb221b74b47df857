//! Every alert: it fires on its condition and on nothing near it, says the true numbers, and ends
//! when its condition does.

use bootwatch_alerts::{Decision, Engine, Policy};
use bootwatch_rules::{
    Choice, Exclusion, Fraction,
    delegates::DelegateFacts,
    forecast::{ChargeRange, ModelForecast},
    reward::{Cost, CostUnit},
    situation::{
        AdviceReason, CaptureBlock, ChainTrouble, ChannelView, DeadlineName, Degree, Differing,
        DisagreementView, EndpointState, EndpointView, FellOut, FixedCharge, ModelState, Phase,
        RuleMismatch, Situation,
    },
};
use bootwatch_schema::{Ending, Incident, IncidentState};
use jiff::SignedDuration;

use crate::fixture::*;

mod governance;

/// A quiet block, and what is done to it.
type Change = fn(&mut Situation);

/// An engine for one alert alone, with one recipient.
fn only(alert: &str) -> Engine {
    let recipients = vec![recipient("ops@example.org")];
    Engine::new(Policy { recipients, off: all_but(&[alert]), ..policy() })
}

pub(crate) const QUIET: i64 = CAPTURE - 5_000;

/// A block at which nothing is wrong.
pub(crate) fn quiet(height: i64) -> Situation {
    let mut now = situation(height);
    entry(&mut now).advice = None;
    now.models[0].penalty_start_epoch = 300;
    now.models[0].gaps = Some({
        let mut gaps = gaps(Degree::Projected, 5);
        gaps.reach = gap(400_000, 380_661);
        gaps.pre_eligible = true;
        gaps
    });
    now.endpoints = vec![endpoint("mine", EndpointState::Up), endpoint("spare", EndpointState::Up)];
    now.service.advanced_at = Some(now.head_time);
    now.service.disk_free = Some(50_000_000_000);
    now.service.channels = vec![channel()];
    now
}

fn endpoint(name: &str, state: EndpointState) -> EndpointView {
    EndpointView {
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
    }
}

fn channel() -> ChannelView {
    ChannelView { name: "email".into(), waiting: 0, oldest: None, rejected: 0 }
}

/// What happens when the change holds for an hour.
struct Course {
    engine: Engine,
    said: Vec<String>,
    texts: Vec<String>,
    html: Vec<String>,
}

impl Course {
    /// Nothing was said, and nothing is watched.
    fn none() -> Self {
        let (said, texts, html) = (Vec::new(), Vec::new(), Vec::new());
        Self { engine: only(""), said, texts, html }
    }

    fn of(alert: &str, change: Change) -> Self {
        let mut course = Self { engine: only(alert), ..Self::none() };
        let calm = course.look(quiet(QUIET), 0);
        assert!(calm.messages.is_empty(), "{alert} on a quiet block: {:?}", course.said);
        course.hold(change);
        course
    }

    /// Looks every minute for an hour.
    fn hold(&mut self, change: Change) {
        for minute in 1..=60 {
            let mut now = quiet(QUIET + 1);
            change(&mut now);
            self.look(now, minute);
        }
    }

    fn look(&mut self, now: Situation, minute: i64) -> Decision {
        let at = time(QUIET) + SignedDuration::from_mins(minute);
        let decision = self.engine.evaluate(&now, at);
        self.said.extend(decision.messages.iter().map(|m| m.subject.clone()));
        self.texts.extend(decision.messages.iter().map(|m| m.text.clone()));
        self.html.extend(decision.messages.iter().filter_map(|m| m.html.clone()));
        decision
    }

    fn incident(&self) -> &Incident {
        self.engine.incidents().next().expect("an incident")
    }
}

/// Fires once with a subject and numbers, then clears with a state and, when told, a subject.
#[track_caller]
fn fires(alert: &str, change: Change, subject: &str, numbers: &[&str]) -> Course {
    let course = Course::of(alert, change);
    assert_eq!(course.said, [subject], "{alert}");
    for number in numbers {
        let text = &course.texts[0];
        assert!(text.contains(number), "{alert} does not say {number:?}:\n{text}");
    }
    assert_eq!(course.incident().state, IncidentState::Firing, "{alert}");
    course
}

/// Its condition is gone: how it ends, and what is said.
#[track_caller]
fn clears(mut course: Course, change: Change, ending: Ending, subject: Option<&str>) {
    course.said.clear();
    for minute in 61..=120 {
        let mut now = quiet(QUIET + 2);
        change(&mut now);
        course.look(now, minute);
    }
    let incident = course.incident();
    assert_eq!((incident.state, incident.ending), (IncidentState::Resolved, Some(ending)));
    assert_eq!(course.said, subject.into_iter().collect::<Vec<_>>(), "{}", incident.alert);
}

const NOTHING: Change = |_| {};

// Fails when a reason to act is told under another name, not at once, or as something else.
#[test]
fn each_reason_to_act_has_its_alert() {
    let cases = [
        ("ChoiceExpired", AdviceReason::RefusalExpired, "the refusal of {} has expired"),
        ("ChoiceExpired", AdviceReason::IntentExpired, "the intent for {} has expired"),
        ("RefusalOnCandidate", AdviceReason::RefusalOnCandidate, "refusing {} does not protect"),
        ("DelegationDeleted", AdviceReason::IntentOnActive, "the intent for {} has no effect"),
        ("ChoiceTooLate", AdviceReason::TooLate, "the choice for {} came too late"),
        (
            "DelegationWithoutEffect",
            AdviceReason::DelegateDoesNotServe,
            "the delegate does not serve {}",
        ),
        (
            "DelegationWithoutEffect",
            AdviceReason::DelegateWithoutIntent,
            "the delegate has no intent for {}",
        ),
    ];
    for (alert, reason, words) in cases {
        let mut engine = only(alert);
        // Two days before: no rung of the ladder is reached.
        let height = before_capture(48 * 60);
        let mut now = quiet(height);
        advise(&mut now, DeadlineName::Capture, CAPTURE);
        entry(&mut now).advice.as_mut().unwrap().reason = reason;
        let decision = evaluate(&mut engine, &now);
        let words = words.replace("{}", "DeepSeek-V4-Flash-0731");
        assert_eq!(
            decision.messages[0].subject,
            format!("[WARNING] my-gpu-1: {words}, 2 d left"),
            "{alert}"
        );
        assert!(decision.messages[0].text.contains("15 %"), "what it costs");
        let mut idle = engine.clone();
        let delegated = |height| {
            let mut now = quiet(height);
            entry(&mut now).choice = choice("delegate", Some(height));
            now
        };
        let decision = stays(&mut engine, delegated, height + 10);
        assert_eq!(decision.incidents[0].ending, Some(Ending::Met), "{alert}");
        assert!(decision.messages[0].subject.starts_with("[DONE] my-gpu-1: settled"), "{alert}");
        // It does not matter any more, and nothing was done.
        let decision = stays(&mut idle, quiet, height + 10);
        assert_eq!(decision.incidents[0].ending, Some(Ending::Expired), "{alert}");
        let subject = &decision.messages[0].subject;
        assert!(
            subject.starts_with("[DONE] my-gpu-1: nothing left to decide"),
            "{alert}: {subject}"
        );
    }
}

#[test]
fn a_missing_commit() {
    // 20 of the stage's blocks are left.
    let in_poc = |now: &mut Situation, left: i64| {
        now.epoch.phase = Phase::PocGenerate;
        let mut deadline = now.deadlines[0].clone();
        deadline.name = DeadlineName::CommitDeadline;
        deadline.height = Some(now.complete_to + left);
        deadline.eta = Some(now.head_time + SignedDuration::from_secs(5 * left));
        now.deadlines.push(deadline);
    };
    for (left, serves, choice_kind, fires) in [
        (21, true, "none", false),
        (20, true, "none", true),
        (20, true, "delegate", false),
        (20, false, "intent", false),
    ] {
        let mut engine = only("CommitMissing");
        let mut now = quiet(QUIET);
        in_poc(&mut now, left);
        entry(&mut now).serves = serves;
        entry(&mut now).choice = choice(choice_kind, None);
        let decision = evaluate(&mut engine, &now);
        assert_eq!(!decision.messages.is_empty(), fires, "{left} {serves} {choice_kind}");
    }
    let mut engine = only("CommitMissing");
    let mut now = quiet(QUIET);
    in_poc(&mut now, 15);
    advise(&mut now, DeadlineName::CommitDeadline, QUIET + 15);
    entry(&mut now).advice.as_mut().unwrap().reason = AdviceReason::IntentNotServed;
    let decision = evaluate(&mut engine, &now);
    let subject = "[CRITICAL] my-gpu-1: no commit for DeepSeek-V4-Flash-0731, 1 min left";
    assert_eq!(decision.messages[0].subject, subject);
    for (committed, ending) in [(Some(7), Ending::Met), (None, Ending::Missed)] {
        let mut engine = engine.clone();
        let mut end = quiet(QUIET + 15);
        end.epoch.phase = Phase::PocExchange;
        entry(&mut end).committed = committed;
        let decision = evaluate(&mut engine, &end);
        assert_eq!(decision.incidents[0].ending, Some(ending));
        assert_eq!(decision.messages.len(), 1);
    }
}

#[test]
fn a_missing_weight_distribution() {
    let course = fires(
        "WeightDistributionMissing",
        |now| {
            now.epoch.phase = Phase::PocExchange;
            entry(now).committed = Some(12_345);
        },
        "[WARNING] my-gpu-1: no weight distribution for DeepSeek-V4-Flash-0731",
        &["12,345"],
    );
    let mut worse = Course { said: Vec::new(), ..course };
    let mut now = quiet(QUIET + 2);
    now.epoch.phase = Phase::PocValidate;
    entry(&mut now).committed = Some(12_345);
    worse.look(now, 61);
    assert!(worse.said[0].starts_with("[CRITICAL]"), "{:?}", worse.said);
    let end: Change = |now| {
        now.epoch.phase = Phase::PocValidate;
        entry(now).committed = Some(12_345);
        entry(now).distributed = Some(12_345);
    };
    let over = "[DONE] over: my-gpu-1: no weight distribution for DeepSeek-V4-Flash-0731";
    clears(worse, end, Ending::Met, Some(over));
}

#[test]
fn an_excluded_host() {
    let change: Change = |now| {
        let exclusion = Exclusion { reason: "downtime".into(), height: 5_546_600 };
        now.hosts[0].excluded = Some(exclusion);
    };
    let subject = "[CRITICAL] my-gpu-1: excluded from the running epoch (downtime)";
    let course = fires("HostExcluded", change, subject, &["5,546,600", "epoch 359"]);
    clears(course, |now| now.epoch.index = 360, Ending::Expired, None);
}

#[test]
fn a_final_charge() {
    let change: Change = |now| {
        let fraction = Fraction::new(3, 20).unwrap();
        now.hosts[0].fixed =
            Some(FixedCharge { epoch: 359, fraction, amount: Some(12_345_000_000) });
    };
    let subject = "[WARNING] my-gpu-1: epoch 359 takes 15 % of the reward";
    let course = fires(
        "Charged",
        change,
        subject,
        &["15 %", "3/20", "export --epoch 359", "about 12.34 GNK"],
    );
    clears(course, |now| now.epoch.index = 360, Ending::Expired, None);
    // An earlier epoch's charge, and none at all, are no news.
    for (epoch, numerator) in [(358, 3), (359, 0)] {
        let mut now = quiet(QUIET);
        let fraction = Fraction::new(numerator, 20).unwrap();
        now.hosts[0].fixed = Some(FixedCharge { epoch, fraction, amount: None });
        assert!(evaluate(&mut only("Charged"), &now).is_empty());
    }
}

pub(crate) fn delegate(now: &mut Situation) -> &mut DelegateFacts {
    now.models[0].state = ModelState::Active;
    let host = "gonka1delegate";
    entry(now).choice.kind = "delegate".into();
    entry(now).choice.delegate_to = Some(host.into());
    entry(now).delegate.insert(DelegateFacts {
        host: host.into(),
        weight: Some(90_000),
        excluded: None,
        guardian: false,
        serves: true,
        group_weight: 90_000,
        voting_power: 90_000,
        voting_share: Fraction::new(1, 5),
        choice: None,
        committed: Some(5),
        distributed: true,
        delegators: 4,
        delegated_weight: 40_000,
        before: Vec::new(),
        burned: Some(0),
    })
}

// Fails when a fact that speaks against a delegate stays unsaid, or one that does not is told.
#[test]
fn a_delegate_at_risk() {
    let cases: [(Change, &str, &str); 8] = [
        (
            |now| {
                let exclusion = Exclusion { reason: "cpoc".into(), height: 5_546_600 };
                delegate(now).excluded = Some(exclusion);
            },
            "CRITICAL",
            "was excluded (5,546,600, cpoc)",
        ),
        (|now| delegate(now).guardian = true, "WARNING", "is a guardian"),
        (|now| delegate(now).choice = Some(Choice::Refuse), "WARNING", "refuses this model itself"),
        (
            |now| {
                let delegate_to = "gonka1other".into();
                delegate(now).choice = Some(Choice::Delegate { delegate_to });
            },
            "WARNING",
            "delegates this model itself",
        ),
        (
            |now| {
                delegate(now).committed = None;
                now.epoch.phase = Phase::PocExchange;
            },
            "CRITICAL",
            "has not committed in the running PoC",
        ),
        (
            |now| {
                delegate(now).distributed = false;
                now.epoch.phase = Phase::PocExchange;
            },
            "WARNING",
            "sent no weight distribution",
        ),
        (
            |now| delegate(now).burned = Some(12_345),
            "INFO",
            "would lose voting power to the cap (12,345)",
        ),
        (
            |now| delegate(now).voting_share = Fraction::new(3, 10),
            "INFO",
            "holds much of the group's voting power (30 %)",
        ),
    ];
    for (change, tag, words) in cases {
        let course = Course::of("DelegateAtRisk", change);
        let [subject] = course.said.as_slice() else { panic!("{words}: {:?}", course.said) };
        let start = format!("[{tag}] my-gpu-1: the delegate for DeepSeek-V4-Flash-0731 {words}");
        assert!(subject.starts_with(&start), "{subject}");
        // The host changes its mind.
        let said = subject.split_once("] ").unwrap().1;
        let over = format!("[DONE] over: {}", said.split(" (").next().unwrap());
        clears(course, NOTHING, Ending::Met, Some(&over));
    }
    let sound: Change = |now| {
        delegate(now);
    };
    assert_eq!(Course::of("DelegateAtRisk", sound).said, Vec::<String>::new());
    // After a failed PoC nothing is "over": it only cannot be changed any more.
    let course = Course::of("DelegateAtRisk", |now| {
        delegate(now).committed = None;
        now.epoch.phase = Phase::PocExchange;
    });
    let too_late: Change = |now| {
        delegate(now).committed = None;
        now.epoch.phase = Phase::PocValidate;
    };
    clears(course, too_late, Ending::Expired, None);
}

#[test]
fn a_gap_before_the_capture() {
    let near = |height: i64, hosts: i64| {
        let mut now = quiet(height);
        now.models[0].gaps = Some(gaps(Degree::Projected, hosts));
        now
    };
    let mut engine = only("GapBeforeCapture");
    assert!(evaluate(&mut engine, &near(before_capture(361), 2)).is_empty(), "too early");
    // Pending for a minute, then told.
    evaluate(&mut engine, &near(before_capture(350), 2));
    let decision = evaluate(&mut engine, &near(before_capture(348), 2));
    assert_eq!(
        decision.messages[0].subject,
        "[WARNING] DeepSeek-V4-Flash-0731: 1 host and 68,661 reach short, 5 h 48 min left"
    );
    assert!(decision.messages[0].text.contains("2 of 3, 1 missing"));
    // Numbers that change are no news, and neither is a gap that closes for a moment.
    for (minutes, hosts) in [(340, 1), (330, 2), (320, 0)] {
        assert!(evaluate(&mut engine, &near(before_capture(minutes), hosts)).messages.is_empty());
    }
    evaluate(&mut engine, &quiet(before_capture(310)));
    assert!(evaluate(&mut engine, &near(before_capture(305), 2)).messages.is_empty());
    // Closed for ten minutes.
    evaluate(&mut engine, &quiet(before_capture(300)));
    let decision = evaluate(&mut engine, &quiet(before_capture(289)));
    assert_eq!(decision.incidents[0].ending, Some(Ending::Met));
    let over = "[DONE] over: DeepSeek-V4-Flash-0731 would miss the capture of epoch 360";
    assert_eq!(decision.messages[0].subject, over);
}

#[test]
fn a_capture_that_says_nothing() {
    let captured = |now: &mut Situation| {
        now.complete_to = CAPTURE + 3;
        now.epoch.captured = Some(CaptureBlock { height: CAPTURE, epoch: Some(360) });
    };
    let mut engine = only("CaptureMissing");
    let mut now = quiet(QUIET);
    captured(&mut now);
    let decision = evaluate(&mut engine, &now);
    let subject = "[WARNING] no capture of DeepSeek-V4-Flash-0731 at block 5,551,615";
    assert_eq!(decision.messages[0].subject, subject);
    let quiet_ones: [Change; 4] = [
        |now| now.models[0].snapshot = Some(snapshot(CAPTURE, false)),
        |now| now.models[0].state = ModelState::Active,
        |now| now.epoch.captured = Some(CaptureBlock { height: CAPTURE, epoch: None }),
        |now| now.complete_from = CAPTURE + 1,
    ];
    for (index, change) in quiet_ones.into_iter().enumerate() {
        let mut now = quiet(QUIET);
        captured(&mut now);
        change(&mut now);
        assert!(evaluate(&mut only("CaptureMissing"), &now).is_empty(), "case {index}");
    }
}

#[test]
fn a_capture_that_moved_or_came_twice() {
    let recipients = vec![recipient("ops@example.org")];
    let off = all_but(&["CaptureMoved", "CaptureResult"]);
    let mut engine = Engine::new(Policy { recipients, off, ..policy() });
    let mut now = quiet(CAPTURE - 100);
    now.epoch.captured = Some(CaptureBlock { height: CAPTURE - 100, epoch: None });
    now.models[0].snapshot = Some(snapshot(CAPTURE - 100, false));
    let subjects = |decision: Decision| -> Vec<String> {
        decision.messages.into_iter().map(|m| m.subject).collect()
    };
    let said = subjects(evaluate(&mut engine, &now));
    let moved = "[WARNING] the capture of DeepSeek-V4-Flash-0731 came at another height";
    assert!(said.contains(&moved.to_owned()), "{said:?}");
    let mut now = quiet(CAPTURE);
    now.epoch.captured = Some(CaptureBlock { height: CAPTURE, epoch: Some(360) });
    now.models[0].snapshot = Some(snapshot(CAPTURE, true));
    let said = subjects(evaluate(&mut engine, &now));
    let twice = "[WARNING] a second capture of DeepSeek-V4-Flash-0731 in one epoch";
    assert!(said.contains(&twice.to_owned()), "{said:?}");
}

#[test]
fn a_penalty_start_that_comes_near() {
    let far: Change = |now| now.models[0].penalty_start_epoch = 361;
    let subject = "[INFO] DeepSeek-V4-Flash-0731 costs from epoch 361 on";
    let mut course = fires("PenaltyStartNear", far, subject, &["running epoch is 359", "my-gpu-1"]);
    course.said.clear();
    course.hold(|now| {
        now.models[0].penalty_start_epoch = 361;
        (now.epoch.index, now.epoch.upcoming) = (360, 361);
    });
    assert_eq!(course.said, ["[WARNING] DeepSeek-V4-Flash-0731 costs from epoch 361 on"]);
    clears(course, |now| now.epoch.index = 361, Ending::Expired, None);
    for start in [359, 362] {
        let mut now = quiet(QUIET);
        now.models[0].penalty_start_epoch = start;
        assert!(evaluate(&mut only("PenaltyStartNear"), &now).is_empty(), "{start}");
    }
}

/// A group that holds so many votes of the 100,000 it needs.
fn votes(now: &mut Situation, have: i64) {
    now.models[0].state = ModelState::Active;
    now.models[0].margin = Some(bootwatch_rules::margin::Margin {
        votes: gap(have, 100_000),
        votes_spare: have - 100_000,
        hosts: gap(5, 3),
        weight: gap(have, 50_000),
        exempt_from_hosts: false,
        largest_share: Fraction::new(1, 4).unwrap(),
        pivotal: vec!["gonka1big".into()],
        pivotal_count: 1,
    });
}

#[test]
fn a_group_whose_margin_is_low() {
    let low: Change = |now| votes(now, 104_999);
    let subject = "[WARNING] DeepSeek-V4-Flash-0731: only 4,999 votes to spare";
    let numbers = ["104,999 of 100,000 needed", "25 %", "1: gonka1big"];
    let mut course = fires("GroupMarginLow", low, subject, &numbers);
    // Not clear before a quarter above the threshold.
    course.said.clear();
    course.hold(|now| votes(now, 106_000));
    assert_eq!(course.incident().clearing, None);
    course.hold(|now| votes(now, 99_000));
    assert_eq!(
        course.said,
        ["[CRITICAL] DeepSeek-V4-Flash-0731: 1,000 votes short of keeping its group"]
    );
    let over = "[DONE] over: DeepSeek-V4-Flash-0731: its group cannot win the vote";
    clears(course, |now| votes(now, 106_250), Ending::Met, Some(over));
    let enough: Change = |now| votes(now, 105_000);
    assert!(Course::of("GroupMarginLow", enough).said.is_empty());
}

#[test]
fn trouble_that_the_chain_tells_of() {
    fires(
        "EpochError",
        |now| {
            let attributes = vec![("stage".to_owned(), "on_poc\nBcc: x".to_owned())];
            let kind = "epoch_error".into();
            now.chain_troubles = vec![ChainTrouble { kind, height: QUIET, attributes }];
        },
        "[WARNING] the chain reports an epoch error",
        &["5,546,615", "stage: on_poc\u{fffd}Bcc: x"],
    );
    let course = fires(
        "FallbackEpoch",
        |now| {
            let kind = "empty_epoch_fallback_applied".into();
            let attributes = Vec::new();
            now.chain_troubles = vec![ChainTrouble { kind, height: QUIET, attributes }];
        },
        "[WARNING] the old group was seated again",
        &["5,546,615"],
    );
    clears(course, NOTHING, Ending::Expired, None);
}

#[test]
fn endpoints_in_trouble() {
    let course = fires(
        "EndpointDown",
        |now| now.endpoints[0].state = EndpointState::Down,
        "[WARNING] endpoint mine does not answer",
        &["mine: down", "spare: up"],
    );
    let over = "[DONE] over: endpoint mine does not answer";
    clears(course, NOTHING, Ending::Met, Some(over));
    let course = fires(
        "EndpointLagging",
        |now| now.endpoints[0].state = EndpointState::Lagging,
        "[WARNING] endpoint mine lags behind",
        &["mine: lagging"],
    );
    // From one trouble into another.
    clears(course, |now| now.endpoints[0].state = EndpointState::Down, Ending::Expired, None);
    fires(
        "EndpointWrong",
        |now| now.endpoints[0].state = EndpointState::Wrong,
        "[CRITICAL] endpoint mine is on another chain",
        &["mine: wrong"],
    );
    let course = fires(
        "NoHealthyEndpoint",
        |now| {
            now.endpoints.iter_mut().for_each(|e| e.state = EndpointState::Down);
            now.stale = true;
        },
        "[CRITICAL] no endpoint can be used",
        &["5,546,616", "spare: down"],
    );
    // Not asked yet, after a restart, is no recovery.
    let mut engine = course.engine.clone();
    let mut now = quiet(QUIET + 2);
    now.endpoints.iter_mut().for_each(|e| e.state = EndpointState::Unknown);
    engine.evaluate(&now, time(QUIET) + SignedDuration::from_hours(2));
    let incident = engine.incidents().next().unwrap();
    assert_eq!(incident.state, IncidentState::Firing);
    assert!(incident.unknown_since.is_some());
    clears(course, NOTHING, Ending::Met, Some("[DONE] over: no endpoint can be used"));
}

#[test]
fn endpoints_that_disagree() {
    let course = fires(
        "EndpointsDisagree",
        |now| {
            let one = |endpoint: &str, hash: &str| Differing {
                endpoint: endpoint.into(),
                hash: hash.into(),
            };
            let endpoints = vec![one("mine", "AB12"), one("spare", "CD34")];
            now.data.disagreement = Some(DisagreementView { height: QUIET + 2, endpoints });
        },
        "[CRITICAL] endpoints disagree about block 5,546,617",
        &["mine: AB12", "spare: CD34"],
    );
    let over = "[DONE] over: endpoints disagree about block 5,546,617";
    clears(course, NOTHING, Ending::Met, Some(over));
}

#[test]
fn no_block_comes() {
    let stalled: Change = |now| {
        now.stale = true;
        now.head = now.complete_to + 1_200;
    };
    let subject = "[CRITICAL] no block taken in, 1,200 behind";
    let course = fires("IngestStalled", stalled, subject, &["5,546,616", "5,547,816"]);
    // While it catches up it is not over, and not told again.
    let mut engine = course.engine.clone();
    let mut now = quiet(QUIET + 500);
    now.stale = true;
    now.head = QUIET + 1_300;
    let late = time(QUIET) + SignedDuration::from_hours(2);
    now.service.advanced_at = Some(late);
    let decision = engine.evaluate(&now, late);
    assert!(decision.messages.is_empty());
    assert_eq!(engine.incidents().next().unwrap().state, IncidentState::Firing);
    clears(course, NOTHING, Ending::Met, Some("[DONE] over: no block is taken in"));

    let halted: Change = |now| now.stale = true;
    let subject = "[CRITICAL] no new block after 5,546,616";
    let course = fires("ChainHalted", halted, subject, &["5,546,616"]);
    clears(course, NOTHING, Ending::Met, Some("[DONE] over: the chain has no new block"));
    // A first start that has yet to catch up is neither.
    let mut now = quiet(QUIET);
    now.stale = true;
    now.head = QUIET + 5_000;
    now.service.advanced_at = None;
    let late = time(QUIET) + SignedDuration::from_hours(9);
    assert!(only("IngestStalled").evaluate(&now, late).is_empty());
    assert!(only("ChainHalted").evaluate(&now, late).is_empty());
}

#[test]
fn blocks_that_are_lost() {
    let lost: Change = |now| now.data.unfillable = vec![(1, 9), (QUIET - 2_000, QUIET - 1_001)];
    let course = fires("BlocksLost", lost, "[WARNING] 1,000 blocks are lost", &["5,544,615"]);
    clears(course, NOTHING, Ending::Expired, None);
}

#[test]
fn rules_that_are_contradicted() {
    let wrong: Change = |now| {
        let what = "org/m: reach is 7, we say 9".to_owned();
        now.service.mismatch = Some(RuleMismatch { height: QUIET, what });
    };
    let subject = "[WARNING] the chain contradicts our forecast";
    let course = fires("ForecastMismatch", wrong, subject, &["reach is 7", "v0.2.14"]);
    clears(course, NOTHING, Ending::Expired, None);
}

#[test]
fn messages_that_do_not_get_through() {
    let stuck: Change = |now| {
        let oldest = Some(time(QUIET) - SignedDuration::from_mins(5));
        now.service.channels[0] = ChannelView { waiting: 7, oldest, ..channel() };
    };
    let subject = "[CRITICAL] messages by email do not get through";
    let course = fires("NotificationsFailing", stuck, subject, &["Waiting: 7"]);
    // Not measured yet, after a restart, is no recovery.
    let mut engine = course.engine.clone();
    let mut now = quiet(QUIET + 2);
    now.service.channels.clear();
    engine.evaluate(&now, time(QUIET) + SignedDuration::from_hours(2));
    assert_eq!(engine.incidents().next().unwrap().state, IncidentState::Firing);
    let over = "[DONE] over: messages by email do not get through";
    clears(course, NOTHING, Ending::Met, Some(over));
}

// Fails when a model that lost its group stays unsaid, or the past is told at the first start.
#[test]
fn a_model_that_fell_out() {
    let fell: Change = |now| {
        now.models[0].fell_out = Some(FellOut { active_in: 358, without_since: 359 });
    };
    let subject = "[WARNING] DeepSeek-V4-Flash-0731 has fallen out";
    let course = fires("ModelFellOut", fell, subject, &["epoch 358", "none since epoch 359"]);
    clears(course, NOTHING, Ending::Expired, None);
    let mut now = quiet(QUIET);
    now.models[0].fell_out = Some(FellOut { active_in: 355, without_since: 358 });
    assert!(evaluate(&mut only("ModelFellOut"), &now).is_empty(), "that is the past");
}

// Fails when an amount of coins stays unsaid, or one is said that belongs to another charge.
#[test]
fn a_cost_is_said_in_coins_where_it_is_known() {
    let said = |charge: &str| {
        let mut now = situation(before_capture(100));
        let own = &mut now.hosts[0].models[0];
        own.advice.as_mut().unwrap().charge = charge.into();
        own.forecast = Some(ModelForecast {
            model_id: MODEL.into(),
            epoch: 360,
            charge: ChargeRange { min: Fraction::ZERO, max: Fraction::new(3, 20).unwrap() },
            branches: Vec::new(),
            levers: Vec::new(),
        });
        let (unit, of) = (CostUnit::Ngonka, 82_300_000_000);
        own.cost = Some(Cost { unit, of, least: 0, most: 12_345_000_000, shares: 0 });
        evaluate(&mut only("DecisionMissing"), &now).messages[0].text.clone()
    };
    let amount = "about 12.34 GNK, if it pays 82.30 GNK before charges";
    assert!(said("3/20").contains(amount), "{}", said("3/20"));
    assert!(!said("1/20").contains("GNK"));
}

#[test]
fn a_disk_that_fills() {
    let low: Change = |now| now.service.disk_free = Some(999_000_000);
    let subject = "[WARNING] the disk of the database is almost full";
    let mut course = fires("DiskLow", low, subject, &["Free: 999 MB"]);
    course.said.clear();
    course.hold(|now| now.service.disk_free = Some(1_200_000_000));
    assert_eq!(course.incident().clearing, None, "not clear before a quarter above");
    course.hold(|now| now.service.store_trouble = Some("database or disk is full".into()));
    assert_eq!(course.said, ["[CRITICAL] the database cannot be written"]);
    let over = "[DONE] over: the database cannot be written";
    clears(course, NOTHING, Ending::Met, Some(over));
}

// Fails when an alert is added and nothing above makes it fire.
#[test]
fn no_alert_is_left_out() {
    let governance = include_str!("watched/governance.rs");
    let tests = [include_str!("watched.rs"), governance, include_str!("lifecycle.rs")].concat();
    for name in bootwatch_alerts::alert_names() {
        assert!(tests.contains(&format!("\"{name}\"")), "no test makes {name} fire");
    }
}

// Fails when the documentation's table is not that of the code, or an alert has no section that says
// what to do. `BOOTWATCH_WRITE_DOCS=1` writes the table.
#[test]
fn every_alert_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alerts.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (head, rest) = text.split_once("<!-- table -->\n").unwrap();
    let (table, tail) = rest.split_once("<!-- end of table -->").unwrap();
    let expected = bootwatch_alerts::alert_table();
    if std::env::var_os("BOOTWATCH_WRITE_DOCS").is_some() {
        let written = format!("{head}<!-- table -->\n{expected}<!-- end of table -->{tail}");
        std::fs::write(path, written).unwrap();
    } else {
        assert_eq!(table, expected, "run with BOOTWATCH_WRITE_DOCS=1");
    }
    for name in bootwatch_alerts::alert_names() {
        assert!(tail.contains(&format!("\n### {name}\n")), "{name} has no section");
    }
}
