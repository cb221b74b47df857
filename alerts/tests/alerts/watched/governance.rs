//! What governance has done and is about to do: parameters, votes, upgrades of the chain.

use bootwatch_alerts::{Lang, Reader, Recipient};
use bootwatch_rules::situation::{
    Command, Disturbed, Effect, ParamChange, ParamsChange, PlansView, ProposalView, UpgradeView,
};

use super::*;

fn change(now: &mut Situation) -> &mut ParamsChange {
    now.params_change.insert(ParamsChange {
        height: QUIET,
        changes: Vec::new(),
        added: Vec::new(),
        removed: Vec::new(),
    })
}

#[test]
fn changes_by_governance() {
    let added: Change = |now| change(now).added = vec![MODEL.into()];
    let subject = "[WARNING] DeepSeek-V4-Flash-0731 is a new model";
    let course = fires("ModelAdded", added, subject, &["5,546,615", "epoch 300"]);
    clears(course, NOTHING, Ending::Expired, None);
    let removed: Change = |now| change(now).removed = vec!["moonshot/Kimi".into()];
    fires("ModelRemoved", removed, "[INFO] Kimi was removed", &["moonshot/Kimi"]);
    let params: Change = |now| {
        let one = |name: &str, before: &str, after: &str| ParamChange {
            effect: Effect::Threshold,
            name: name.into(),
            before: before.into(),
            after: after.into(),
        };
        change(now).changes = vec![one("w_threshold", "3/10", "1/10"), one("v_min", "3", "2")];
    };
    let subject = "[WARNING] w_threshold: 3/10 is now 1/10 and 1 more";
    fires("ParamsChanged", params, subject, &["3/10 → 1/10", "3 → 2", "Now: capture", "5,551,615"]);
    // What changed before the first block, or in an epoch that is over, is the past.
    for past in [QUIET - 40_000, 5_536_723] {
        let mut now = quiet(QUIET);
        change(&mut now).added = vec![MODEL.into()];
        now.params_change.as_mut().unwrap().height = past;
        now.complete_from = QUIET - 20_000;
        assert!(evaluate(&mut only("ModelAdded"), &now).is_empty(), "{past}");
    }
}

fn plans(now: &mut Situation) -> &mut PlansView {
    now.plans.get_or_insert(PlansView {
        read_at: QUIET,
        upgrade: None,
        proposals: Vec::new(),
        more: false,
    })
}

/// An upgrade so many hours ahead; its name is what a stranger wrote.
fn upgrade(now: &mut Situation, hours: i64) -> &mut UpgradeView {
    let (height, eta) = (CAPTURE + 50_000, time(QUIET) + SignedDuration::from_hours(hours));
    plans(now).upgrade.insert(UpgradeView {
        name: "v9\n<b>".into(),
        height,
        blocks_left: height - QUIET,
        eta: Some(eta),
        eta_error_seconds: Some(120.0),
        disturbs: None,
    })
}

// Fails when an upgrade is told as urgent before it is, not at all, or when nobody hears that it
// was taken back or is through.
#[test]
fn an_upgrade_that_is_scheduled() {
    let far: Change = |now| {
        let _ = upgrade(now, 72);
    };
    let subject = "[INFO] upgrade v9\u{fffd}<b> at block 5,601,615, 2 d 23 h left";
    let mut course = fires("UpgradeNear", far, subject, &["5,601,615", "± 2 min", "55,000 blocks"]);
    let off = "[DONE] upgrade v9\u{fffd}<b> at block 5,601,615 is off";
    let calm: Change = |now| {
        let _ = plans(now);
    };
    clears(
        Course { engine: course.engine.clone(), ..Course::none() },
        calm,
        Ending::Expired,
        Some(off),
    );
    course.said.clear();
    course.hold(|now| {
        let _ = upgrade(now, 24);
    });
    let near = "[WARNING] upgrade v9\u{fffd}<b> at block 5,601,615, 23 h left";
    assert_eq!(course.said, [near]);
    let there = "[DONE] upgrade v9\u{fffd}<b>: block 5,601,615 is there";
    let past: Change = |now| {
        plans(now);
        (now.complete_to, now.head) = (CAPTURE + 50_000, CAPTURE + 50_000);
    };
    clears(course, past, Ending::Met, Some(there));

    let disturbs: Change = |now| {
        let name = DeadlineName::Capture;
        upgrade(now, 72).disturbs = Some(Disturbed { name, epoch: 360, height: CAPTURE + 50_400 });
    };
    let course = Course::of("UpgradeNear", disturbs);
    assert!(course.said[0].starts_with("[WARNING] upgrade"), "{:?}", course.said);
    assert!(course.texts[0].contains("capture of epoch 360, block 5,602,015, 400 blocks later"));
    // A restart on an older database knows of no plans: that is no end.
    let mut engine = course.engine.clone();
    engine.evaluate(&quiet(QUIET + 2), time(QUIET) + SignedDuration::from_hours(2));
    let incident = engine.incidents().next().unwrap();
    assert_eq!(incident.state, IncidentState::Firing);
    assert!(incident.unknown_since.is_some());
}

// Fails when a halt for an upgrade looks like any other at three in the morning.
#[test]
fn a_halt_at_an_upgrade_says_so() {
    let halted = |blocks_left: i64| {
        let mut now = quiet(QUIET);
        let plan = upgrade(&mut now, 0);
        (plan.height, plan.blocks_left) = (QUIET + blocks_left, blocks_left);
        now.stale = true;
        let late = time(QUIET) + SignedDuration::from_mins(10);
        only("ChainHalted").evaluate(&now, late).messages[0].text.clone()
    };
    let words = "Block 5,546,616 is that of upgrade v9\u{fffd}<b>";
    assert!(halted(1).contains(words), "{}", halted(1));
    assert!(!halted(2).contains("that of upgrade"));
}

fn proposal(now: &mut Situation) -> &mut ProposalView {
    let open = ProposalView {
        id: 101,
        title: "Cheap\r\nBcc: x <script>".into(),
        voting_end: Some(time(QUIET) + SignedDuration::from_hours(13)),
        expedited: false,
        messages: vec!["/inference.inference.MsgUpdateParams".into()],
        changes: Vec::new(),
        added: Vec::new(),
        removed: Vec::new(),
        upgrade: None,
        cancels_upgrade: false,
        commands: vec![Command {
            does: "vote on it".into(),
            line: "inferenced tx gov vote 101".into(),
        }],
    };
    let proposals = &mut plans(now).proposals;
    proposals.push(open);
    proposals.last_mut().unwrap()
}

fn would(name: &str, before: &str, after: &str, effect: Effect) -> ParamChange {
    ParamChange { name: name.into(), before: before.into(), after: after.into(), effect }
}

// Fails when a vote that would cost hosts money is not told with what changes, how long it lasts and
// how to take part in it; or when its end is not.
#[test]
fn a_vote_that_would_move_something() {
    let heavy: Change = |now| {
        proposal(now).changes = vec![
            would("guardian_addresses", "", "x", Effect::Other),
            would("refusal_penalty", "1/10", "3/25", Effect::Charge),
        ];
    };
    let subject = "[WARNING] proposal 101 would change refusal_penalty from 1/10 to 3/25 and 1 more, 12 h left";
    let numbers = [
        "1/10 → 3/25",
        "Thu 13 Aug 2026 20:08 UTC",
        "inferenced tx gov vote 101",
        "Bcc: x <script>",
    ];
    let course = fires("ProposalOpen", heavy, subject, &numbers);
    assert!(course.texts[0].contains("Title: Cheap\u{fffd}\u{fffd}Bcc"), "{}", course.texts[0]);
    let html = course.html.last().unwrap();
    assert!(html.contains("&#60;script&#62;") && !html.contains("<script>"), "{html}");

    let end = "[DONE] the vote on proposal 101 is over";
    let fork = || Course { engine: course.engine.clone(), ..Course::none() };
    clears(
        fork(),
        |now| {
            let _ = plans(now);
        },
        Ending::Met,
        Some(end),
    );
    let passed: Change = |now| {
        plans(now);
        change(now).height = QUIET + 2;
    };
    let mut told = fork();
    let mut now = quiet(QUIET + 2);
    passed(&mut now);
    let decision = told.look(now, 61);
    assert!(decision.messages[0].text.contains("Parameters changed with block 5,546,617"));
    // Another vote has brought about what it would.
    let done = "[DONE] proposal 101 would change nothing any more";
    clears(
        fork(),
        |now| {
            let _ = proposal(now);
        },
        Ending::Expired,
        Some(done),
    );
    // With more votes than were read, it may be one of the others.
    let mut hidden = fork();
    let mut now = quiet(QUIET + 2);
    plans(&mut now).more = true;
    assert!(hidden.look(now, 61).messages.is_empty());
    assert_eq!(hidden.incident().state, IncidentState::Firing);
}

#[test]
fn how_loud_a_vote_is_depends_on_what_it_moves() {
    let said = |change: Change| Course::of("ProposalOpen", change).said;
    assert_eq!(
        said(|now| {
            let _ = proposal(now);
        }),
        Vec::<String>::new(),
        "other matters are not watched"
    );
    let cases: [(Change, &str); 6] = [
        (
            |now| {
                proposal(now).changes =
                    vec![would("guardian_addresses", "none", "x", Effect::Other)];
            },
            "[INFO] proposal 101 would change guardian_addresses from none to x",
        ),
        (
            |now| proposal(now).added = vec![MODEL.into()],
            "[WARNING] proposal 101 would add DeepSeek-V4-Flash-0731",
        ),
        (
            |now| {
                let open = proposal(now);
                open.changes = vec![would("m weight_scale_factor", "1", "2", Effect::Model)];
                open.removed = vec!["moonshot/Kimi".into()];
            },
            "[WARNING] proposal 101 would remove Kimi and 1 more",
        ),
        (
            |now| {
                let plan = upgrade(now, 72).clone();
                plans(now).upgrade = None;
                proposal(now).upgrade = Some(plan);
            },
            "[INFO] proposal 101 would schedule upgrade v9\u{fffd}<b> at block 5,601,615",
        ),
        (
            |now| {
                let mut plan = upgrade(now, 72).clone();
                let name = DeadlineName::ValidationEnd;
                plan.disturbs = Some(Disturbed { name, epoch: 360, height: CAPTURE });
                plans(now).upgrade = None;
                proposal(now).upgrade = Some(plan);
            },
            "[WARNING] proposal 101 would schedule upgrade v9\u{fffd}<b> at block 5,601,615",
        ),
        (
            |now| proposal(now).cancels_upgrade = true,
            "[INFO] proposal 101 would cancel the scheduled upgrade",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(said(change)[0], format!("{expected}, 12 h left"));
    }
}

// Fails when somebody who reads Russian or Chinese is told in English what a vote or an upgrade will
// do to them: only names of values, of messages and of the upgrade are the chain's own.
#[test]
fn votes_and_upgrades_are_told_in_every_language() {
    let reader = |lang| Recipient {
        reader: Reader { lang, ..Reader::default() },
        ..Recipient::new("email", lang.as_str())
    };
    let recipients: Vec<Recipient> = [Lang::Ru, Lang::Zh].map(reader).into();
    let off = all_but(&["ProposalOpen", "UpgradeNear"]);
    let mut engine = Engine::new(Policy { recipients, off, ..policy() });
    let mut now = quiet(QUIET);
    let plan = upgrade(&mut now, 24);
    (plan.name, plan.blocks_left) = ("v9".into(), 1);
    plan.disturbs =
        Some(Disturbed { name: DeadlineName::Capture, epoch: 360, height: plan.height + 2 });
    let open = proposal(&mut now);
    open.title = String::new();
    open.messages.clear();
    open.added = vec!["x/7".into(), "x/8".into()];
    let mut said = evaluate(&mut engine, &now).messages;
    now = quiet(QUIET + 1);
    plans(&mut now);
    said.extend(evaluate(&mut engine, &now).messages);
    assert_eq!(said.len(), 8, "{said:?}");
    let known = ["API", "Bootwatch", "UTC", "PoC", "ParamsChanged", "gonka-mainnet"];
    for message in &said {
        // The last line names the chain and the rules, a command is the same for everybody.
        let text = message.text.lines().filter(|line| !line.contains("inferenced"));
        for line in text.chain([message.subject.as_str()]) {
            let english = line.split(|c: char| !c.is_alphanumeric() && c != '-').find(|word| {
                let latin = |c: char| c.is_ascii_alphabetic();
                word.chars().filter(|c| latin(*c)).count() > 2 && !known.contains(word)
            });
            assert_eq!(english, None, "{}: {line}", message.recipient);
        }
    }
    let russian = said.iter().filter(|message| message.recipient == "ru");
    let all: String = russian.map(|m| format!("{}\n{}\n", m.subject, m.text)).collect();
    for words in [
        "[ВНИМАНИЕ] предложение 101: добавить 7 и ещё 1, осталось",
        "через 1 блок\n",
        "за 2 блока до срока «снимок»",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
}
