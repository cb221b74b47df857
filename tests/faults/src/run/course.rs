//! Until the last block: what the daemon tells, and what is due by the clock.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use bootwatch_devnet::Replay;
use bootwatch_rules::Height;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::{Run, faults::Lasting, told};
use crate::{daemon::Told, victim::Disk};

/// The daemon gets this long, after the last fault, to come to the last block.
const PATIENCE: Duration = Duration::from_secs(90);
/// Faults of the very beginning are over after this.
const BASE: Duration = Duration::from_secs(2);

impl Run<'_> {
    /// Until the daemon is at the last block and every fault is over.
    pub(super) async fn follow(&mut self) -> Result<(), std::io::Error> {
        let mut until: Option<Instant> = None;
        loop {
            self.act().await?;
            let over =
                self.head == self.stage.last && self.lasting.is_empty() && self.acts.is_empty();
            if over && until.is_none() && self.kill_at.is_none() {
                until = Some(Instant::now() + PATIENCE);
                self.heal().await;
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
                self.stuck();
                return Ok(());
            }
            if until.is_some_and(|until| Instant::now() > until) {
                self.stuck();
                return Ok(());
            }
            let wake = self.wake(begun).unwrap_or(Instant::now() + Duration::from_millis(200));
            self.wait(wake).await?;
            self.turn(begun).await?;
        }
    }

    /// What comes next, until then.
    pub(super) async fn wait(&mut self, until: Instant) -> Result<(), std::io::Error> {
        tokio::select! {
            told = told(&mut self.daemon) => self.hear(told?),
            mail = self.mailbox.next(), if self.pace.is_fast() => {
                if let Some(mail) = mail {
                    self.receive(&mail)?;
                }
            }
            () = sleep_until(until) => {}
        }
        Ok(())
    }

    fn stuck(&mut self) {
        let Self { tip, head, .. } = self;
        let text = format!("stuck: the daemon is at {tip}, the chain at {head}");
        self.report.problems.push(text);
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
    pub(super) async fn turn(&mut self, begun: bool) -> Result<(), std::io::Error> {
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
        if begun && self.pace.begin() {
            self.set_clock().await;
            self.next_block = self.due();
            self.note_health();
        }
        if begun && self.goes_on() && self.next_block <= now {
            self.show(1).await;
            self.next_block = self.due();
            self.keep_incidents().map_err(std::io::Error::other)?;
        }
        let (over, goes_on) = self.lasting.drain(..).partition(|(at, _)| *at <= now);
        self.lasting = goes_on;
        let over: Vec<(Instant, Lasting)> = over;
        for (_, lasting) in over {
            let again = self.end_of(lasting).await?;
            self.lasting.extend(again.map(|(wait, lasting)| (now + wait, lasting)));
            self.note_health();
        }
        Ok(())
    }

    /// When the next block is due.
    fn due(&self) -> Instant {
        match self.stage.chain.time(self.head + 1) {
            Some(time) if self.pace.is_fast() => self.pace.at(time),
            _ => Instant::now() + self.schedule.block_time,
        }
    }

    /// The next blocks of the chain.
    pub(super) async fn show(&mut self, blocks: Height) {
        let shown = self.head;
        self.head = self.stage.last.min(shown + blocks);
        if !self.pace.is_fast() {
            self.set_clock().await;
        }
        for _ in shown..self.head {
            self.nodes.iter().for_each(Replay::advance);
        }
        self.prune();
    }

    /// Seconds that the daemon's clock is ahead of the machine's.
    pub(super) fn clock(&self) -> i64 {
        let time = match self.pace.is_fast() {
            true => self.pace.now(),
            false => self.stage.chain.time(self.head).unwrap_or_default(),
        };
        time.as_second() - Timestamp::now().as_second() + self.jump
    }

    pub(super) fn hear(&mut self, told: Told) {
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
}
