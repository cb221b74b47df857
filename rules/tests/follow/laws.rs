//! Laws that hold for any sequence of blocks.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{
    Address, BlockFacts, Capture, Choice, ChoiceAction, Fraction, Height, HostChoices, ModelId,
    Observation, RuleSet, StoreCommit,
    ledger::{Cause, ChoiceChange, Choices, Ledger},
    situation::assess,
};
use proptest::prelude::*;

use crate::{kit::*, situation};

const HOSTS: [&str; 4] = ["a", "b", "c", "s"];
const MODELS: [&str; 2] = ["m", "n"];
/// Where every run starts: in the inference phase of epoch 10.
const START: Height = 1030;

/// The chain as it is written: three collections, each message clearing the other two
/// (`ClearOtherDelegationState`).
#[derive(Debug, Clone, Default, PartialEq)]
struct Chain {
    delegations: BTreeMap<(ModelId, Address), Address>,
    refusals: BTreeSet<(ModelId, Address)>,
    intents: BTreeSet<(ModelId, Address)>,
}

impl Chain {
    fn execute(&mut self, who: &Address, what: &ModelId, action: &ChoiceAction) {
        let key = (what.clone(), who.clone());
        self.delegations.remove(&key);
        self.refusals.remove(&key);
        self.intents.remove(&key);
        match action {
            ChoiceAction::Delegate { delegate_to } => {
                self.delegations.insert(key, delegate_to.clone());
            }
            ChoiceAction::Clear => {}
            ChoiceAction::Refuse => {
                self.refusals.insert(key);
            }
            ChoiceAction::Intent => {
                self.intents.insert(key);
            }
        }
    }

    fn block(&mut self, facts: &BlockFacts) {
        for tx in facts.choices.iter().filter(|tx| tx.code == 0) {
            self.execute(&tx.host, &tx.model_id, &tx.action);
        }
        let failed = facts.events.iter().any(|event| event.kind == "epoch_error");
        if facts.height % 100 == 23 && !failed {
            self.refusals.clear();
            self.intents.clear();
        }
    }

    fn choices(&self) -> Choices {
        let delegated = self
            .delegations
            .iter()
            .map(|(key, to)| (key, Choice::Delegate { delegate_to: to.clone() }));
        let refused = self.refusals.iter().map(|key| (key, Choice::Refuse));
        let intended = self.intents.iter().map(|key| (key, Choice::Intent));
        let mut choices = Choices::new();
        for ((model, host), choice) in delegated.chain(refused).chain(intended) {
            choices.entry(model.clone()).or_default().insert(host.clone(), choice);
        }
        choices
    }

    fn answer(&self, who: &Address) -> HostChoices {
        let of = |(model, hosts): (ModelId, BTreeMap<Address, Choice>)| {
            hosts.get(who).map(|choice| (model, choice.clone()))
        };
        let choices = self.choices().into_iter().filter_map(of).collect();
        HostChoices { host: who.clone(), choices }
    }
}

/// One block: transactions, whether a formation in it fails, and which hosts are asked for.
#[derive(Debug, Clone)]
struct Step {
    txs: Vec<(usize, usize, ChoiceAction, bool)>,
    fails: bool,
    asked: Vec<usize>,
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        (0..HOSTS.len()).prop_map(|to| delegate(HOSTS[to])),
        Just(ChoiceAction::Clear),
        Just(ChoiceAction::Refuse),
        Just(ChoiceAction::Intent),
    ];
    let tx = (0..HOSTS.len(), 0..MODELS.len(), action, prop::bool::weighted(0.8));
    (
        prop::collection::vec(tx, 0..3),
        prop::bool::weighted(0.2),
        prop_oneof![8 => Just(Vec::new()), 1 => prop::collection::vec(0..HOSTS.len(), 1..4)],
    )
        .prop_map(|(txs, fails, asked)| Step { txs, fails, asked })
}

fn facts(height: Height, step: &Step) -> BlockFacts {
    let mut facts = block(height);
    for (who, what, action, succeeds) in &step.txs {
        choose(&mut facts, HOSTS[*who], MODELS[*what], action.clone(), u32::from(!succeeds));
    }
    if step.fails {
        facts.events.push(event("epoch_error", &[("stage", "empty_epoch_fallback")]));
    }
    facts
}

/// Runs the steps through the chain and a ledger that reads what the steps say.
fn run(steps: &[Step]) -> (Chain, Ledger, u32) {
    let (mut chain, mut ledger, mut repairs) = (Chain::default(), based(START), 0);
    for (height, step) in (START + 1..).zip(steps) {
        let facts = facts(height, step);
        chain.block(&facts);
        let needs_state = ledger.needs(&facts, &[], 0).state;
        let observation = Observation {
            state: needs_state.then(|| state(height, &HOSTS)),
            choices: step.asked.iter().map(|at| chain.answer(&host(HOSTS[*at]))).collect(),
            ..Observation::default()
        };
        let changes = ledger.apply(&facts, Some(&observation));
        let repaired = |change: &&ChoiceChange| change.cause == Cause::Reconciled;
        repairs += u32::try_from(changes.choices.iter().filter(repaired).count()).unwrap();
    }
    (chain, ledger, repairs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The ledger that follows transactions is the chain's state, whenever it was asked and
    /// whatever failed, and no answer of the chain ever had to repair it.
    #[test]
    fn it_equals_the_chain(steps in prop::collection::vec(step(), 1..220)) {
        let (chain, ledger, repairs) = run(&steps);
        prop_assert_eq!(ledger.standing(), chain.choices());
        prop_assert_eq!(repairs, 0);
    }

    /// What was frozen is what stood at the heights that freeze.
    #[test]
    fn it_freezes_what_stood(steps in prop::collection::vec(step(), 100..220)) {
        let (_, ledger, _) = run(&steps);
        let prefix = |height: Height| {
            run(&steps[..usize::try_from(height - START).unwrap()]).0.choices()
        };
        for frozen in [&ledger.frozen.capture, &ledger.frozen.validation_start] {
            let frozen = frozen.as_ref().unwrap();
            prop_assert_eq!(&frozen.choices, &prefix(frozen.height));
        }
    }

    /// Changes tell the whole story: replaying them gives the final choices.
    #[test]
    fn changes_replay_to_the_final_state(steps in prop::collection::vec(step(), 1..150)) {
        let (mut ledger, mut chain) = (based(START), Chain::default());
        let mut replayed: BTreeMap<(ModelId, Address), Choice> = BTreeMap::new();
        for (height, step) in (START + 1..).zip(&steps) {
            let facts = facts(height, step);
            chain.block(&facts);
            for change in ledger.apply(&facts, None).choices {
                let key = (change.model_id, change.host);
                let before = match change.after {
                    Some(after) => replayed.insert(key, after.choice),
                    None => replayed.remove(&key),
                };
                prop_assert_eq!(before, change.before);
            }
        }
        let mut expected = BTreeMap::new();
        for (model, hosts) in chain.choices() {
            for (host, choice) in hosts {
                expected.insert((model.clone(), host), choice);
            }
        }
        prop_assert_eq!(replayed, expected);
    }

    /// Blocks that were already taken in, in any number, change nothing.
    #[test]
    fn repeated_blocks_change_nothing(
        steps in prop::collection::vec(step(), 1..120),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let (_, expected, _) = run(&steps);
        let mut ledger = expected.clone();
        for repeat in repeats {
            let at = repeat.index(steps.len());
            let height = START + 1 + i64::try_from(at).unwrap();
            ledger.apply(&facts(height, &steps[at]), None);
        }
        prop_assert_eq!(ledger, expected);
    }

    /// A ledger that missed transactions equals the chain once every host has been read.
    #[test]
    fn one_reading_repairs_everything(
        steps in prop::collection::vec(step(), 1..120),
        missed in prop::collection::vec(any::<bool>(), 120),
    ) {
        let (mut chain, mut ledger) = (Chain::default(), based(START));
        let mut height = START;
        for (step, missed) in steps.iter().zip(missed) {
            height += 1;
            let facts = facts(height, step);
            chain.block(&facts);
            let seen = if missed { block(height) } else { facts };
            ledger.apply(&seen, None);
        }
        let facts = block(height + 1);
        chain.block(&facts);
        let choices = HOSTS.iter().map(|name| chain.answer(&host(name))).collect();
        ledger.apply(&facts, Some(&Observation { choices, ..Observation::default() }));
        prop_assert_eq!(ledger.standing(), chain.choices());
    }

    /// A block that is foretold to be quiet is: a store that commits several at once relies on it.
    #[test]
    fn a_quiet_block_is_foretold(
        steps in prop::collection::vec(step(), 1..220),
        commits in prop::collection::vec((0..HOSTS.len(), 1000_i64..1112, 1000_i64..1112), 0..8),
        captures in any::<bool>(),
    ) {
        let mut ledger = Ledger::default();
        let base = Observation { state: Some(state(START, &HOSTS)), ..Observation::default() };
        ledger.apply(&block(START), Some(&base));
        let mut quiet = 0;
        for (height, step) in (START + 1..).zip(&steps) {
            let mut facts = facts(height, step);
            if height == CAPTURE && captures {
                facts.captures = vec![capture(height, "n")];
            }
            for (who, stage, _) in commits.iter().filter(|(.., at)| *at == height) {
                facts.commits.push(commit(height, HOSTS[*who], *stage, 3));
            }
            let foretold = ledger.is_quiet_at(&facts);
            let changes = ledger.apply(&facts, None);
            quiet += usize::from(foretold);
            prop_assert!(!foretold || changes.is_quiet(), "{height}: {changes:?}");
        }
        prop_assert!(quiet * 2 >= steps.len(), "{quiet} of {}", steps.len());
    }

    /// Advice and forecast are derived apart from each other and must agree: there is advice only
    /// where the forecast of its epoch has an outcome that costs what the advice says.
    #[test]
    fn advice_is_given_only_where_something_can_be_lost(
        steps in prop::collection::vec(step(), 1..220),
        rule_set in prop::sample::select(RuleSet::ALL.to_vec()),
        commits in prop::collection::vec((0..HOSTS.len(), 0..MODELS.len(), 1101_i64..1112), 0..4),
        captures in any::<Option<bool>>(),
    ) {
        let mut chain = Chain::default();
        let mut ledger = Ledger::default();
        let known = HOSTS.iter().map(|name| answers(name, &[])).collect();
        let base = Observation {
            state: Some(state(START, &HOSTS)),
            choices: known,
            ..Observation::default()
        };
        ledger.apply(&block(START), Some(&base));
        for (height, step) in (START + 1..).zip(&steps) {
            let mut facts = facts(height, step);
            if let (CAPTURE, Some(pre_eligible)) = (height, captures) {
                facts.captures = vec![Capture { pre_eligible, ..capture(height, "n") }];
            }
            for (who, what, _) in commits.iter().filter(|(.., at)| *at == height) {
                let work = commit(height, HOSTS[*who], NEXT_POC_START, 3);
                facts.commits.push(StoreCommit { model_id: model(MODELS[*what]), ..work });
            }
            chain.block(&facts);
            let read = ledger.needs(&facts, &[], 0).state.then(|| state(height, &HOSTS));
            ledger.apply(&facts, Some(&Observation { state: read, ..Observation::default() }));
        }
        let hosts = HOSTS.map(situation::watched);
        let mut inputs = situation::inputs(&ledger, &hosts);
        inputs.rule_set = Some(rule_set);
        let found = assess(&inputs);
        let epoch_of = |name| found.deadlines.iter().find(|d| d.name == name).map(|d| d.epoch);
        for entry in found.hosts.iter().flat_map(|host| &host.models) {
            let (Some(advice), Some(forecast)) = (&entry.advice, &entry.forecast) else { continue };
            prop_assert!(advice.last_height > found.complete_to);
            if epoch_of(advice.deadline) != Some(forecast.epoch) {
                continue;
            }
            let charge: Fraction = advice.charge.parse().unwrap();
            prop_assert!(forecast.charge.max >= charge, "{advice:?} against {forecast:?}");
        }
    }
}
