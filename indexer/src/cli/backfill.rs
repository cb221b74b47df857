//! `bootwatch backfill`: fills history without the daemon.

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
    time::Duration,
};

use bootwatch_rules::Height;
use bootwatch_schema::{Loaded, ReadStore as _, SqliteReader, SqliteStore, StoreError};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::{
    Source, block_on,
    failure::Failure,
    output,
    signals::{self, Received},
};
use crate::{
    chain::StateSource as _,
    config::{Config, History as Reach},
    daemon,
    ingest::{
        self, Depth, Endpoints, Epochs, History, HistoryParts, Known, Progress, Ranges, Shared,
        Standing, Writer,
    },
    log::{self, Format},
    metrics::Metrics,
};

/// How often the endpoints are asked how they stand.
const LOOK: Duration = Duration::from_secs(5);
/// Time between two lines where there is no terminal.
const LINE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct BackfillArgs {
    #[command(flatten)]
    source: Source,
    /// The first block that is wanted. Default: as [store] history says.
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(i64).range(1..))]
    from: Option<Height>,
    /// The last block that is wanted. Default: the newest that is stored, or the chain's newest.
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<Height>,
}

/// Fetches what is missing and ends; what no endpoint has makes it fail.
pub(super) fn run(args: &BackfillArgs, format: Format) -> Result<(), Failure> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(Failure::Usage(format!("--from {from} is above --to {to}")));
    }
    let config = args.source.load()?;
    log::start(format, "warn").map_err(|error| Failure::Usage(error.to_string()))?;
    block_on(async {
        let stop = CancellationToken::new();
        let signal = signals::stop_on_signal(&stop)?;
        backfill(&config, args, stop, &signal).await
    })
}

async fn backfill(
    config: &Config,
    args: &BackfillArgs,
    stop: CancellationToken,
    signal: &Received,
) -> Result<(), Failure> {
    let store = SqliteStore::open(&config.store.path, &config.chain.chain_id).map_err(refusal)?;
    let loaded = store.load().map_err(|error| Failure::of(&error))?;
    let captures =
        daemon::stored_captures(&config.store.path).map_err(|error| Failure::of(&error))?;
    let metrics = Arc::new(Metrics::new([]));
    let endpoints = daemon::endpoints(config, &metrics).map_err(|error| Failure::of(&error))?;
    let endpoints = Arc::new(endpoints);
    let prepared = tokio::select! {
        prepared = prepare(&endpoints, &loaded) => prepared?,
        () = stop.cancelled() => {
            return Err(interrupted(signal, "before it began; nothing was fetched".to_owned()));
        }
    };
    let Prepared { standing, top } = prepared;
    let depth = depth(config, args, &standing, top)?;
    let (writer, writer_end) = Writer::start(store, Arc::clone(&metrics))
        .map_err(|error| Failure::failed("cannot start the writer", &error))?;
    let history = History::new(HistoryParts {
        source: ingest::Source::new(Arc::clone(&endpoints), Arc::clone(&metrics)),
        writer,
        metrics,
        shared: Shared::new((&loaded.coverage).into()),
        depth,
        captures,
        top: Some(top),
    });
    let before = count(&loaded.coverage.stored);
    let mut display = Display::new();
    let outcome = tokio::select! {
        outcome = history.complete(standing, |progress| display.show(progress)) => Some(outcome),
        () = look_after(&endpoints) => None,
        () = stop.cancelled() => None,
    };
    writer_end.wait().await;
    let (done, left) = display.end();
    match outcome {
        None => {
            // What was under way when the signal came has been committed since.
            let reader = SqliteReader::open(&config.store.path);
            let stored = reader.and_then(|reader| reader.load()).map_err(|e| Failure::of(&e))?;
            Err(interrupted(signal, where_it_is(&stored.coverage.stored, before, left)))
        }
        Some(Err(error)) => Err(Failure::of(&error)),
        Some(Ok(lost)) => report(done, &lost),
    }
}

fn interrupted(signal: &Received, text: String) -> Failure {
    let (name, code) = signal.name_and_code().unwrap_or(("a signal", 1));
    Failure::Interrupted(format!("stopped by {name} {text}"), code)
}

/// Where it stopped: it goes downwards.
fn where_it_is(stored: &[(Height, Height)], before: u64, left: u64) -> String {
    let all = count(stored);
    let done = all.saturating_sub(before);
    let complete = stored.last().map_or_else(String::new, |(first, last)| {
        format!("; the newest are complete from block {first} to {last}")
    });
    format!(
        "after {done} blocks, which are kept{complete}; about {left} are left: the same command goes \
         on from there"
    )
}

/// Blocks in ranges.
fn count(ranges: &[(Height, Height)]) -> u64 {
    ranges.iter().map(|(first, last)| last.abs_diff(*first).saturating_add(1)).sum()
}

fn report(done: u64, lost: &Ranges) -> Result<(), Failure> {
    if lost.is_empty() {
        return output::print(&format!("{done} blocks stored; nothing is missing\n"));
    }
    let ranges: Vec<String> =
        lost.iter().map(|(first, last)| format!("{first} to {last}")).collect();
    Err(Failure::Failed(format!(
        "{done} blocks stored, {} are missing because no endpoint has them: {}; add an [[endpoint]] \
         that has them and run this again",
        lost.count(),
        ranges.join(", ")
    )))
}

/// The daemon that holds the database does the same.
fn refusal(error: StoreError) -> Failure {
    match error {
        StoreError::Locked { path } => Failure::Failed(format!(
            "the database {path} is in use by a running bootwatch, which fills history itself as \
             far as [store] history says; stop it first to do it here"
        )),
        error => Failure::of(&error),
    }
}

struct Prepared {
    standing: Standing,
    /// The highest block that may be kept.
    top: Height,
}

/// Asks the endpoints how they stand, and the chain where its epochs begin if the store does not
/// know.
async fn prepare(endpoints: &Endpoints, loaded: &Loaded) -> Result<Prepared, Failure> {
    if let (Some(tip), Some(hash)) = (loaded.ledger.tip, &loaded.last_hash) {
        let known = Known { height: tip.height, hash: hash.clone(), time: tip.time };
        endpoints.note_stored(None, known);
    }
    look(endpoints).await;
    let Some(&index) = endpoints.usable().first() else {
        let text = format!("no endpoint can be used: {}", endpoints.reasons());
        let wrong = endpoints.all_wrong();
        return Err(if wrong { Failure::Usage(text) } else { Failure::Failed(text) });
    };
    let mut epochs = Epochs::of(&loaded.ledger);
    let top = match loaded.ledger.tip {
        Some(tip) => tip.height,
        None => endpoints.head(),
    };
    if epochs.is_none() {
        let state = endpoints.rpc(index).read_state(endpoints.head()).await;
        epochs = match state {
            Ok((state, _)) => Epochs::of_state(&state),
            Err(error) => {
                tracing::warn!(%error, "where epochs begin is not known");
                None
            }
        };
    }
    Ok(Prepared { standing: Standing { epochs, at_tip: true }, top })
}

/// The heights that were asked for; those of the configuration without arguments.
fn depth(
    config: &Config,
    args: &BackfillArgs,
    standing: &Standing,
    top: Height,
) -> Result<Depth, Failure> {
    if args.from.is_none() && args.to.is_none() {
        return Ok(Depth::Configured(config.store.history));
    }
    if let Some(to) = args.to.filter(|to| *to > top) {
        return Err(Failure::Usage(format!(
            "--to {to} is above block {top}; what comes after it is for `bootwatch run`"
        )));
    }
    let to = args.to.unwrap_or(top);
    let from = args.from.or(match config.store.history {
        Reach::Full => Some(1),
        Reach::From(height) => Some(height),
        Reach::Recent => standing.epochs.map(Epochs::previous),
    });
    match from {
        Some(from) if from <= to => Ok(Depth::Only((from, to))),
        Some(from) => Err(Failure::Usage(format!(
            "there is nothing from block {from} to {to}; give --from and --to"
        ))),
        None => Err(Failure::Usage("where epochs begin is not known; give --from".to_owned())),
    }
}

/// Never ends: endpoints come and go, and prune.
async fn look_after(endpoints: &Endpoints) {
    loop {
        tokio::time::sleep(LOOK).await;
        look(endpoints).await;
    }
}

async fn look(endpoints: &Endpoints) {
    for index in 0..endpoints.len() {
        match endpoints.rpc(index).routine().status().await {
            Ok(status) => endpoints.note_status(index, &status),
            Err(error) => endpoints.note_failure(index, &error),
        }
    }
}

/// A bar on a terminal, a line now and then elsewhere; both on standard error.
struct Display {
    bar: Option<ProgressBar>,
    line: tokio::time::Instant,
    done: u64,
    left: u64,
}

impl Display {
    fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos} of {len} blocks, {msg}");
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            // The template is a literal; with a wrong one the default would do.
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, line: tokio::time::Instant::now(), done: 0, left: 0 }
    }

    fn show(&mut self, progress: &Progress) {
        self.done = progress.done();
        self.left = progress.left();
        if let Some(bar) = &self.bar {
            bar.set_length(progress.done().saturating_add(progress.left()));
            bar.set_position(progress.done());
            bar.set_message(progress.pace());
        } else if self.line.elapsed() >= LINE {
            self.line = tokio::time::Instant::now();
            output::note(&progress.to_string());
        }
    }

    /// Blocks that were stored, and that are left.
    fn end(self) -> (u64, u64) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        (self.done, self.left)
    }
}
