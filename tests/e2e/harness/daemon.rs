//! The daemon under test, and what it says.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use bootwatch_schema::{ReadStore, SqliteReader};
use serde_json::Value;

use super::process::{BOOTWATCH, Process, until};

/// How long the daemon may take to show something.
const PATIENCE: Duration = Duration::from_secs(60);

/// `bootwatch run` as a process.
pub(crate) struct Daemon {
    process: Process,
    dir: PathBuf,
    name: String,
}

impl Daemon {
    /// Starts it; its log goes on in the same file after a restart.
    pub(crate) fn start(dir: &Path, config: &Path) -> Self {
        Self::named("run", dir, config)
    }

    /// As [`Daemon::start`], with a log of its own.
    pub(crate) fn named(name: &str, dir: &Path, config: &Path) -> Self {
        let args = ["run", "--config", config.to_str().expect("a UTF-8 path")];
        let process = Process::bootwatch(name, &args, dir);
        Self { process, dir: dir.to_owned(), name: name.to_owned() }
    }

    /// The process.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// kill -9.
    pub(crate) fn kill(self) {
        self.process.kill();
    }

    /// SIGTERM; fails unless it ends with 0 within ten seconds.
    pub(crate) async fn stop(self) {
        let name = self.name.clone();
        let log = self.dir.join(format!("{name}.log"));
        let status = self.process.terminate().await;
        let log = std::fs::read_to_string(log).unwrap_or_default();
        assert!(status.success(), "{name} ended with {status}; its log:\n{log}");
    }

    /// Waits until every block up to `height` is stored.
    pub(crate) async fn reaches(&mut self, height: i64) {
        let store = self.dir.join("bootwatch.db");
        let process = &mut self.process;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if complete_to(&store).is_some_and(|stored| stored >= height) {
                return;
            }
            if let Some(status) = process.ended() {
                panic!("the daemon ended with {status}; its log:\n{}", process.log());
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "block {height} was not stored within {PATIENCE:?} (at {:?}); the daemon's log:\n{}",
                complete_to(&store),
                process.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What its API says of everything.
    pub(crate) async fn says(&self) -> Value {
        let url = format!("{}/api/v1/status", self.page().await);
        until("the daemon's status", PATIENCE, || async {
            reqwest::get(&url).await.ok()?.error_for_status().ok()?.json().await.ok()
        })
        .await
    }

    /// Waits until it says something of which `holds` is true; gives what it said.
    pub(crate) async fn comes_to_say(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let said = self.says().await;
            if holds(&said) {
                return said;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "it did not say within {PATIENCE:?} that {what}; it says {said:#}; its log:\n{}",
                self.process.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until its log has `words`.
    pub(crate) async fn comes_to_log(&self, words: &str) {
        until(&format!("{words:?} in the daemon's log"), PATIENCE, || async {
            self.process.log().contains(words).then_some(())
        })
        .await;
    }

    /// The address of its page, from its log.
    pub(crate) async fn page(&self) -> String {
        until("the daemon's address", PATIENCE, || async {
            let log = self.process.log();
            let line = log.lines().rfind(|line| line.contains("serving page"))?;
            let address = line.split_once("page=")?.1.trim();
            Some(address.trim_end_matches('/').to_owned())
        })
        .await
    }
}

/// The last height of the newest stored range.
pub(crate) fn complete_to(store: &Path) -> Option<i64> {
    let loaded = SqliteReader::open(store).ok()?.load().ok()?;
    loaded.coverage.stored.last().map(|range| range.1)
}

/// An endpoint in what the daemon says.
pub(crate) fn endpoint<'a>(said: &'a Value, name: &str) -> &'a Value {
    let endpoints = said["endpoints"].as_array().expect("endpoints");
    endpoints
        .iter()
        .find(|endpoint| endpoint["name"] == name)
        .unwrap_or_else(|| panic!("no endpoint {name} in {said:#}"))
}

/// `bootwatch status --json` on a configuration.
pub(crate) fn status(dir: &Path, config: &Path) -> Value {
    let output = bootwatch(&["status", "--json", "--config", &config.display().to_string()], dir);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("status prints JSON")
}

/// Runs the binary to its end.
pub(crate) fn bootwatch(args: &[&str], dir: &Path) -> Output {
    Command::new(BOOTWATCH).args(args).current_dir(dir).output().expect("run bootwatch")
}
