//! Child processes with their output in files, killed when a test ends.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// The binary under test.
pub(crate) const BOOTWATCH: &str = env!("CARGO_BIN_EXE_bootwatch");

/// A running child; killed on drop.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; both of its outputs go to `dir/name.log`.
    pub(crate) fn start(name: &str, program: &str, args: &[&str], dir: &Path) -> Self {
        let log = dir.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log).expect("open a log file");
        let err = out.try_clone().expect("share the log file");
        let child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {program}: {e}"));
        Self { child, log }
    }

    /// Starts the binary under test.
    pub(crate) fn bootwatch(name: &str, args: &[&str], dir: &Path) -> Self {
        Self::start(name, BOOTWATCH, args, dir)
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("wait for a child")
    }

    /// SIGSTOP: it does nothing until [`Process::thaw`], as on a machine that hangs.
    pub(crate) fn freeze(&self) {
        assert!(self.signal("-STOP"), "not stopped");
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        assert!(self.signal("-CONT"), "not continued");
    }

    /// Whether it was there to get it.
    fn signal(&self, signal: &str) -> bool {
        let pid = self.child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().expect("run kill").success()
    }

    /// The memory that it holds.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: u64 = line
            .and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok())
            .expect("its memory");
        kilobytes * 1024
    }

    /// kill -9, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill a child");
        self.child.wait().expect("wait for a child");
    }

    /// SIGTERM, and its exit status; fails when it needs longer than ten seconds.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.wait(Duration::from_secs(10)).await
    }

    /// Waits until it ends by itself.
    pub(crate) async fn wait(&mut self, limit: Duration) -> ExitStatus {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "still running after {limit:?}; its log:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until there is an answer; fails with what was waited for.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited {limit:?} in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A port that was free a moment ago. Only for servers that must come back on the same port.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("bind a loopback port")
        .port()
}
