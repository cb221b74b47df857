//! `bootwatch whatif`: the rules without a chain.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bootwatch_rules::{clock, scenario};
use clap::Args;

use super::{failure::Failure, output};

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct WhatifArgs {
    /// A file with a scenario, or a list of them: who has which weight and choice, and what then
    /// is eligible and charged. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// A file with an epoch clock, or a list of them: which stages fall on which heights when
    /// parameters change. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    clock: Option<PathBuf>,
}

/// Answers the file with JSON; an error in it is the writer's, so it has the exit code of usage.
pub(super) fn run(args: &WhatifArgs) -> Result<(), Failure> {
    let (path, answer) = match (&args.scenario, &args.clock) {
        (Some(path), _) => {
            (path, scenario::evaluate(&read(path)?).map_err(|error| error.to_string()))
        }
        (_, Some(path)) => (path, clock::evaluate(&read(path)?).map_err(|error| error.to_string())),
        (None, None) => return Err(Failure::Usage("give --scenario or --clock".to_owned())),
    };
    let answer = answer.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    output::print(&output::json(&answer)?)
}

fn read(path: &Path) -> Result<String, Failure> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|error| Failure::Usage(format!("{}: cannot be read: {error}", path.display())))
}
