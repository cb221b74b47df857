//! Random, seeded fault schedules: the daemon is driven through everything that nodes, networks,
//! disks and `kill -9` do, and afterwards its database must be the one of a run without any fault.
//!
//! # How it works
//!
//! *The chain* is made ahead of time ([`chains`]): a few short chains with short epochs, so that
//! captures, wipes, choices and store commits happen within some eighty blocks. It follows from its
//! seed alone, times included. Simulated nodes show it block by block ([`bootwatch_devnet`]).
//!
//! *The daemon* is the real one in a child process ([`victim`]), this very program started again:
//! it takes its configuration from a file, talks to the nodes over sockets, writes its database, and
//! reports each height that it has published. Nothing in it is made for this test. What has to
//! happen inside its process happens below it: statements and writes are watched inside SQLite, so
//! that it dies at a chosen phase of a commit or finds the disk full; the wall clock is moved where
//! the C library reads it.
//!
//! *A schedule* ([`schedule`]) follows from its seed: which chain, how fast, one endpoint or two,
//! which faults at which heights and for how long, at which phase of which commit the daemon dies.
//! After the faults the chain goes on for some blocks and halts; the daemon must reach its end.
//!
//! *The oracle* ([`oracle`]) compares two accounts ([`account`]) of a database: every header,
//! capture, choice message, event and piece of work from the first block to the last, the ledger at
//! its end, and that the range has no hole. The expected account is that of a run without faults on
//! the same chain, made once for each chain and itself held against what the node answers. The
//! ledger must never have been corrected: a lost message that a later reading of the chain's state
//! repairs shows there. Of alerts, each decided message is in the outbox exactly once, nothing is
//! decided that the run without faults did not decide, every capture is told unless the epoch's
//! members could not be read by then, and everything that was decided is delivered. `verify` must
//! find nothing.
//!
//! *A month* ([`month`]) is another kind of run, longer, with a mail server that fails too, and with an
//! oracle of its own: whether hosts were told in time.
//!
//! # What a run prints
//!
//! One line for each seed (`--log` also writes it to a file, below a line that names the commit; one
//! line for the whole campaign goes to the file that `--summary` names), and at the end how often each
//! fault took effect: a kind that never does is a defect of this program, and fails the run. A schedule
//! that fails prints its timeline, the first differences, the end of the daemon's log, and the
//! command that runs it again. A seed decides what is done; the machine decides when, so a failure
//! that depends on timing may need several runs (`--repeat`).

mod account;
mod campaign;
mod chains;
mod crash;
mod daemon;
mod month;
mod oracle;
mod run;
mod schedule;
mod victim;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Drives the daemon through random fault schedules and checks that nothing is lost or doubled.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    /// Run this one schedule and show its timeline.
    #[arg(long, value_name = "N", conflicts_with_all = ["schedules", "first_seed"])]
    seed: Option<u64>,
    /// Run it this often.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "seed")]
    repeat: u64,
    /// Run months instead: some thirty epochs each, with mail servers that fail too.
    #[arg(long)]
    month: bool,
    /// How many epochs a month has.
    #[arg(long, value_name = "N", default_value_t = 30, requires = "month")]
    epochs: u64,
    /// How many times faster its clocks run: a slow or busy machine may need less.
    #[arg(long, value_name = "N", default_value_t = 40, requires = "month",
          value_parser = clap::value_parser!(u32).range(2..=1_000))]
    rate: u32,
    /// How many schedules to run.
    #[arg(long, value_name = "N", default_value_t = 100)]
    schedules: u64,
    /// The seed of the first; each further one is one higher.
    #[arg(long, value_name = "N", default_value_t = 1)]
    first_seed: u64,
    /// How many run at the same time; 24 schedules, which mostly wait, or 6 months.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Append one line for each seed to this file.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Append one line for the whole campaign to this file; `tests/faults/campaigns.log` is kept.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Where databases are made; in memory where the system has /dev/shm.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Stop after so many failures.
    #[arg(long, value_name = "N", default_value_t = 5)]
    give_up_after: usize,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The daemon's process; started by this program only.
    #[command(hide = true)]
    Victim(victim::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Role::Victim(args)) = &cli.role {
        return victim::main(args);
    }
    let seeds = match cli.seed {
        Some(seed) => vec![seed; usize::try_from(cli.repeat).unwrap_or(1)],
        None => (cli.first_seed..cli.first_seed.saturating_add(cli.schedules)).collect(),
    };
    let kind =
        if cli.month { campaign::Kind::Month(cli.epochs, cli.rate) } else { campaign::Kind::Quick };
    let plan = campaign::Plan {
        kind,
        shows_all: cli.seed.is_some(),
        seeds,
        jobs: cli.jobs.unwrap_or(if cli.month { 6 } else { 24 }).max(1),
        log: cli.log,
        summary: cli.summary,
        folder: cli.folder,
        give_up_after: cli.give_up_after.max(1),
    };
    campaign::main(plan)
}
