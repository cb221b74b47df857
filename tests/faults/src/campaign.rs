//! Many schedules at a time: lines, failures, and what took effect.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};
use tokio::task::JoinSet;

use crate::chains::{CHAINS, Stage};
use crate::month;
use crate::oracle;
use crate::run::{self, Place, Report};
use crate::schedule::Schedule;

/// With this many schedules, every kind of fault must have taken effect.
const REPRESENTATIVE: usize = 200;

/// What a seed decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A schedule of some eighty blocks.
    Quick,
    /// A month of so many epochs, with clocks so many times faster.
    Month(u64, u32),
}

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) seeds: Vec<u64>,
    pub(crate) jobs: usize,
    pub(crate) log: Option<PathBuf>,
    /// One line for all of it.
    pub(crate) summary: Option<PathBuf>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) give_up_after: usize,
    /// Shows the timeline of schedules that end well, too.
    pub(crate) shows_all: bool,
}

/// Runs it and prints the outcome.
pub(crate) fn main(plan: Plan) -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(campaign(plan)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("the harness failed: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

async fn campaign(plan: Plan) -> Result<bool, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let began = Instant::now();
    let folder = tempfile::Builder::new()
        .prefix("bootwatch-faults-")
        .tempdir_in(plan.folder.clone().unwrap_or_else(memory))
        .map_err(|e| text(&e))?;
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, "").map_err(|e| text(&e))?;
    let place = Arc::new(Place {
        executable: std::env::current_exe().map_err(|e| text(&e))?,
        folder: folder.path().to_owned(),
        roots,
    });
    let mut log = plan.log.as_deref().map(append).transpose()?;
    let mut kept = plan.summary.as_deref().map(append).transpose()?;
    let title = title(plan.kind, &plan.seeds);
    if let Some(log) = &mut log {
        writeln!(log, "# {title}").map_err(|e| text(&e))?;
    }
    let stages = match plan.kind {
        Kind::Quick => stages(&place).await?,
        Kind::Month(..) => Vec::new(),
    };
    let blocks: Vec<_> = stages.iter().map(|stage| stage.last - stage.first).collect();
    let prepared = began.elapsed();

    let mut seeds = plan.seeds.iter();
    let mut running = JoinSet::new();
    let mut summary = Summary::default();
    loop {
        while running.len() < plan.jobs && summary.failed.len() < plan.give_up_after {
            let Some(&seed) = seeds.next() else { break };
            let place = Arc::clone(&place);
            let failed = move |error: io::Error| format!("seed {seed}: {error}");
            match plan.kind {
                Kind::Quick => {
                    let schedule = Schedule::new(seed, |chain| blocks[chain]);
                    let stage = Arc::clone(&stages[schedule.chain]);
                    running.spawn(async move {
                        let report = run::run(&schedule, &stage, &place).await.map_err(failed)?;
                        Ok::<_, String>((schedule, report))
                    });
                }
                Kind::Month(epochs, rate) => {
                    let run = async move { month::run(seed, epochs, rate, &place).await };
                    running.spawn(async move { run.await.map_err(failed) });
                }
            }
        }
        let Some(ended) = running.join_next().await else { break };
        let (schedule, report) = ended.map_err(|e| text(&e))??;
        let line = line(&schedule, &report);
        say(&line);
        if let Some(log) = &mut log {
            log.write_all(line.as_bytes()).map_err(|e| text(&e))?;
        }
        if plan.shows_all {
            say(&schedule.to_string());
        }
        if !report.problems.is_empty() {
            say(&failure(plan.kind, &schedule, &report));
        }
        summary.add(&schedule, &report);
    }
    say(&summary.text(prepared, began.elapsed()));
    let line = format!("{title} {}", summary.line(began.elapsed()));
    if let Some(log) = &mut log {
        writeln!(log, "# {line}").map_err(|e| text(&e))?;
    }
    if let Some(kept) = &mut kept {
        writeln!(kept, "{line}").map_err(|e| text(&e))?;
    }
    Ok(summary.is_good())
}

fn append(path: &Path) -> Result<File, String> {
    let opened = File::options().create(true).append(true).open(path);
    opened.map_err(|e| format!("{}: {e}", path.display()))
}

/// What identifies a campaign: when it began, on which commit, with which seeds.
fn title(kind: Kind, seeds: &[u64]) -> String {
    let began = Timestamp::now().round(Unit::Second).unwrap_or_default();
    let ends = (seeds.iter().min(), seeds.iter().max());
    let (first, last) = (ends.0.copied().unwrap_or_default(), ends.1.copied().unwrap_or_default());
    let kind = match kind {
        Kind::Quick => String::new(),
        Kind::Month(epochs, rate) => format!(" month-of={epochs} rate={rate}"),
    };
    format!("{began} commit={}{kind} seeds={first}..={last}", commit())
}

/// The commit that is checked out where the program runs, with a `+` when something was changed
/// since; `unknown` outside of a clone.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let mark = if changed.is_some_and(|changes| changes.is_empty()) { "" } else { "+" };
    head + mark
}

/// Makes the chains, and what is expected of each by a run without faults.
async fn stages(place: &Arc<Place>) -> Result<Vec<Arc<Stage>>, String> {
    let mut making = JoinSet::new();
    for number in 0..CHAINS {
        let place = Arc::clone(place);
        making.spawn(async move {
            let stage = tokio::task::spawn_blocking(move || Stage::make(number)).await;
            let stage = stage.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
            let report = run::run(&Schedule::quiet(number), &stage, &place).await;
            let report = report.map_err(|e| e.to_string())?;
            let failed = |problems: &str| format!("chain {number}, without faults:\n{problems}");
            if !report.problems.is_empty() {
                return Err(failed(&format!("{}\n{}", report.problems.join("\n"), report.log)));
            }
            let account = report.read.map(|read| read.account).unwrap_or_default();
            oracle::against_the_chain(&stage, &account).await.map_err(|e| failed(&e))?;
            let _ = stage.expected.set(Arc::new(account));
            Ok((number, Arc::new(stage)))
        });
    }
    let mut made = BTreeMap::new();
    while let Some(stage) = making.join_next().await {
        let (number, stage) = stage.map_err(|e| e.to_string())??;
        made.insert(number, stage);
    }
    Ok(made.into_values().collect())
}

/// Memory that is a file system, where there is one: writes to a disk would only cost time.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// One line for a schedule.
fn line(schedule: &Schedule, report: &Report) -> String {
    let verdict = if report.problems.is_empty() { "ok" } else { "FAILED" };
    let kills = report.kills();
    let counts: String =
        report.counts.iter().map(|(name, count)| format!("{name}={count} ")).collect();
    let faults: Vec<String> = report
        .taken
        .iter()
        .map(|(name, times)| format!("{}={times}", name.replace(' ', "-")))
        .collect();
    format!(
        "seed={} {verdict} chain={} blocks={} starts={} kills={kills} ms={} {counts}{}\n",
        schedule.seed,
        schedule.chain,
        report.blocks,
        report.starts,
        report.took.as_millis(),
        faults.join(" ")
    )
}

/// Everything about a schedule that failed.
fn failure(kind: Kind, schedule: &Schedule, report: &Report) -> String {
    let kind = match kind {
        Kind::Quick => String::new(),
        Kind::Month(epochs, rate) => format!("--month --epochs {epochs} --rate {rate} "),
    };
    format!(
        "\n{schedule}\nproblems:\n  {}\n\nthe end of the daemon's log:\n{}\n\nto run it again:\n  \
         cargo run --release -p bootwatch-faults -- {kind}--seed {}\n\n",
        report.problems.join("\n  "),
        report.log,
        schedule.seed
    )
}

#[derive(Debug, Default)]
struct Summary {
    runs: usize,
    blocks: i64,
    starts: usize,
    excused: usize,
    longest: Duration,
    failed: Vec<u64>,
    /// For each fault, how often it took effect, and in how many schedules.
    taken: BTreeMap<&'static str, (u64, u64)>,
    /// What months counted.
    counts: BTreeMap<&'static str, u64>,
}

impl Summary {
    fn add(&mut self, schedule: &Schedule, report: &Report) {
        self.runs += 1;
        self.blocks += report.blocks;
        self.starts += report.starts;
        self.excused += report.excused;
        self.longest = self.longest.max(report.took);
        if !report.problems.is_empty() {
            self.failed.push(schedule.seed);
        }
        for (name, count) in &report.counts {
            *self.counts.entry(name).or_default() += count;
        }
        for (name, times) in &report.taken {
            let (all, schedules) = self.taken.entry(name).or_default();
            *all += times;
            *schedules += 1;
        }
    }

    /// Kinds that never took effect though there was every opportunity.
    fn missing(&self) -> Vec<&'static str> {
        if self.runs < REPRESENTATIVE {
            return Vec::new();
        }
        KINDS.iter().copied().filter(|kind| !self.taken.contains_key(kind)).collect()
    }

    fn is_good(&self) -> bool {
        self.failed.is_empty() && self.missing().is_empty()
    }

    /// All of it in one line.
    fn line(&self, took: Duration) -> String {
        let sum = |wanted: fn(&str) -> bool| -> u64 {
            let found = self.taken.iter().filter(|(name, _)| wanted(name));
            found.map(|(_, (times, _))| times).sum()
        };
        let failed: Vec<String> = self.failed.iter().map(u64::to_string).collect();
        let counts: String =
            self.counts.iter().map(|(name, count)| format!("{name}={count} ")).collect();
        format!(
            "schedules={} failed={} failed-seeds=[{}] blocks={} starts={} kills={} faults={} \
             captures-excused={} {counts}seconds={}",
            self.runs,
            failed.len(),
            failed.join(","),
            self.blocks,
            self.starts,
            sum(|name| name.starts_with("killed")),
            sum(|_| true),
            self.excused,
            took.as_secs()
        )
    }

    fn text(&self, prepared: Duration, took: Duration) -> String {
        let mut text = String::from("\nfaults that took effect (times, schedules):\n");
        for (name, (times, schedules)) in &self.taken {
            text.push_str(&format!("  {name:<30} {times:>8} {schedules:>7}\n"));
        }
        for kind in self.missing() {
            text.push_str(&format!("  {kind:<30} NEVER: the harness is at fault\n"));
        }
        for (name, count) in &self.counts {
            text.push_str(&format!("  {name:<30} {count:>8}\n"));
        }
        text.push_str(&format!(
            "\n{} captures were not told: their members could not be read in time\n",
            self.excused
        ));
        text.push_str(&format!(
            "{} schedules, {} failed{}; {} blocks, {} starts of the daemon; {:.1} s, of which \
             {:.1} s for the chains; the longest took {:.1} s\n",
            self.runs,
            self.failed.len(),
            if self.failed.is_empty() { String::new() } else { format!(" {:?}", self.failed) },
            self.blocks,
            self.starts,
            took.as_secs_f64(),
            prepared.as_secs_f64(),
            self.longest.as_secs_f64(),
        ));
        text
    }
}

/// Every kind there is.
const KINDS: [&str; 36] = [
    "body broken off",
    "body garbage",
    "body null field",
    "body slow",
    "body truncated",
    "burst of blocks",
    "chain halted",
    "clock jump",
    "database locked",
    "disk broken",
    "disk full",
    "ended by itself",
    "endpoint down",
    "frame duplicated",
    "frame garbage",
    "frame lost",
    "frame null field",
    "frame reordered",
    "frame truncated",
    "frames stalled",
    "http 429",
    "http 5xx",
    "killed after commit",
    "killed after the first row",
    "killed at a statement",
    "killed at random",
    "killed before begin",
    "killed before commit",
    "killed in the middle",
    "killed while writing the log",
    "lagging balancer",
    "pruned base",
    "results not ready",
    "subscription cancelled",
    "websocket dropped",
    "wrong chain",
];

/// To standard output; when nobody reads it, there is nobody to tell.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
