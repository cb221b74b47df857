//! `bootwatch demo`: a simulated chain, the daemon on it over real sockets, and a mail server that
//! shows what arrives. Nothing is needed, nothing is left behind.

mod narrator;

use std::{num::NonZeroU64, path::Path, pin::pin, sync::Arc, time::Duration};

use bootwatch_alerts::Pacing;
use bootwatch_devnet::{Devnet, Options, Running, chain::HostInfo};
use bootwatch_mailbox::Mailbox;
use bootwatch_rules::{Address, EpochIndex, situation::Situation};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{block_on, devnet::ChainArgs, failure::Failure, output, signals};
use crate::{
    config::{
        AlertsConfig, Audience, ChainConfig, Config, EmailConfig, EndpointConfig, History,
        HostConfig, HttpConfig, MailTo, RpcUrl, StoreConfig, TlsMode,
    },
    daemon::Daemon,
    log::{self, Format},
    report::{Report, text},
};
use narrator::Narrator;

/// Hosts that are watched: enough to see different fates.
const WATCHED: usize = 3;
/// Without a new block for this long, something is broken. Blocks may be slow, machines too.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End by itself after this many epochs, and print the final status.
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroU64>,
    /// Print only the final Situation, as JSON; everything else goes to standard error.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    chain: ChainArgs,
}

/// Where the story is told.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Output,
    Error,
}

impl Stage {
    fn say(self, line: &str) -> Result<(), Failure> {
        match self {
            Self::Output => output::print(&format!("{line}\n")),
            Self::Error => {
                output::note(line);
                Ok(())
            }
        }
    }
}

/// Plays until the epochs are over, or until Ctrl-C, and prints the last Situation.
pub(super) fn run(args: &DemoArgs, format: Format) -> Result<(), Failure> {
    let spec = args.chain.spec()?;
    log::start(format, log::QUIET_FILTER).map_err(|error| Failure::Usage(error.to_string()))?;
    let last = block_on(async {
        let stop = CancellationToken::new();
        let _ = signals::stop_on_signal(&stop)?;
        let block_time = args.chain.block_time;
        let node = Devnet::start(Options { block_time, ..Options::new(spec) })
            .await
            .map_err(|error| Failure::of(&error))?;
        let played = play(args, &node, &stop).await;
        let stopped = node.stop().await.map_err(|error| Failure::of(&error));
        let last = played?;
        stopped.map(|()| last)
    })?;
    let out = match (&last, args.json) {
        (Some(situation), true) => output::json(&**situation)?,
        (Some(situation), false) => {
            let report = Report::new(situation, Timestamp::now(), &TimeZone::system());
            format!("\n{}", text::render(&report, output::colour()))
        }
        (None, _) => String::new(),
    };
    output::print(&out)
}

/// The daemon on the node, and everything it says, until the end.
async fn play(
    args: &DemoArgs,
    node: &Running,
    stop: &CancellationToken,
) -> Result<Option<Arc<Situation>>, Failure> {
    let stage = if args.json { Stage::Error } else { Stage::Output };
    let mailbox = Mailbox::start("127.0.0.1:0")
        .await
        .map_err(|error| Failure::failed("cannot start the mail server", &error))?;
    let directory = tempfile::Builder::new()
        .prefix("bootwatch-demo-")
        .tempdir()
        .map_err(|error| Failure::failed("cannot make a temporary directory", &error))?;
    first_epoch(node, stop).await;
    let config = config(node, &mailbox, directory.path())?;
    let watched: Vec<_> = config.hosts.iter().map(|host| host.name.clone()).collect();
    // The daemon stops at Ctrl-C, and when the epochs are over.
    let over = stop.child_token();
    let daemon = Daemon::start(config, over.clone()).await.map_err(|error| Failure::of(&error))?;
    stage.say(&format!(
        "A simulated Gonka chain makes a block every {:?}; Bootwatch watches {} on it.\n\
         Open http://{}/ to see what it sees. Ctrl-C ends it.",
        args.chain.block_time,
        watched.join(", "),
        daemon.address()
    ))?;
    let mut situations = daemon.situation();
    let mut ended = pin!(daemon.wait());
    let mut narrator = Narrator::default();
    let outcome = tokio::select! {
        told = tell(args, stage, node, &mailbox, &mut situations, &mut narrator) => told,
        () = stop.cancelled() => Ok(()),
        ended = &mut ended => {
            let error = match ended {
                Ok(()) if stop.is_cancelled() => None,
                Ok(()) => Some(Failure::Failed("the daemon ended by itself".to_owned())),
                Err(error) => Some(Failure::of(&error)),
            };
            return match error {
                None => Ok(situations.borrow().clone()),
                Some(failure) => Err(failure),
            };
        }
    };
    let last = situations.borrow().clone();
    over.cancel();
    let ended = ended.await.map_err(|error| Failure::of(&error));
    outcome?;
    ended?;
    let mails = match mailbox.received() {
        1 => "1 mail".to_owned(),
        mails => format!("{mails} mails"),
    };
    stage.say(&format!("The end: {mails}."))?;
    Ok(last)
}

/// Waits until the chain's first group is in force. Before it nobody serves anything, so there is
/// only noise to tell of.
async fn first_epoch(node: &Running, stop: &CancellationToken) {
    let formed = node.inspect(|chain| chain.spec().timing.until_effective());
    while node.height() <= formed + 1 && !stop.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
            () = node.stopped() => return,
        }
    }
}

/// Tells what happens until the epochs are over.
async fn tell(
    args: &DemoArgs,
    stage: Stage,
    node: &Running,
    mailbox: &Mailbox,
    situations: &mut watch::Receiver<Option<Arc<Situation>>>,
    narrator: &mut Narrator,
) -> Result<(), Failure> {
    let patience = PATIENCE.max(args.chain.block_time * 4);
    let mut first: Option<EpochIndex> = None;
    loop {
        let changed = tokio::select! {
            biased;
            Some(mail) = mailbox.next() => {
                stage.say(&narrator::mail(&mail))?;
                continue;
            }
            () = node.stopped() => {
                return Err(Failure::Failed("the simulated node ended by itself".to_owned()));
            }
            changed = tokio::time::timeout(patience, situations.changed()) => changed,
        };
        match changed {
            Ok(Ok(())) => {}
            // The daemon is going; why is said where it ends.
            Ok(Err(_)) => return std::future::pending().await,
            Err(_) => {
                return Err(Failure::Failed(format!(
                    "no block was taken in for {} s although the node is at {}",
                    patience.as_secs(),
                    node.height()
                )));
            }
        }
        let situation = situations.borrow_and_update().clone();
        let Some(situation) = situation else { continue };
        for line in narrator.lines(&situation) {
            stage.say(&line)?;
        }
        let index = situation.epoch.index;
        let began = *first.get_or_insert(index);
        if args.epochs.is_some_and(|epochs| index.saturating_sub(began) >= epochs.get()) {
            return Ok(());
        }
    }
}

/// The configuration that a person with these hosts would write.
fn config(node: &Running, mailbox: &Mailbox, directory: &Path) -> Result<Config, Failure> {
    let rpc = RpcUrl::parse(&node.url())
        .map_err(|reason| Failure::Failed(format!("the node's address {reason}")))?;
    let mail = mailbox.address();
    Ok(Config {
        chain: ChainConfig { chain_id: node.chain_id().to_owned(), rule_set: None },
        endpoints: vec![EndpointConfig::new("devnet", rpc)],
        hosts: watched(node.inspect(|chain| chain.hosts())),
        store: StoreConfig { path: directory.join("bootwatch.db"), history: History::default() },
        http: HttpConfig { listen: ([127, 0, 0, 1], 0).into(), public_url: None, token: None },
        // An epoch takes seconds here: nothing can wait.
        alerts: AlertsConfig { pacing: Pacing::hurried(), ..AlertsConfig::default() },
        email: Some(EmailConfig {
            host: mail.ip().to_string(),
            port: mail.port(),
            tls: TlsMode::None,
            from: "Bootwatch <bootwatch@example.org>".to_owned(),
            extra_roots: None,
            to: vec![MailTo {
                mailbox: "you@example.org".to_owned(),
                audience: Audience::default(),
            }],
            username: None,
            password: None,
        }),
        channels: Vec::new(),
        dry_run: false,
    })
}

/// Hosts of different weight: the heaviest, the one in the middle, the lightest.
fn watched(mut hosts: Vec<HostInfo>) -> Vec<HostConfig> {
    hosts.retain(|host| host.weight > 0);
    hosts.sort_by_key(|host| std::cmp::Reverse(host.weight));
    let last = hosts.len().saturating_sub(1);
    let mut places: Vec<_> = (0..WATCHED).map(|n| last * n / (WATCHED - 1)).collect();
    places.dedup();
    places
        .into_iter()
        .filter_map(|place| hosts.get(place))
        .map(|host| HostConfig {
            name: host.name.clone(),
            address: Address::from(host.address.as_str()),
            models: None,
        })
        .collect()
}
