//! `bootwatch whatif`: another choice on the current ledger, or the rules without a chain.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bootwatch_rules::{Address, ChoiceAction, clock, scenario};
use clap::Args;
use jiff::Timestamp;

use super::{desk::DeskArgs, failure::Failure, output};
use crate::{
    evidence::{self, text},
    report::words::clean,
};

#[derive(Debug, Args)]
pub(super) struct WhatifArgs {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    desk: DeskArgs,
    /// The model that the host would choose for.
    #[arg(long, value_name = "ID", requires = "host")]
    model: Option<String>,
    /// What it would choose.
    #[arg(
        long,
        value_name = "delegate=ADDR|refuse|intent|none",
        requires = "host",
        value_parser = evidence::choice
    )]
    choose: Option<ChoiceAction>,
    /// Print the comparison as JSON, as /api/v1/whatif does; files are always answered so.
    #[arg(long)]
    json: bool,
}

/// What is asked about: exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// A host, on the current ledger: before and after another choice.
    #[arg(long, value_name = "ADDR", value_parser = evidence::address,
        requires = "model", requires = "choose")]
    host: Option<Address>,
    /// A file with a scenario, or a list of them: who has which weight and choice, and what then
    /// is eligible and charged. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// A file with an epoch clock, or a list of them: which stages fall on which heights when
    /// parameters change. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    clock: Option<PathBuf>,
}

/// Compares, or answers the file with JSON; an error in a file is the writer's, so it has the exit
/// code of usage.
pub(super) fn run(args: &WhatifArgs) -> Result<(), Failure> {
    if let (Some(host), Some(model), Some(choose)) = (&args.subject.host, &args.model, &args.choose)
    {
        let answer = args
            .desk
            .open()?
            .whatif(host, &model.as_str().into(), choose, Timestamp::now())
            .map_err(Failure::of_evidence)?;
        let text = if args.json { output::json(&answer)? } else { text::comparison(&answer) };
        return output::print(&text);
    }
    let (path, answer) = match (&args.subject.scenario, &args.subject.clock) {
        (Some(path), _) => {
            (path, scenario::evaluate(&read(path)?).map_err(|error| error.to_string()))
        }
        (_, Some(path)) => (path, clock::evaluate(&read(path)?).map_err(|error| error.to_string())),
        (None, None) => {
            return Err(Failure::Usage("give --host, --scenario or --clock".to_owned()));
        }
    };
    // A key of the file is quoted as it is, and may hold what a terminal obeys.
    let answer =
        answer.map_err(|error| Failure::Usage(format!("{}: {}", named(path), clean(&error))))?;
    output::print(&output::json(&answer)?)
}

fn read(path: &Path) -> Result<String, Failure> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|error| Failure::Usage(format!("{}: cannot be read: {error}", named(path))))
}

fn named(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
