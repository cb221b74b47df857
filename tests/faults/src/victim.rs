//! The daemon's process: the product's own daemon, with a line out for each height that it has
//! published, and orders in that move its clock and fill its disk.

mod clock;
mod sqlite;

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use bootwatch::config::{Config, Environment};
use bootwatch::daemon::Daemon;
use bootwatch::log::{self, Format};
use tokio_util::sync::CancellationToken;

use crate::crash::CrashPoint;

/// How the process starts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The daemon's configuration.
    config: PathBuf,
    /// Where it dies.
    #[arg(long)]
    crash: Option<CrashPoint>,
    /// Seconds that its clock is ahead of the machine's.
    #[arg(long, allow_negative_numbers = true)]
    clock: i64,
    /// How many times faster than the machine's its clocks run.
    #[arg(long, default_value_t = 1)]
    rate: u32,
    /// How its disk is.
    #[arg(long, value_enum, default_value_t = Disk::Sound)]
    disk: Disk,
}

/// What happens to writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Disk {
    /// They succeed.
    Sound,
    /// There is no room.
    Full,
    /// The device fails.
    Broken,
}

impl Disk {
    /// The word for it in orders and arguments.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Disk::Sound => "sound",
            Disk::Full => "full",
            Disk::Broken => "broken",
        }
    }
}

/// Runs the daemon until it is told to stop, or dies.
pub(crate) fn main(args: &Args) -> ExitCode {
    clock::run_at(args.rate);
    clock::set(args.clock);
    sqlite::watch(args.crash, args.disk);
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As the product does on its way out.
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(worker_threads = 2)]
async fn run(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    log::start(Format::Text, log::DEFAULT_FILTER)?;
    let config = Config::load(Some(&args.config), &Environment::new())?;
    let stop = CancellationToken::new();
    let ordered = stop.clone();
    thread::spawn(move || obey(&ordered));
    let daemon = Daemon::start(config, stop).await?;
    let mut newest = daemon.situation();
    let report = tokio::spawn(async move {
        let mut last = 0;
        while newest.changed().await.is_ok() {
            let height = newest.borrow_and_update().as_ref().map_or(0, |s| s.complete_to);
            if height != last {
                last = height;
                // Nobody listens when the harness is gone; the orders end then too.
                let _ = writeln!(std::io::stdout(), "at {height}");
            }
        }
    });
    let outcome = daemon.wait().await;
    report.abort();
    Ok(outcome?)
}

/// Carries out orders until there is nobody to give them.
fn obey(stop: &CancellationToken) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("clock"), Some(seconds)) => clock::set(seconds.parse().unwrap_or_default()),
            (Some("disk"), Some("full")) => sqlite::set_disk(Disk::Full),
            (Some("disk"), Some("broken")) => sqlite::set_disk(Disk::Broken),
            (Some("disk"), Some("sound")) => sqlite::set_disk(Disk::Sound),
            _ => break,
        }
    }
    stop.cancel();
}
