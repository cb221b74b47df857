//! Faults: how each begins, and how it ends.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, TransactionBehavior};
use tokio::time::Instant;

use super::Run;
use crate::schedule::{Act, Fault, MailFault};
use crate::victim::Disk;

/// So often a node that was down is opened again before its address counts as lost: 10 s.
const ATTEMPTS: u32 = 200;
/// Between two attempts to end a fault that does not let itself be ended.
const AGAIN: Duration = Duration::from_millis(50);
/// How long the daemon waits for a mail server that says nothing.
const MAIL_TIMEOUT: Duration = Duration::from_secs(60);

/// What ends after a while.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lasting {
    Stall(usize),
    Lag(usize),
    Late(usize),
    Prune(usize),
    StandIn(usize),
    /// The node, and how often it could not be opened again.
    Down(usize, u32),
    Clock,
    Disk,
    Lock,
    Halt,
    Mail(MailFault),
    /// A daemon may still be waiting for a server that said nothing.
    MailWait,
}

impl Run<'_> {
    /// The faults whose block has come.
    pub(super) async fn act(&mut self) -> Result<(), std::io::Error> {
        while let Some(act) = self.acts.front()
            && act.at <= self.head - self.stage.first
        {
            let Some(Act { node, fault, lasts, .. }) = self.acts.pop_front() else { break };
            let lasting = self.commit(node, fault, lasts).await?;
            self.note_health();
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
                self.down.insert(node);
                self.count("endpoint down");
                Some(Lasting::Down(node, 0))
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
                self.locked += 1;
                Some(Lasting::Lock)
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
            Fault::Mail(fault) => {
                self.post_fails(fault);
                fault.lasts().then_some(Lasting::Mail(fault))
            }
            Fault::KillAtMail => {
                self.kill_at_mail = true;
                None
            }
        })
    }

    /// Ends it, or gives what is left to be ended a moment later.
    pub(super) async fn end_of(
        &mut self,
        lasting: Lasting,
    ) -> Result<Option<(Duration, Lasting)>, std::io::Error> {
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
            Lasting::Down(node, attempts) => match self.nodes[node].open().await {
                Ok(()) => {
                    self.down.remove(&node);
                }
                // Another program has got the port in the moment between two owners.
                Err(_) if attempts < ATTEMPTS => {
                    return Ok(Some((AGAIN, Lasting::Down(node, attempts + 1))));
                }
                Err(error) => return Err(std::io::Error::other(error)),
            },
            Lasting::Clock => {
                self.jump = 0;
                self.set_clock().await;
            }
            Lasting::Disk => {
                self.disk = Disk::Sound;
                self.set_disk().await;
            }
            Lasting::Lock => self.locked = self.locked.saturating_sub(1),
            Lasting::Halt => self.halted = false,
            Lasting::Mail(fault) => {
                self.mailbox.calm();
                if fault == MailFault::Silent {
                    return Ok(Some((MAIL_TIMEOUT / self.schedule.rate, Lasting::MailWait)));
                }
                self.post_is_down = false;
            }
            Lasting::MailWait => self.post_is_down = false,
        }
        Ok(None)
    }

    /// All faults are over.
    pub(super) async fn heal(&mut self) {
        while self.locks.join_next().await.is_some() {
            self.count("database locked");
        }
        for node in &mut self.nodes {
            node.faults().heal();
            node.faults().stall_frames(self.stalled_to_the_end);
        }
    }

    pub(super) async fn set_clock(&mut self) {
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

    pub(super) fn prune(&self) {
        for (node, pruning) in self.nodes.iter().zip(&self.pruning) {
            if let Some(distance) = pruning {
                node.faults().prune_below(self.tip - distance);
            }
        }
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
