-- Of which incidents a message tells: a bundle of several, and the order holds for each of them.

CREATE TABLE part (
    message  INTEGER NOT NULL REFERENCES outbox,
    incident TEXT    NOT NULL,
    ended    INTEGER NOT NULL CHECK (ended IN (0, 1)), -- it tells how the incident ended
    PRIMARY KEY (message, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_of_incident ON part (incident, message);
INSERT INTO part SELECT id, incident, 0 FROM outbox;
-- The order of messages is now that of their parts.
DROP INDEX outbox_order;
CREATE INDEX outbox_rejected ON outbox (id) WHERE state = 'rejected';
