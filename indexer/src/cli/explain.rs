//! `bootwatch explain`: why an epoch takes what it takes from a host.

use bootwatch_rules::{Address, ModelId};
use clap::Args;
use jiff::Timestamp;

use super::{desk::DeskArgs, failure::Failure, output};
use crate::evidence::{self, text};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    desk: DeskArgs,
    /// The host.
    #[arg(long, value_name = "ADDR", value_parser = evidence::address)]
    host: Address,
    /// One model only.
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// The epoch whose reward is charged; without it, the one that is formed next.
    #[arg(long, value_name = "N")]
    epoch: Option<u64>,
    /// Print it as JSON, as /api/v1/explain does.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let model = args.model.as_deref().map(ModelId::from);
    let answer = args
        .desk
        .open()?
        .explain(&args.host, model.as_ref(), args.epoch, Timestamp::now())
        .map_err(Failure::of_evidence)?;
    output::print(&if args.json { output::json(&answer)? } else { text::explanation(&answer) })
}
