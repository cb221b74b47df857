//! What a chain did, for whoever holds a program that watched it against the chain itself: only as far
//! back as its states are kept, see [`Spec::state_history`](super::Spec::state_history).

use super::Chain;
use super::address::Address;
use super::charges::Bill;
use super::clock::Context;
use super::state::State;

/// An epoch that was formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRecord {
    /// Its number.
    pub index: u64,
    /// The last capture before its PoC start.
    pub capture: Option<Capture>,
    /// Where it began.
    pub poc_start: i64,
    /// The block that froze choices.
    pub validation_start: i64,
    /// The block that formed it and fixed its charges.
    pub validation_end: i64,
    /// The block from which on it is in force.
    pub effective: i64,
    /// What its charges are for.
    pub bills: Vec<Bill>,
}

/// A capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its block.
    pub height: i64,
    /// Its models, and whether each was pre-eligible.
    pub models: Vec<(String, bool)>,
}

/// A host that was removed from a running epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Who.
    pub host: String,
    /// From which epoch.
    pub epoch: u64,
    /// In which block.
    pub height: i64,
}

/// What is stored for a host and a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredChoice {
    /// A delegation, to this host.
    Delegation(String),
    /// A refusal.
    Refusal,
    /// An intent.
    Intent,
}

impl Chain {
    /// The epochs whose validation ended, as far as states are kept.
    #[must_use]
    pub fn epochs(&self) -> Vec<EpochRecord> {
        let params = self.state.epoch_params();
        let captures = self.captures();
        let record = |(index, poc_start): (&u64, &i64)| {
            let context = Context { index: *index, poc_start: *poc_start };
            let bills = self.state.bills.get(index)?.clone();
            let before = captures.iter().rfind(|capture| capture.height < *poc_start);
            Some(EpochRecord {
                index: *index,
                capture: before.cloned(),
                poc_start: *poc_start,
                validation_start: context.validation_start(&params),
                validation_end: context.validation_end(&params),
                effective: context.effective(&params),
                bills,
            })
        };
        self.state.epochs.iter().filter_map(record).collect()
    }

    /// The captures, oldest first.
    #[must_use]
    pub fn captures(&self) -> Vec<Capture> {
        let taken = self.history.iter().filter_map(|state| {
            let snapshot = state.bootstrap.as_ref()?;
            (snapshot.snapshot_height == state.height).then(|| Capture {
                height: state.height,
                models: snapshot
                    .preeligibility
                    .iter()
                    .map(|row| (row.model_id.clone(), row.pre_eligible))
                    .collect(),
            })
        });
        taken.collect()
    }

    /// Hosts that were removed from a running epoch, oldest first.
    #[must_use]
    pub fn exclusions(&self) -> Vec<Exclusion> {
        let mut found: Vec<Exclusion> = Vec::new();
        for (epoch, items) in self.history.iter().flat_map(|state| state.exclusions.iter()) {
            for item in items {
                let exclusion = Exclusion {
                    host: item.address.clone(),
                    epoch: *epoch,
                    height: i64::try_from(item.exclusion_block_height).unwrap_or_default(),
                };
                if !found.contains(&exclusion) {
                    found.push(exclusion);
                }
            }
        }
        found
    }

    /// What was stored for a host and a model after the block of that height.
    #[must_use]
    pub fn choice_at(&self, height: i64, host: &str, model: &str) -> Option<StoredChoice> {
        let choices = &self.at(height)?.choices;
        let key = (model.into(), host.into());
        if let Some(to) = choices.delegations.get(&key) {
            Some(StoredChoice::Delegation(to.to_string()))
        } else if choices.refusals.contains(&key) {
            Some(StoredChoice::Refusal)
        } else {
            choices.intents.contains(&key).then_some(StoredChoice::Intent)
        }
    }

    /// Whether a host had committed work for a model in a stage, by the block of that height.
    #[must_use]
    pub fn committed_at(&self, height: i64, stage: i64, host: &str, model: &str) -> bool {
        let commits = self.at(height).and_then(|state| state.commits.get(&stage));
        commits.is_some_and(|commits| commits.contains_key(&(host.into(), model.into())))
    }

    /// Whether a host's work for a model is part of the epoch in force after that block.
    #[must_use]
    pub fn serves_at(&self, height: i64, host: &str, model: &str) -> bool {
        let Some(state) = self.at(height) else { return false };
        let groups = state.groups.get(&state.effective);
        groups.and_then(|groups| groups.models.get(model)).is_some_and(|group| {
            group.validation_weights.iter().any(|member| member.member_address == host)
        })
    }

    /// Whether a model is active in the epoch in force after that block.
    #[must_use]
    pub fn is_active_at(&self, height: i64, model: &str) -> bool {
        self.at(height).is_some_and(|state| state.is_active(model))
    }

    /// Whether a host is a member of the epoch in force after that block.
    #[must_use]
    pub fn is_member_at(&self, height: i64, host: &str) -> bool {
        let host = Address::from(host);
        self.at(height).is_some_and(|state| state.live_weights().contains_key(&host))
    }

    fn at(&self, height: i64) -> Option<&State> {
        let first = self.history.front()?.height;
        self.history.get(usize::try_from(height.checked_sub(first)?).ok()?)
    }
}
