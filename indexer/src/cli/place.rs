//! Where the commands that look after the database find it.

use std::path::{Path, PathBuf};

use bootwatch_schema::{ReadStore as _, SqliteReader};
use clap::Args;

use super::{Source, failure::Failure};

#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    #[command(flatten)]
    source: Source,
    /// The database itself, without a configuration.
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    store: Option<PathBuf>,
}

impl PlaceArgs {
    /// The database's path, and the chain that it has to hold when a configuration names one.
    fn place(&self) -> Result<(PathBuf, Option<String>), Failure> {
        match &self.store {
            Some(path) => Ok((path.clone(), None)),
            None => {
                let config = self.source.load()?;
                Ok((config.store.path, Some(config.chain.chain_id)))
            }
        }
    }

    /// The database, for reading; the daemon may run or not.
    pub(super) fn open(&self) -> Result<(PathBuf, SqliteReader), Failure> {
        let (path, chain) = self.place()?;
        let reader = SqliteReader::open(&path).map_err(|error| Failure::of(&error))?;
        if let Some(chain) = chain {
            check_chain(&path, &reader, &chain)?;
        }
        Ok((path, reader))
    }
}

/// The database must hold that chain.
pub(super) fn check_chain(path: &Path, reader: &SqliteReader, chain: &str) -> Result<(), Failure> {
    // A database that cannot be loaded is for the command to judge.
    let Ok(loaded) = reader.load() else { return Ok(()) };
    if loaded.chain_id.is_empty() || loaded.chain_id == chain {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "the database {} holds the chain {:?}, the configuration says {chain:?}",
        path.display(),
        loaded.chain_id,
    )))
}
