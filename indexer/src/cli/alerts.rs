//! `bootwatch alerts`: incidents as the database has them, and what would be sent now.

use bootwatch_alerts::{Decision, Engine, describe};
use bootwatch_rules::Height;
use bootwatch_schema::{Incident, IncidentState, ReadStore as _, SqliteReader};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Source, failure::Failure, output, place};
use crate::{
    config::Config,
    daemon,
    orders::{OrderDesk, find},
    replay::{self, Replay, ReplayError},
    report::words::clean,
    situation::{Moment, Subject},
};

#[derive(Debug, Args)]
pub(super) struct AlertsArgs {
    #[command(subcommand)]
    command: AlertsCommand,
}

#[derive(Debug, Subcommand)]
enum AlertsCommand {
    /// Incidents that go on.
    List {
        #[command(flatten)]
        source: Source,
        /// Also those that are over, the newest few hundred.
        #[arg(long)]
        all: bool,
        /// Print them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// One incident: its life, who was told, and what keeps it quiet.
    Show {
        #[command(flatten)]
        source: Source,
        /// The first letters of its id, as `list` shows it.
        #[arg(value_name = "ID")]
        id: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// What an alert watches, and its settings.
    Explain {
        /// Its name, such as DecisionMissing.
        #[arg(value_name = "ALERT")]
        alert: String,
    },
    /// What would have been sent over stored blocks, with the present configuration. Sends and keeps
    /// nothing.
    #[command(after_help = REPLAY)]
    Replay {
        #[command(flatten)]
        source: Source,
        /// The first block.
        #[arg(long, value_name = "H")]
        from: Height,
        /// The last block.
        #[arg(long, value_name = "H")]
        to: Height,
        /// Print it as JSON, with the bodies.
        #[arg(long)]
        json: bool,
    },
    /// What would be sent now, to whom, from the database as it is. Sends and keeps nothing.
    DryRun {
        #[command(flatten)]
        source: Source,
    },
}

const REPLAY: &str = "\
The configuration decides as it is now: recipients, thresholds, pacing, hosts. Silences and
acknowledgements count as they were given. What cannot be replayed is listed at the end.";

pub(super) fn run(args: &AlertsArgs) -> Result<(), Failure> {
    match &args.command {
        AlertsCommand::List { source, all, json } => {
            let mut incidents = incidents(&source.load()?)?;
            incidents.retain(|incident| *all || incident.state != IncidentState::Resolved);
            incidents.sort_by_key(|i| (std::cmp::Reverse(i.severity), i.opened_at));
            output::print(&if *json { output::json(&incidents)? } else { list(&incidents) })
        }
        AlertsCommand::Show { source, id, json } => {
            let incident = find(&incidents(&source.load()?)?, id).map_err(Failure::of_order)?;
            output::print(&if *json { output::json(&incident)? } else { show(&incident) })
        }
        AlertsCommand::Explain { alert } => output::print(&explain(alert)?),
        AlertsCommand::Replay { source, from, to, json } => {
            let replay = replay(&source.load()?, (*from, *to))?;
            output::print(&if *json { output::json(&replay)? } else { replayed(&replay) })
        }
        AlertsCommand::DryRun { source } => output::print(&dry_run(&source.load()?)?),
    }
}

fn incidents(config: &Config) -> Result<Vec<Incident>, Failure> {
    OrderDesk::new(&config.store.path).incidents().map_err(|error| Failure::of(&error))
}

fn list(incidents: &[Incident]) -> String {
    if incidents.is_empty() {
        return "Nothing fires.\n".to_owned();
    }
    incidents
        .iter()
        .map(|incident| {
            format!(
                "{}  {:<8}  {:<8}  {:<26}  {}{}\n",
                short(incident),
                word(incident.severity),
                state(incident),
                incident.alert,
                clean(&incident.summary),
                marks(incident)
            )
        })
        .collect()
}

fn short(incident: &Incident) -> &str {
    incident.fingerprint.get(..8).unwrap_or(&incident.fingerprint)
}

fn state(incident: &Incident) -> &'static str {
    match incident.state {
        _ if incident.unknown_since.is_some() => "unknown",
        IncidentState::Pending => "pending",
        IncidentState::Firing if incident.clearing.is_some() => "clearing",
        IncidentState::Firing => "firing",
        IncidentState::Resolved => "resolved",
    }
}

/// What keeps it quiet, in brackets.
fn marks(incident: &Incident) -> String {
    let marks: Vec<String> = [
        incident.acknowledged.as_ref().map(|ack| format!("known to {}", clean(&ack.author))),
        incident.silenced_by.map(|id| format!("silence {id}")),
        incident.inhibited_by.as_ref().map(|root| format!("explained by {:.8}", root)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join(", ")) }
}

/// The word for anything that serialises as one.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn show(incident: &Incident) -> String {
    let mut lines = vec![
        format!("{}  {}", incident.fingerprint, incident.alert),
        clean(&incident.summary),
        String::new(),
        format!("state         {}{}", state(incident), marks(incident)),
        format!("severity      {}, step {}", word(incident.severity), incident.step),
    ];
    for (name, value) in &incident.labels {
        lines.push(format!("{name:<12}  {}", clean(value)));
    }
    if !incident.window.is_empty() {
        lines.push(format!("window        {}", clean(&incident.window)));
    }
    let since = format!("block {}, {}", incident.opened_height, incident.opened_at);
    lines.push(format!("since         {since}, occurrence {}", incident.occurrence));
    lines.push(format!("changed       {}", incident.changed_at));
    if let Some(deadline) = incident.deadline {
        lines.push(format!("deadline      block {deadline}"));
    }
    if let Some(since) = incident.unknown_since {
        lines.push(format!("unknown since {since}: the data is too old to tell"));
    }
    if let Some(clearing) = &incident.clearing {
        lines.push(format!("gone since    {}, not long enough yet", clearing.since));
    }
    if let Some(ending) = incident.ending {
        lines.push(format!("ended         {}", word(ending)));
    }
    if let Some(ack) = &incident.acknowledged {
        let comment = clean(&ack.comment);
        lines.push(format!("known to      {} since {}: {comment}", clean(&ack.author), ack.at));
    }
    if incident.told.is_empty() {
        lines.push("told          nobody".to_owned());
    }
    for (recipient, told) in &incident.told {
        let end = if told.ended { ", and that it is over" } else { "" };
        lines.push(format!(
            "told          {}: {} at step {}, {} times, last {}{end}",
            clean(recipient),
            word(told.severity),
            told.step,
            told.times,
            told.at
        ));
    }
    lines.join("\n") + "\n"
}

fn explain(alert: &str) -> Result<String, Failure> {
    let Some(description) = describe(alert) else {
        let known: Vec<&str> = bootwatch_alerts::alert_names().into_iter().collect();
        return Err(Failure::Usage(format!(
            "no alert is called {alert:?}; known are {}",
            known.join(", ")
        )));
    };
    let keys = match description.keys {
        [] => "none of its own".to_owned(),
        keys => keys.join(", "),
    };
    let repeats =
        if description.repeats { "while it goes on" } else { "never: it tells of an event" };
    Ok(format!(
        "{alert}\nfires when  {}\nseverity    {}\nreminders   {repeats}\nsettings    {keys}\n\
         runbook     docs/alerts.md#{}\n",
        description.when,
        description.severity,
        alert.to_lowercase()
    ))
}

fn replay(config: &Config, range: (Height, Height)) -> Result<Replay, Failure> {
    let reader = SqliteReader::open(&config.store.path).map_err(|error| Failure::of(&error))?;
    place::check_chain(&config.store.path, &reader, &config.chain.chain_id)?;
    let recipients = daemon::recipients(config).map_err(|error| Failure::of_daemon(&error))?;
    let policy = config.alerts.policy(recipients, config.http.public_url.clone());
    replay::replay(&reader, &Subject::new(config), policy, range).map_err(|error| match error {
        ReplayError::Question(_) => Failure::Usage(error.to_string()),
        ReplayError::NotStored(_) | ReplayError::Store(_) => Failure::of(&error),
    })
}

fn replayed(replay: &Replay) -> String {
    let mut lines: Vec<String> = replay
        .messages
        .iter()
        .map(|message| {
            format!(
                "{:.0}  block {}  {} {}: {}",
                message.at,
                message.height,
                clean(&message.channel),
                clean(&message.recipient),
                clean(&message.subject)
            )
        })
        .collect();
    let (from, to) = (replay.from, replay.to);
    let messages = match replay.messages.len() {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    };
    let judged = match replay.judged {
        1 => "1 block was judged".to_owned(),
        judged => format!("{judged} blocks were judged"),
    };
    lines.push(format!("{messages} would have been sent in blocks {from} to {to}; {judged}"));
    lines.push("Not replayed:".to_owned());
    lines.extend(replay.not_replayed.iter().map(|note| format!("  {note}")));
    lines.join("\n") + "\n"
}

fn dry_run(config: &Config) -> Result<String, Failure> {
    let reader = SqliteReader::open(&config.store.path).map_err(|error| Failure::of(&error))?;
    let loaded = reader.load().map_err(|error| Failure::of(&error))?;
    let orders = reader.orders().map_err(|error| Failure::of(&error))?;
    let recipients = daemon::recipients(config).map_err(|error| Failure::of_daemon(&error))?;
    let mut engine = Engine::new(config.alerts.policy(recipients, config.http.public_url.clone()));
    engine.restore(loaded.incidents.clone());
    engine.obey(orders);
    let now = Timestamp::now();
    let situation = Subject::new(config).judge(&loaded.ledger, Moment::stored(&loaded, now));
    let stale = if situation.stale {
        "The data is old (is the daemon running?): what rests on the chain is frozen.\n"
    } else {
        ""
    };
    Ok(format!("{stale}{}", told(&engine.evaluate(&situation, now))))
}

fn told(decision: &Decision) -> String {
    if decision.messages.is_empty() {
        return "Nothing would be sent now.\n".to_owned();
    }
    decision
        .messages
        .iter()
        .map(|m| format!("{} {}: {}\n", m.channel, clean(&m.recipient), clean(&m.subject)))
        .collect()
}
