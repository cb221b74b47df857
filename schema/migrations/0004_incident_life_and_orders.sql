-- The whole life of an incident, messages that a later one replaces, and what operators order.

ALTER TABLE incident ADD COLUMN occurrence INTEGER NOT NULL DEFAULT 1; -- times it fired
ALTER TABLE incident ADD COLUMN risen_at INTEGER NOT NULL DEFAULT 0;   -- its step last rose
ALTER TABLE incident ADD COLUMN clearing TEXT CHECK (json_valid(clearing));
ALTER TABLE incident ADD COLUMN unknown_since INTEGER;
ALTER TABLE incident ADD COLUMN acknowledged TEXT CHECK (json_valid(acknowledged));
ALTER TABLE incident ADD COLUMN silenced_by INTEGER;
ALTER TABLE incident ADD COLUMN inhibited_by TEXT;
UPDATE incident SET risen_at = changed_at;
-- Who was told, so far a list, now says what and when. What had ended had been told to the end.
UPDATE incident SET told = (
    SELECT json_group_object(value, json_object(
        'step', incident.step, 'severity', incident.severity, 'times', 1,
        'ended', json(CASE incident.state WHEN 'resolved' THEN 'true' ELSE 'false' END),
        'at', printf('%s.%09dZ',
            strftime('%Y-%m-%dT%H:%M:%S', incident.changed_at / 1000000000, 'unixepoch'),
            incident.changed_at % 1000000000)))
    FROM json_each(incident.told));

-- A message that was not delivered before a later one of its incident came is replaced by it.
CREATE TABLE outbox_new (
    id             INTEGER PRIMARY KEY,
    message_id     TEXT    NOT NULL UNIQUE,
    incident       TEXT    NOT NULL,
    channel        TEXT    NOT NULL,
    recipient      TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    created_height INTEGER NOT NULL,
    state          TEXT    NOT NULL DEFAULT 'pending'
                   CHECK (state IN ('pending', 'delivered', 'rejected', 'superseded')),
    attempts       INTEGER NOT NULL DEFAULT 0,
    next_attempt   INTEGER NOT NULL,
    last_error     TEXT,
    settled_at     INTEGER CHECK ((settled_at IS NULL) = (state = 'pending'))
) STRICT;
INSERT INTO outbox_new SELECT id, message_id, incident, channel, recipient, subject, created_at,
    created_height, state, attempts, next_attempt, last_error, settled_at FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;
CREATE INDEX outbox_pending ON outbox (channel, id) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (incident, recipient, channel, id) WHERE state = 'pending';
CREATE INDEX outbox_settled ON outbox (id) WHERE state <> 'pending';

-- What operators order. Written by the command line, read by the daemon: these two tables are the
-- only ones that another process than the daemon writes to.
CREATE TABLE silence (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- an id that was shown is never given again
    matchers   TEXT    NOT NULL CHECK (json_valid(matchers)), -- {label: value}, all must match
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER,
    ends_epoch INTEGER, -- it ends when this epoch is in force
    author     TEXT    NOT NULL,
    comment    TEXT    NOT NULL,
    expired_at INTEGER, -- ended by hand
    CHECK (ends_at IS NOT NULL OR ends_epoch IS NOT NULL)
) STRICT;
CREATE TABLE acknowledgement (
    fingerprint TEXT    NOT NULL,
    occurrence  INTEGER NOT NULL, -- of the incident: it does not cover the next one
    severity    TEXT    NOT NULL, -- nor one that becomes more urgent
    author      TEXT    NOT NULL,
    comment     TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (fingerprint)
) STRICT, WITHOUT ROWID;
