//! `bootwatch status`: the Situation from the database, without the daemon.

use std::path::PathBuf;

use bootwatch_rules::situation::{ProgressView, Situation};
use bootwatch_schema::{Loaded, ReadStore as _, SqliteReader};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};

use super::{Source, failure::Failure, output};
use crate::{
    config::Config,
    ingest::history_left,
    report::{Report, text},
    situation::{Moment, Subject},
};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    source: Source,
    /// The database itself, without a configuration: the network's view.
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    store: Option<PathBuf>,
    /// Print the Situation as JSON, as /api/v1/status does.
    #[arg(long)]
    json: bool,
}

/// Prints the Situation of the last stored block.
pub(super) fn run(args: &StatusArgs) -> Result<(), Failure> {
    let (path, config) = match &args.store {
        Some(path) => (path.clone(), None),
        None => {
            let config = args.source.load()?;
            (config.store.path.clone(), Some(config))
        }
    };
    let loaded = SqliteReader::open(&path)
        .and_then(|reader| reader.load())
        .map_err(|error| Failure::of(&error))?;
    if let Some(config) = &config
        && !loaded.chain_id.is_empty()
        && loaded.chain_id != config.chain.chain_id
    {
        return Err(Failure::Usage(format!(
            "the database {} holds the chain {:?}, the configuration says {:?}",
            path.display(),
            loaded.chain_id,
            config.chain.chain_id
        )));
    }
    let now = Timestamp::now();
    let situation = situation(&loaded, config.as_ref(), now);
    let out = if args.json {
        output::json(&situation)?
    } else {
        text::render(&Report::new(&situation, now, &TimeZone::system()), output::colour())
    };
    output::print(&out)
}

/// The Situation of what is stored, as it looks now.
fn situation(loaded: &Loaded, config: Option<&Config>, now: Timestamp) -> Situation {
    let subject = match config {
        Some(config) => Subject::new(config),
        None => Subject {
            chain_id: loaded.chain_id.as_str().into(),
            watched: Vec::new(),
            addresses: Vec::new(),
            rule_set: None,
            node: String::new(),
        },
    };
    let mut moment = Moment::stored(loaded, now);
    let left = config.map_or(0, |config| history_left(loaded, config.store.history));
    // How fast it goes only a running daemon knows.
    let idle = ProgressView { done: 0, left, per_minute: 0, eta: None };
    moment.data.history = (left > 0).then(|| moment.data.history.take().unwrap_or(idle));
    subject.judge(&loaded.ledger, moment)
}
