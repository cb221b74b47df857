//! The command line: what is asked for, and the exit code that answers it.

mod alerts;
mod backfill;
mod backup;
mod demo;
mod desk;
mod devnet;
mod explain;
mod export;
mod failure;
mod notify;
mod output;
mod place;
mod run;
mod signals;
mod silence;
mod status;
mod verify;
mod whatif;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand, error::ErrorKind};

use crate::{
    config::{self, Config},
    log::Format,
};
use failure::Failure;

const EXAMPLES: &str = "\
Examples:
  bootwatch demo                         see it work; needs nothing
  bootwatch run --config bootwatch.toml  watch the chain
  bootwatch status                       what needs me now, by BOOTWATCH_ variables
  bootwatch status --config bootwatch.toml --json
  bootwatch alerts list                  what fires now
  bootwatch silence add alert=EndpointDown --for 2h --comment maintenance
  bootwatch alerts replay --from 5690000 --to 5705000   what would have been sent
  bootwatch notify test                  a real test message by every channel
  bootwatch whatif --host gonka1... --model ID --choose refuse
  bootwatch explain --host gonka1...     what it costs, and why
  bootwatch backfill --from 5690000      fetch older blocks; the daemon must not run
  bootwatch export --epoch 253 --format csv > epoch-253.csv
  bootwatch verify --config bootwatch.toml           is the database sound and complete?
  bootwatch backup --force /backup/bootwatch.db      a copy, while the daemon runs

Every key of the configuration can be a variable: BOOTWATCH_ENDPOINT=http://node:26657,
BOOTWATCH_CHAIN_CHAIN_ID=gonka-mainnet, BOOTWATCH_HOST=mine=gonka1...; see bootwatch.example.toml.
The log goes to standard error; BOOTWATCH_LOG=debug shows more.

Exit codes: 0 done, 1 failed, 2 the command or the configuration is wrong, 130 or 143 stopped by
Ctrl-C or SIGTERM before the end (`run` ends with 0 then: it has no other end).";

/// Tells a Gonka host, before the block that freezes it, which of its choices will cost it reward
/// next epoch, why, and which command avoids it.
#[derive(Debug, Parser)]
#[command(name = "bootwatch", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    /// How log lines look.
    #[arg(long, global = true, value_enum, default_value_t, env = "BOOTWATCH_LOG_FORMAT")]
    log_format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow the chain: store, metrics, page, mails. Ends on SIGTERM or Ctrl-C.
    Run(run::RunArgs),
    /// See it work: a simulated chain, the daemon on it, and the mails it sends.
    Demo(demo::DemoArgs),
    /// Run a simulated Gonka node.
    Devnet(devnet::DevnetArgs),
    /// What needs me now, from the daemon's database; the daemon may run or not.
    Status(status::StatusArgs),
    /// Fetch the blocks below the newest that are missing, without the daemon.
    Backfill(backfill::BackfillArgs),
    /// What fires now, how it stands, and what would be sent.
    Alerts(alerts::AlertsArgs),
    /// Keep alerts quiet for a while.
    Silence(silence::SilenceArgs),
    /// Say that you know of an alert: no reminders until it becomes more urgent.
    Ack(silence::AckArgs),
    /// What would happen: another choice of a host, or a scenario or an epoch clock from a file.
    Whatif(whatif::WhatifArgs),
    /// Why an epoch takes what it takes from a host: inputs, heights, sources, reasons.
    Explain(explain::ExplainArgs),
    /// Try the channels that messages go by.
    Notify(notify::NotifyArgs),
    /// The evidence of an epoch, as JSON or CSV, with a list of what is missing.
    Export(export::ExportArgs),
    /// Whether the database is sound and complete; the daemon may run or not.
    Verify(verify::VerifyArgs),
    /// A copy of the database, complete and checked, while the daemon runs or not.
    Backup(backup::BackupArgs),
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
struct Source {
    /// The configuration file. Without it, BOOTWATCH_ variables are the whole configuration.
    #[arg(long, value_name = "FILE", env = "BOOTWATCH_CONFIG")]
    config: Option<PathBuf>,
}

impl Source {
    /// The configuration.
    fn load(&self) -> Result<Config, Failure> {
        // A compose file passes variables that are empty.
        let file = self.config.as_deref().filter(|path| !path.as_os_str().is_empty());
        Config::load(file, &config::environment()).map_err(|error| {
            let hint = match file {
                None if PathBuf::from("bootwatch.toml").exists() => {
                    "\nno --config was given; did you mean --config bootwatch.toml?"
                }
                _ => "",
            };
            Failure::Usage(format!("{error}{hint}"))
        })
    }
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    // One TLS provider in the process, named before the first connection: with two compiled in,
    // rustls would panic there. It fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe behind `--help | head` is no failure.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(failure::USAGE),
            };
        }
    };
    let done = match &cli.command {
        Command::Run(args) => run::run(args, cli.log_format),
        Command::Demo(args) => demo::run(args, cli.log_format),
        Command::Devnet(args) => devnet::run(args, cli.log_format),
        Command::Status(args) => status::run(args),
        Command::Backfill(args) => backfill::run(args, cli.log_format),
        Command::Alerts(args) => alerts::run(args),
        Command::Silence(args) => silence::run(args),
        Command::Ack(args) => silence::acknowledge(args),
        Command::Whatif(args) => whatif::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Notify(args) => notify::run(args),
        Command::Export(args) => export::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Backup(args) => backup::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

/// Runs `work` on a runtime of its own, and gives what it left behind a moment to end.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    /// Ingestion has its own writer thread; two workers serve the rest.
    const WORKERS: usize = 2;
    const GRACE: Duration = Duration::from_secs(5);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start", &error))?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(GRACE);
    done
}

/// A length of time such as `100ms`, `5s` or `1m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a length of time such as 100ms or 5s".to_owned())?;
    let duration = Duration::try_from(parsed).map_err(|_| "must not be negative".to_owned())?;
    if duration.is_zero() {
        return Err("must be longer than nothing".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lengths_of_time_have_units() {
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        for wrong in ["100", "", "-1s", "0s", "1 parsec"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
