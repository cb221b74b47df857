//! A month: some thirty epochs of a chain in which several watched hosts choose, forget and are let
//! down, nodes and mail server fail, and the daemon is killed again and again; and the question a
//! host would ask: was I told in time of everything that cost me?
//!
//! Everything is as in a quick schedule ([`crate::run`]): the daemon's own process, real
//! sockets, a real conversation with the mail server. But here its clocks run faster,
//! blocks come at their own times by them, and the database need not be that of a run
//! without faults: the verdict ([`oracle`]) comes from the chain's own records.

mod oracle;
mod schedule;
mod stage;

use std::io;
use std::sync::Arc;

use bootwatch_alerts::alert_names;
use tokio::task::spawn_blocking;

use crate::chains::Stage;
use crate::run::{self, Place, Report};
use crate::schedule::{SECOND, Schedule};

/// The recipient who must be told in time.
const FIRST: &str = "ops@example.org";

/// Makes the month of a seed, runs it and judges it.
pub(crate) async fn run(
    seed: u64,
    epochs: u64,
    rate: u32,
    place: &Place,
) -> Result<(Schedule, Report), io::Error> {
    let made = spawn_blocking(move || Stage::month(seed, epochs)).await?;
    let stage = Arc::new(made.map_err(io::Error::other)?);
    let schedule = Schedule::month(seed, stage.last - stage.first, rate);
    let mut played = run::play(&schedule, &stage, place, &settings()).await?;
    match played.read(&stage).await? {
        Ok(read) => {
            played.report.problems.extend(crate::oracle::of_the_store(&stage, &read));
            let (database, kept) = (played.database.clone(), Arc::clone(&stage));
            let (arrivals, health) = (played.arrivals.clone(), played.health.clone());
            let known = played.incidents.clone();
            let kills = played.report.kills();
            let unsaid = played.report.taken.get("mail unsaid").copied().unwrap_or(0);
            let judged = spawn_blocking(move || {
                let evidence =
                    oracle::Evidence::read(&kept, &database, &arrivals, &health, &known)?;
                Ok::<_, rusqlite::Error>(oracle::judge(&evidence, kills, unsaid))
            });
            match judged.await? {
                Ok(verdict) => {
                    played.report.problems.extend(verdict.problems);
                    played.report.counts = verdict.counts;
                }
                Err(error) => {
                    played.report.problems.push(format!("the outbox cannot be read: {error}"));
                }
            }
        }
        Err(error) => {
            played.report.problems.push(format!("the database cannot be read: {error}"));
        }
    }
    Ok((schedule, played.finish()))
}

/// All alerts, in bundles and with reminders, on a ladder that fits the length of the epochs. Of the
/// machine's disk nothing is said: it is not the month's.
fn settings() -> String {
    let off: Vec<&str> = alert_names().into_iter().filter(|name| *name == "DiskLow").collect();
    format!(
        "to = [{FIRST:?}, {SECOND:?}]\n[alerts]\nladder = [\"30m warning\", \"3m critical\", \"40s \
         critical\"]\nfirst_notice_delay = \"5s\"\nbatch_every = \"15s\"\nbundle_from = \"3\"\n\
         per_hour = \"1000\"\nremind_critical = \"5m\"\nremind_warning = \"5m\"\noff = {off:?}\n"
    )
}
