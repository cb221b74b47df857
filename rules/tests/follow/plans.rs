//! What governance is about to do, in the Situation.

use bootwatch_rules::{
    Decimal, Height, ModelParams, Observation,
    ledger::Ledger,
    plans::{Plans, Proposal, UpgradePlan},
    situation::{DeadlineName, Disturbed, Effect, PlansView, ProposalView, Situation, assess},
};
use jiff::SignedDuration;

use crate::{
    kit::*,
    situation::{inputs, watched},
};

/// A ledger at a height of epoch 10, to which the chain told these plans.
fn told(height: Height, plans: Plans) -> Ledger {
    let mut ledger = based(height - 1);
    ledger
        .apply(&block(height), Some(&Observation { plans: Some(plans), ..Observation::default() }));
    ledger
}

fn view(ledger: &Ledger) -> PlansView {
    let Situation { plans, .. } = assess(&inputs(ledger, &[watched("a")]));
    plans.unwrap()
}

fn upgrade(height: Height) -> Plans {
    let plan = UpgradePlan { name: "v9".into(), height };
    Plans { read_at: 1050, upgrade: Some(plan), ..Plans::default() }
}

fn vote(proposal: Proposal) -> Plans {
    Plans { read_at: 1050, proposals: vec![proposal], ..Plans::default() }
}

fn only(ledger: &Ledger) -> ProposalView {
    let [one] = <[ProposalView; 1]>::try_from(view(ledger).proposals).unwrap();
    one
}

#[test]
fn nothing_is_said_before_the_chain_was_asked() {
    assert_eq!(assess(&inputs(&based(1050), &[])).plans, None);
    let nothing = view(&told(1050, Plans { read_at: 1050, ..Plans::default() }));
    assert_eq!((nothing.upgrade, nothing.proposals, nothing.read_at), (None, vec![], 1050));
}

// Fails when an upgrade in the middle of nothing is called dangerous, or one that the network does
// not survive in time for a deadline is not. Epoch 11: capture 1080 with a window of 20, PoC start
// 1100, commits until 1111, validation 1113 to 1123.
#[test]
fn an_upgrade_disturbs_the_deadline_after_it() {
    use DeadlineName::*;
    for (height, expected) in [
        (1055, None),
        (1059, None),
        (1060, Some((Capture, 11, 1080))),
        (1080, Some((Capture, 11, 1080))),
        (1081, Some((PocStart, 11, 1100))),
        (1100, Some((PocStart, 11, 1100))),
        (1101, Some((CommitDeadline, 11, 1111))),
        (1111, Some((CommitDeadline, 11, 1111))),
        (1112, Some((ValidationStart, 11, 1113))),
        (1123, Some((ValidationEnd, 11, 1123))),
        (1124, None),
        (1212, Some((ValidationStart, 12, 1213))),
        // Beyond what can be foreseen.
        (5101, None),
        (Height::MAX, None),
    ] {
        let upgrade = view(&told(1050, upgrade(height))).upgrade.unwrap();
        let disturbs = upgrade.disturbs.map(|d: Disturbed| (d.name, d.epoch, d.height));
        assert_eq!(disturbs, expected, "{height}");
        assert_eq!(upgrade.blocks_left, height - 1050);
        // Five seconds a block.
        if height == 1060 {
            let tip = block(1050).time;
            let wait = upgrade.eta.unwrap().duration_since(tip);
            assert!((50..=60).contains(&wait.as_secs()), "{wait}");
        }
    }
}

// Fails when an upgrade that the chain has gone past is still announced although nothing was read
// since.
#[test]
fn an_upgrade_is_over_at_its_height() {
    let mut ledger = told(1050, upgrade(1052));
    ledger.apply(&block(1051), None);
    assert_eq!(view(&ledger).upgrade.unwrap().blocks_left, 1);
    ledger.apply(&block(1052), None);
    assert_eq!(view(&ledger).upgrade, None);
}

// Fails when a proposal's parameters are compared with others than those in force, or something
// that moves nothing is said to move something.
#[test]
fn a_proposal_says_what_it_would_change() {
    let mut proposed = params();
    let delegation = proposed.delegation.as_mut().unwrap();
    delegation.deploy_window = 30;
    delegation.refusal_penalty = Decimal::new(2, -1);
    proposed.models.retain(|entry| entry.model_id != model("n"));
    let new = ModelParams { model_id: model("o"), ..proposed.models[0].clone() };
    proposed.models.push(new);
    let proposal = Proposal {
        id: 101,
        title: "Widen the window".into(),
        messages: vec!["/inference.inference.MsgUpdateParams".into()],
        params: Some(proposed.clone()),
        ..Proposal::default()
    };
    let mut ledger = told(1050, vote(proposal));
    let open = only(&ledger);
    assert!(open.moves());
    assert_eq!((open.added, open.removed), (vec![model("o")], vec![model("n")]));
    let change = |name: &str| {
        let found = open.changes.iter().find(|change| change.name == name).unwrap();
        (found.before.as_str(), found.after.as_str(), found.effect)
    };
    assert_eq!(change("deploy_window"), ("20", "30", Effect::Deadline));
    assert_eq!(change("refusal_penalty"), ("1/10", "1/5", Effect::Charge));
    assert!(open.changes.iter().all(|change| change.name != "v_min"));
    let lines: Vec<_> = open.commands.iter().map(|command| command.line.as_str()).collect();
    assert!(lines[0].starts_with("inferenced query gov proposal 101 --node "), "{lines:?}");
    let vote =
        "inferenced tx gov vote 101 '<yes|no|abstain|no_with_veto>' --from '<cold-key-name>'";
    assert!(lines[1].starts_with(vote), "{lines:?}");

    // It passed, by another's hand: there is nothing left to change.
    let mut state = state(1051, &["a", "b"]);
    state.params = proposed;
    ledger.apply(&block(1051), Some(&Observation { state: Some(state), ..Observation::default() }));
    assert!(!only(&ledger).moves());
}

#[test]
fn what_no_choice_hangs_on_moves_nothing() {
    let mut proposed = params();
    proposed.guardians = vec!["gonkavaloper1x".into()];
    proposed.epoch.inference_validation_cutoff = 3;
    let proposal = Proposal { params: Some(proposed), ..Proposal::default() };
    let open = only(&told(1050, vote(proposal)));
    assert_eq!(open.changes.len(), 2);
    assert!(!open.moves());
    // An upgrade that would come at a bad time is no small matter.
    let at = |height| {
        let upgrade = Some(UpgradePlan { name: "v9".into(), height });
        only(&told(1050, vote(Proposal { upgrade, ..Proposal::default() })))
    };
    assert!(!at(1055).moves() && at(1112).moves());
    assert_eq!(at(1050).upgrade, None, "it cannot be scheduled any more");
}

// Fails when a vote whose end the chain has passed is shown as open until somebody reads again.
#[test]
fn a_vote_is_over_with_the_first_block_at_its_end() {
    let ends = block(1052).time;
    let proposal = Proposal { id: 7, voting_end: Some(ends), ..Proposal::default() };
    let mut ledger = told(1050, vote(proposal));
    ledger.apply(&block(1051), None);
    assert_eq!(only(&ledger).voting_end, Some(ends));
    ledger.apply(&block(1052), None);
    assert_eq!(view(&ledger).proposals, vec![]);
    let later =
        Proposal { voting_end: Some(ends + SignedDuration::from_nanos(1)), ..Proposal::default() };
    assert_eq!(view(&told(1052, vote(later))).proposals.len(), 1);
}
