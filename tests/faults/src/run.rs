//! One schedule, from the first block to the verdict.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use bootwatch_alerts::alert_names;
use bootwatch_devnet::Replay;
use bootwatch_mailbox::Mailbox;
use bootwatch_rules::Height;
use fastrand::Rng;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::account::{self, Read};
use crate::chains::Stage;
use crate::daemon::{self, Daemon, Program, Told};
use crate::oracle::{self, Evidence};
use crate::schedule::{Act, Fault, Schedule};
use crate::victim::Disk;

/// The daemon gets this long, after the last fault, to come to the last block.
const PATIENCE: Duration = Duration::from_secs(90);
/// Faults of the very beginning are over after this.
const BASE: Duration = Duration::from_secs(2);
/// And then this long to deliver what it decided.
const DELIVERY: Duration = Duration::from_secs(60);
/// And to stop.
const STOP: Duration = Duration::from_secs(15);

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

/// What ends after a while.
#[derive(Debug, Clone, Copy)]
enum Lasting {
    Stall(usize),
    Lag(usize),
    Late(usize),
    Prune(usize),
    StandIn(usize),
    Down(usize),
    Clock,
    Disk,
    Halt,
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
            let state_known = !schedule.may_lack_state();
            let evidence = Evidence { stage, read: &read, mails: &mails, state_known, undisturbed };
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
    /// Until the daemon is at the last block and every fault is over.
    async fn follow(&mut self) -> Result<(), std::io::Error> {
        let mut until: Option<Instant> = None;
        loop {
            self.act().await?;
            let over =
                self.head == self.stage.last && self.lasting.is_empty() && self.acts.is_empty();
            if over && until.is_none() && self.kill_at.is_none() {
                until = Some(Instant::now() + PATIENCE);
                self.heal().await?;
            }
            if until.is_some() && self.tip >= self.stage.last {
                return Ok(());
            }
            let begun = self.tip >= self.stage.first;
            if until.is_none() && !begun && self.next_block.elapsed() > BASE {
                // Nothing but requests would use these faults up, and requests become rare.
                self.nodes.iter().for_each(|node| node.faults().heal());
            }
            if until.is_none() && !begun && self.next_block.elapsed() > PATIENCE {
                return self.stuck();
            }
            if until.is_some_and(|until| Instant::now() > until) {
                return self.stuck();
            }
            let wake = self.wake(begun).unwrap_or(Instant::now() + Duration::from_millis(200));
            tokio::select! {
                told = told(&mut self.daemon) => self.hear(told?),
                () = sleep_until(wake) => {}
            }
            self.turn(begun).await?;
        }
    }

    fn stuck(&mut self) -> Result<(), std::io::Error> {
        let Self { tip, head, .. } = self;
        let text = format!("stuck: the daemon is at {tip}, the chain at {head}");
        self.report.problems.push(text);
        Ok(())
    }

    /// When something is to be done next.
    fn wake(&self, begun: bool) -> Option<Instant> {
        let block = (begun && self.goes_on()).then_some(self.next_block);
        let start = self.daemon.is_none().then_some(self.start_at);
        let ends = self.lasting.iter().map(|(at, _)| *at);
        ends.chain(block).chain(start).chain(self.kill_at).min()
    }

    /// Whether there is a next block to be shown.
    fn goes_on(&self) -> bool {
        let waits = self.schedule.in_step && self.tip < self.head;
        !self.halted && !waits && self.head < self.stage.last
    }

    /// What is due by the clock.
    async fn turn(&mut self, begun: bool) -> Result<(), std::io::Error> {
        let now = Instant::now();
        if self.kill_at.is_some_and(|at| at <= now) {
            self.kill_at = None;
            if let Some(daemon) = &mut self.daemon {
                self.ending = true;
                daemon.kill()?;
            }
        }
        if self.daemon.is_none() && self.start_at <= now {
            let crash = self.schedule.crashes.get(self.report.starts).copied();
            self.daemon = Some(self.program.start(crash, self.clock(), self.disk)?);
            self.report.starts += 1;
            self.ending = false;
        }
        if begun && self.goes_on() && self.next_block <= now {
            self.show(1).await;
            self.next_block = now + self.schedule.block_time;
        }
        let (over, goes_on) = self.lasting.drain(..).partition(|(at, _)| *at <= now);
        self.lasting = goes_on;
        let over: Vec<(Instant, Lasting)> = over;
        for (_, lasting) in over {
            self.end_of(lasting).await?;
        }
        Ok(())
    }

    /// The next blocks of the chain.
    async fn show(&mut self, blocks: Height) {
        let shown = self.head;
        self.head = self.stage.last.min(shown + blocks);
        self.set_clock().await;
        for _ in shown..self.head {
            self.nodes.iter().for_each(Replay::advance);
        }
        self.prune();
    }

    /// Seconds that the daemon's clock is ahead of the machine's.
    fn clock(&self) -> i64 {
        let time = self.stage.chain.time(self.head).unwrap_or_default();
        time.as_second() - Timestamp::now().as_second() + self.jump
    }

    fn prune(&self) {
        for (node, pruning) in self.nodes.iter().zip(&self.pruning) {
            if let Some(distance) = pruning {
                node.faults().prune_below(self.tip - distance);
            }
        }
    }

    /// The faults whose block has come.
    async fn act(&mut self) -> Result<(), std::io::Error> {
        while let Some(act) = self.acts.front()
            && act.at <= self.head - self.stage.first
        {
            let Some(Act { node, fault, lasts, .. }) = self.acts.pop_front() else { break };
            let lasting = self.commit(node, fault, lasts).await?;
            if let Some(lasting) = lasting {
                self.lasting.push((Instant::now() + lasts, lasting));
            }
        }
        Ok(())
    }

    /// Does it; gives what ends later.
    async fn commit(
        &mut self,
        node: usize,
        fault: Fault,
        lasts: Duration,
    ) -> Result<Option<Lasting>, std::io::Error> {
        let faults = self.nodes[node].faults().clone();
        Ok(match fault {
            Fault::Kill(delay) => {
                self.kill_at = Some(Instant::now() + delay);
                None
            }
            Fault::Drop => {
                faults.drop_websockets();
                None
            }
            Fault::Stall => {
                faults.stall_frames(true);
                Some(Lasting::Stall(node))
            }
            Fault::StallToTheEnd => {
                self.stalled_to_the_end = true;
                self.nodes.iter().for_each(|node| node.faults().stall_frames(true));
                None
            }
            Fault::Frames(fault, count) => {
                faults.spoil_frames(fault, count);
                None
            }
            Fault::Answers(fault, count) => {
                faults.spoil_answers(fault, count);
                None
            }
            Fault::Lag(blocks) => {
                faults.lag(blocks);
                Some(Lasting::Lag(node))
            }
            Fault::Late(blocks) => {
                faults.delay_results(blocks);
                Some(Lasting::Late(node))
            }
            Fault::Prune(distance) => {
                // Beyond the daemon's last block only at one node: the other has them.
                let node = if distance < 0 { 0 } else { node };
                self.pruning[node] = Some(distance);
                self.prune();
                Some(Lasting::Prune(node))
            }
            Fault::Stranger => {
                self.nodes[node].stand_in(Some(&self.stage.stranger));
                Some(Lasting::StandIn(node))
            }
            Fault::Impostor => {
                self.nodes[node].stand_in(Some(&self.stage.impostor));
                Some(Lasting::StandIn(node))
            }
            Fault::Down => {
                self.nodes[node].shut().await;
                self.count("endpoint down");
                Some(Lasting::Down(node))
            }
            Fault::Clock(seconds) => {
                self.jump = seconds;
                self.set_clock().await;
                self.count("clock jump");
                Some(Lasting::Clock)
            }
            Fault::Disk(disk) => {
                self.disk = disk;
                self.set_disk().await;
                Some(Lasting::Disk)
            }
            Fault::Lock => {
                let database = self.database.clone();
                self.locks.spawn_blocking(move || hold_lock(&database, lasts));
                None
            }
            Fault::Burst(blocks) => {
                self.show(blocks).await;
                self.count("burst of blocks");
                None
            }
            Fault::Halt => {
                self.halted = true;
                self.count("chain halted");
                Some(Lasting::Halt)
            }
        })
    }

    async fn end_of(&mut self, lasting: Lasting) -> Result<(), std::io::Error> {
        match lasting {
            Lasting::Stall(node) => {
                self.nodes[node].faults().stall_frames(self.stalled_to_the_end);
            }
            Lasting::Lag(node) => self.nodes[node].faults().lag(0),
            Lasting::Late(node) => self.nodes[node].faults().delay_results(0),
            Lasting::Prune(node) => {
                self.pruning[node] = None;
                self.nodes[node].faults().prune_below(0);
            }
            Lasting::StandIn(node) => self.nodes[node].stand_in(None),
            Lasting::Down(node) => {
                self.nodes[node].open().await.map_err(std::io::Error::other)?;
            }
            Lasting::Clock => {
                self.jump = 0;
                self.set_clock().await;
            }
            Lasting::Disk => {
                self.disk = Disk::Sound;
                self.set_disk().await;
            }
            Lasting::Halt => self.halted = false,
        }
        Ok(())
    }

    async fn set_clock(&mut self) {
        let order = format!("clock {}", self.clock());
        if let Some(daemon) = &mut self.daemon {
            daemon.order(&order).await;
        }
    }

    async fn set_disk(&mut self) {
        let order = format!("disk {}", self.disk.word());
        if let Some(daemon) = &mut self.daemon {
            daemon.order(&order).await;
        }
    }

    /// All faults are over.
    async fn heal(&mut self) -> Result<(), std::io::Error> {
        while self.locks.join_next().await.is_some() {
            self.count("database locked");
        }
        for node in &mut self.nodes {
            node.faults().heal();
            node.faults().stall_frames(self.stalled_to_the_end);
        }
        Ok(())
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::At(height) => {
                if height < self.tip {
                    let text = format!("it went back from {} to {height}", self.tip);
                    self.report.problems.push(text);
                }
                self.tip = height;
                self.prune();
            }
            Told::DiskFailed => self.count(match self.disk {
                Disk::Broken => "disk broken",
                _ => "disk full",
            }),
            Told::Ended(status) => self.ended(status),
        }
    }

    fn ended(&mut self, status: ExitStatus) {
        self.daemon = None;
        let killed = status.signal() == Some(libc::SIGKILL);
        let crash = self.report.starts.checked_sub(1).and_then(|n| self.schedule.crashes.get(n));
        match (killed, crash) {
            (true, _) if self.ending => self.count("killed at random"),
            (true, Some(crash)) => self.count(crash.phase.counted()),
            (false, _) if self.schedule.may_end_it() && status.code() == Some(1) => {
                self.count("ended by itself");
            }
            _ => self.report.problems.push(format!("the daemon ended by itself: {status}")),
        }
        self.start_at = Instant::now() + Duration::from_millis(self.rng.u64(2..80));
    }

    /// Until everything that was decided is delivered.
    async fn deliver(&mut self) -> Result<(), std::io::Error> {
        let until = Instant::now() + DELIVERY;
        loop {
            let database = self.database.clone();
            let outbox = spawn_blocking(move || account::outbox(&database)).await?;
            let outbox = outbox.map_err(std::io::Error::other)?;
            if outbox.iter().all(|message| message.state != "pending") {
                return Ok(());
            }
            if Instant::now() > until {
                self.report.problems.push("some mail was not delivered".to_owned());
                return Ok(());
            }
            tokio::select! {
                told = told(&mut self.daemon) => self.hear(told?),
                () = sleep(Duration::from_millis(40)) => {}
            }
            self.turn(true).await?;
        }
    }

    /// The last end of the process.
    async fn end(&mut self) -> Result<(), std::io::Error> {
        let Some(mut daemon) = self.daemon.take() else { return Ok(()) };
        if self.schedule.killed_last {
            daemon.kill()?;
        } else {
            daemon.order("stop").await;
        }
        let ended = timeout(STOP, async {
            loop {
                if let Told::Ended(status) = daemon.next().await? {
                    return Ok::<_, std::io::Error>(status);
                }
            }
        });
        match ended.await {
            Ok(status) => {
                let status = status?;
                if !self.schedule.killed_last && !status.success() {
                    self.report.problems.push(format!("told to stop, it ended with {status}"));
                }
            }
            Err(_) => self.report.problems.push("told to stop, it did not".to_owned()),
        }
        Ok(())
    }

    fn finish(mut self) -> Report {
        for node in &self.nodes {
            for (name, times) in node.faults().taken() {
                *self.report.taken.entry(name).or_default() += times;
            }
        }
        self.report.blocks = self.head - self.stage.first;
        self.report
    }

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

/// Holds the write lock as another program would; whether it was had.
fn hold_lock(database: &Path, lasts: Duration) -> bool {
    let Ok(mut db) = Connection::open(database) else { return false };
    let _ = db.busy_timeout(Duration::from_secs(2));
    let Ok(_held) = db.transaction_with_behavior(TransactionBehavior::Immediate) else {
        return false;
    };
    std::thread::sleep(lasts);
    true
}
