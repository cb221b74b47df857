//! The daemon's process, from outside.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use bootwatch_rules::Height;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::crash::CrashPoint;
use crate::victim::Disk;

/// What every start of the process has in common.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) executable: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) log: PathBuf,
    /// An empty list of certificate authorities: reading the system's takes longer than a run.
    pub(crate) roots: PathBuf,
    /// How many times faster than the machine's its clocks run.
    pub(crate) rate: u32,
}

/// A running process.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What it tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// Everything up to this height has been taken in and published.
    At(Height),
    /// A write failed, as it should.
    DiskFailed,
    /// It ended.
    Ended(ExitStatus),
}

impl Program {
    pub(crate) fn start(
        &self,
        crash: Option<CrashPoint>,
        clock: i64,
        disk: Disk,
    ) -> io::Result<Daemon> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.executable);
        command.arg("victim").arg(&self.config);
        command.args(["--clock", &clock.to_string(), "--disk", disk.word()]);
        command.args(["--rate", &self.rate.to_string()]);
        if let Some(crash) = crash {
            command.args(["--crash", &crash.to_string()]);
        }
        command.env("SSL_CERT_FILE", &self.roots).env_remove("SSL_CERT_DIR");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("the process has no pipes");
        let orders = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        Ok(Daemon { child, orders, lines: BufReader::new(output).lines() })
    }
}

impl Daemon {
    /// The next thing it tells. Cancel safe.
    pub(crate) async fn next(&mut self) -> io::Result<Told> {
        while let Some(line) = self.lines.next_line().await? {
            if line == "disk failed" {
                return Ok(Told::DiskFailed);
            }
            if let Some(height) = line.strip_prefix("at ").and_then(|at| at.parse().ok()) {
                return Ok(Told::At(height));
            }
        }
        Ok(Told::Ended(self.child.wait().await?))
    }

    /// Gives an order; one that comes too late is none.
    pub(crate) async fn order(&mut self, order: &str) {
        let _ = self.orders.write_all(format!("{order}\n").as_bytes()).await;
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.start_kill()
    }
}

/// The end of the log.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
