//! What people read of a Situation.

use jiff::tz::TimeZone;

use super::{
    Level, Report,
    text::{self, Colour},
};
use crate::sample::{now, situation};

fn headline(change: impl FnOnce(&mut bootwatch_rules::situation::Situation)) -> (Level, String) {
    let mut situation = situation();
    change(&mut situation);
    let report = Report::new(&situation, now(), &TimeZone::UTC);
    (report.level, report.headline)
}

#[test]
fn the_report_says_what_needs_me_now() {
    let report = Report::new(&situation(), now(), &TimeZone::UTC);
    assert_eq!(report.level, Level::Act);
    assert_eq!(
        report.headline,
        "rack-1 needs you: capture at block 3,905,123, in 10 min (Mon 23 Nov 14:10:53 UTC)."
    );
    let text = text::render(&report, Colour::Off);
    for line in [
        "! Blocks 3,799,000 to 3,799,999 are missing: no endpoint has them. They are fetched if one turns up that does.",
        "otherwise 15 % of the reward",
        "inferenced tx inference declare-poc-intent 'a b' --from COLD_KEY",
        "in 10 min ± 1 min 35 s",
        "hosts        2  of        3  1 missing",
        "weight  41,000  of   41,000  enough",
        "reach   81,000  of  120,000  39,000 missing",
        "last capture: not pre-eligible for epoch 252 at block 3,889,732: hosts 2 of 3, reach 81,000 of 120,000",
        "next epoch takes 0 % to 15 % of its reward",
        "epoch 252 takes 5 %, which is final",
        "block 3,905,130, 130 blocks left, in 11 min",
        "493 blocks before PoC start of epoch 253 at block 3,905,623",
        "vote ends in 11 h 59 min (Tue 24 Nov 02:00 UTC)",
        "penalty_start_epoch: 252 → 260",
        "inferenced tx gov vote 101 'VOTE'",
        "! Governance votes on more proposals than are shown.",
        "if eligible: 15 %. It does nothing.",
        "does not occur with the present parameters",
        "rack-2  not read yet",
        "mine  up  block 3,905,001, back to 3,700,000, in use, websocket",
        "complete from block 3,800,000 to 3,905,000",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "the chain's text acts on the terminal");
    assert!(text::render(&report, Colour::On).contains("\u{1b}[1;31mrack-1 needs you"));
}

#[test]
fn missing_data_never_reads_as_fine() {
    let quiet = |s: &mut bootwatch_rules::situation::Situation| {
        for model in s.hosts.iter_mut().flat_map(|host| &mut host.models) {
            model.advice = None;
        }
    };
    let unread = headline(quiet);
    assert_eq!(unread.0, Level::Unknown);
    assert!(unread.1.contains("of 1 watched hosts are not known yet"), "{}", unread.1);
    let known = |s: &mut bootwatch_rules::situation::Situation| {
        quiet(s);
        s.hosts.pop();
    };
    let open = "Nothing to do for your hosts; what others do can still cost 1 of them reward.";
    assert_eq!(headline(known), (Level::Calm, open.to_owned()));
    let settled = headline(|s| {
        known(s);
        s.hosts.iter_mut().for_each(|host| host.charge = None);
    });
    assert_eq!(settled, (Level::Calm, "Nothing to do for your hosts.".to_owned()));
    let behind = headline(|s| {
        known(s);
        s.head += 100;
    });
    assert_eq!(behind.0, Level::Unknown, "{}", behind.1);
    assert_eq!(headline(|s| s.stale = true).0, Level::Unknown);
    assert_eq!(headline(|s| s.complete_to = 0).0, Level::Unknown);
    let phase = bootwatch_rules::situation::Phase::Unknown;
    assert_eq!(headline(|s| s.epoch.phase = phase).0, Level::Unknown);
}

#[test]
fn what_is_wrong_is_said() {
    let mut situation = situation();
    situation.endpoints[0].state = bootwatch_rules::situation::EndpointState::Wrong;
    situation.endpoints[0].reason = Some("it serves gonka-other".to_owned());
    situation.service.store_trouble = Some("disk full".to_owned());
    situation.service.nobody_reached = true;
    situation.stale = true;
    let notices = Report::new(&situation, now(), &TimeZone::UTC).notices.join("\n");
    for notice in [
        "Stale since Mon 23 Nov 14:00:00 UTC, 10 s ago: everything below is as of block 3,905,000.",
        "mine serves a wrong chain or wrong blocks: it serves gonka-other; nothing is taken from it.",
        "The database cannot be written: disk full.",
        "Nobody hears of alerts",
    ] {
        assert!(notices.contains(notice), "{notice:?} is not in\n{notices}");
    }
}

#[test]
fn endpoints_that_disagree_are_named() {
    let mut situation = situation();
    let side = |endpoint: &str, hash: &str| bootwatch_rules::situation::Differing {
        endpoint: endpoint.into(),
        hash: hash.repeat(32),
    };
    situation.data.disagreement = Some(bootwatch_rules::situation::DisagreementView {
        height: 3_905_001,
        endpoints: vec![side("mine", "AB"), side("spare", "CD")],
    });
    let text = text::render(&Report::new(&situation, now(), &TimeZone::UTC), Colour::Off);
    let notice =
        "Endpoints disagree about block 3,905,001: mine shows ABABABABABABABAB…, spare shows";
    assert!(text.contains(notice), "{text}");
    assert!(text.contains("answers in 23 ms, 3 of 15 requests a minute"), "{text}");
}
