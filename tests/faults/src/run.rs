//! One schedule, from the first block to the verdict.

mod course;
mod ending;
mod faults;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bootwatch_alerts::alert_names;
use bootwatch_devnet::Replay;
use bootwatch_mailbox::Mailbox;
use bootwatch_rules::Height;
use fastrand::Rng;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;

use crate::account::{self, Read};
use crate::chains::Stage;
use crate::daemon::{self, Daemon, Program, Told};
use crate::oracle::{self, Evidence};
use crate::schedule::{Act, Schedule};
use crate::victim::Disk;
use faults::Lasting;

/// What all runs share.
#[derive(Debug)]
pub(crate) struct Place {
    /// This program.
    pub(crate) executable: PathBuf,
    /// Where each run gets a folder of its own.
    pub(crate) folder: PathBuf,
    /// An empty list of certificate authorities.
    pub(crate) roots: PathBuf,
}

/// What became of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What is wrong; nothing when all is well.
    pub(crate) problems: Vec<String>,
    /// How often each fault took effect.
    pub(crate) taken: BTreeMap<&'static str, u64>,
    /// Captures that were not told because the members could not be read in time.
    pub(crate) excused: usize,
    /// Processes started.
    pub(crate) starts: usize,
    pub(crate) blocks: Height,
    pub(crate) took: Duration,
    /// The end of the daemon's log, of a run that failed.
    pub(crate) log: String,
    /// What the database says.
    pub(crate) read: Option<Read>,
}

struct Run<'a> {
    schedule: &'a Schedule,
    stage: &'a Stage,
    rng: Rng,
    nodes: Vec<Replay>,
    program: Program,
    database: PathBuf,
    daemon: Option<Daemon>,
    start_at: Instant,
    kill_at: Option<Instant>,
    /// It was told to end.
    ending: bool,
    acts: VecDeque<Act>,
    lasting: Vec<(Instant, Lasting)>,
    /// What each node prunes to, in relation to the daemon's last block.
    pruning: Vec<Option<Height>>,
    stalled_to_the_end: bool,
    halted: bool,
    next_block: Instant,
    /// The last block that the nodes show.
    head: Height,
    /// The last block that the daemon reported.
    tip: Height,
    /// Seconds that the daemon's clock is wrong by; without a fault it shows the time of the chain.
    jump: i64,
    disk: Disk,
    locks: JoinSet<bool>,
    report: Report,
}

/// Runs a schedule; an error is a failure of the harness or its machine.
pub(crate) async fn run(
    schedule: &Schedule,
    stage: &Stage,
    place: &Place,
) -> Result<Report, std::io::Error> {
    let began = Instant::now();
    let folder = tempfile::Builder::new()
        .prefix(&format!("seed-{}-", schedule.seed))
        .tempdir_in(&place.folder)?;
    let mailbox = Mailbox::start("127.0.0.1:0").await?;
    let mut nodes = Vec::new();
    for _ in 0..schedule.endpoints {
        nodes.push(stage.chain.replay(stage.first).await.map_err(std::io::Error::other)?);
    }
    let config = folder.path().join("bootwatch.toml");
    std::fs::write(&config, configuration(folder.path(), stage, &nodes, &mailbox))?;
    let log = folder.path().join("log");
    let program = Program {
        executable: place.executable.clone(),
        config,
        log: log.clone(),
        roots: place.roots.clone(),
    };
    let mut run = Run {
        schedule,
        stage,
        rng: Rng::with_seed(schedule.seed ^ 0x5eed),
        pruning: vec![None; nodes.len()],
        nodes,
        program,
        database: folder.path().join("bootwatch.db"),
        daemon: None,
        start_at: began,
        kill_at: None,
        ending: false,
        acts: schedule.acts.clone().into(),
        lasting: Vec::new(),
        stalled_to_the_end: false,
        halted: false,
        next_block: began,
        head: stage.first,
        tip: 0,
        jump: 0,
        disk: Disk::Sound,
        locks: JoinSet::new(),
        report: Report::default(),
    };
    run.follow().await?;
    if run.report.problems.is_empty() {
        run.deliver().await?;
    }
    run.end().await?;
    let mut report = run.finish();
    let mails = mailbox.mails();
    mailbox.stop().await;
    let database = folder.path().join("bootwatch.db");
    let (first, last) = (stage.first, stage.last);
    let read = spawn_blocking(move || account::read(&database, first, last)).await?;
    match read {
        Ok(read) => {
            let undisturbed = report.starts == 1;
            let evidence = Evidence { stage, read: &read, mails: &mails, undisturbed };
            report.problems.extend(oracle::judge(&evidence));
            let expected = stage.expected.get();
            report.excused =
                expected.map_or(0, |expected| oracle::excused(expected, &read.account));
            report.read = Some(read);
        }
        Err(error) => report.problems.push(format!("the database cannot be read: {error}")),
    }
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    if let Some(panic) = text.lines().find(|line| line.contains("panic: ")) {
        report.problems.push(format!("the daemon panicked: {panic}"));
    }
    if !report.problems.is_empty() {
        report.log = daemon::tail(&log, 80);
    }
    report.took = began.elapsed();
    Ok(report)
}

/// The alerts that are judged: what the chain said of captures, and what hosts have to do.
const OF_THE_CHAIN: [&str; 7] = [
    "CaptureResult",
    "DecisionMissing",
    "ChoiceExpired",
    "RefusalOnCandidate",
    "ChoiceTooLate",
    "DelegationDeleted",
    "DelegationWithoutEffect",
];

fn configuration(folder: &Path, stage: &Stage, nodes: &[Replay], mailbox: &Mailbox) -> String {
    let mut text = format!(
        "[chain]\nchain_id = {:?}\n[store]\npath = {:?}\n[http]\nlisten = \
         \"127.0.0.1:0\"\n[email]\nsmtp = \"{}\"\ntls = \"none\"\nfrom = \"b@example.org\"\nto = \
         [\"ops@example.org\"]\n",
        stage.chain.chain_id(),
        folder.join("bootwatch.db"),
        mailbox.address()
    );
    // Only what follows from the chain, at once and each by itself: the rest tells of the faults, which
    // every schedule has in another way.
    let off: Vec<&str> =
        alert_names().into_iter().filter(|name| !OF_THE_CHAIN.contains(name)).collect();
    text.push_str(&format!(
        "[alerts]\nfirst_notice_delay = \"0s\"\nbatch_every = \"0s\"\nbundle_from = \"1000\"\n\
         per_hour = \"1000\"\noff = {off:?}\n"
    ));
    for (number, node) in (1..).zip(nodes) {
        text.push_str(&format!("[[endpoint]]\nname = \"e{number}\"\nrpc = {:?}\n", node.url()));
    }
    for host in &stage.watched {
        text.push_str(&format!("[[host]]\nname = {:?}\naddress = {:?}\n", host.name, host.address));
    }
    text
}

impl Run<'_> {
    fn count(&mut self, fault: &'static str) {
        *self.report.taken.entry(fault).or_default() += 1;
    }
}

/// What the daemon tells next; for ever nothing while there is none.
async fn told(daemon: &mut Option<Daemon>) -> Result<Told, std::io::Error> {
    match daemon {
        Some(daemon) => daemon.next().await,
        None => std::future::pending().await,
    }
}
