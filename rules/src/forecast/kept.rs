//! The forecast of an epoch that is kept until the chain has fixed its charges, and how it held.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{ChargeRange, Prospect, Verdict};
use crate::{
    Address, ChargeSnapshot, EpochIndex, Fraction, Height, Network, RuleSet, groups::active_models,
    ledger::Ledger,
};

/// What was said of an epoch's charges before the chain fixed them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptForecast {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The block after which it was made: the last one before validation end.
    pub height: Height,
    /// The rules it follows.
    pub rule_set: RuleSet,
    /// The block at which the chain's charges were held against it; null while they are not read.
    pub checked: Option<Height>,
    /// Every host that could be told, watched or not.
    pub hosts: BTreeMap<Address, KeptCharge>,
}

/// What was said of one host, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptCharge {
    /// The least and the most that was still possible.
    pub range: ChargeRange,
    /// What the chain fixed, 0 when it lists no charge for the host. Null while it is not read,
    /// and when its fraction has no exact form here.
    pub stored: Option<Fraction>,
    /// How that compares; null while it cannot be told.
    pub outcome: Option<Outcome>,
}

/// How a forecast held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The charge lies in the range. A host without weight in the epoch has nothing to take from,
    /// and then no charge is right whatever the range.
    Right,
    /// It lies outside: the rules, or what they were given, are wrong.
    Wrong,
}

impl Outcome {
    /// The word for it in JSON and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
        }
    }
}

impl KeptForecast {
    /// The forecast after the ledger's last block, for its members, everybody who works in the
    /// running stage, and `watched`. None when nothing can be said: see [`Prospect::new`]. Under
    /// [`RuleSet::V0_2_12`] the chain stores no charges that it could be compared with.
    #[must_use]
    pub fn new(
        ledger: &Ledger,
        rule_set: RuleSet,
        complete_from: Height,
        watched: &[Address],
    ) -> Option<Self> {
        if rule_set.charges_weight() || !ledger.members_are_current() {
            return None;
        }
        let network = Network::new(ledger.live_members()).ok()?;
        let active = active_models(ledger.state.as_ref(), Some(&network));
        let prospect = Prospect::new(ledger, &network, &active, rule_set, complete_from)?;
        let working = ledger.work.values().flat_map(BTreeMap::keys);
        let hosts: BTreeSet<&Address> =
            network.members().map(|(host, _)| host).chain(working).chain(watched).collect();
        let kept = |host: &Address| {
            let range = prospect.host(host).charge;
            (host.clone(), KeptCharge { range, stored: None, outcome: None })
        };
        Some(Self {
            epoch: prospect.epoch(),
            height: ledger.tip?.height,
            rule_set,
            checked: None,
            hosts: hosts.into_iter().map(kept).collect(),
        })
    }

    /// Holds what the ledger knows by now against it. True when that decided anything new.
    ///
    /// A host that the chain charges nothing although the least was above 0 is decided only when
    /// the epoch's group is in force: without weight in it, it has nothing to take from.
    pub fn compare(&mut self, ledger: &Ledger) -> bool {
        let Some(tip) = ledger.tip else { return false };
        let before = self.checked;
        if let Some(fixed) = ledger.charges.as_ref().filter(|c| c.epoch_index == self.epoch)
            && self.checked.is_none()
        {
            self.compare_with(fixed);
            self.checked = Some(tip.height);
        }
        let mut settled = self.checked != before;
        let state = ledger.state.as_ref().filter(|state| state.effective.index == self.epoch);
        if let Some(state) = state.filter(|_| self.checked.is_some()) {
            let mut open = self.hosts.iter_mut().filter(|(_, kept)| kept.is_open()).peekable();
            if open.peek().is_some() {
                settled = true;
                let weights: BTreeMap<_, _> =
                    state.members.iter().map(|member| (&member.host, member.weight)).collect();
                for (host, kept) in open {
                    let weight = weights.get(host).copied().unwrap_or(0);
                    kept.outcome = Some(if weight > 0 { Outcome::Wrong } else { Outcome::Right });
                }
            }
        }
        settled
    }

    fn compare_with(&mut self, fixed: &ChargeSnapshot) {
        for (host, kept) in &mut self.hosts {
            kept.outcome = match kept.range.check(host, fixed) {
                Verdict::Within => Some(Outcome::Right),
                Verdict::Outside { .. } => Some(Outcome::Wrong),
                Verdict::Unlisted | Verdict::Unreadable | Verdict::OtherEpoch => None,
            };
            kept.stored = fixed.of(host).ok();
        }
    }

    /// Whether [`KeptForecast::compare`] may still decide something.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.checked.is_none() || self.hosts.values().any(KeptCharge::is_open)
    }

    /// The hosts for which the chain did something else.
    pub fn wrong(&self) -> impl Iterator<Item = (&Address, &KeptCharge)> {
        self.hosts.iter().filter(|(_, kept)| kept.outcome == Some(Outcome::Wrong))
    }
}

impl KeptCharge {
    /// The chain charged nothing, and whether there was anything to charge is not known yet.
    fn is_open(&self) -> bool {
        self.outcome.is_none() && self.stored == Some(Fraction::ZERO)
    }
}

/// How many forecasts were held against the chain, and how many held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrackRecord {
    /// Epochs that were compared.
    pub epochs: u64,
    /// Those in which the forecast was right.
    pub right: u64,
    /// The newest in which it was wrong; null when it never was.
    pub wrong: Option<EpochIndex>,
}

/// The records of all hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackRecords {
    /// Over all hosts: an epoch counts as right when no host's forecast was wrong.
    pub all: TrackRecord,
    /// Each host's own.
    pub hosts: BTreeMap<Address, TrackRecord>,
}

impl TrackRecord {
    /// Counts one more epoch.
    pub fn count(&mut self, epoch: EpochIndex, outcome: Outcome) {
        self.epochs += 1;
        match outcome {
            Outcome::Right => self.right += 1,
            Outcome::Wrong => self.wrong = self.wrong.max(Some(epoch)),
        }
    }
}

impl TrackRecords {
    /// Counts one more epoch, as far as it is decided.
    pub fn count(&mut self, forecast: &KeptForecast) {
        let decided = forecast.hosts.iter().filter_map(|(host, kept)| Some((host, kept.outcome?)));
        let mut all = None;
        for (host, outcome) in decided {
            self.hosts.entry(host.clone()).or_default().count(forecast.epoch, outcome);
            if all != Some(Outcome::Wrong) {
                all = Some(outcome);
            }
        }
        if let Some(outcome) = all {
            self.all.count(forecast.epoch, outcome);
        }
    }
}

/// The newest forecast, and how all of them have held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forecasts {
    newest: Option<Arc<KeptForecast>>,
    /// The records of the epochs before it.
    before: TrackRecords,
    records: TrackRecords,
}

/// What a block brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The newest forecast, which changed.
    pub forecast: Arc<KeptForecast>,
    /// Hosts that are known from now on to be charged something else than was said.
    pub wrong: Vec<Address>,
}

impl Forecasts {
    /// From the newest forecast and the records of all epochs before it.
    #[must_use]
    pub fn new(newest: Option<KeptForecast>, before: TrackRecords) -> Self {
        let records = TrackRecords::default();
        let mut forecasts = Self { newest: newest.map(Arc::new), before, records };
        forecasts.count();
        forecasts
    }

    /// How they have held.
    #[must_use]
    pub fn records(&self) -> &TrackRecords {
        &self.records
    }

    /// Takes over a forecast that was made before the newest block, and holds what the ledger knows
    /// after it against the newest one. None when nothing changed.
    pub fn advance(&mut self, made: Option<KeptForecast>, ledger: &Ledger) -> Option<Progress> {
        let mut changed = made.is_some();
        if let Some(made) = made {
            // The chain may try to form an epoch again; then the later forecast counts.
            let again = self.newest.as_ref().is_some_and(|newest| newest.epoch == made.epoch);
            if let Some(old) = self.newest.take().filter(|_| !again) {
                self.before.count(&old);
            }
            self.newest = Some(Arc::new(made));
        }
        let newest = self.newest.as_mut()?;
        let mut wrong = Vec::new();
        if newest.is_undecided() {
            let newest = Arc::make_mut(newest);
            let known: BTreeSet<Address> = newest.wrong().map(|(host, _)| host.clone()).collect();
            if newest.compare(ledger) {
                changed = true;
                let hosts = newest.wrong().map(|(host, _)| host);
                wrong = hosts.filter(|host| !known.contains(*host)).cloned().collect();
            }
        }
        if !changed {
            return None;
        }
        self.count();
        Some(Progress { forecast: Arc::clone(self.newest.as_ref()?), wrong })
    }

    fn count(&mut self) {
        self.records.clone_from(&self.before);
        if let Some(newest) = &self.newest {
            self.records.count(newest);
        }
    }
}
