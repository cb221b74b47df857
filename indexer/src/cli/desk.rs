//! Where `whatif --host`, `explain` and `export` read.

use std::path::PathBuf;

use clap::Args;

use super::{Source, failure::Failure};
use crate::evidence::Desk;

#[derive(Debug, Args)]
pub(super) struct DeskArgs {
    #[command(flatten)]
    source: Source,
    /// The database itself, without a configuration.
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    store: Option<PathBuf>,
}

impl DeskArgs {
    pub(super) fn open(&self) -> Result<Desk, Failure> {
        match &self.store {
            Some(path) => Ok(Desk::of_store(path)),
            None => Ok(Desk::of_config(&self.source.load()?)),
        }
    }
}
