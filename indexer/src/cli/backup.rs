//! `bootwatch backup`: a copy of the database, while the daemon runs or not.

use std::path::PathBuf;

use clap::Args;

use super::{failure::Failure, output, place::PlaceArgs};
use crate::report::words::{clean, count, megabytes};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The file to write. It gets this name when the copy is complete and checked.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a file of that name.
    #[arg(long)]
    force: bool,
}

/// Writes the copy and says what is in it.
pub(super) fn run(args: &BackupArgs) -> Result<(), Failure> {
    let (_, reader) = args.place.open()?;
    let backup = reader.backup(&args.file, args.force).map_err(|error| Failure::of(&error))?;
    let content = match backup.height {
        Some(height) => format!(
            "{} up to block {}, {} blocks",
            clean(&backup.chain_id),
            count(height),
            count(i64::try_from(backup.blocks).unwrap_or(i64::MAX)),
        ),
        None => "no blocks yet".to_owned(),
    };
    output::print(&format!(
        "{}: {}, {content}; checked\n",
        args.file.display(),
        megabytes(backup.bytes)
    ))
}
