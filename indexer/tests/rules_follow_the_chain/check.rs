//! What was said before an event is held against the event.

mod captures;
mod charges;
mod kept;
mod past;
mod total;

use std::ops::ControlFlow;

use bootwatch_devnet::chain::Spec;
use bootwatch_rules::{
    BlockFacts, Choice, Height, Observation, RuleSet,
    clock::{ClockParams, Stage},
    forecast::Forecasts,
    ledger::{Cause, Changes, Choices, Ledger},
    situation::{Inputs, Situation, assess},
};

use crate::{player::Player, score::Score};
use charges::ByHost;

/// Blocks of the longest epoch of any story.
const LONGEST_EPOCH: usize = 40;

/// A chain that is played, and what was compared so far.
pub(crate) struct Checked {
    player: Player,
    /// None: the node's version decides, as it does for the daemon.
    rule_set: Option<RuleSet>,
    score: Score,
    /// As the daemon keeps them.
    forecasts: Forecasts,
    /// What the forecast said at validation start, while nothing has happened to the members.
    at_validation_start: Option<ByHost>,
    /// The epochs that were in force last, the newest first.
    in_force: Vec<u64>,
}

impl Checked {
    pub(crate) fn new(spec: Spec, rule_set: Option<RuleSet>) -> Self {
        let score = Score { chains: 1, ..Score::default() };
        let forecasts = Forecasts::default();
        Self {
            player: Player::new(spec),
            rule_set,
            score,
            forecasts,
            at_validation_start: None,
            in_force: Vec::new(),
        }
    }

    /// Plays until that epoch is formed. A network that could not form one epoch may form none
    /// ever after: then it is played for as long as the others, and nothing may be said wrongly.
    pub(crate) fn through(mut self, epoch: u64) -> Score {
        let longest = usize::try_from(epoch + 2).unwrap() * LONGEST_EPOCH;
        while self.score.blocks < longest {
            self.score.blocks += 1;
            if self.step().is_some_and(|formed| formed >= epoch) {
                return self.score;
            }
        }
        assert!(self.score.failed > 0, "epoch {epoch} did not come: {}", self.place(0));
        self.score
    }

    /// One block. The epoch that it formed, if it formed one.
    fn step(&mut self) -> Option<u64> {
        let facts = self.player.execute();
        let height = facts.height;
        let observation = self.player.observe(&facts);
        let stages = stages(&self.player.ledger, &facts, observation.as_ref());
        let formed = formed(&facts);
        let expected = stages.contains(&Stage::ValidationEnd);
        if self.player.ledger.tip.is_some() && expected != (formed.is_some() || failed(&facts)) {
            self.mismatch(height, format!("clock: a formation was expected: {expected}"));
        }
        if facts.malformed.iter().any(|malformed| malformed.what != "tx") {
            self.mismatch(height, format!("decode: {:?}", facts.malformed));
        }
        self.before_capture(&facts, &stages);
        let forecasts = formed.map(|_| self.forecasts());
        let kept = self.keep(height);
        let changes = self.player.take_in(&facts, observation.as_ref());
        self.compare_choices(height, &stages, &changes);
        self.after_capture(&facts);
        self.compare_kept(height, kept);
        self.compare_rewards(height);
        self.compare_past(height);
        if stages.contains(&Stage::ValidationStart) {
            self.at_validation_start = Some(self.forecasts());
        } else if shaken(&facts) && formed.is_none() {
            self.at_validation_start = None;
        }
        self.score.failed += usize::from(failed(&facts));
        if let (Some(epoch), Some(forecasts)) = (formed, forecasts) {
            self.score.epochs += 1;
            self.compare_charges(epoch, forecasts);
        }
        formed
    }

    /// The Situation after the newest block that the ledger knows.
    fn situation(&self) -> Situation {
        let ledger = &self.player.ledger;
        let tip = ledger.tip.unwrap();
        assess(&Inputs {
            chain_id: "gonka-devnet",
            ledger,
            watched: &self.player.watched,
            complete_from: 1,
            head: tip.height,
            endpoints: &[],
            data: Default::default(),
            records: self.forecasts.records(),
            now: tip.time,
            rule_set: self.rule_set,
            node: "http://node:26657",
        })
    }

    /// The ledger follows the transactions alone; where the chain's own answer corrects it, it was
    /// wrong. At every stage all choices are compared, not only those that the daemon reads.
    fn compare_choices(&mut self, height: Height, stages: &[Stage], changes: &Changes) {
        for change in changes.choices.iter().filter(|c| c.cause == Cause::Reconciled) {
            self.mismatch(height, format!("choices: the chain corrected {change:?}"));
        }
        if stages.is_empty() {
            return;
        }
        let mut chain = Choices::new();
        for answer in self.player.choices() {
            for (model, choice) in answer.choices {
                let hosts = chain.entry(model).or_default();
                assert_eq!(hosts.insert(answer.host.clone(), choice), None::<Choice>);
                self.score.choices += 1;
            }
        }
        let ours = self.player.ledger.standing();
        if ours != chain {
            self.mismatch(height, format!("choices: {ours:?}, the chain has {chain:?}"));
        }
    }

    fn mismatch(&mut self, height: Height, what: String) {
        let place = self.place(height);
        self.score.mismatches.push(format!("{place}: {what}"));
    }

    fn place(&self, height: Height) -> String {
        let spec = self.player.spec();
        let (story, version) = (&spec.story.name, spec.version.as_str());
        format!("{story} {version} seed {} height {height}", spec.seed)
    }
}

/// What the end of the block does by the ledger's clock before it. Parameters that the block
/// itself brings are in force at its end.
fn stages(ledger: &Ledger, facts: &BlockFacts, observation: Option<&Observation>) -> Vec<Stage> {
    let Some((mut clock, mut params)) = ledger.clock() else { return Vec::new() };
    let fresh = observation.and_then(|o| o.state.as_ref());
    if let Some(fresh) = fresh.filter(|_| decided(facts)) {
        params = ClockParams::from(&fresh.params);
    }
    let mut stages = Vec::new();
    clock.advance(&params, facts.height..=facts.height, |event| {
        stages.push(event.stage);
        ControlFlow::Continue(())
    });
    stages
}

fn has(facts: &BlockFacts, kind: &str) -> bool {
    facts.events.iter().any(|event| event.kind == kind)
}

/// Governance decided in this block.
fn decided(facts: &BlockFacts) -> bool {
    has(facts, "active_proposal")
}

/// Parameters or members may have changed in this block.
fn shaken(facts: &BlockFacts) -> bool {
    decided(facts) || has(facts, "cosmos.group.v1.EventUpdateGroup")
}

/// No epoch could be formed in this block.
fn failed(facts: &BlockFacts) -> bool {
    has(facts, "epoch_error")
}

/// The epoch that the block formed: key generation begins in it. The event's values are JSON.
fn formed(facts: &BlockFacts) -> Option<u64> {
    let kind = "inference.bls.EventKeyGenerationInitiated";
    let event = facts.events.iter().find(|event| event.kind == kind)?;
    Some(event.attribute("epoch_id")?.trim_matches('"').parse().unwrap())
}
