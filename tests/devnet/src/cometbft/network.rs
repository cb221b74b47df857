//! Several nodes of one chain on loopback, each with an application of its own.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use serde_json::Value;

use super::settings::{Place, StateSync};
use super::{Error, Node, Options, PORT_ATTEMPTS, Settings, file_error, free_ports, home};
use crate::abci::{self, Application};
use crate::chain::Spec;

/// What a network is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The binary, see [`find`](super::find).
    pub binary: PathBuf,
    /// Holds the nodes' home directories.
    pub directory: PathBuf,
    /// The chain that all of them play.
    pub spec: Spec,
    /// `timeout_commit`; a block takes some milliseconds more with every validator.
    pub block_time: Duration,
    /// The validators, each of the same power.
    pub validators: Vec<Member>,
}

/// One node of a network.
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// What its operator set.
    pub settings: Settings,
    /// Its application lets it keep its last blocks only.
    pub retain_blocks: Option<NonZeroU64>,
    /// Its application takes a snapshot every so many blocks.
    pub snapshot_every: Option<NonZeroU64>,
}

/// A running network. Dropping it kills every node.
#[derive(Debug)]
pub struct Network {
    plan: Plan,
    nodes: Vec<Node>,
    applications: Vec<abci::Running>,
}

impl Network {
    /// Starts every validator and waits until each has seen a block added.
    ///
    /// # Errors
    ///
    /// [`Error`] with the end of a node's log.
    pub async fn start(plan: Plan) -> Result<Network, Error> {
        home::testnet(&plan.binary, &plan.directory, plan.validators.len()).await?;
        let mut applications = Vec::new();
        for member in &plan.validators {
            applications.push(serve(&plan, member).await?);
        }
        let mut attempt = 1;
        loop {
            let nodes = launch(&plan, &applications)?;
            let mut network = Network { plan: plan.clone(), nodes, applications };
            let all: Vec<usize> = (0..network.nodes.len()).collect();
            match network.wait_for_blocks(&all).await {
                Err(error) if error.is_taken_port() && attempt < PORT_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(network),
            }
            applications = network.applications;
        }
    }

    /// The nodes' RPC URLs, those that joined later last.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::url).collect()
    }

    /// A node.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// Ends nodes at once, as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When a process cannot be signalled.
    pub async fn kill(&mut self, indices: &[usize]) -> Result<(), Error> {
        for &index in indices {
            self.nodes[index].kill().await?;
        }
        Ok(())
    }

    /// Starts nodes that were killed, with what they had on disk, and waits until each has seen a
    /// block added. Their applications were left as they were.
    ///
    /// # Errors
    ///
    /// [`Error`] with the end of a node's log.
    pub async fn restart(&mut self, indices: &[usize]) -> Result<(), Error> {
        for &index in indices {
            let application = self.applications[index].address();
            self.nodes[index].relaunch(application).await?;
        }
        self.wait_for_blocks(indices).await
    }

    /// Adds a node that validates nothing and begins with the newest snapshot of the others: it
    /// has no block before that. Waits until it follows the chain. Two validators at least must
    /// run, one of them with `snapshot_every`.
    ///
    /// # Errors
    ///
    /// [`Error`] with the end of a node's log.
    pub async fn join_by_state_sync(&mut self, member: Member) -> Result<usize, Error> {
        let index = self.nodes.len();
        let application = serve(&self.plan, &member).await?;
        let mut options = options(&self.plan, index, &application, member.settings);
        home::init(&options.binary, &options.home).await?;
        let (from, to) =
            (home::genesis_file(&self.nodes[0].options.home), home::genesis_file(&options.home));
        fs::copy(&from, &to).map_err(|source| file_error("write", &to, source))?;
        let (trust_height, trust_hash) = newest(&self.nodes[0]).await?;
        options.place = Place {
            peers: peers(&self.nodes)?,
            state_sync: Some(StateSync { servers: self.urls(), trust_height, trust_hash }),
        };
        let ports = free_ports(&options.binary, 1)?[0];
        home::configure(&options, ports)?;
        self.nodes.push(Node::launch(options, ports)?);
        self.applications.push(application);
        self.wait_for_blocks(&[index]).await?;
        Ok(index)
    }

    async fn wait_for_blocks(&mut self, indices: &[usize]) -> Result<(), Error> {
        for &index in indices {
            self.nodes[index].wait_for_blocks().await?;
        }
        Ok(())
    }
}

async fn serve(plan: &Plan, member: &Member) -> Result<abci::Running, Error> {
    let failed = |error: io::Error| file_error("serve the application of", &plan.directory, error);
    let application = Application::new(plan.spec.clone())
        .map_err(|error| failed(io::Error::other(error)))?
        .retain_blocks(member.retain_blocks)
        .snapshot_every(member.snapshot_every);
    abci::serve(application, SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(failed)
}

fn options(plan: &Plan, index: usize, application: &abci::Running, settings: Settings) -> Options {
    let home = home::member(&plan.directory, index);
    let options = Options::new(plan.binary.clone(), home, application);
    Options { block_time: plan.block_time, settings, ..options }
}

/// Starts the validators' processes on free ports.
fn launch(plan: &Plan, applications: &[abci::Running]) -> Result<Vec<Node>, Error> {
    let ports = free_ports(&plan.binary, plan.validators.len())?;
    let mut prepared = Vec::new();
    for (index, (member, application)) in plan.validators.iter().zip(applications).enumerate() {
        prepared.push(options(plan, index, application, member.settings.clone()));
    }
    let addresses: Vec<String> = prepared
        .iter()
        .zip(&ports)
        .map(|(options, ports)| peer(&options.home, *ports))
        .collect::<Result<_, _>>()?;
    let mut nodes = Vec::new();
    for (index, (mut options, &ports)) in prepared.into_iter().zip(&ports).enumerate() {
        let others = addresses.iter().enumerate().filter(|(other, _)| *other != index);
        options.place.peers = others.map(|(_, address)| address.clone()).collect();
        home::write_genesis(&options)?;
        home::configure(&options, ports)?;
        nodes.push(Node::launch(options, ports)?);
    }
    Ok(nodes)
}

fn peers(nodes: &[Node]) -> Result<Vec<String>, Error> {
    nodes.iter().map(|node| peer(&node.options.home, node.ports)).collect()
}

fn peer(home: &std::path::Path, ports: home::Ports) -> Result<String, Error> {
    Ok(format!("{}@127.0.0.1:{}", home::node_id(home)?, ports.p2p))
}

/// The height and hash of a node's newest block.
async fn newest(node: &Node) -> Result<(i64, String), Error> {
    let status = super::status(&reqwest::Client::new(), &node.url()).await;
    let read = |status: Value| {
        let sync = status.pointer("/result/sync_info")?;
        let height = sync["latest_block_height"].as_str()?.parse().ok()?;
        Some((height, sync["latest_block_hash"].as_str()?.to_owned()))
    };
    status.and_then(read).ok_or_else(|| node.failed("it does not tell its newest block".to_owned()))
}
