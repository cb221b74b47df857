//! The Situation at a height.

use std::ops::ControlFlow;

use bootwatch_rules::{
    Capture, ChargeSnapshot, Choice, ChoiceAction, Decimal, EpochParams, Exclusion, Fraction,
    GroupMember, Height, Observation, Penalty, RuleSet,
    clock::{Clock, ClockParams, Stage, Stages},
    forecast::TrackRecords,
    ledger::Ledger,
    situation::{
        DataView, Deadline, DeadlineName, DeadlineState, Degree, Gap, Inputs, ModelState,
        NetworkWeight, Phase, Situation, Watched, assess,
    },
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::kit::*;

pub(crate) fn watched(name: &str) -> Watched {
    Watched { name: name.to_uppercase(), address: host(name), models: None }
}

static NO_RECORDS: std::sync::LazyLock<TrackRecords> =
    std::sync::LazyLock::new(TrackRecords::default);

pub(crate) fn inputs<'a>(ledger: &'a Ledger, watched: &'a [Watched]) -> Inputs<'a> {
    let tip = ledger.tip.map_or(0, |tip| tip.height);
    Inputs {
        chain_id: "gonka-test",
        ledger,
        watched,
        complete_from: 1,
        head: tip,
        endpoints: &[],
        data: DataView::default(),
        records: &NO_RECORDS,
        now: ledger.tip.map_or(Timestamp::UNIX_EPOCH, |tip| tip.time),
        rule_set: None,
        node: "http://node:26657",
    }
}

pub(crate) fn at(ledger: &Ledger) -> Situation {
    assess(&inputs(ledger, &[]))
}

pub(crate) fn deadline(situation: &Situation, name: DeadlineName) -> &Deadline {
    situation.deadlines.iter().find(|deadline| deadline.name == name).unwrap()
}

/// A ledger at `tip` that read its state there, with these parameters.
pub(crate) fn with_params(tip: Height, change: impl Fn(&mut bootwatch_rules::Params)) -> Ledger {
    let mut ledger = Ledger::default();
    let mut state = state(tip, &["s", "a", "b"]);
    change(&mut state.params);
    let observation = Observation { state: Some(state), ..Observation::default() };
    ledger.apply(&block(tip - 1), None);
    ledger.apply(&block(tip), Some(&observation));
    ledger
}

#[test]
fn before_anything_is_known_nothing_is_fine() {
    let ledger = Ledger::default();
    let situation = assess(&inputs(&ledger, &[watched("a")]));
    assert!(situation.stale);
    assert_eq!(situation.epoch.phase, Phase::Unknown);
    assert_eq!(situation.deadlines.len(), 5);
    assert!(situation.deadlines.iter().all(|d| d.state == DeadlineState::Unknown));
    assert!(situation.models.is_empty());
    assert_eq!(situation.hosts[0].weight, None);
    assert!(!situation.hosts[0].known);
}

#[test]
fn a_model_is_active_by_a_live_member_with_voting_power() {
    let active = |change: &dyn Fn(&mut bootwatch_rules::ChainState)| {
        let mut ledger = Ledger::default();
        let mut state = state(1050, &["s", "a"]);
        change(&mut state);
        let observation = Observation { state: Some(state), ..Observation::default() };
        ledger.apply(&block(1050), Some(&observation));
        at(&ledger).models.iter().map(|model| model.state).collect::<Vec<_>>()
    };
    use ModelState::{Active, Candidate};
    assert_eq!(active(&|_| {}), [Active, Candidate]);
    assert_eq!(active(&|s| s.model_groups[0].members[0].voting_power = 0), [Candidate, Candidate]);
    let excluded = Exclusion { reason: "downtime".to_owned(), height: 1040 };
    assert_eq!(active(&|s| s.members[0].excluded = Some(excluded.clone())), [Candidate, Candidate]);
    // The chain's base state in epoch 0 has no groups, whatever the store holds.
    assert_eq!(active(&|s| s.effective.index = 0), [Candidate, Candidate]);
}

// Fails when a member of a model's group without voting power is said to serve it.
#[test]
fn a_host_serves_with_voting_power_only() {
    let mut ledger = Ledger::default();
    let mut state = state(1050, &["s", "a"]);
    let without = GroupMember { host: host("a"), weight: 10, voting_power: 0 };
    state.model_groups[0].members.push(without);
    let observation = Observation { state: Some(state), ..Observation::default() };
    ledger.apply(&block(1050), Some(&observation));
    let hosts = [watched("s"), watched("a")];
    let hosts = assess(&inputs(&ledger, &hosts)).hosts;
    let serves: Vec<_> = hosts.iter().map(|host| host.models[0].serves).collect();
    assert_eq!(serves, [true, false]);
}

// Fails when the total of a capture is not held against ours, or a projection is called certain
// although the two differ.
#[test]
fn a_total_that_differs_makes_projections_uncertain() {
    let told = |total| {
        let mut ledger = with_params(1079, |_| {});
        let choices = ["s", "a", "b"].map(|name| answers(name, &[])).to_vec();
        let state = Some(state(1080, &["s", "a", "b"]));
        let mut facts = block(1080);
        facts.captures.push(Capture { total_network_weight: total, ..capture(1080, "n") });
        let observation = Observation { state, choices, ..Observation::default() };
        ledger.apply(&facts, Some(&observation));
        at(&ledger)
    };
    let same = told(90);
    assert_eq!(same.network_weight, None);
    assert!(!same.models[1].gaps.as_ref().unwrap().uncertain);
    let other = told(91);
    let weights = NetworkWeight { height: 1080, ours: 90, chain: 91 };
    assert_eq!(other.network_weight, Some(weights));
    assert!(other.models[1].gaps.as_ref().unwrap().uncertain);
    assert!(other.models[1].snapshot.as_ref().unwrap().ours.is_some(), "both readings");
}

#[test]
fn models_come_once_and_in_the_order_of_their_ids() {
    let ledger = with_params(1050, |params| {
        let entry = |id: &str| {
            let mut entry = params.models[0].clone();
            entry.model_id = model(id);
            entry
        };
        params.models = ["z", "m", "B", "a", "m"].map(entry).to_vec();
    });
    let ids: Vec<_> = at(&ledger).models.iter().map(|m| m.model_id.to_string()).collect();
    assert_eq!(ids, ["B", "a", "m", "z"]);
}

#[test]
fn gaps_wait_until_every_weight_is_known() {
    let mut ledger = with_params(1050, |_| {});
    let gaps = |ledger: &Ledger| at(ledger).models[1].gaps.clone();
    let read = |ledger: &mut Ledger, answers: Vec<_>| {
        let height = ledger.tip.unwrap().height + 1;
        let observation = Observation { choices: answers, ..Observation::default() };
        ledger.apply(&block(height), Some(&observation));
    };
    assert_eq!(gaps(&ledger), None);
    let to_s = Choice::Delegate { delegate_to: host("s") };
    read(&mut ledger, vec![answers("a", &[("n", to_s)]), answers("b", &[])]);
    assert_eq!(gaps(&ledger), None, "the largest host is unknown");
    read(&mut ledger, vec![answers("s", &[("n", Choice::Intent)])]);
    let gaps = gaps(&ledger).unwrap();
    assert_eq!(gaps.degree, Degree::Projected);
    // T = 90: three tenths are 27, two thirds are 60.
    assert_eq!(gaps.hosts, Gap { have: 1, need: Some(2), missing: Some(1) });
    assert_eq!(gaps.weight, Gap { have: 70, need: Some(27), missing: Some(0) });
    assert_eq!(gaps.reach, Gap { have: 80, need: Some(61), missing: Some(0) });
    assert!(!gaps.pre_eligible);
    assert_eq!(at(&ledger).models[0].gaps, None, "an active model has none");
}

#[test]
fn a_snapshot_is_measured_by_the_terms_of_its_height() {
    let mut ledger = with_params(1079, |_| {});
    let mut facts = block(1080);
    let mut taken = capture(1080, "n");
    (taken.intent_host_count, taken.intent_weight) = (1, 20);
    (taken.reachable_voting_power, taken.total_network_weight) = (30, 90);
    facts.captures.push(taken.clone());
    ledger.apply(&facts, None);
    // Governance lowers the threshold afterwards; the snapshot does not move.
    let mut lowered = state(1081, &["s", "a", "b"]);
    lowered.params.delegation.as_mut().unwrap().v_min = 0;
    let observation = Observation { state: Some(lowered), ..Observation::default() };
    ledger.apply(&block(1081), Some(&observation));
    let snapshot = at(&ledger).models[1].snapshot.clone().unwrap();
    assert_eq!(snapshot.epoch, Some(11));
    assert_eq!(snapshot.capture, taken);
    assert_eq!(snapshot.gaps.hosts, Gap { have: 1, need: Some(2), missing: Some(1) });
    assert_eq!(snapshot.gaps.weight, Gap { have: 20, need: Some(27), missing: Some(7) });
    assert_eq!(snapshot.gaps.reach, Gap { have: 30, need: Some(61), missing: Some(31) });

    // Without the parameters of its height nothing is invented.
    ledger.frozen.terms.clear();
    let snapshot = at(&ledger).models[1].snapshot.clone().unwrap();
    assert_eq!(snapshot.gaps.hosts, Gap { have: 1, need: None, missing: None });
    assert_eq!(snapshot.epoch, None);
}

#[test]
fn hosts_show_what_is_stored_and_what_is_not_known() {
    let mut ledger = with_params(1050, |_| {});
    let mut facts = block(1051);
    choose(&mut facts, "a", "n", delegate("s"), 0);
    let stored = [("n", Choice::Intent)];
    let choices = vec![answers("s", &stored), answers("b", &[])];
    ledger.apply(&facts, Some(&Observation { choices, ..Observation::default() }));

    let mut only_n = watched("b");
    only_n.models = Some(vec![model("n")]);
    let hosts = [watched("a"), only_n, watched("s"), watched("stranger")];
    let situation = assess(&inputs(&ledger, &hosts));
    let [a, b, s, stranger] = &situation.hosts[..] else { panic!("four hosts") };

    assert_eq!((a.name.as_str(), a.weight, a.known), ("A", Some(10), false));
    assert_eq!(a.models[0].choice.kind, "unknown");
    assert_eq!(a.models[0].reaches, None, "an active model has no reach");
    let chosen = &a.models[1];
    assert_eq!(chosen.choice.kind, "delegate");
    assert_eq!(chosen.choice.delegate_to, Some(host("s")));
    assert_eq!(chosen.choice.since, Some(1051));
    assert_eq!(chosen.choice.tx_hash.as_deref(), Some("1051/0"));
    assert_eq!(chosen.reaches, Some(true));

    assert_eq!(b.models.len(), 1);
    assert_eq!(b.models[0].choice.kind, "none");
    assert_eq!(b.models[0].reaches, Some(false));
    assert_eq!(s.models[1].reaches, Some(true));
    assert_eq!(s.models[1].choice.tx_hash, None, "it was read, not seen");
    assert_eq!((stranger.weight, stranger.known), (None, false));
    assert_eq!(stranger.models[1].reaches, Some(false), "the chain reads members only");
}

#[test]
fn reach_is_one_hop_to_a_live_host_with_intent() {
    let mut ledger = with_params(1050, |_| {});
    let mut facts = block(1051);
    choose(&mut facts, "a", "n", delegate("b"), 0);
    choose(&mut facts, "b", "n", delegate("s"), 0);
    choose(&mut facts, "s", "n", ChoiceAction::Intent, 0);
    ledger.apply(&facts, None);
    let hosts = [watched("a"), watched("b")];
    let reaches = |ledger: &Ledger| {
        let situation = assess(&inputs(ledger, &hosts));
        [situation.hosts[0].models[1].reaches, situation.hosts[1].models[1].reaches]
    };
    assert_eq!(reaches(&ledger), [Some(false), Some(true)]);
    // The delegate is removed from the running epoch: its intent does not count any more.
    let mut without = state(1052, &["s", "a", "b"]);
    without.members[0].excluded = Some(Exclusion { reason: "downtime".to_owned(), height: 1052 });
    let observation = Observation { state: Some(without), ..Observation::default() };
    ledger.apply(&block(1052), Some(&observation));
    assert_eq!(reaches(&ledger), [Some(false), Some(false)]);
}

#[test]
fn the_rule_set_is_the_configured_one_or_that_of_the_nodes_version() {
    let mut ledger = with_params(1050, |_| {});
    assert_eq!(at(&ledger).rule_set, "v0.2.16", "the newest without a version");
    ledger.app_version = Some("0.2.14".to_owned());
    assert_eq!(at(&ledger).rule_set, "v0.2.14");
    let mut inputs = inputs(&ledger, &[]);
    inputs.rule_set = Some(RuleSet::V0_2_12);
    assert_eq!(assess(&inputs).rule_set, "v0.2.12");
}

#[test]
fn absurd_members_leave_gaps_unknown() {
    let mut state = state(1050, &["s", "a"]);
    state.members[1].weight = -5;
    let mut ledger = Ledger::default();
    let choices = vec![answers("s", &[]), answers("a", &[])];
    let observation = Observation { state: Some(state), choices, ..Observation::default() };
    ledger.apply(&block(1050), Some(&observation));
    let situation = assess(&inputs(&ledger, &[watched("a")]));
    assert_eq!(situation.models[1].gaps, None);
    assert_eq!(situation.hosts[0].weight, None);
}

#[test]
fn charges_are_projected_for_the_epoch_to_come_and_final_for_the_last_one() {
    let mut ledger = with_params(1050, |_| {});
    let host_view = |ledger: &Ledger| {
        let mut inputs = inputs(ledger, &[]);
        let hosts = [watched("a")];
        inputs.watched = &hosts;
        inputs.rule_set = Some(RuleSet::V0_2_14);
        assess(&inputs).hosts.remove(0)
    };
    let choices = vec![answers("a", &[]), answers("s", &[]), answers("b", &[])];
    let charges = ChargeSnapshot {
        epoch_index: 10,
        transfers: Vec::new(),
        penalties: vec![Penalty { host: host("b"), fraction: Decimal::new(15, -2) }],
    };
    let observation =
        Observation { choices, charges: Some(charges.clone()), ..Observation::default() };
    ledger.apply(&block(1051), Some(&observation));
    let view = host_view(&ledger);
    let charge = view.charge.unwrap();
    // Nothing chosen for two models of 3/20 each; at best it serves both.
    assert_eq!((charge.min.to_string(), charge.max.to_string()), ("0".into(), "3/10".into()));
    for entry in &view.models {
        let forecast = entry.forecast.as_ref().unwrap();
        assert_eq!((&forecast.model_id, forecast.epoch), (&entry.model_id, 11));
        assert_eq!(forecast.charge.max.to_string(), "3/20");
    }
    // The chain lists only those that lose something.
    let fixed = view.fixed.unwrap();
    assert_eq!((fixed.epoch, fixed.fraction), (10, Fraction::ZERO));
    let fraction = Decimal::new(1, -1);
    let penalties = vec![Penalty { host: host("a"), fraction }];
    let charges = Some(ChargeSnapshot { penalties, ..charges });
    ledger.apply(&block(1052), Some(&Observation { charges, ..Observation::default() }));
    assert_eq!(host_view(&ledger).fixed.unwrap().fraction.to_string(), "1/10");

    // Members of the epoch before say nothing about this one.
    let mut outdated = with_params(1127, |_| {});
    outdated.apply(&block(1128), None);
    assert_eq!(host_view(&outdated).charge, None);
    assert_eq!(host_view(&outdated).fixed, None);
}

#[test]
fn it_survives_a_round_trip_through_json() {
    let ledger = with_params(1050, |_| {});
    let situation = assess(&inputs(&ledger, &[watched("a")]));
    let json = serde_json::to_string(&situation).unwrap();
    assert_eq!(serde_json::from_str::<Situation>(&json).unwrap(), situation);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Each deadline is the first such block that a clock comes to when it executes every single
    /// block, for any lengths and from any place in an epoch.
    #[test]
    fn deadlines_are_what_a_block_by_block_clock_reaches(
        tip in 1029_i64..1128,
        lengths in prop::array::uniform5(0_i64..12),
        epoch_length in 40_i64..140,
        deploy_window in -2_i64..150,
    ) {
        let ledger = with_params(tip, |params| {
            params.epoch = EpochParams {
                epoch_length,
                poc_stage_duration: lengths[0],
                poc_exchange_duration: lengths[1],
                poc_validation_delay: lengths[2],
                poc_validation_duration: lengths[3],
                set_new_validators_delay: lengths[4],
                ..params.epoch
            };
            params.delegation.as_mut().unwrap().deploy_window = deploy_window;
        });
        let (mut clock, params) = ledger.clock().unwrap();
        let mut first: Vec<(Stage, Height, u64)> = Vec::new();
        let mut commit = clock.upcoming.map(|epoch| Stages::of(epoch, &params).commit_deadline);
        commit = commit.filter(|height| *height > tip);
        let mut stuck = false;
        for height in tip + 1..tip + 700 {
            stuck |= !clock.end_block(&params, height, |event| {
                if event.stage == Stage::PocStart && commit.is_none() {
                    commit = Some(height + lengths[0] + lengths[1]);
                }
                if !first.iter().any(|(stage, ..)| *stage == event.stage) {
                    first.push((event.stage, height, event.epoch));
                }
            });
        }
        let situation = at(&ledger);
        for (name, stage) in [
            (DeadlineName::Capture, Stage::Capture),
            (DeadlineName::PocStart, Stage::PocStart),
            (DeadlineName::ValidationStart, Stage::ValidationStart),
            (DeadlineName::ValidationEnd, Stage::ValidationEnd),
        ] {
            let found = deadline(&situation, name);
            match first.iter().find(|(reached, ..)| *reached == stage) {
                Some((_, height, epoch)) => {
                    prop_assert_eq!((found.height, found.epoch), (Some(*height), *epoch), "{:?}", name);
                    prop_assert_eq!(found.state, DeadlineState::Ahead);
                }
                None => {
                    prop_assert_eq!(found.height, None, "{:?}", name);
                    prop_assert!(stuck || found.state == DeadlineState::Absent);
                }
            }
        }
        prop_assert_eq!(deadline(&situation, DeadlineName::CommitDeadline).height, commit);
        let heights: Vec<_> = situation.deadlines.iter().filter_map(|d| d.height).collect();
        prop_assert!(heights.is_sorted());
    }

    /// Jumping reaches exactly what going block by block does, from any record, under any lengths.
    #[test]
    fn jumping_is_going_block_by_block(
        poc_start in 0_i64..60,
        index in 0_u64..3,
        lengths in prop::array::uniform5(-3_i64..15),
        epoch_length in -5_i64..80,
        epoch_shift in 0_i64..40,
        deploy_window in -2_i64..90,
    ) {
        let params = ClockParams {
            epoch: EpochParams {
                epoch_length,
                epoch_shift,
                poc_stage_duration: lengths[0],
                poc_exchange_duration: lengths[1],
                poc_validation_delay: lengths[2],
                poc_validation_duration: lengths[3],
                set_new_validators_delay: lengths[4],
                inference_validation_cutoff: 2,
            },
            deploy_window,
        };
        let epoch = bootwatch_rules::Epoch { index, poc_start };
        let (mut walking, mut jumping) = (Clock::new(epoch, epoch), Clock::new(epoch, epoch));
        let (mut walked, mut jumped, mut stuck) = (Vec::new(), Vec::new(), None);
        for height in 1..400 {
            if !walking.end_block(&params, height, |event| walked.push(event)) {
                stuck = stuck.or(Some(height));
            }
        }
        let found = jumping.advance(&params, 1..=399, |event| {
            jumped.push(event);
            ControlFlow::Continue(())
        });
        prop_assert_eq!(jumped, walked);
        prop_assert_eq!(found, stuck);
        prop_assert_eq!(jumping, walking);
    }
}
