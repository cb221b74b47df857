//! `bootwatch silence` and `bootwatch ack`: what operators order. Written straight into two tables of
//! the database that the daemon reads every second, so it works whether the daemon runs or not, and
//! whoever may write the file may order. The API orders by the same [`crate::orders`].

use std::time::Duration;

use bootwatch_schema::Silence;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Source, duration, failure::Failure, output};
use crate::{
    orders::{OrderDesk, SilenceOrder, is_over},
    report::words::clean,
};

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
            let order = SilenceOrder {
                matchers: matchers.clone(),
                length: *length,
                until_epoch: *until_epoch,
                author: author.clone(),
                comment: comment.clone(),
            };
            let silence = desk(source)?.silence(order, now).map_err(Failure::of_order)?;
            output::print(&format!("silence {} is in force\n", silence.id))
        }
        SilenceCommand::List { source, all, json } => {
            let orders = desk(source)?.orders().map_err(|error| Failure::of(&error))?;
            let mut silences = orders.silences;
            silences.retain(|silence| *all || !is_over(silence, now));
            output::print(&if *json { output::json(&silences)? } else { list(&silences) })
        }
        SilenceCommand::Expire { source, id } => {
            desk(source)?.expire(*id, now).map_err(Failure::of_order)?;
            output::print(&format!("silence {id} is over\n"))
        }
    }
}

/// Notes that somebody knows about an incident.
pub(super) fn acknowledge(args: &AckArgs) -> Result<(), Failure> {
    let incident = desk(&args.source)?
        .acknowledge(&args.id, args.author.clone(), args.comment.clone(), Timestamp::now())
        .map_err(Failure::of_order)?;
    output::print(&format!(
        "known: {}\nno reminders until it becomes more urgent or comes back\n",
        clean(&incident.summary)
    ))
}

fn desk(source: &Source) -> Result<OrderDesk, Failure> {
    Ok(OrderDesk::new(&source.load()?.store.path))
}

fn matcher(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((label, value)) if !label.is_empty() && !value.is_empty() => {
            Ok((label.to_owned(), value.to_owned()))
        }
        _ => Err("expected LABEL=VALUE, such as alert=EndpointDown".to_owned()),
    }
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
