-- What was said of charges before the chain fixed them, how it held, and what hosts earn.

-- The forecast of an epoch's charges, made one block before validation end.
CREATE TABLE forecast (
    epoch    INTEGER PRIMARY KEY,
    height   INTEGER NOT NULL, -- the block after which it was made
    rule_set TEXT    NOT NULL,
    checked  INTEGER           -- the block at which the chain's charges were held against it
) STRICT;

-- What it said of each host. Fractions are exact, as text: 3/20.
CREATE TABLE forecast_charge (
    epoch   INTEGER NOT NULL REFERENCES forecast,
    host    INTEGER NOT NULL REFERENCES host,
    least   TEXT    NOT NULL,
    most    TEXT    NOT NULL,
    stored  TEXT,    -- what the chain charges; null while it is not read
    outcome TEXT     CHECK (outcome IN ('right', 'wrong')), -- null while it cannot be told
    PRIMARY KEY (epoch, host)
) STRICT, WITHOUT ROWID;

-- When the chain was last asked for its estimate of an epoch's rewards.
CREATE TABLE reward (
    epoch   INTEGER PRIMARY KEY,
    read_at INTEGER NOT NULL
) STRICT;

-- What it estimated for watched hosts, in ngonka. Amounts are 64-bit without a sign, kept as the
-- signed integer of the same bits.
CREATE TABLE host_reward (
    epoch          INTEGER NOT NULL REFERENCES reward,
    host           INTEGER NOT NULL REFERENCES host,
    estimate       INTEGER NOT NULL, -- after charges and shares: the chain's own
    before_charges INTEGER,          -- null where it cannot be told
    PRIMARY KEY (epoch, host)
) STRICT, WITHOUT ROWID;
