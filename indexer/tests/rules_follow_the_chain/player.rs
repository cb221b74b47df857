//! A chain that is played block by block, and the ledger that follows it as the daemon does.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bootwatch::{
    chain::{
        ChainError, Class, Problem, StateSource,
        body::{BlockAnswer, ResultsAnswer},
    },
    decode,
};
use bootwatch_devnet::chain::{Chain, Event, Executed, HostInfo, Spec};
use bootwatch_rules::{
    Address, BlockFacts, ChargeSnapshot, Height, HostChoices, Observation,
    ledger::{Changes, Ledger},
    situation::Watched,
};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use prost::Message;
use serde_json::{Value, json};

/// State is read at least once in that many blocks, as the daemon does.
const STATE_EVERY: Height = 300;

/// A chain, and what the daemon would know of it.
pub(crate) struct Player {
    chain: Chain,
    /// Follows the chain; block 1 is its base.
    pub(crate) ledger: Ledger,
    /// Every host there is.
    pub(crate) watched: Vec<Watched>,
    hosts: Vec<Address>,
    parent: String,
    /// Seconds from one block to the next.
    interval: i64,
}

impl Player {
    pub(crate) fn new(spec: Spec) -> Self {
        let chain = Chain::new(spec).unwrap();
        let watched = chain.hosts().into_iter().map(|host| Watched {
            name: host.name,
            address: host.address.into(),
            models: None,
        });
        let watched: Vec<_> = watched.collect();
        let hosts = watched.iter().map(|host| host.address.clone()).collect();
        let (ledger, parent) = (Ledger::default(), String::new());
        Self { chain, ledger, watched, hosts, parent, interval: 5 }
    }

    /// With so many seconds from one block to the next.
    pub(crate) fn at_pace(self, interval: i64) -> Self {
        Self { interval, ..self }
    }

    pub(crate) fn spec(&self) -> &Spec {
        self.chain.spec()
    }

    /// The chain executes the next block of its script. The ledger does not know of it yet.
    pub(crate) fn execute(&mut self) -> BlockFacts {
        let height = self.chain.height() + 1;
        let txs = self.chain.proposal(height);
        let time = Timestamp::from_second(1_788_000_000 + self.interval * height).unwrap();
        let executed = self.chain.execute(height, time, &txs);
        let hash = hex::encode_upper(&executed.app_hash);
        let block = json!({
            "block_id": { "hash": hash },
            "block": {
                "header": {
                    "chain_id": self.chain.chain_id(), "height": height.to_string(),
                    "time": time.to_string(), "last_block_id": { "hash": self.parent },
                },
                "data": { "txs": txs.iter().map(|tx| STANDARD.encode(tx)).collect::<Vec<_>>() },
            },
        })
        .to_string();
        let results = results(height, &executed).to_string();
        self.parent = hash;
        let block: BlockAnswer<'_> = serde_json::from_str(&block).unwrap();
        let results: ResultsAnswer<'_> = serde_json::from_str(&results).unwrap();
        decode::fetched(self.chain.chain_id(), height, &block, &results).unwrap()
    }

    /// What the daemon would ask at the height of the block that was just executed.
    pub(crate) fn observe(&self, facts: &BlockFacts) -> Option<Observation> {
        let needs = self.ledger.needs(facts, &self.hosts, STATE_EVERY);
        if needs.is_empty() {
            return None;
        }
        let (source, height) = (self.source(), facts.height);
        let mut observation = Observation::default();
        if needs.state {
            let (state, version) = now(source.read_state(height));
            observation.state = Some(state);
            observation.app_version = Some(version);
        }
        if needs.charges {
            observation.charges = now(source.read_charges(height));
        }
        if needs.rewards {
            let (state, charges) = (observation.state.as_ref(), observation.charges.as_ref());
            if let Some(epoch) = self.ledger.can_estimate(state, charges) {
                let reading = source.read_rewards(epoch, &self.hosts, height).now_or_never();
                observation.rewards = Some(reading.unwrap().unwrap());
            }
        }
        if needs.plans {
            observation.plans = Some(now(source.read_plans(height)));
        }
        let hosts = match &observation.state {
            // Members that this very state brought.
            Some(state) => self.ledger.hosts_to_read(facts, &self.hosts, Some(state)),
            None => needs.choices,
        };
        observation.choices = all_read(source.read_choices(hosts, height));
        Some(observation)
    }

    pub(crate) fn take_in(
        &mut self,
        facts: &BlockFacts,
        observation: Option<&Observation>,
    ) -> Changes {
        self.ledger.apply(facts, observation)
    }

    /// The chain's own choices of all hosts, after its newest block.
    pub(crate) fn choices(&self) -> Vec<HostChoices> {
        all_read(self.source().read_choices(self.hosts.clone(), self.chain.height()))
    }

    /// What every host weighs, after the newest block.
    pub(crate) fn weights(&self) -> Vec<HostInfo> {
        self.chain.hosts()
    }

    /// What stands under key 0x6c after the newest block.
    pub(crate) fn charges(&self) -> Option<ChargeSnapshot> {
        self.charges_at(self.chain.height())
    }

    /// The same after an earlier block whose state is kept.
    pub(crate) fn charges_at(&self, height: Height) -> Option<ChargeSnapshot> {
        now(self.source().read_charges(height))
    }

    /// One query of the chain's `Query` service, after the newest block.
    pub(crate) fn ask<T: Message + Default>(&self, method: &'static str, of: &impl Message) -> T {
        self.ask_at(self.chain.height(), method, of)
    }

    /// The same after an earlier block whose state is kept.
    pub(crate) fn ask_at<T: Message + Default>(
        &self,
        height: Height,
        method: &'static str,
        of: &impl Message,
    ) -> T {
        let path = format!("/inference.inference.Query/{method}");
        let value = now(self.source().query(method, &path, of.encode_to_vec(), height));
        T::decode(value.as_slice()).unwrap()
    }

    fn source(&self) -> Application<'_> {
        Application { chain: &self.chain, name: "chain".into() }
    }
}

/// The chain answers at once.
fn now<T>(answer: impl Future<Output = Result<T, ChainError>>) -> T {
    answer.now_or_never().unwrap().unwrap()
}

/// As [`now`], for choices, of which some may be missing.
fn all_read(
    answer: impl Future<Output = (Vec<HostChoices>, Option<ChainError>)>,
) -> Vec<HostChoices> {
    let (choices, failure) = answer.now_or_never().unwrap();
    assert!(failure.is_none(), "{failure:?}");
    choices
}

/// The application itself, without a node around it.
struct Application<'a> {
    chain: &'a Chain,
    name: Arc<str>,
}

impl StateSource for Application<'_> {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    async fn query(
        &self,
        method: &'static str,
        path: &str,
        data: Vec<u8>,
        height: Height,
    ) -> Result<Vec<u8>, ChainError> {
        let answer = self.chain.query(path, &data, height);
        // A store read of a height that is gone succeeds with a log and no value.
        if answer.code == 0 && answer.log.is_empty() {
            return Ok(answer.value);
        }
        Err(ChainError {
            endpoint: Arc::clone(&self.name),
            method,
            height: Some(height),
            problem: Problem::Query {
                code: answer.code,
                codespace: answer.codespace,
                log: answer.log,
            },
            class: Class::Fatal,
        })
    }
}

fn results(height: Height, executed: &Executed) -> Value {
    let of_txs = executed
        .tx_results
        .iter()
        .map(|result| json!({ "code": result.code, "events": events(&result.events) }));
    json!({
        "height": height.to_string(),
        "txs_results": of_txs.collect::<Vec<_>>(),
        "finalize_block_events": events(&executed.events),
    })
}

fn events(events: &[Event]) -> Value {
    let pair = |key: &str, value: &str| json!({ "key": key, "value": value, "index": true });
    events
        .iter()
        .map(|event| {
            let pairs = event.attributes.iter().map(|a| pair(&a.key, &a.value));
            json!({ "type": event.kind, "attributes": pairs.collect::<Vec<_>>() })
        })
        .collect()
}
