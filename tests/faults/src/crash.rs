//! Where in its work with the database the daemon dies.

use std::fmt;
use std::str::FromStr;

/// A phase of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// At any statement, those that make the tables included.
    Statement,
    /// Before the transaction begins.
    BeforeBegin,
    /// After its first row.
    FirstRow,
    /// After some rows.
    Middle,
    /// When everything is written, before the commit.
    BeforeCommit,
    /// In the middle of writing the log file.
    InLog,
    /// After the commit, before anybody hears of it.
    AfterCommit,
}

/// The daemon dies in this phase of the transaction, or at the statement, of that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CrashPoint {
    pub(crate) phase: Phase,
    /// Counted from 1 in each process.
    pub(crate) number: u64,
}

const NAMES: [(Phase, &str); 7] = [
    (Phase::Statement, "statement"),
    (Phase::BeforeBegin, "before-begin"),
    (Phase::FirstRow, "first-row"),
    (Phase::Middle, "middle"),
    (Phase::BeforeCommit, "before-commit"),
    (Phase::InLog, "in-log"),
    (Phase::AfterCommit, "after-commit"),
];

impl Phase {
    pub(crate) const ALL: [Phase; 7] = [
        Phase::Statement,
        Phase::BeforeBegin,
        Phase::FirstRow,
        Phase::Middle,
        Phase::BeforeCommit,
        Phase::InLog,
        Phase::AfterCommit,
    ];

    /// What it is called where faults are counted.
    pub(crate) fn counted(self) -> &'static str {
        match self {
            Phase::Statement => "killed at a statement",
            Phase::BeforeBegin => "killed before begin",
            Phase::FirstRow => "killed after the first row",
            Phase::Middle => "killed in the middle",
            Phase::BeforeCommit => "killed before commit",
            Phase::InLog => "killed while writing the log",
            Phase::AfterCommit => "killed after commit",
        }
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(phase, _)| *phase == self.phase);
        write!(f, "{}:{}", name.map_or("", |(_, name)| name), self.number)
    }
}

impl FromStr for CrashPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no crash point, such as first-row:7");
        let (name, number) = text.split_once(':').ok_or_else(wrong)?;
        let phase = NAMES.iter().find(|(_, known)| *known == name).ok_or_else(wrong)?.0;
        Ok(Self { phase, number: number.parse().map_err(|_| wrong())? })
    }
}
