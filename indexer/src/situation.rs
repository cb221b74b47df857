//! Gathers what a Situation is made of, has the rules build it, and publishes it.

use std::sync::Arc;

use bootwatch_rules::{
    Address, Height, RuleSet,
    forecast::TrackRecords,
    ledger::Ledger,
    situation::{DataView, EndpointView, Inputs, Situation, Watched, assess},
};
use bootwatch_schema::{Incident, Loaded};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::watch;

use crate::{config::Config, ingest::Ranges, metrics::Metrics};

/// What the daemon notes every few seconds is of the present for so long.
const RECENT: SignedDuration = SignedDuration::from_secs(30);

/// The newest Situation; none until the first block has been judged.
pub type Newest = watch::Receiver<Option<Arc<Situation>>>;

/// How things are before the first block, when there is no Situation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct Beginning {
    /// Why there is none yet and what to do; none while nothing has failed.
    pub reason: Option<String>,
    /// How the endpoints stand.
    pub endpoints: Vec<EndpointView>,
}

/// What does not change from block to block.
#[derive(Debug)]
pub struct Subject {
    /// The chain.
    pub chain_id: Arc<str>,
    /// The watched hosts, in the order of the configuration.
    pub watched: Vec<Watched>,
    /// Their addresses.
    pub addresses: Vec<Address>,
    /// The configured rule set; without it the node's version decides.
    pub rule_set: Option<RuleSet>,
    /// What commands carry as `--node`: the first endpoint, without credentials.
    pub node: String,
}

/// What changes with every block, beside the ledger.
#[derive(Debug)]
pub struct Moment<'a> {
    /// The newest height that any endpoint has told of.
    pub head: Height,
    /// First height of the contiguous range that ends at the ledger's tip.
    pub complete_from: Height,
    /// Where the blocks come from.
    pub endpoints: &'a [EndpointView],
    /// What is missing or could not be read.
    pub data: DataView,
    /// How forecasts have held.
    pub records: &'a TrackRecords,
    /// The present time.
    pub now: Timestamp,
}

impl Subject {
    /// The subject of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let watched: Vec<Watched> = config
            .hosts
            .iter()
            .map(|host| Watched {
                name: host.name.clone(),
                address: host.address.clone(),
                models: host.models.clone(),
            })
            .collect();
        Self {
            chain_id: config.chain.chain_id.as_str().into(),
            addresses: watched.iter().map(|host| host.address.clone()).collect(),
            watched,
            // Config accepts names of rule sets only.
            rule_set: config.chain.rule_set.as_deref().and_then(|name| name.parse().ok()),
            node: config
                .endpoints
                .first()
                .map(|endpoint| endpoint.rpc.without_credentials())
                .unwrap_or_default(),
        }
    }

    /// What a Situation at that moment says.
    #[must_use]
    pub fn judge(&self, ledger: &Ledger, moment: Moment<'_>) -> Situation {
        assess(&self.inputs(ledger, moment))
    }

    /// What a Situation at that moment is made of.
    #[must_use]
    pub fn inputs<'a>(&'a self, ledger: &'a Ledger, moment: Moment<'a>) -> Inputs<'a> {
        Inputs {
            chain_id: &self.chain_id,
            ledger,
            watched: &self.watched,
            complete_from: moment.complete_from,
            head: moment.head,
            endpoints: moment.endpoints,
            data: moment.data,
            records: moment.records,
            now: moment.now,
            rule_set: self.rule_set,
            node: &self.node,
        }
    }
}

impl<'a> Moment<'a> {
    /// The moment as a database has it, whether the daemon runs or not. How far long work is, is told
    /// while the daemon has noted it a moment ago.
    #[must_use]
    pub fn stored(loaded: &'a Loaded, now: Timestamp) -> Self {
        let service = &loaded.service;
        let endpoints = &service.endpoints;
        let runs = service.at.is_some_and(|at| now.duration_since(at).abs() < RECENT);
        // Heights that were given up in pieces are one range, as in the daemon's memory.
        let unfillable: Ranges =
            loaded.coverage.unfillable.iter().map(|hole| (hole.first, hole.last)).collect();
        Self {
            head: endpoints.iter().filter_map(|endpoint| endpoint.height).max().unwrap_or(0),
            complete_from: loaded.coverage.stored.last().map_or(0, |(first, _)| *first),
            endpoints,
            data: DataView {
                unfillable: unfillable.iter().collect(),
                malformed: loaded.malformed,
                reconciled: loaded.reconciled,
                catching_up: service.catching_up.clone().filter(|_| runs),
                history: service.history.clone().filter(|_| runs),
                ..DataView::default()
            },
            records: loaded.forecasts.records(),
            now,
        }
    }
}

/// The one who publishes.
#[derive(Debug)]
pub struct Publisher {
    sender: watch::Sender<Option<Arc<Situation>>>,
    beginning: watch::Sender<Beginning>,
    incidents: watch::Sender<Arc<[Incident]>>,
    metrics: Arc<Metrics>,
}

impl Publisher {
    /// A publisher that has published nothing yet.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            sender: watch::Sender::new(None),
            beginning: watch::Sender::default(),
            incidents: watch::Sender::new(Arc::default()),
            metrics,
        }
    }

    /// Another reader.
    #[must_use]
    pub fn subscribe(&self) -> Newest {
        self.sender.subscribe()
    }

    /// A reader of what stands before the first block.
    #[must_use]
    pub fn subscribe_beginning(&self) -> watch::Receiver<Beginning> {
        self.beginning.subscribe()
    }

    /// A reader of the incidents that were judged with the newest Situation.
    #[must_use]
    pub fn subscribe_incidents(&self) -> watch::Receiver<Arc<[Incident]>> {
        self.incidents.subscribe()
    }

    /// Says how things are before the first block.
    pub fn publish_beginning(&self, beginning: Beginning) {
        self.beginning.send_replace(beginning);
    }

    /// Replaces the newest Situation for every reader, and before it the incidents that go with it.
    pub fn publish<'a>(
        &self,
        situation: Situation,
        incidents: impl IntoIterator<Item = &'a Incident>,
    ) {
        let situation = Arc::new(situation);
        self.metrics.update(&situation);
        self.incidents.send_if_modified(|known| {
            let incidents: Arc<[Incident]> = incidents.into_iter().cloned().collect();
            let changed = *known != incidents;
            *known = incidents;
            changed
        });
        self.sender.send_replace(Some(situation));
    }
}

#[cfg(test)]
mod tests {
    use bootwatch_schema::{Coverage, ReadStore as _, SqliteStore, Unfillable};

    use super::*;

    // Fails when a hole that was told in pieces is one range in the daemon and several in what reads
    // the database: the page and `bootwatch status` would differ.
    #[test]
    fn ranges_that_touch_are_one_after_a_reload_too() {
        let hole = |first, last| Unfillable {
            first,
            last,
            reason: "pruned".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let coverage = Coverage {
            stored: vec![(1, 9), (30, 40)],
            unfillable: vec![hole(10, 14), hole(15, 20), hole(22, 29)],
        };
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&place.path().join("bootwatch.db"), "gonka-test").unwrap();
        let loaded = Loaded { coverage, ..store.load().unwrap() };
        let moment = Moment::stored(&loaded, Timestamp::UNIX_EPOCH);
        assert_eq!(moment.data.unfillable, [(10, 20), (22, 29)]);
        let running = crate::ingest::Shared::new((&loaded.coverage).into());
        let in_memory: Vec<_> = running.coverage.unfillable().iter().collect();
        assert_eq!(moment.data.unfillable, in_memory);
    }
}
