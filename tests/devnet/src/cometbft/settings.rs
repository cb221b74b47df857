//! Where a node's configuration differs from the defaults.

use std::fmt::Write as _;
use std::time::Duration;

use super::home::Ports;

/// What an operator may have set; the default is what Gonka's nodes run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `indexer = "null"`: transactions and blocks cannot be searched.
    pub without_index: bool,
    /// `discard_abci_responses`: `block_results` always fails.
    pub discard_results: bool,
    /// Messages that may wait for a subscriber, in its subscription and in its socket; CometBFT
    /// takes no less than 100.
    pub subscriber_buffer: Option<u32>,
    /// `log_level`, such as `rpc:info,*:error`.
    pub log_level: Option<String>,
}

/// What a node is told by the network that it belongs to.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The other nodes: `id@host:port`.
    pub(super) peers: Vec<String>,
    /// It begins with a snapshot.
    pub(super) state_sync: Option<StateSync>,
}

/// Whom to believe at the beginning.
#[derive(Debug, Clone)]
pub(super) struct StateSync {
    /// RPC addresses; at least two, as the light client wants a witness.
    pub(super) servers: Vec<String>,
    pub(super) trust_height: i64,
    pub(super) trust_hash: String,
}

/// The text of `config.toml`.
pub(super) fn render(
    application: &str,
    ports: Ports,
    block_time: Duration,
    settings: &Settings,
    place: &Place,
) -> String {
    let buffers = settings.subscriber_buffer.map_or_else(String::new, |size| {
        format!(
            "experimental_subscription_buffer_size = {size}\n\
             experimental_websocket_write_buffer_size = {size}\n"
        )
    });
    // A node on its own is a stock one: what it says of itself is compared.
    let alone = place.peers.is_empty();
    let gossip = if alone {
        String::new()
    } else {
        format!("persistent_peers = \"{}\"\n{GOSSIP}", place.peers.join(","))
    };
    let mut text = format!(
        r#"proxy_app = "tcp://{application}"
moniker = "devnet"
log_level = "{log_level}"

[rpc]
laddr = "tcp://127.0.0.1:{rpc}"
pprof_laddr = ""
{buffers}
[p2p]
laddr = "tcp://127.0.0.1:{p2p}"
{gossip}
[consensus]
timeout_commit = "{block_time}ms"
create_empty_blocks = true
{rounds}
[storage]
discard_abci_responses = {discard}

[tx_index]
indexer = "{indexer}"
"#,
        log_level = settings.log_level.as_deref().unwrap_or("error"),
        rpc = ports.rpc,
        p2p = ports.p2p,
        block_time = block_time.as_millis(),
        rounds = if alone { "" } else { ROUNDS },
        discard = settings.discard_results,
        indexer = if settings.without_index { "null" } else { "kv" },
    );
    if let Some(sync) = &place.state_sync {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            r#"
[statesync]
enable = true
rpc_servers = "{servers}"
trust_height = {height}
trust_hash = "{hash}"
trust_period = "1h0m0s"
discovery_time = "5s"
"#,
            servers = sync.servers.join(","),
            height = sync.trust_height,
            hash = sync.trust_hash,
        );
    }
    text
}

/// Peers on one address that know each other already.
const GOSSIP: &str = r#"pex = false
addr_book_strict = false
allow_duplicate_ip = true
flush_throttle_timeout = "5ms"
"#;

/// A proposer that is gone costs half a second instead of three; on loopback nothing takes longer.
const ROUNDS: &str = r#"timeout_propose = "500ms"
timeout_propose_delta = "250ms"
timeout_prevote = "250ms"
timeout_prevote_delta = "250ms"
timeout_precommit = "250ms"
timeout_precommit_delta = "250ms"
peer_gossip_sleep_duration = "5ms"
peer_query_maj23_sleep_duration = "250ms"
"#;
