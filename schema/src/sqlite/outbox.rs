//! What was decided: incidents and messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    slice,
};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    prune::RESOLVED_LOADED,
    values::{Nanos, Word, json, read_json},
};
use crate::{
    Delivery, Ending, Incident, IncidentState, NewMessage, Part, PendingMessage, Severity,
    StoreError,
};

pub(crate) fn write_incidents(db: &Connection, incidents: &[Incident]) -> Result<(), StoreError> {
    for incident in incidents {
        db.prepare_cached(
            "INSERT OR REPLACE INTO incident (fingerprint, alert, labels, window, state, severity,
                 summary, opened_height, opened_at, changed_at, deadline, step, told, ending,
                 occurrence, risen_at, clearing, unknown_since, acknowledged, silenced_by,
                 inhibited_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                 ?18, ?19, ?20, ?21)",
        )?
        .execute(params![
            incident.fingerprint,
            incident.alert,
            json(&incident.labels)?,
            incident.window,
            incident.state.word(),
            incident.severity.word(),
            incident.summary,
            incident.opened_height,
            Nanos(incident.opened_at),
            Nanos(incident.changed_at),
            incident.deadline,
            incident.step,
            json(&incident.told)?,
            incident.ending.map(Word::word),
            incident.occurrence,
            Nanos(incident.risen_at),
            incident.clearing.as_ref().map(json).transpose()?,
            incident.unknown_since.map(Nanos),
            incident.acknowledged.as_ref().map(json).transpose()?,
            incident.silenced_by,
            incident.inhibited_by,
        ])?;
    }
    Ok(())
}

pub(crate) fn incidents(db: &Connection) -> Result<Vec<Incident>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT fingerprint, alert, labels, window, state, severity, summary, opened_height,
             opened_at, changed_at, deadline, step, told, ending, occurrence, risen_at, clearing,
             unknown_since, acknowledged, silenced_by, inhibited_by
         FROM (SELECT * FROM incident WHERE state <> 'resolved'
               UNION ALL
               SELECT * FROM (SELECT * FROM incident WHERE state = 'resolved'
                              ORDER BY changed_at DESC, fingerprint LIMIT ?1))
         ORDER BY opened_at, fingerprint",
    )?;
    let mut rows = select.query([RESOLVED_LOADED])?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        incidents.push(Incident {
            fingerprint: row.get(0)?,
            alert: row.get(1)?,
            labels: read_json("labels of an incident", &row.get::<_, String>(2)?)?,
            window: row.get(3)?,
            state: IncidentState::read(&row.get::<_, String>(4)?)?,
            severity: Severity::read(&row.get::<_, String>(5)?)?,
            summary: row.get(6)?,
            opened_height: row.get(7)?,
            opened_at: row.get::<_, Nanos>(8)?.0,
            changed_at: row.get::<_, Nanos>(9)?.0,
            deadline: row.get(10)?,
            step: row.get(11)?,
            told: read_json("who was told of an incident", &row.get::<_, String>(12)?)?,
            ending: row
                .get::<_, Option<String>>(13)?
                .map(|word| Ending::read(&word))
                .transpose()?,
            occurrence: row.get(14)?,
            risen_at: row.get::<_, Nanos>(15)?.0,
            clearing: optional_json(row, 16)?,
            unknown_since: row.get::<_, Option<Nanos>>(17)?.map(|at| at.0),
            acknowledged: optional_json(row, 18)?,
            silenced_by: row.get(19)?,
            inhibited_by: row.get(20)?,
        });
    }
    Ok(incidents)
}

fn optional_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>, StoreError> {
    let text = row.get::<_, Option<String>>(column)?;
    text.map(|text| read_json("the life of an incident", &text)).transpose()
}

/// Messages of a channel that may wait at once. With their bodies that is below 100 MB.
const PENDING_MOST: i64 = 10_000;

/// What is said of a message that gave way.
const GAVE_WAY: &str = "it gave way: the outbox is full";

/// Puts messages into the outbox. One whose id is there already was decided before, by this process
/// or by one that crashed: it is the same message, and is not sent again. This is the only place
/// where a second insert is silent, because the id exists for that. Gives the number of messages
/// that gave way to them.
///
/// What waits for the same recipient is replaced when newer messages tell of all that it tells of:
/// they say what holds now, and nobody needs to read a firing notice after its end.
pub(crate) fn write_messages(
    db: &Connection,
    messages: &[NewMessage],
) -> Result<Vec<(String, u64)>, StoreError> {
    for message in messages {
        let created = db
            .prepare_cached(
                "INSERT INTO outbox (message_id, incident, channel, recipient, subject,
                     created_at, created_height, next_attempt, severity)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?8)
                 ON CONFLICT (message_id) DO NOTHING",
            )?
            .execute(params![
                message.message_id,
                message.incident,
                message.channel,
                message.recipient,
                message.subject,
                Nanos(message.created_at),
                message.created_height,
                message.severity.word(),
            ])?;
        if created == 1 {
            let id = db.last_insert_rowid();
            db.prepare_cached("INSERT INTO body (message, text, html) VALUES (?1, ?2, ?3)")?
                .execute(params![id, message.text, message.html])?;
            write_parts(db, id, message)?;
            replace_older(db, id, message)?;
            let (channel, recipient) = (&message.channel, &message.recipient);
            if message.parts.iter().any(|part| part.ended) {
                withdraw_ends(db, channel, recipient, message.created_at)?;
            }
        }
    }
    let channels: BTreeSet<&str> = messages.iter().map(|m| m.channel.as_str()).collect();
    let mut gave_way = Vec::new();
    for channel in channels {
        let crowded = crowd_out(db, channel, messages[0].created_at)?;
        if crowded > 0 {
            gave_way.push((channel.to_owned(), crowded));
        }
    }
    Ok(gave_way)
}

fn write_parts(db: &Connection, id: i64, message: &NewMessage) -> Result<(), StoreError> {
    let itself = Part { incident: message.incident.clone(), ended: false };
    let parts = if message.parts.is_empty() { slice::from_ref(&itself) } else { &message.parts };
    for part in parts {
        // A bundle that names an incident twice tells of it once.
        db.prepare_cached(
            "INSERT OR IGNORE INTO part (message, incident, ended) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![id, part.incident, part.ended])?;
    }
    Ok(())
}

/// Replaces what waits and has become needless by the message of that number.
fn replace_older(db: &Connection, id: i64, message: &NewMessage) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE outbox SET state = 'superseded', settled_at = ?4
         WHERE id IN (SELECT shared.message FROM part AS new
                      JOIN part AS shared ON shared.incident = new.incident
                      WHERE new.message = ?1 AND shared.message < ?1)
             AND state = 'pending' AND channel = ?2 AND recipient = ?3
             AND NOT EXISTS (
                 SELECT 1 FROM part AS old
                 WHERE old.message = outbox.id AND NOT EXISTS (
                     SELECT 1 FROM part AS later JOIN outbox AS newer ON newer.id = later.message
                     WHERE later.incident = old.incident AND later.message > outbox.id
                         AND newer.state = 'pending' AND newer.channel = ?2
                         AND newer.recipient = ?3))",
    )?
    .execute(params![id, message.channel, message.recipient, Nanos(message.created_at)])?;
    if message.severity == Severity::Critical {
        // What still stands before something critical was put off when it was not: it is tried now,
        // and is as urgent.
        db.prepare_cached(
            "UPDATE outbox SET next_attempt = min(next_attempt, ?4), severity = 'critical'
             WHERE id IN (SELECT shared.message FROM part AS new
                          JOIN part AS shared ON shared.incident = new.incident
                          WHERE new.message = ?1 AND shared.message < ?1)
                 AND state = 'pending' AND channel = ?2 AND recipient = ?3",
        )?
        .execute(params![
            id,
            message.channel,
            message.recipient,
            Nanos(message.created_at)
        ])?;
    }
    Ok(())
}

/// What is said of an end that nobody needs.
const NOT_BEGUN: &str = "it tells only of ends, and all that was said before was refused for good";

/// How something ended is told to those who heard that it began: what waits for a recipient and
/// tells of such ends alone is taken back when they refused for good all that was said before.
fn withdraw_ends(
    db: &Connection,
    channel: &str,
    recipient: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Looks back to the end before this one, if any; of the three states the first by the alphabet is
    // that of a refusal only when there is no other.
    db.prepare_cached(
        "WITH said AS (
             SELECT part.message, part.incident, part.ended, outbox.state
             FROM part JOIN outbox ON outbox.id = part.message
             WHERE channel = ?1 AND recipient = ?2 AND part.incident IN (
                 SELECT part.incident FROM part JOIN outbox ON outbox.id = part.message
                 WHERE state = 'pending' AND channel = ?1 AND recipient = ?2 AND ended))
         UPDATE outbox SET state = 'superseded', settled_at = ?3, last_error = ?4
         WHERE state = 'pending' AND channel = ?1 AND recipient = ?2 AND NOT EXISTS (
             SELECT 1 FROM part AS mine WHERE mine.message = outbox.id AND NOT (
                 mine.ended
                 AND 'rejected' = (
                     SELECT min(state) FROM said
                     WHERE said.incident = mine.incident AND said.message < mine.message
                         AND said.state IN ('delivered', 'pending', 'rejected')
                         AND said.message > (
                             SELECT ifnull(max(message), 0) FROM said AS before
                             WHERE before.incident = mine.incident AND before.ended
                                 AND before.message < mine.message))))",
    )?
    .execute(params![channel, recipient, Nanos(now), NOT_BEGUN])?;
    Ok(())
}

/// Who refused for good all that was said of an incident that goes on, or whose end is not told yet,
/// since its last end.
pub(crate) fn refused(db: &Connection) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
    let mut refused = BTreeMap::<String, BTreeSet<String>>::new();
    // Rarely is there any: then nothing else is looked at. Of the states as in `withdraw_ends`.
    let mut select = db.prepare_cached(
        "SELECT incident, channel, recipient FROM (
             SELECT DISTINCT part.incident, channel, recipient
             FROM outbox JOIN part ON part.message = outbox.id
             JOIN incident ON fingerprint = part.incident
             WHERE outbox.state = 'rejected'
                 AND (incident.state <> 'resolved' OR told LIKE '%\"ended\":false%')) AS who
         WHERE 'rejected' = (
             SELECT min(outbox.state) FROM part JOIN outbox ON outbox.id = part.message
             WHERE part.incident = who.incident AND outbox.channel = who.channel
                 AND outbox.recipient = who.recipient
                 AND outbox.state IN ('delivered', 'pending', 'rejected')
                 AND outbox.id > (
                     SELECT ifnull(max(end.id), 0)
                     FROM part AS last JOIN outbox AS end ON end.id = last.message
                     WHERE last.incident = who.incident AND last.ended
                         AND end.channel = who.channel AND end.recipient = who.recipient))",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (channel, recipient): (String, String) = (row.get(1)?, row.get(2)?);
        refused.entry(row.get(0)?).or_default().insert(format!("{channel}:{recipient}"));
    }
    Ok(refused)
}

/// Keeps the messages that wait within their bound: the oldest info gives way first, then the
/// oldest warning, a critical one never.
fn crowd_out(db: &Connection, channel: &str, now: Timestamp) -> Result<u64, StoreError> {
    let (waiting, _) = backlog(db, channel)?;
    let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
    let mut excess = waiting.saturating_sub(PENDING_MOST);
    let mut gave_way = 0;
    for severity in [Severity::Info, Severity::Warning] {
        if excess <= 0 {
            break;
        }
        let gone = db
            .prepare_cached(
                "UPDATE outbox SET state = 'rejected', settled_at = ?4, last_error = ?5
                 WHERE id IN (SELECT id FROM outbox
                              WHERE state = 'pending' AND channel = ?1 AND severity = ?2
                              ORDER BY id LIMIT ?3)",
            )?
            .execute(params![channel, severity.word(), excess, Nanos(now), GAVE_WAY])?;
        excess = excess.saturating_sub(i64::try_from(gone).unwrap_or(i64::MAX));
        gave_way += u64::try_from(gone).unwrap_or(u64::MAX);
    }
    Ok(gave_way)
}

/// No retry is put off for longer; what claims to be was put off by a clock that has jumped back.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

pub(crate) fn pending(
    db: &Connection,
    channel: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<PendingMessage>, StoreError> {
    let absurd = now.checked_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
    db.prepare_cached(
        "SELECT message_id, incident, channel, recipient, subject, text, html, created_at,
                 created_height, severity, attempts, last_error,
                 (SELECT json_group_array(json_object('incident', part.incident,
                      'ended', json(iif(ended, 'true', 'false'))))
                  FROM part WHERE part.message = message.id)
             FROM outbox AS message JOIN body ON body.message = message.id
             WHERE state = 'pending' AND channel = ?1
                 AND (next_attempt <= ?2 OR next_attempt > ?4)
                 AND NOT EXISTS (
                     SELECT 1 FROM part AS mine
                     JOIN part AS shared ON shared.incident = mine.incident
                         AND shared.message < mine.message
                     JOIN outbox AS older ON older.id = shared.message
                     WHERE mine.message = message.id AND older.state = 'pending'
                         AND older.channel = message.channel
                         AND older.recipient = message.recipient)
             ORDER BY id LIMIT ?3",
    )?
    .query_and_then(params![channel, Nanos(now), limit, Nanos(absurd)], read_pending)?
    .collect()
}

/// The last message of each incident that goes on, by a channel, delivered and with its body.
pub(crate) fn standing(db: &Connection, channel: &str) -> Result<Vec<NewMessage>, StoreError> {
    db.prepare_cached(
        "SELECT message_id, incident.fingerprint, channel, recipient, subject, text, html,
             created_at, created_height, message.severity, attempts, last_error,
             (SELECT json_group_array(json_object('incident', part.incident,
                  'ended', json(iif(ended, 'true', 'false'))))
              FROM part WHERE part.message = message.id)
         FROM incident
         JOIN outbox AS message ON message.incident = incident.fingerprint
         JOIN body ON body.message = message.id
         WHERE incident.state <> 'resolved' AND message.channel = ?1
             AND message.state = 'delivered'
             AND NOT EXISTS (
                 SELECT 1 FROM outbox AS newer
                 WHERE newer.incident = message.incident AND newer.channel = message.channel
                     AND newer.recipient = message.recipient AND newer.state = 'delivered'
                     AND newer.id > message.id)
         ORDER BY message.id",
    )?
    .query_and_then([channel], |row| Ok(read_pending(row)?.message))?
    .collect()
}

fn read_pending(row: &Row<'_>) -> Result<PendingMessage, StoreError> {
    let incident: String = row.get(1)?;
    let mut parts: Vec<Part> = read_json("the parts of a message", &row.get::<_, String>(12)?)?;
    if matches!(parts.as_slice(), [part] if part.incident == incident && !part.ended) {
        parts.clear();
    }
    Ok(PendingMessage {
        message: NewMessage {
            message_id: row.get(0)?,
            incident,
            parts,
            channel: row.get(2)?,
            recipient: row.get(3)?,
            subject: row.get(4)?,
            text: row.get(5)?,
            html: row.get(6)?,
            created_at: row.get::<_, Nanos>(7)?.0,
            created_height: row.get(8)?,
            severity: Severity::read(&row.get::<_, String>(9)?)?,
        },
        attempts: row.get(10)?,
        last_error: row.get(11)?,
    })
}

pub(crate) fn backlog(
    db: &Connection,
    channel: &str,
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let (count, oldest): (i64, Option<Nanos>) = db
        .prepare_cached(
            "SELECT count(*), min(created_at) FROM outbox
             WHERE state = 'pending' AND channel = ?1",
        )?
        .query_row([channel], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((count.unsigned_abs(), oldest.map(|oldest| oldest.0)))
}

/// Messages that were refused for good since a time.
pub(crate) fn rejected(
    db: &Connection,
    channel: &str,
    since: Timestamp,
) -> Result<u64, StoreError> {
    let count: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM outbox
             WHERE state = 'rejected' AND channel = ?1 AND settled_at > ?2",
        )?
        .query_row(params![channel, Nanos(since)], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// The newest messages that are looked at for who is still reached.
const LOOK_BACK: i64 = 500;

/// Whether the last message to every recipient was refused, as far as the newest messages tell.
pub(crate) fn nobody_reached(db: &Connection) -> Result<bool, StoreError> {
    let (all, refused): (i64, i64) = db
        .prepare_cached(
            "SELECT count(*), ifnull(sum(state = 'rejected'), 0)
             FROM (SELECT state, max(id) FROM outbox
                   WHERE state IN ('delivered', 'rejected')
                       AND id > (SELECT ifnull(max(id), 0) FROM outbox) - ?1
                   GROUP BY channel, recipient)",
        )?
        .query_row([LOOK_BACK], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(all > 0 && all == refused)
}

/// Writes what became of messages that were still pending. One that was replaced while it was under
/// way went out all the same, and is recorded so.
pub(crate) fn settle(db: &Connection, deliveries: &[Delivery]) -> Result<(), StoreError> {
    for delivery in deliveries {
        match delivery {
            Delivery::Delivered { message_id, at } => db
                .prepare_cached(
                    "UPDATE outbox SET state = 'delivered', settled_at = ?2, last_error = NULL,
                         attempts = attempts + 1
                     WHERE message_id = ?1 AND state IN ('pending', 'superseded')",
                )?
                .execute(params![message_id, Nanos(*at)])?,
            Delivery::Retry { message_id, next, error } => db
                .prepare_cached(
                    "UPDATE outbox SET next_attempt = ?2, last_error = ?3, attempts = attempts + 1
                     WHERE message_id = ?1 AND state = 'pending'",
                )?
                .execute(params![message_id, Nanos(*next), error])?,
            Delivery::Rejected { message_id, at, error } => {
                let whose = db
                    .prepare_cached(
                        "UPDATE outbox SET state = 'rejected', settled_at = ?2, last_error = ?3,
                             attempts = attempts + 1
                         WHERE message_id = ?1 AND state IN ('pending', 'superseded')
                         RETURNING channel, recipient",
                    )?
                    .query_row(params![message_id, Nanos(*at), error], |row| {
                        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
                    })
                    .optional()?;
                if let Some((channel, recipient)) = whose {
                    withdraw_ends(db, &channel, &recipient, *at)?;
                }
                0
            }
        };
    }
    Ok(())
}
