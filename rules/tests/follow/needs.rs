//! What the ledger asks the chain for.

use bootwatch_rules::{
    Height, Observation,
    ledger::Ledger,
    plans::{Plans, UpgradePlan},
};

use crate::kit::*;

/// Makes both members known, so that only the calendar asks for choices.
fn settled(height: Height) -> Ledger {
    let mut ledger = based(height - 1);
    let choices = vec![answers("a", &[]), answers("b", &[])];
    ledger.apply(&block(height), Some(&Observation { choices, ..Observation::default() }));
    ledger
}

#[test]
fn an_empty_ledger_asks_for_everything() {
    let needs = Ledger::default().needs(&block(5), &[host("w")], 0);
    assert!(needs.state && needs.charges && needs.plans);
    assert_eq!(needs.choices, [host("w")]);
}

#[test]
fn the_members_of_a_state_just_read_can_be_asked_at_once() {
    let ledger = Ledger::default();
    let fresh = state(1050, &["b", "a"]);
    let hosts = ledger.hosts_to_read(&block(1050), &[host("w"), host("a")], Some(&fresh));
    assert_eq!(hosts, [host("a"), host("b"), host("w")]);
}

#[test]
fn one_epoch_asks_at_its_turns_only() {
    let mut ledger = settled(1031);
    let watched = [host("w")];
    let (mut states, mut all, mut charges) = (Vec::new(), Vec::new(), Vec::new());
    let mut some = Vec::new();
    for height in 1032..=1130 {
        let facts = block(height);
        let needs = ledger.needs(&facts, &watched, 0);
        if needs.state {
            states.push(height);
        }
        match needs.choices.len() {
            0 => {}
            3 => all.push(height),
            _ => some.push(height),
        }
        if needs.charges {
            charges.push(height);
        }
        let choices = needs.choices.iter().map(|h| answers(h.as_str(), &[])).collect();
        let state = needs.state.then(|| state(height, &["a", "b"]));
        ledger.apply(&facts, Some(&Observation { state, choices, ..Observation::default() }));
    }
    // One before the capture and at it, PoC start, validation start and end, effective.
    assert_eq!(states, [1079, 1080, 1100, 1113, 1123, 1128]);
    // Reconciled shortly before the capture (20 / 8 blocks) and after the wipe.
    assert_eq!(all, [1078, 1123]);
    assert_eq!(some, [1032], "the watched host, once");
    assert_eq!(charges, [1123]);
}

#[test]
fn what_may_change_the_state_asks_for_it() {
    let ledger = settled(1050);
    for (kind, asks) in [
        ("active_proposal", true),
        ("cosmos.group.v1.EventUpdateGroup", true),
        ("epoch_error", true),
        ("empty_epoch_fallback_applied", true),
        ("maintenance_activated", true),
        ("slash_collateral", true),
        ("proposal_vote", false),
        ("deposit_collateral", false),
    ] {
        let mut facts = block(1051);
        facts.events.push(event(kind, &[]));
        assert_eq!(ledger.needs(&facts, &[], 0).state, asks, "{kind}");
    }
}

#[test]
fn the_safety_net_reads_the_state_at_least_so_often() {
    let mut ledger = settled(1031);
    assert_eq!(ledger.state.as_ref().unwrap().height, 1030);
    for height in 1032..=1039 {
        assert!(ledger.needs(&block(height), &[], 10).is_empty(), "{height}");
        ledger.apply(&block(height), None);
    }
    // When the reading fails, it is asked for again with the next block.
    assert!(ledger.needs(&block(1040), &[], 10).state);
    ledger.apply(&block(1040), None);
    assert!(ledger.needs(&block(1041), &[], 10).state);
}

// Fails when a vote that opens or ends, or an upgrade's own block, leaves what was read before; when
// a vote that is cast costs a request; or when a node that cannot answer is asked block after block.
#[test]
fn plans_are_asked_for_when_governance_acts() {
    let mut ledger = settled(1031);
    assert!(!ledger.needs(&block(1032), &[], 300).plans, "not known, and nothing else is read");
    let upgrade = Some(UpgradePlan { name: "v9".into(), height: 1040 });
    let plans = Plans { read_at: 1032, upgrade, ..Plans::default() };
    ledger.apply(&block(1032), Some(&Observation { plans: Some(plans), ..Observation::default() }));
    for (kind, asks) in [
        ("submit_proposal", true),
        ("proposal_deposit", true),
        ("cancel_proposal", true),
        ("active_proposal", true),
        ("inactive_proposal", true),
        ("proposal_vote", false),
        ("slash_collateral", false),
    ] {
        let mut facts = block(1033);
        facts.events.push(event(kind, &[]));
        let needs = ledger.needs(&facts, &[], 300);
        assert_eq!(needs.plans, asks, "{kind}");
        assert_eq!(needs.must_be_read(), needs.state, "a vote alone is nothing to insist on");
    }
    let due: Vec<_> =
        (1033..1060).filter(|height| ledger.needs(&block(*height), &[], 300).plans).collect();
    assert_eq!(due, [1040], "the upgrade's own block");
    // With the safety net, and no oftener than it.
    assert!(!ledger.needs(&block(1041), &[], 10).plans);
    assert!(ledger.needs(&block(1042), &[], 10).plans);
}

#[test]
fn new_members_are_asked_for() {
    let mut ledger = settled(1031);
    let observation =
        Observation { state: Some(state(1032, &["a", "b", "c"])), ..Observation::default() };
    ledger.apply(&block(1032), Some(&observation));
    assert_eq!(ledger.needs(&block(1033), &[], 0).choices, [host("c")]);
}
