//! The binary as a process, and what it uses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::sleep;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub cpu: Duration,
    peak_kb: u64,
    resident_kb: u64,
    pub success: bool,
}

impl Usage {
    pub fn peak_mb(self) -> f64 {
        megabytes(self.peak_kb)
    }

    pub fn resident_mb(self) -> f64 {
        megabytes(self.resident_kb)
    }
}

#[expect(clippy::cast_precision_loss, reason = "kilobytes of memory")]
fn megabytes(kb: u64) -> f64 {
    kb as f64 / 1024.0
}

/// A child that ends with the benchmark.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub fn start(dir: &Path, args: &[&str]) -> Self {
        let log = dir.join("log");
        let file = fs::File::create(&log).expect("create a log file");
        let child = Command::new(env!("CARGO_BIN_EXE_bootwatch"))
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("share the log file"))
            .stderr(file)
            .spawn()
            .expect("start bootwatch");
        Self { child, log }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Looks until it ends: a process that is gone cannot be looked at.
    pub async fn wait(&mut self) -> Usage {
        let mut last = Usage::default();
        loop {
            let now = self.usage();
            if now.peak_kb > 0 {
                last = now;
            }
            if let Some(status) = self.child.try_wait().expect("its state") {
                return Usage { success: status.success(), ..last };
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// From /proc; zeros when it is gone.
    pub fn usage(&self) -> Usage {
        /// `sysconf(_SC_CLK_TCK)` on Linux.
        const TICKS: u64 = 100;
        let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", self.child.id()));
        let status = of("status").unwrap_or_default();
        let kb = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let stat = of("stat").unwrap_or_default();
        // The name, in parentheses, may hold anything; the fields after it do not.
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 =
            after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        Usage {
            cpu: Duration::from_millis(ticks * 1000 / TICKS),
            peak_kb: kb("VmHWM:").unwrap_or(0),
            resident_kb: kb("VmRSS:").unwrap_or(0),
            success: false,
        }
    }

    /// Asks it to end, as a service manager does.
    pub async fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        while self.child.try_wait().expect("its state").is_none() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind a loopback port");
    listener.local_addr().expect("it has an address").port()
}
