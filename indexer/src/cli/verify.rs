//! `bootwatch verify`: whether the database is sound and complete.

use std::{fmt::Write as _, path::Path, time::Instant};

use bootwatch_rules::Height;
use bootwatch_schema::Verification;
use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{failure::Failure, output, place::PlaceArgs};
use crate::report::words::{clean, count, megabytes};

/// Ranges shown of a kind; --json has all.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Heights that no endpoint has any more are no reason to fail: they are known.
    #[arg(long)]
    accept_unfillable: bool,
    /// Print everything that was found as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    /// Nothing is damaged.
    sound: bool,
    /// No height was given up.
    complete: bool,
    #[serde(flatten)]
    found: &'a Verification,
}

/// Prints what was found; damage and heights given up are a failure.
pub(super) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let (path, reader) = args.place.open()?;
    let began = Instant::now();
    let found = reader.verify().map_err(|error| Failure::of(&error))?;
    let (sound, complete) = (found.damages == 0, found.unfillable.is_empty());
    if args.json {
        output::print(&output::json(&Answer { sound, complete, found: &found })?)?;
    } else {
        output::print(&text(&path, &found, began.elapsed().as_secs_f64()))?;
    }
    if !sound {
        return Err(Failure::Failed(format!(
            "{} is damaged: {} findings, shown above with what to do",
            path.display(),
            found.damages
        )));
    }
    if !complete && !args.accept_unfillable {
        let heights = found.unfillable.iter().map(|gap| blocks(gap.first, gap.last)).sum();
        return Err(Failure::Failed(format!(
            "{} is sound but not complete: no endpoint has {} of its blocks any more; add one that \
             keeps them, or pass --accept-unfillable if they do not matter",
            path.display(),
            count(heights)
        )));
    }
    Ok(())
}

fn blocks(first: Height, last: Height) -> i64 {
    last.saturating_sub(first).saturating_add(1)
}

fn text(path: &Path, found: &Verification, seconds: f64) -> String {
    let mut out = String::new();
    let unsigned = |number: u64| count(i64::try_from(number).unwrap_or(i64::MAX));
    let size = path.metadata().map_or(0, |meta| meta.len());
    let chain = if found.chain_id.is_empty() { "no chain yet" } else { &found.chain_id };
    // A String takes everything.
    let _ = writeln!(
        out,
        "database    {}: {}, schema version {}, {}",
        path.display(),
        clean(chain),
        found.schema_version,
        megabytes(size),
    );
    if found.ranges.is_empty() {
        let _ = writeln!(out, "stored      nothing");
    }
    for range in found.ranges.iter().take(SHOWN) {
        let span = span(range.first, range.last);
        let _ = writeln!(out, "stored      {span}  facts {}", range.facts);
    }
    more(&mut out, found.ranges.len());
    for &(first, last) in found.missing.iter().take(SHOWN) {
        let _ = writeln!(out, "not stored  {}", span(first, last));
    }
    more(&mut out, found.missing.len());
    for gap in found.unfillable.iter().take(SHOWN) {
        let (span, since) = (span(gap.first, gap.last), gap.at.to_zoned(TimeZone::system()));
        let since = since.strftime("%F %R");
        let _ = writeln!(out, "given up    {span}  {since}: {}", clean(&gap.reason));
    }
    more(&mut out, found.unfillable.len());
    if let Some(ledger) = &found.ledger {
        let _ = writeln!(
            out,
            "ledger      at {}\n            choices {}\n            state   {}\n            memory  {}",
            count(ledger.tip),
            ledger.choices,
            ledger.state,
            ledger.memory,
        );
    }
    let _ = writeln!(
        out,
        "checked     {} blocks, {} headers with their hashes, {} facts, in {seconds:.1} s",
        unsigned(found.blocks),
        unsigned(found.headers),
        unsigned(found.rows),
    );
    let mut remedies: Vec<&str> = Vec::new();
    for damage in &found.damage {
        let _ = writeln!(out, "damaged     {}", clean(&damage.to_string()));
        if !remedies.contains(&&*damage.remedy) {
            remedies.push(&damage.remedy);
        }
    }
    let named = u64::try_from(found.damage.len()).unwrap_or(u64::MAX);
    if found.damages > named {
        let _ = writeln!(out, "            and {} more", unsigned(found.damages - named));
    }
    for remedy in remedies {
        let _ = writeln!(out, "do this     {remedy}");
    }
    if found.damages == 0 {
        let _ = writeln!(out, "result      sound: nothing is damaged");
    }
    out
}

fn span(first: Height, last: Height) -> String {
    let blocks = blocks(first, last);
    let noun = if blocks == 1 { "block" } else { "blocks" };
    format!("{}..{} ({} {noun})", count(first), count(last), count(blocks))
}

fn more(out: &mut String, all: usize) {
    if all > SHOWN {
        let _ = writeln!(out, "            and {} more, see --json", all - SHOWN);
    }
}
