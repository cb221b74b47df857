//! What goes wrong in a month.

use std::time::Duration;

use bootwatch_rules::Height;
use fastrand::Rng;

use crate::crash::{CrashPoint, Phase};
use crate::schedule::{Act, FRAMES, Fault, MailFault, Schedule, answer};
use crate::victim::Disk;

/// Seconds of the chain from block to block, nearly always.
const INTERVAL: u64 = 5;
/// Blocks without faults before the chain halts.
const QUIET: Height = 12;
/// Processes that die at a chosen place.
const CRASHES: usize = 8;

impl Schedule {
    /// The month of a seed, on a chain whose first and last block are `blocks` apart: about every
    /// twenty blocks something about a node or the process, about every fifty something about mail.
    pub(crate) fn month(seed: u64, blocks: Height, rate: u32) -> Self {
        // So many seconds of the chain, by the machine's clock.
        let of_the_chain = |seconds| Duration::from_secs(seconds) / rate;
        let mut rng = Rng::with_seed(seed);
        let endpoints = rng.usize(1..=2);
        let last = (blocks - QUIET).max(1);
        let mut acts = Vec::new();
        let mut at = rng.i64(5..20);
        while at < last {
            let fault = fault(&mut rng);
            let lasts = of_the_chain(match fault {
                // All nodes, now and then for a long time.
                Fault::Down if rng.u8(..4) == 0 => rng.u64(60..360),
                Fault::Disk(_) | Fault::Lock => rng.u64(5..40),
                _ => rng.u64(5..75),
            });
            for node in 0..endpoints {
                // What is about one node is now and then about all of them.
                if node == 0 || fault == Fault::Down && rng.bool() {
                    let node = if fault == Fault::Down { node } else { rng.usize(..endpoints) };
                    acts.push(Act { at, node, fault, lasts });
                }
            }
            at += rng.i64(6..34);
        }
        let mut at = rng.i64(10..40);
        while at < last {
            let fault = mail_fault(&mut rng);
            let seconds = match fault {
                fault if !fault.lasts() => 0,
                // For as long as a deadline is ahead, now and then.
                _ if rng.u8(..6) == 0 => rng.u64(200..500),
                _ => rng.u64(5..100),
            };
            acts.push(Act { at, node: 0, fault: Fault::Mail(fault), lasts: of_the_chain(seconds) });
            // One after the other: when one is over, all are.
            let over = i64::try_from(seconds / INTERVAL).unwrap_or_default();
            at += over + 14 + rng.i64(5..40);
        }
        acts.retain(|act| act.at < last);
        acts.sort_by_key(|act| act.at);
        let crash = |rng: &mut Rng| CrashPoint {
            phase: Phase::ALL[rng.usize(..Phase::ALL.len())],
            number: rng.u64(20..400),
        };
        Self {
            seed,
            chain: 0,
            rate,
            block_time: Duration::ZERO,
            in_step: false,
            endpoints,
            acts,
            crashes: (0..CRASHES).map(|_| crash(&mut rng)).collect(),
            killed_last: rng.bool(),
        }
    }
}

fn fault(rng: &mut Rng) -> Fault {
    match rng.u8(..32) {
        0..=4 => Fault::Kill(Duration::from_millis(rng.u64(..60))),
        5..=8 => Fault::KillAtMail,
        9..=10 => Fault::Drop,
        11..=12 => Fault::Stall,
        13..=17 => Fault::Frames(FRAMES[rng.usize(..FRAMES.len())], rng.usize(1..=6)),
        // A third of a second is thirteen of the chain's.
        18..=23 => Fault::Answers(answer(rng, 20..350), rng.usize(1..=8)),
        24 => Fault::Lag(rng.i64(1..=6)),
        25 => Fault::Late(rng.i64(1..=3)),
        26..=29 => Fault::Down,
        30 => Fault::Disk(if rng.bool() { Disk::Full } else { Disk::Broken }),
        _ => Fault::Lock,
    }
}

fn mail_fault(rng: &mut Rng) -> MailFault {
    match rng.u8(..16) {
        0..=2 => MailFault::Away,
        3..=4 => MailFault::Busy,
        5 => MailFault::Silent,
        6..=7 => MailFault::Later,
        8..=9 => MailFault::Greylist(rng.u32(1..=3)),
        10..=11 => MailFault::Unsaid(rng.u32(1..=2)),
        12..=13 => MailFault::Unread(rng.u32(1..=2)),
        _ => MailFault::Refused(rng.u32(1..=4)),
    }
}
