//! What a killed node needs to go on with the same chain.
//!
//! Block times come from the wall clock and transactions from outside, so both are written down
//! for each block before anyone sees it; everything else follows from the specification. One line
//! of JSON per block, flushed: it survives the process, though not the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StartError;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// What the chain was made from; another specification makes another chain.
    spec: String,
    genesis_time: Timestamp,
}

/// One block.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    hash: String,
    voted: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    txs: Vec<String>,
}

/// A block to replay.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The block's hash, upper-case hex: what the replay must arrive at.
    pub(crate) hash: String,
    /// When the validator voted for it.
    pub(crate) voted: Timestamp,
    /// Transactions that came from outside.
    pub(crate) txs: Vec<Vec<u8>>,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Removed on a clean stop.
    temporary: Option<PathBuf>,
}

/// A journal with what it held before.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) genesis_time: Timestamp,
    pub(crate) entries: Vec<Entry>,
}

impl Journal {
    /// Opens or creates the journal at `path` of the chain that `spec` describes.
    ///
    /// A half-written last line, left by a kill, is dropped: nobody saw that block.
    ///
    /// # Errors
    ///
    /// [`StartError::Journal`] when it cannot be read or written, and
    /// [`StartError::OtherChain`] or [`StartError::InUse`] when it is not this node's.
    pub(crate) fn open(
        path: &Path,
        spec: &str,
        now: Timestamp,
        temporary: bool,
    ) -> Result<Opened, StartError> {
        let failed = |source| StartError::Journal { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StartError::InUse { path: path.to_owned() },
            TryLockError::Error(source) => failed(source),
        })?;
        let (complete, lines) = complete_lines(&file).map_err(failed)?;
        file.set_len(complete).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let invalid = |error| failed(io::Error::new(io::ErrorKind::InvalidData, error));
        let mut lines = lines.iter();
        let head = match lines.next() {
            Some(line) => serde_json::from_str::<Head>(line).map_err(invalid)?,
            None => {
                let head = Head { spec: spec.to_owned(), genesis_time: now };
                write_line(&mut file, &head).map_err(failed)?;
                head
            }
        };
        if head.spec != spec {
            return Err(StartError::OtherChain { path: path.to_owned() });
        }
        let entries = lines
            .map(|line| entry(line).map_err(failed))
            .collect::<Result<Vec<Entry>, StartError>>()?;
        let temporary = temporary.then(|| path.to_owned());
        Ok(Opened {
            journal: Journal { file, temporary },
            genesis_time: head.genesis_time,
            entries,
        })
    }

    /// Writes down a block before it is shown to anyone.
    pub(crate) fn append(
        &mut self,
        hash: &[u8],
        voted: Timestamp,
        txs: &[Vec<u8>],
    ) -> io::Result<()> {
        let line = Line {
            hash: hex::encode_upper(hash),
            voted,
            txs: txs.iter().map(|tx| BASE64_STANDARD.encode(tx)).collect(),
        };
        write_line(&mut self.file, &line)
    }

    /// Ends the journal after a clean stop: a temporary one is removed.
    pub(crate) fn close(self) {
        if let Some(path) = self.temporary
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove the journal");
        }
    }
}

/// One write per line, so that a kill cannot interleave two.
fn write_line(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}

fn entry(line: &str) -> io::Result<Entry> {
    let line: Line = serde_json::from_str(line)?;
    let decode = |tx: &String| {
        BASE64_STANDARD.decode(tx).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    };
    let txs = line.txs.iter().map(decode).collect::<io::Result<_>>()?;
    Ok(Entry { hash: line.hash, voted: line.voted, txs })
}

/// The lines that end in a newline, and their length in bytes.
fn complete_lines(file: &File) -> io::Result<(u64, Vec<String>)> {
    let mut reader = BufReader::new(file);
    let (mut complete, mut lines) = (0, Vec::new());
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Ok((complete, lines));
        }
        complete += read as u64;
        lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_dropped_and_the_rest_is_replayed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal");
        let now = Timestamp::new(1_700_000_000, 5).unwrap();
        let mut opened = Journal::open(&path, "spec", now, false).unwrap();
        opened.journal.append(&[1, 2], now, &[b"tx".to_vec()]).unwrap();
        opened.journal.append(&[3], now, &[]).unwrap();
        drop(opened);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 4]).unwrap();

        let mut again = Journal::open(&path, "spec", Timestamp::UNIX_EPOCH, false).unwrap();
        assert_eq!(again.genesis_time, now);
        assert_eq!(again.entries.len(), 1);
        assert_eq!(again.entries[0].hash, "0102");
        assert_eq!(again.entries[0].txs, [b"tx".to_vec()]);
        let second = Journal::open(&path, "spec", now, false).unwrap_err();
        assert!(matches!(second, StartError::InUse { .. }));
        again.journal.append(&[4], now, &[]).unwrap();
        drop(again);
        let third = Journal::open(&path, "spec", now, true).unwrap();
        assert_eq!(third.entries[1].hash, "04");
        third.journal.close();
        assert!(!path.exists());
    }

    #[test]
    fn a_journal_of_another_specification_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal");
        Journal::open(&path, "one", Timestamp::UNIX_EPOCH, false).unwrap();
        let error = Journal::open(&path, "two", Timestamp::UNIX_EPOCH, false).unwrap_err();
        assert!(matches!(error, StartError::OtherChain { .. }));
    }
}
