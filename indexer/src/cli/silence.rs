//! `bootwatch silence` and `bootwatch ack`: what operators order. Written straight into two tables of
//! the database that the daemon reads every second, so it works whether the daemon runs or not, and
//! whoever may write the file may order.

use std::{collections::BTreeMap, time::Duration};

use bootwatch_schema::{Acknowledgement, IncidentState, OrderBook, Orders, Silence, SqliteReader};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::{Source, alerts, duration, failure::Failure, output};
use crate::{config::Config, report::words::clean};

/// Longer ones are forgotten and hide what matters.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 3600);

#[derive(Debug, Args)]
pub(super) struct SilenceArgs {
    #[command(subcommand)]
    command: SilenceCommand,
}

#[derive(Debug, Subcommand)]
enum SilenceCommand {
    /// Add one; prints its number.
    Add {
        #[command(flatten)]
        source: Source,
        /// What to keep quiet, such as alert=EndpointDown, host=rack-1, model=ID, severity=warning;
        /// all must match.
        #[arg(value_name = "LABEL=VALUE", required = true, value_parser = matcher)]
        matchers: Vec<(String, String)>,
        /// For how long, such as 2h.
        #[arg(long = "for", value_name = "TIME", value_parser = duration, required_unless_present = "until_epoch")]
        length: Option<Duration>,
        /// Until this epoch is in force.
        #[arg(long, value_name = "N")]
        until_epoch: Option<u64>,
        /// Why.
        #[arg(long)]
        comment: String,
        /// Who you are.
        #[arg(long, env = "USER", default_value = "somebody")]
        author: String,
    },
    /// Those in force; with --all also those that are over.
    List {
        #[command(flatten)]
        source: Source,
        /// Also those that are over.
        #[arg(long)]
        all: bool,
        /// Print them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// End one now.
    Expire {
        #[command(flatten)]
        source: Source,
        /// Its number.
        id: i64,
    },
}

#[derive(Debug, Args)]
pub(super) struct AckArgs {
    #[command(flatten)]
    source: Source,
    /// The first letters of the incident's id, as `bootwatch alerts list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// Why, or what you do about it.
    #[arg(long, default_value = "")]
    comment: String,
    /// Who you are.
    #[arg(long, env = "USER", default_value = "somebody")]
    author: String,
}

pub(super) fn run(args: &SilenceArgs) -> Result<(), Failure> {
    let now = Timestamp::now();
    match &args.command {
        SilenceCommand::Add { source, matchers, length, until_epoch, comment, author } => {
            let matchers = distinct(matchers)?;
            let ends_at = length.map(|length| end(now, length)).transpose()?;
            let silence = Silence {
                id: 0,
                matchers,
                starts_at: now,
                ends_at,
                ends_epoch: *until_epoch,
                author: author.clone(),
                comment: comment.clone(),
                expired_at: None,
            };
            let id = book(&source.load()?)?.silence(&silence).map_err(|e| Failure::of(&e))?;
            output::print(&format!("silence {id} is in force\n"))
        }
        SilenceCommand::List { source, all, json } => {
            let mut silences = orders(&source.load()?)?.silences;
            silences.retain(|silence| *all || !is_over(silence, now));
            output::print(&if *json { output::json(&silences)? } else { list(&silences) })
        }
        SilenceCommand::Expire { source, id } => {
            let mut book = book(&source.load()?)?;
            if book.expire(*id, now).map_err(|error| Failure::of(&error))? {
                return output::print(&format!("silence {id} is over\n"));
            }
            Err(Failure::Usage(format!("there is no silence {id} in force")))
        }
    }
}

/// Notes that somebody knows about an incident.
pub(super) fn acknowledge(args: &AckArgs) -> Result<(), Failure> {
    let config = args.source.load()?;
    let incident = alerts::find(&alerts::incidents(&config)?, &args.id)?;
    if incident.state != IncidentState::Firing {
        return Err(Failure::Usage(format!("{} does not fire", incident.fingerprint)));
    }
    let ack = Acknowledgement {
        occurrence: incident.occurrence,
        severity: incident.severity,
        author: args.author.clone(),
        comment: args.comment.clone(),
        at: Timestamp::now(),
    };
    book(&config)?.acknowledge(&incident.fingerprint, &ack).map_err(|error| Failure::of(&error))?;
    output::print(&format!(
        "known: {}\nno reminders until it becomes more urgent or comes back\n",
        clean(&incident.summary)
    ))
}

fn matcher(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((label, value)) if !label.is_empty() && !value.is_empty() => {
            Ok((label.to_owned(), value.to_owned()))
        }
        _ => Err("expected LABEL=VALUE, such as alert=EndpointDown".to_owned()),
    }
}

fn distinct(pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut matchers = BTreeMap::new();
    for (label, value) in pairs {
        if label == "alert" && bootwatch_alerts::describe(value).is_none() {
            return Err(Failure::Usage(format!("no alert is called {value:?}")));
        }
        if matchers.insert(label.clone(), value.clone()).is_some() {
            return Err(Failure::Usage(format!("{label} is given twice; all must match")));
        }
    }
    Ok(matchers)
}

fn end(now: Timestamp, length: Duration) -> Result<Timestamp, Failure> {
    if length > LONGEST {
        return Err(Failure::Usage("a silence may last 90 days at most".to_owned()));
    }
    SignedDuration::try_from(length)
        .ok()
        .and_then(|length| now.checked_add(length).ok())
        .ok_or_else(|| Failure::Usage("that is beyond all time".to_owned()))
}

fn book(config: &Config) -> Result<OrderBook, Failure> {
    OrderBook::open(&config.store.path).map_err(|error| Failure::of(&error))
}

fn orders(config: &Config) -> Result<Orders, Failure> {
    SqliteReader::open(&config.store.path)
        .and_then(|reader| reader.orders())
        .map_err(|error| Failure::of(&error))
}

/// By time; whether its epoch has come only the daemon can tell.
fn is_over(silence: &Silence, now: Timestamp) -> bool {
    silence.expired_at.is_some() || silence.ends_at.is_some_and(|end| end <= now)
}

fn list(silences: &[Silence]) -> String {
    if silences.is_empty() {
        return "No silence is in force.\n".to_owned();
    }
    silences
        .iter()
        .map(|silence| {
            let what: Vec<String> = silence
                .matchers
                .iter()
                .map(|(label, value)| format!("{}={}", clean(label), clean(value)))
                .collect();
            let end = match (silence.ends_at, silence.ends_epoch) {
                (Some(at), _) => format!("until {at:.0}"),
                (None, Some(epoch)) => format!("until epoch {epoch}"),
                (None, None) => String::new(),
            };
            let over = if silence.expired_at.is_some() { ", ended by hand" } else { "" };
            format!(
                "{}  {}  {end}{over}  by {}: {}\n",
                silence.id,
                what.join(" "),
                clean(&silence.author),
                clean(&silence.comment)
            )
        })
        .collect()
}
