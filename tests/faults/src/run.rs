//! One schedule, from the first block to the verdict.

mod course;
mod ending;
mod faults;
mod pace;
mod post;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bootwatch_alerts::alert_names;
use bootwatch_devnet::Replay;
use bootwatch_mailbox::{Mail, Mailbox};
use bootwatch_rules::Height;
use fastrand::Rng;
use tempfile::TempDir;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;

use crate::account::{self, Read};
use crate::chains::Stage;
use crate::daemon::{self, Daemon, Program, Told};
use crate::oracle::{self, Evidence};
use crate::schedule::{Act, Schedule};
use crate::victim::Disk;
use faults::Lasting;
use pace::Pace;
pub(crate) use post::{Arrival, Health, Kept, incidents};

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
    /// What a month counted.
    pub(crate) counts: BTreeMap<&'static str, u64>,
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

impl Report {
    /// How often the process was killed.
    pub(crate) fn kills(&self) -> u64 {
        let killed = self.taken.iter().filter(|(name, _)| name.starts_with("killed"));
        killed.map(|(_, times)| times).sum()
    }
}

struct Run<'a> {
    schedule: &'a Schedule,
    stage: &'a Stage,
    rng: Rng,
    pace: Pace,
    mailbox: &'a Mailbox,
    arrivals: Vec<Arrival>,
    /// No mail gets through.
    post_is_down: bool,
    health: Vec<Health>,
    /// Incidents as they were last seen, and at which block.
    incidents: BTreeMap<String, Kept>,
    kept_at: Height,
    nodes: Vec<Replay>,
    /// Nodes that refuse connections.
    down: BTreeSet<usize>,
    program: Program,
    database: PathBuf,
    daemon: Option<Daemon>,
    start_at: Instant,
    kill_at: Option<Instant>,
    kill_at_mail: bool,
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
    /// Locks that are held now.
    locked: u32,
    report: Report,
}

/// A run that is over, before anybody judges it.
#[derive(Debug)]
pub(crate) struct Played {
    /// Removed with this.
    _folder: TempDir,
    pub(crate) database: PathBuf,
    log: PathBuf,
    pub(crate) report: Report,
    /// What the mail server still has.
    mails: Vec<Mail>,
    /// What came there, of a run at a fast pace.
    pub(crate) arrivals: Vec<Arrival>,
    /// How the world was, of such a run.
    pub(crate) health: Vec<Health>,
    /// Incidents that the database may have forgotten since, of such a run.
    pub(crate) incidents: BTreeMap<String, Kept>,
    began: Instant,
}

/// Runs a schedule and judges it; an error is a failure of the harness or its machine.
pub(crate) async fn run(
    schedule: &Schedule,
    stage: &Stage,
    place: &Place,
) -> Result<Report, std::io::Error> {
    let mut played = play(schedule, stage, place, &quick_settings()).await?;
    let read = played.read(stage).await?;
    let report = &mut played.report;
    match read {
        Ok(read) => {
            let undisturbed = report.starts == 1;
            let evidence = Evidence { stage, read: &read, mails: &played.mails, undisturbed };
            report.problems.extend(oracle::judge(&evidence));
            let expected = stage.expected.get();
            report.excused =
                expected.map_or(0, |expected| oracle::excused(expected, &read.account));
            report.read = Some(read);
        }
        Err(error) => report.problems.push(format!("the database cannot be read: {error}")),
    }
    Ok(played.finish())
}

/// Runs a schedule with these settings of mail and alerts.
pub(crate) async fn play(
    schedule: &Schedule,
    stage: &Stage,
    place: &Place,
    settings: &str,
) -> Result<Played, std::io::Error> {
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
    std::fs::write(&config, configuration(folder.path(), stage, &nodes, &mailbox, settings))?;
    let log = folder.path().join("log");
    let program = Program {
        executable: place.executable.clone(),
        config,
        log: log.clone(),
        roots: place.roots.clone(),
        rate: schedule.rate,
    };
    let database = folder.path().join("bootwatch.db");
    let mut run = Run {
        schedule,
        stage,
        rng: Rng::with_seed(schedule.seed ^ 0x5eed),
        pace: Pace::new(schedule.rate, stage.chain.time(stage.first).unwrap_or_default()),
        mailbox: &mailbox,
        arrivals: Vec::new(),
        post_is_down: false,
        health: Vec::new(),
        incidents: BTreeMap::new(),
        kept_at: stage.first,
        pruning: vec![None; nodes.len()],
        nodes,
        down: BTreeSet::new(),
        program,
        database: database.clone(),
        daemon: None,
        start_at: began,
        kill_at: None,
        kill_at_mail: false,
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
        locked: 0,
        report: Report::default(),
    };
    run.follow().await?;
    if run.report.problems.is_empty() {
        run.deliver().await?;
    }
    run.end().await?;
    run.receive_the_rest().await?;
    let (arrivals, health) = (std::mem::take(&mut run.arrivals), std::mem::take(&mut run.health));
    let incidents = std::mem::take(&mut run.incidents);
    let report = run.finish();
    let mails = mailbox.mails();
    mailbox.stop().await;
    Ok(Played { _folder: folder, database, log, report, mails, arrivals, health, incidents, began })
}

impl Played {
    /// What the database says.
    pub(crate) async fn read(
        &self,
        stage: &Stage,
    ) -> Result<Result<Read, account::AccountError>, std::io::Error> {
        let (database, first, last) = (self.database.clone(), stage.first, stage.last);
        Ok(spawn_blocking(move || account::read(&database, first, last)).await?)
    }

    /// The report, with the log when something is wrong.
    pub(crate) fn finish(self) -> Report {
        let Self { mut report, log, began, .. } = self;
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if let Some(panic) = text.lines().find(|line| line.contains("panic: ")) {
            report.problems.push(format!("the daemon panicked: {panic}"));
        }
        if !report.problems.is_empty() {
            report.log = daemon::tail(&log, 80);
        }
        report.took = began.elapsed();
        report
    }
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

/// Only what follows from the chain, at once and each by itself: the rest tells of the faults, which
/// every schedule has in another way.
fn quick_settings() -> String {
    let off: Vec<&str> =
        alert_names().into_iter().filter(|name| !OF_THE_CHAIN.contains(name)).collect();
    format!(
        "to = [\"ops@example.org\"]\n[alerts]\nfirst_notice_delay = \"0s\"\nbatch_every = \
         \"0s\"\nbundle_from = \"1000\"\nper_hour = \"1000\"\noff = {off:?}\n"
    )
}

/// `settings` are those of mail, from `to` on, and of alerts.
fn configuration(
    folder: &Path,
    stage: &Stage,
    nodes: &[Replay],
    mailbox: &Mailbox,
    settings: &str,
) -> String {
    let mut text = format!(
        "[chain]\nchain_id = {:?}\n[store]\npath = {:?}\n[http]\nlisten = \
         \"127.0.0.1:0\"\n[email]\nsmtp = \"{}\"\ntls = \"none\"\nfrom = \
         \"b@example.org\"\n{settings}",
        stage.chain.chain_id(),
        folder.join("bootwatch.db"),
        mailbox.address()
    );
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
