//! The node's home directory: keys, genesis, configuration.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use super::{Error, Options, file_error};

/// The ports of a node on loopback.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) rpc: u16,
    pub(super) p2p: u16,
}

/// The node's log.
pub(super) fn log_file(home: &Path) -> PathBuf {
    home.join("cometbft.log")
}

/// Makes the home directory unless there is one, and writes the configuration.
pub(super) async fn prepare(options: &Options, ports: Ports) -> Result<(), Error> {
    let genesis = options.home.join("config/genesis.json");
    if !genesis.exists() {
        let output = Command::new(&options.binary)
            .args(["init", "--home"])
            .arg(&options.home)
            .output()
            .await
            .map_err(|source| file_error("run", &options.binary, source))?;
        if !output.status.success() {
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Failed { reason: "`cometbft init` failed".to_owned(), log });
        }
        write_genesis(options, &genesis)?;
    }
    configure(options, ports)
}

/// Puts our chain into the genesis document that `init` made for the node's own validator.
fn write_genesis(options: &Options, path: &Path) -> Result<(), Error> {
    let text = fs::read_to_string(path).map_err(|source| file_error("read", path, source))?;
    let mut genesis: Value =
        serde_json::from_str(&text).map_err(|error| file_error("read", path, error.into()))?;
    genesis["chain_id"] = Value::from(options.chain_id.clone());
    genesis["app_state"] = options.app_state.clone();
    fs::write(path, genesis.to_string()).map_err(|source| file_error("write", path, source))
}

/// Writes the configuration: what differs from the defaults, which is what Gonka's nodes run.
pub(super) fn configure(options: &Options, ports: Ports) -> Result<(), Error> {
    let path = options.home.join("config/config.toml");
    let text = format!(
        r#"proxy_app = "tcp://{application}"
moniker = "devnet"
log_level = "error"

[rpc]
laddr = "tcp://127.0.0.1:{rpc}"
pprof_laddr = ""

[p2p]
laddr = "tcp://127.0.0.1:{p2p}"

[consensus]
timeout_commit = "{block_time}ms"
create_empty_blocks = true

[tx_index]
indexer = "kv"
"#,
        application = options.application,
        rpc = ports.rpc,
        p2p = ports.p2p,
        block_time = options.block_time.as_millis(),
    );
    fs::write(&path, text).map_err(|source| file_error("write", &path, source))
}
