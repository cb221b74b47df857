//! A node, a database, and daemons on both.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bootwatch::{
    chain::{Endpoint, Rpc, RpcLimits, StateSource as _},
    config::{Config, Environment},
    daemon::Daemon,
    metrics::Metrics,
};
use bootwatch_devnet::{
    Devnet, Options, Running,
    chain::{Spec, Story, Timing},
};
use bootwatch_mailbox::{Mail, Mailbox};
use bootwatch_rules::situation::Situation;
use bootwatch_schema::{ReadStore, SqliteReader};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Bench {
    pub node: Running,
    folder: TempDir,
    epoch_length: i64,
}

pub struct Run {
    pub daemon: Daemon,
    stop: CancellationToken,
}

impl Bench {
    pub async fn start(block_time: Duration) -> Self {
        Self::with(block_time, None).await
    }

    pub async fn pruning(block_time: Duration, keep: u64) -> Self {
        Self::with(block_time, NonZeroU64::new(keep)).await
    }

    /// A chain with mainnet's epochs, so that some blocks in a row are quiet.
    pub async fn quiet(block_time: Duration) -> Self {
        let spec =
            Spec { timing: Timing::mainnet(), ..Spec::new(7, Story::load("default").unwrap()) };
        Self::of(Options { block_time, ..Options::new(spec) }).await
    }

    /// A chain that tells this story.
    pub async fn tells(story: Story, block_time: Duration) -> Self {
        Self::of(Options { block_time, ..Options::new(Spec::new(7, story)) }).await
    }

    async fn with(block_time: Duration, retain_blocks: Option<NonZeroU64>) -> Self {
        let spec = Spec::new(7, Story::load("default").unwrap());
        Self::of(Options { block_time, retain_blocks, ..Options::new(spec) }).await
    }

    /// A chain and a node of these options.
    pub async fn of(options: Options) -> Self {
        // Fails from the second test on: the first has installed it.
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .try_init();
        let epoch_length = options.spec.timing.epoch_length;
        let node = Devnet::start(options).await.unwrap();
        Self { node, folder: TempDir::new().unwrap(), epoch_length }
    }

    pub fn epoch_length(&self) -> i64 {
        self.epoch_length
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("bootwatch.db")
    }

    /// A second database, for a second daemon on the same node.
    pub fn another_database(&self) -> PathBuf {
        self.folder.path().join("another.db")
    }

    /// The configuration with another database.
    pub fn config_at(&self, database: &Path) -> Config {
        let mut config = self.config();
        config.store.path = database.to_owned();
        config
    }

    pub fn config(&self) -> Config {
        self.config_of(self.node.chain_id(), &[("devnet", self.node.url())])
    }

    pub fn config_of(&self, chain_id: &str, endpoints: &[(&str, String)]) -> Config {
        let plain: Vec<_> = endpoints.iter().map(|(name, url)| (*name, url.clone(), "")).collect();
        self.config_with(chain_id, &plain)
    }

    /// Endpoints as name, URL and further keys.
    pub fn config_with(&self, chain_id: &str, endpoints: &[(&str, String, &str)]) -> Config {
        self.config_from(&format!("chain_id = {chain_id:?}"), endpoints)
    }

    /// With the rules of a version, whatever the node says.
    pub fn config_by(&self, rule_set: &str) -> Config {
        let chain = format!("chain_id = {:?}\nrule_set = {rule_set:?}", self.node.chain_id());
        self.config_from(&chain, &[("devnet", self.node.url(), "")])
    }

    fn config_from(&self, chain: &str, endpoints: &[(&str, String, &str)]) -> Config {
        let mut text = format!(
            "[chain]\n{chain}\n[store]\npath = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n",
            self.database()
        );
        for (name, rpc, more) in endpoints {
            text.push_str(&format!("[[endpoint]]\nname = {name:?}\nrpc = {rpc:?}\n{more}\n"));
        }
        for host in self.node.inspect(|chain| chain.hosts()).iter().take(3) {
            let (name, address) = (&host.name, &host.address);
            text.push_str(&format!("[[host]]\nname = {name:?}\naddress = {address:?}\n"));
        }
        Config::parse("test.toml", &text, &Environment::new()).unwrap()
    }

    pub async fn daemon(&self) -> Run {
        self.run(self.config()).await
    }

    pub async fn run(&self, config: Config) -> Run {
        let stop = CancellationToken::new();
        let daemon = Daemon::start(config, stop.clone()).await.unwrap();
        Run { daemon, stop }
    }

    pub fn rpc(&self) -> Rpc {
        let endpoint = Endpoint::new("test", &self.node.url().parse().unwrap());
        let metrics = Arc::new(Metrics::new([]));
        Rpc::new(endpoint, self.node.chain_id(), RpcLimits::default(), metrics).unwrap()
    }

    /// The newest stored range.
    pub fn coverage(&self) -> (i64, i64) {
        let loaded = SqliteReader::open(&self.database()).unwrap().load().unwrap();
        *loaded.coverage.stored.last().unwrap()
    }

    /// One range, but for a past capture that was looked up, and no hole.
    pub fn assert_contiguous(&self) {
        let loaded = SqliteReader::open(&self.database()).unwrap().load().unwrap();
        assert!(loaded.coverage.unfillable.is_empty(), "{:?}", loaded.coverage.unfillable);
        let long = loaded.coverage.stored.iter().filter(|(first, last)| last > first).count();
        assert_eq!(long, 1, "{:?}", loaded.coverage.stored);
    }

    /// The stored choices are the chain's own, for every host.
    pub async fn assert_choices(&self) {
        let loaded = SqliteReader::open(&self.database()).unwrap().load().unwrap();
        let tip = loaded.ledger.tip.unwrap().height;
        let (asked, failure) =
            self.rpc().read_choices(loaded.ledger.known_hosts.clone(), tip).await;
        assert!(failure.is_none(), "{failure:?}");
        for answer in asked {
            for (model, choice) in &answer.choices {
                let ours = loaded.ledger.choice(&answer.host, model).map(|s| &s.choice);
                assert_eq!(ours, Some(choice), "{} {model}", answer.host);
            }
            let of_host = |hosts: &BTreeMap<_, _>| hosts.contains_key(&answer.host);
            let ours = loaded.ledger.choices.values().filter(|hosts| of_host(hosts)).count();
            assert_eq!(ours, answer.choices.len(), "{}", answer.host);
        }
    }

    /// Stored captures as the event's attributes, in order.
    pub fn stored_captures(&self, from: i64, to: i64) -> Vec<Vec<String>> {
        let reader = SqliteReader::open(&self.database()).unwrap();
        let captures = reader.captures(from..=to).unwrap();
        captures
            .into_iter()
            .map(|dated| {
                let c = dated.fact;
                vec![
                    c.snapshot_height.to_string(),
                    c.model_id.to_string(),
                    c.pre_eligible.to_string(),
                    c.meets_weight_threshold.to_string(),
                    c.meets_v_min.to_string(),
                    c.meets_reachability.to_string(),
                    c.intent_host_count.to_string(),
                    c.intent_weight.to_string(),
                    c.reachable_voting_power.to_string(),
                    c.total_network_weight.to_string(),
                ]
            })
            .collect()
    }
}

impl Run {
    /// Waits until everything up to a height has been taken in.
    pub async fn reaches(&self, height: i64) -> Arc<Situation> {
        let mut newest = self.daemon.situation();
        let reached = newest.wait_for(|situation| {
            situation.as_ref().is_some_and(|situation| situation.complete_to >= height)
        });
        let situation = timeout(PATIENCE, reached).await;
        situation
            .unwrap_or_else(|_| {
                panic!("{height} not reached: {:?}", self.daemon.situation().borrow())
            })
            .unwrap()
            .clone()
            .unwrap()
    }

    pub async fn stop(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(10), self.daemon.wait()).await.unwrap().unwrap();
    }
}

/// The subjects of all mails that came.
pub fn subjects(mailbox: &Mailbox) -> Vec<String> {
    let subject = |mail: &Mail| {
        let parsed = mail_parser::MessageParser::default().parse(&mail.data).unwrap();
        parsed.subject().unwrap_or_default().to_owned()
    };
    mailbox.mails().iter().map(subject).collect()
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < patience, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ask(http: &reqwest::Client, url: &str, method: &str, height: i64) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method,
        "params": { "height": height.to_string() } });
    let answer = http.post(url).json(&request).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["result"].clone()
}

/// The height that the node gives the block of that height.
pub async fn blocks_of(url: &str, height: i64) -> i64 {
    let block = ask(&reqwest::Client::new(), url, "block", height).await;
    block["block"]["header"]["height"].as_str().unwrap().parse().unwrap()
}

/// The hash that the node itself gives a block.
pub async fn hash_of(url: &str, height: i64) -> String {
    ask(&reqwest::Client::new(), url, "block", height).await["block_id"]["hash"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The attributes of every capture event that the node itself shows.
pub async fn capture_events_of(url: &str, from: i64, to: i64) -> Vec<Vec<String>> {
    // One client: each loads the system's certificates.
    let http = reqwest::Client::new();
    let mut found = Vec::new();
    for height in from..=to {
        let results = ask(&http, url, "block_results", height).await;
        let empty = Vec::new();
        for event in results["finalize_block_events"].as_array().unwrap_or(&empty) {
            if event["type"] == "bootstrap_model_preeligibility" {
                let attributes = event["attributes"].as_array().unwrap();
                let values =
                    attributes.iter().take(10).map(|a| a["value"].as_str().unwrap().to_owned());
                found.push(values.collect());
            }
        }
    }
    found
}

/// A node of another seed, so another chain of the same name.
pub async fn node_at(listen: SocketAddr, seed: u64) -> Running {
    let spec = Spec::new(seed, Story::load("quiet").unwrap());
    let block_time = Duration::from_millis(10);
    Devnet::start(Options { listen, block_time, ..Options::new(spec) }).await.unwrap()
}

/// Passes POST requests on to a node and knows no websocket: gives its URL.
pub async fn without_websocket(node: String) -> String {
    passing_on(node, |body| (body, Duration::ZERO)).await
}

/// The same with what is asked changed, and its answer kept back for a while.
pub async fn passing_on(
    node: String,
    change: impl Fn(String) -> (String, Duration) + Clone + Send + Sync + 'static,
) -> String {
    let http = reqwest::Client::new();
    let pass_on = move |body: String| {
        let (body, wait) = change(body);
        let request = http.post(&node).body(body);
        async move {
            tokio::time::sleep(wait).await;
            request.send().await.unwrap().text().await.unwrap()
        }
    };
    let router = axum::Router::new().route("/", axum::routing::post(pass_on));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}
