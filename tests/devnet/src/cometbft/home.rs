//! The node's home directory: keys, genesis, configuration.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::settings::render;
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

/// The genesis document.
pub(super) fn genesis_file(home: &Path) -> PathBuf {
    home.join("config/genesis.json")
}

/// Makes the home directory unless there is one, and writes the configuration.
pub(super) async fn prepare(options: &Options, ports: Ports) -> Result<(), Error> {
    if !genesis_file(&options.home).exists() {
        init(&options.binary, &options.home).await?;
        write_genesis(options)?;
    }
    configure(options, ports)
}

/// Makes keys, and a genesis document for the node's own validator.
pub(super) async fn init(binary: &Path, home: &Path) -> Result<(), Error> {
    let mut command = Command::new(binary);
    command.args(["init", "--home"]).arg(home);
    run(binary, "init", command).await
}

/// Makes `validators` home directories in `directory`, see [`member`], with one genesis document.
pub(super) async fn testnet(
    binary: &Path,
    directory: &Path,
    validators: usize,
) -> Result<(), Error> {
    let mut command = Command::new(binary);
    // Peers are written with the ports, which are not known yet.
    command.args(["testnet", "--populate-persistent-peers=false", "--v", &validators.to_string()]);
    command.arg("--o").arg(directory);
    run(binary, "testnet", command).await
}

/// The home directory of a member of a network.
pub(super) fn member(directory: &Path, index: usize) -> PathBuf {
    directory.join(format!("node{index}"))
}

async fn run(binary: &Path, name: &str, mut command: Command) -> Result<(), Error> {
    let output = command.output().await.map_err(|source| file_error("run", binary, source))?;
    if output.status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Failed { reason: format!("`cometbft {name}` failed"), log })
}

/// Puts our chain into the genesis document that CometBFT made.
pub(super) fn write_genesis(options: &Options) -> Result<(), Error> {
    let path = &genesis_file(&options.home);
    let mut genesis = read_json(path)?;
    genesis["chain_id"] = Value::from(options.chain_id.clone());
    genesis["app_state"] = options.app_state.clone();
    fs::write(path, genesis.to_string()).map_err(|source| file_error("write", path, source))
}

/// The id by which peers know the node: the first 20 bytes of its public key's hash
/// (CometBFT 0.38 `p2p/key.go PubKeyToID`).
pub(super) fn node_id(home: &Path) -> Result<String, Error> {
    let path = &home.join("config/node_key.json");
    let key = read_json(path)?;
    let key = key.pointer("/priv_key/value").and_then(Value::as_str).unwrap_or_default();
    // An Ed25519 private key in Go: seed, then public key.
    match STANDARD.decode(key) {
        Ok(bytes) if bytes.len() == 64 => Ok(hex::encode(&Sha256::digest(&bytes[32..])[..20])),
        _ => Err(file_error("read", path, std::io::ErrorKind::InvalidData.into())),
    }
}

/// Writes the configuration.
pub(super) fn configure(options: &Options, ports: Ports) -> Result<(), Error> {
    let path = options.home.join("config/config.toml");
    let application = options.application.to_string();
    let text = render(&application, ports, options.block_time, &options.settings, &options.place);
    fs::write(&path, text).map_err(|source| file_error("write", &path, source))
}

fn read_json(path: &Path) -> Result<Value, Error> {
    let text = fs::read_to_string(path).map_err(|source| file_error("read", path, source))?;
    serde_json::from_str(&text).map_err(|error| file_error("read", path, error.into()))
}
