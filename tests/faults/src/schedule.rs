//! What a seed decides.

use std::fmt;
use std::time::Duration;

use bootwatch_devnet::{AnswerFault, FrameFault};
use bootwatch_rules::Height;
use fastrand::Rng;

use crate::chains::CHAINS;
use crate::crash::{CrashPoint, Phase};
use crate::victim::Disk;

/// Blocks without faults before the chain halts.
const QUIET: Height = 8;
/// A write lock that is held longer than the daemon's patience of 5 s.
const LONG_LOCK: Duration = Duration::from_millis(5_400);

/// Everything that happens in one run.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    /// Which chain.
    pub(crate) chain: usize,
    /// How many times faster than the machine's the daemon's clocks run; above 1 the nodes show each
    /// block when its time has come by them.
    pub(crate) rate: u32,
    /// From block to block, as the nodes show them; at a rate above 1 it is the chain's own.
    pub(crate) block_time: Duration,
    /// Blocks wait for the daemon to have taken in the one before.
    pub(crate) in_step: bool,
    /// Nodes that the daemon is told of.
    pub(crate) endpoints: usize,
    /// In the order of blocks.
    pub(crate) acts: Vec<Act>,
    /// Where the process dies, for each start; then no more.
    pub(crate) crashes: Vec<CrashPoint>,
    /// Whether the daemon is told to stop at the end, or killed.
    pub(crate) killed_last: bool,
}

/// A fault, or something else that happens.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// When so many blocks after the first were shown.
    pub(crate) at: Height,
    /// At which node, where it is one's.
    pub(crate) node: usize,
    pub(crate) fault: Fault,
    /// How long what lasts does.
    pub(crate) lasts: Duration,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9`, this long after the block.
    Kill(Duration),
    /// All websockets are cut.
    Drop,
    /// No frames come, pings do.
    Stall,
    /// As [`Fault::Stall`], until the daemon has noticed by itself.
    StallToTheEnd,
    /// Frames are spoilt.
    Frames(FrameFault, usize),
    /// Answers are spoilt.
    Answers(AnswerFault, usize),
    /// Some of the nodes behind the address are behind.
    Lag(Height),
    /// The newest blocks have no results yet.
    Late(Height),
    /// Blocks are pruned up to so many before the daemon's last one; beyond it, when negative and
    /// another node has them.
    Prune(Height),
    /// A chain of another name answers.
    Stranger,
    /// Another chain of the same name answers.
    Impostor,
    /// Connections are refused.
    Down,
    /// The daemon's clock jumps by so many seconds.
    Clock(i64),
    /// Writes fail.
    Disk(Disk),
    /// Another program holds the write lock.
    Lock,
    /// So many blocks come at once.
    Burst(Height),
    /// No block comes.
    Halt,
    /// The mail server has it.
    Mail(MailFault),
    /// `kill -9` with the next mail, as the server says yes to it.
    KillAtMail,
}

/// What a mail server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailFault {
    /// It closes every connection.
    Away,
    /// It is too busy to talk.
    Busy,
    /// It takes connections and never says a word.
    Silent,
    /// It says of every recipient: later.
    Later,
    /// It says so to the next few.
    Greylist(u32),
    /// It takes the next few mails and does not say so.
    Unsaid(u32),
    /// It reads the next few mails and wants them again.
    Unread(u32),
    /// It refuses for good the next few mails to [`SECOND`].
    Refused(u32),
}

impl MailFault {
    /// Whether no mail gets through while it lasts.
    pub(crate) fn lasts(self) -> bool {
        matches!(self, Self::Away | Self::Busy | Self::Silent | Self::Later)
    }
}

/// The recipient whose mails may be refused for good.
pub(crate) const SECOND: &str = "second@example.org";

impl Schedule {
    /// The schedule of a seed, on a chain whose first and last block are `blocks` apart.
    pub(crate) fn new(seed: u64, blocks: impl Fn(usize) -> Height) -> Self {
        let mut rng = Rng::with_seed(seed);
        let chain = rng.usize(..CHAINS);
        let endpoints = if rng.u8(..3) == 0 { 2 } else { 1 };
        let last_act = (blocks(chain) - QUIET).max(1);
        let mut acts: Vec<Act> =
            (0..rng.usize(2..=8)).map(|_| act(&mut rng, last_act, endpoints)).collect();
        if rng.u8(..50) == 0 {
            let at = last_act + QUIET / 2;
            acts.push(Act { at, node: 0, fault: Fault::StallToTheEnd, lasts: Duration::ZERO });
        }
        acts.sort_by_key(|act| act.at);
        let crashes = (0..rng.usize(..=3)).map(|_| crash(&mut rng)).collect();
        Self {
            seed,
            chain,
            rate: 1,
            block_time: Duration::from_millis(rng.u64(8..=16)),
            in_step: false,
            endpoints,
            acts,
            crashes,
            killed_last: rng.bool(),
        }
    }

    /// A schedule in which nothing happens: every block is judged at the tip.
    pub(crate) fn quiet(chain: usize) -> Self {
        Self {
            seed: 0,
            chain,
            rate: 1,
            block_time: Duration::ZERO,
            in_step: true,
            endpoints: 1,
            acts: Vec::new(),
            crashes: Vec::new(),
            killed_last: false,
        }
    }

    /// Whether the daemon may end by itself: it has been shown another chain, or could not open its
    /// database.
    pub(crate) fn may_end_it(&self) -> bool {
        self.acts.iter().any(|act| {
            matches!(act.fault, Fault::Stranger | Fault::Impostor | Fault::Disk(_) | Fault::Lock)
        })
    }
}

fn act(rng: &mut Rng, last: Height, endpoints: usize) -> Act {
    // Some at the very beginning, when the base is read.
    let at = if rng.u8(..8) == 0 { 0 } else { rng.i64(0..=last) };
    let fault = fault(rng, endpoints);
    // Not before the base is stored: with nothing to compare, a daemon must believe the first chain
    // it sees, and begins where the node says that it is.
    let late = matches!(fault, Fault::Lag(_) | Fault::Prune(_) | Fault::Impostor | Fault::Burst(_));
    let at = if late { at.max(1) } else { at };
    let lasts = match fault {
        Fault::Lock if rng.u8(..25) == 0 => LONG_LOCK,
        Fault::Clock(_) => Duration::from_millis(rng.u64(50..1_000)),
        _ => Duration::from_millis(rng.u64(20..600)),
    };
    Act { at, node: rng.usize(..endpoints), fault, lasts }
}

fn fault(rng: &mut Rng, endpoints: usize) -> Fault {
    match rng.u8(..42) {
        0..=3 => Fault::Kill(Duration::from_millis(rng.u64(..20))),
        4..=5 => Fault::Drop,
        6..=7 => Fault::Stall,
        8..=16 => Fault::Frames(FRAMES[rng.usize(..FRAMES.len())], rng.usize(1..=6)),
        17..=26 => {
            let fault = answer(rng, 20..400);
            Fault::Answers(fault, rng.usize(1..=8))
        }
        27..=28 => Fault::Lag(rng.i64(1..=12)),
        29..=30 => Fault::Late(rng.i64(1..=3)),
        31 if endpoints > 1 => Fault::Prune(-rng.i64(1..=6)),
        31 | 32 => Fault::Prune(rng.i64(0..=6)),
        33 => Fault::Stranger,
        34 => Fault::Impostor,
        35..=36 => Fault::Down,
        37 => Fault::Clock([-172_800, -3_600, 3_600, 259_200][rng.usize(..4)]),
        38 => Fault::Disk(if rng.bool() { Disk::Full } else { Disk::Broken }),
        39 => Fault::Lock,
        40 => Fault::Burst(rng.i64(2..=30)),
        _ => Fault::Halt,
    }
}

/// The faults of frames.
pub(crate) const FRAMES: [FrameFault; 7] = [
    FrameFault::Twice,
    FrameFault::Overtaken,
    FrameFault::Lost,
    FrameFault::Cut,
    FrameFault::Garbage,
    FrameFault::Null,
    FrameFault::Cancelled,
];

/// A fault of an answer; a slow one takes so many milliseconds.
pub(crate) fn answer(rng: &mut Rng, slow: std::ops::Range<u64>) -> AnswerFault {
    let slow = Duration::from_millis(rng.u64(slow));
    let faults = [
        AnswerFault::Status(500),
        AnswerFault::Status(502),
        AnswerFault::Status(503),
        AnswerFault::Status(429),
        AnswerFault::Broken,
        AnswerFault::Slow(slow),
        AnswerFault::Cut,
        AnswerFault::Garbage,
        AnswerFault::Null,
    ];
    faults[rng.usize(..faults.len())]
}

fn crash(rng: &mut Rng) -> CrashPoint {
    let phase = Phase::ALL[rng.usize(..Phase::ALL.len())];
    let number = match phase {
        // A new database takes some forty statements, an existing one some ten, a block some
        // fifteen.
        Phase::Statement => rng.u64(1..=400),
        _ => rng.u64(1..=25),
    };
    CrashPoint { phase, number }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, chain, block_time, endpoints, .. } = self;
        writeln!(
            f,
            "seed {seed}: chain {chain}, {endpoints} endpoint(s), a block every {} ms",
            block_time.as_millis()
        )?;
        for act in &self.acts {
            let Act { at, node, fault, lasts } = act;
            writeln!(f, "  block +{at:<3} node {node}: {fault:?} ({} ms)", lasts.as_millis())?;
        }
        for (start, crash) in (1..).zip(&self.crashes) {
            writeln!(f, "  start {start} dies at {crash}")?;
        }
        writeln!(f, "  at the end: {}", if self.killed_last { "kill -9" } else { "stop" })
    }
}
