//! After the last block: everything is delivered, and the process ends.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::{Report, Run};
use crate::{account, daemon::Told};

/// The daemon gets this long to deliver what it decided.
const DELIVERY: Duration = Duration::from_secs(60);
/// And to stop.
const STOP: Duration = Duration::from_secs(15);

impl Run<'_> {
    /// Until everything that is known is told, and everything that was told is delivered.
    pub(super) async fn deliver(&mut self) -> Result<(), std::io::Error> {
        let until = Instant::now() + DELIVERY;
        // The chain stands still after its last block. By a clock that went on meanwhile its data may
        // be old, and of old data nobody is told.
        self.set_clock().await;
        loop {
            let database = self.database.clone();
            let left = spawn_blocking(move || account::undelivered(&database)).await?;
            let left = left.map_err(std::io::Error::other)?;
            if left == 0 {
                return Ok(());
            }
            if Instant::now() > until {
                self.report.problems.push(format!("{left} things were not told or not delivered"));
                return Ok(());
            }
            self.wait(Instant::now() + Duration::from_millis(40)).await?;
            self.turn(true).await?;
        }
    }

    /// The last end of the process.
    pub(super) async fn end(&mut self) -> Result<(), std::io::Error> {
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

    pub(super) fn finish(mut self) -> Report {
        for node in &self.nodes {
            for (name, times) in node.faults().taken() {
                *self.report.taken.entry(name).or_default() += times;
            }
        }
        self.report.blocks = self.head - self.stage.first;
        self.report
    }
}
