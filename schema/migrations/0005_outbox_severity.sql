-- How urgent a message is, so that a full outbox knows what gives way; and messages that gave way.

ALTER TABLE outbox ADD COLUMN severity TEXT NOT NULL DEFAULT 'warning'
    CHECK (severity IN ('info', 'warning', 'critical'));
CREATE INDEX outbox_urgency ON outbox (channel, severity, id) WHERE state = 'pending';
-- The last message of an incident by a channel: what stands is said again from it.
CREATE INDEX outbox_of_incident ON outbox (incident, channel, recipient, id);
