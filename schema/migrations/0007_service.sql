-- What else a running daemon notes of itself, for other processes.

ALTER TABLE endpoint ADD COLUMN behind INTEGER;
ALTER TABLE endpoint ADD COLUMN latency_ms INTEGER;
ALTER TABLE endpoint ADD COLUMN quarantined_until INTEGER;
ALTER TABLE endpoint ADD COLUMN requests_used INTEGER;
ALTER TABLE endpoint ADD COLUMN requests_limit INTEGER;

-- How far long work is, while there is some.
CREATE TABLE progress (
    work       TEXT    PRIMARY KEY CHECK (work IN ('catching_up', 'history')),
    done       INTEGER NOT NULL,
    remaining  INTEGER NOT NULL,
    per_minute INTEGER NOT NULL,
    eta        INTEGER,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
