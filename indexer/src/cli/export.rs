//! `bootwatch export`: the evidence of an epoch.

use bootwatch_rules::Address;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{desk::DeskArgs, failure::Failure, output};
use crate::evidence;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    desk: DeskArgs,
    /// The epoch whose reward is charged.
    #[arg(long, value_name = "N")]
    epoch: u64,
    /// A host whose choices are listed, instead of the watched ones; may be given again.
    #[arg(long, value_name = "ADDR", value_parser = evidence::address)]
    host: Vec<Address>,
    /// JSON, or one flat table.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    #[default]
    Json,
    Csv,
}

/// Prints the evidence; what is not there is in it, and told on standard error as well.
pub(super) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let evidence = args
        .desk
        .open()?
        .export(args.epoch, &args.host, Timestamp::now())
        .map_err(Failure::of_evidence)?;
    let text = match args.format {
        Format::Json => output::json(&evidence)?,
        Format::Csv => {
            evidence.csv().map_err(|error| Failure::failed("cannot write CSV", &error))?
        }
    };
    output::print(&text)?;
    if !evidence.missing.is_empty() {
        let (things, epoch) = (evidence.missing.len(), evidence.epoch);
        output::note(&format!(
            "the evidence of epoch {epoch} is not complete: {things} things are missing, listed \
             under `missing`"
        ));
    }
    Ok(())
}
