-- The first version: what a block says, what follows from it, and what was decided.
-- Heights are block heights; times are nanoseconds since 1970 (UTC); booleans are 0 and 1.
-- A released migration is never edited: a change is a new file.

PRAGMA application_id = 0x42774368; -- "BwCh": tells our file from any other SQLite database

-- The chain that this database is bound to: one row.
CREATE TABLE chain (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    chain_id TEXT    NOT NULL
) STRICT;

-- --- which heights are stored ------------------------------------------------------------------

-- Stored ranges: disjoint, and never touching. The hashes at both ends let every extension and
-- every merge be checked, however few headers are left.
CREATE TABLE coverage (
    first  INTEGER PRIMARY KEY,
    last   INTEGER NOT NULL CHECK (last >= first),
    parent TEXT    NOT NULL, -- hash of the block before `first`
    hash   TEXT    NOT NULL  -- hash of the block `last`
) STRICT;

-- Ranges that no endpoint has any more: disjoint from each other and from coverage.
CREATE TABLE unfillable (
    first  INTEGER PRIMARY KEY,
    last   INTEGER NOT NULL CHECK (last >= first),
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

-- Headers. Those of recent blocks are all here; of older ones only those that carry evidence.
CREATE TABLE block (
    height   INTEGER PRIMARY KEY,
    hash     TEXT    NOT NULL,
    parent   TEXT    NOT NULL,
    time     INTEGER NOT NULL,
    tx_count INTEGER NOT NULL,
    followed INTEGER NOT NULL CHECK (followed IN (0, 1)), -- the ledger went through it
    evidence INTEGER NOT NULL CHECK (evidence IN (0, 1))  -- something kept for ever happened in it
) STRICT;

-- From which height on every covered block has its header: one row.
CREATE TABLE headers (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    complete INTEGER NOT NULL
) STRICT;
INSERT INTO headers VALUES (1, 0);

-- --- what blocks say ---------------------------------------------------------------------------

-- bootstrap_model_preeligibility, all ten attributes.
CREATE TABLE capture (
    height                 INTEGER NOT NULL,
    seq                    INTEGER NOT NULL,
    snapshot_height        INTEGER NOT NULL,
    model_id               TEXT    NOT NULL,
    pre_eligible           INTEGER NOT NULL CHECK (pre_eligible IN (0, 1)),
    meets_weight_threshold INTEGER NOT NULL CHECK (meets_weight_threshold IN (0, 1)),
    meets_v_min            INTEGER NOT NULL CHECK (meets_v_min IN (0, 1)),
    meets_reachability     INTEGER NOT NULL CHECK (meets_reachability IN (0, 1)),
    intent_host_count      INTEGER NOT NULL,
    intent_weight          INTEGER NOT NULL,
    reachable_voting_power INTEGER NOT NULL,
    total_network_weight   INTEGER NOT NULL,
    PRIMARY KEY (height, seq)
) STRICT, WITHOUT ROWID;

-- Every choice message, failed ones (code > 0) too; seq is the order of execution in the block.
CREATE TABLE choice_tx (
    height      INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    tx_index    INTEGER NOT NULL,
    path        TEXT    NOT NULL, -- message index, then indexes inside authz: "1.0.2"
    tx_hash     TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    model_id    TEXT    NOT NULL,
    action      TEXT    NOT NULL CHECK (action IN ('delegate', 'clear', 'refuse', 'intent')),
    delegate_to TEXT    CHECK ((delegate_to IS NOT NULL) = (action = 'delegate')),
    code        INTEGER NOT NULL,
    PRIMARY KEY (height, seq)
) STRICT, WITHOUT ROWID;

-- Other events worth keeping; attributes are [[key, value], …] in order, keys may repeat.
CREATE TABLE event (
    height     INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    tx_index   INTEGER,
    kind       TEXT    NOT NULL,
    attributes TEXT    NOT NULL CHECK (json_valid(attributes)),
    PRIMARY KEY (height, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_kind ON event (kind, height, seq);

-- What could not be read: the newest only. Ids count up without holes, so the greatest is the
-- number of all that there ever were.
CREATE TABLE malformed (
    id     INTEGER PRIMARY KEY,
    height INTEGER NOT NULL,
    what   TEXT    NOT NULL,
    place  TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    raw    TEXT    NOT NULL
) STRICT;

-- Names that occur in many rows.
CREATE TABLE host (
    id      INTEGER PRIMARY KEY,
    address TEXT    NOT NULL UNIQUE
) STRICT;
CREATE TABLE model (
    id       INTEGER PRIMARY KEY,
    model_id TEXT    NOT NULL UNIQUE
) STRICT;

-- Store commits and weight distributions, the last word of each host for each stage and model.
-- A host commits every few blocks of a stage: one row for each message would be most of the file.
CREATE TABLE work (
    stage             INTEGER NOT NULL, -- PoC start, or the trigger height of a confirmation PoC
    model             INTEGER NOT NULL REFERENCES model,
    host              INTEGER NOT NULL REFERENCES host,
    committed         INTEGER, -- nonces claimed by the last commit
    first_commit      INTEGER, -- its first block
    last_commit       INTEGER, -- its last block
    distributed       INTEGER, -- sum of the last weight distribution
    last_distribution INTEGER, -- its block
    followed          INTEGER NOT NULL DEFAULT 0 CHECK (followed IN (0, 1)), -- as the ledger has it
    PRIMARY KEY (stage, model, host)
) STRICT, WITHOUT ROWID;

-- --- what the chain's state said ---------------------------------------------------------------

-- Parameters, on change only; height is that of the block they were stored with.
CREATE TABLE params (
    height            INTEGER PRIMARY KEY,
    params            TEXT NOT NULL CHECK (json_valid(params)),
    governance_models TEXT NOT NULL CHECK (json_valid(governance_models))
) STRICT;

-- Epochs whose group was seen in force, and the heights of the first and the last reading.
CREATE TABLE epoch (
    epoch      INTEGER PRIMARY KEY,
    poc_start  INTEGER NOT NULL,
    first_read INTEGER NOT NULL,
    last_read  INTEGER NOT NULL
) STRICT;

-- The root group of an epoch, as last read; seq is the chain's order.
CREATE TABLE member (
    epoch           INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    host            INTEGER NOT NULL REFERENCES host,
    weight          INTEGER NOT NULL,
    excluded_reason TEXT,
    excluded_height INTEGER CHECK ((excluded_height IS NULL) = (excluded_reason IS NULL)),
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;

-- The models' groups of an epoch, and their members.
CREATE TABLE model_group (
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES model,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_member (
    epoch        INTEGER NOT NULL,
    group_seq    INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    host         INTEGER NOT NULL REFERENCES host,
    weight       INTEGER NOT NULL,
    voting_power INTEGER NOT NULL,
    PRIMARY KEY (epoch, group_seq, seq)
) STRICT, WITHOUT ROWID;

-- The charges of an epoch, and the height after which they were read.
CREATE TABLE charge (
    epoch  INTEGER PRIMARY KEY,
    height INTEGER NOT NULL
) STRICT;
CREATE TABLE transfer (
    epoch          INTEGER NOT NULL REFERENCES charge,
    seq            INTEGER NOT NULL,
    model          INTEGER NOT NULL REFERENCES model,
    from_host      INTEGER NOT NULL REFERENCES host,
    to_host        INTEGER NOT NULL REFERENCES host,
    share_value    INTEGER NOT NULL,
    share_exponent INTEGER NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE penalty (
    epoch             INTEGER NOT NULL REFERENCES charge,
    seq               INTEGER NOT NULL,
    host              INTEGER NOT NULL REFERENCES host,
    fraction_value    INTEGER NOT NULL,
    fraction_exponent INTEGER NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;

-- The version of the chain's application, on change only.
CREATE TABLE app_version (
    height  INTEGER PRIMARY KEY,
    version TEXT NOT NULL
) STRICT;

-- --- the ledger --------------------------------------------------------------------------------

-- Where the ledger stands: one row from the first block it went through.
CREATE TABLE ledger (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    tip              INTEGER NOT NULL, -- the last block
    ticks            INTEGER NOT NULL, -- how many recent blocks its pace is measured on
    stage            INTEGER,          -- the PoC stage whose work it shows
    state_height     INTEGER,          -- the newest state read, and what of it has no other table
    effective_epoch  INTEGER,
    effective_start  INTEGER,
    latest_epoch     INTEGER,
    latest_start     INTEGER,
    params_height    INTEGER REFERENCES params,
    app_version      TEXT,
    charges_epoch    INTEGER REFERENCES charge,
    reconciled       INTEGER NOT NULL  -- corrections so far
) STRICT;

-- The newest capture of each model.
CREATE TABLE newest_capture (
    model_id TEXT    PRIMARY KEY,
    height   INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    FOREIGN KEY (height, seq) REFERENCES capture
) STRICT, WITHOUT ROWID;

-- What past heights froze, the newest of each kind, as JSON: it is read whole or not at all. Older
-- ones follow from choice_tx, choice_change and wipe.
CREATE TABLE frozen (
    kind    TEXT PRIMARY KEY CHECK (kind IN ('capture', 'validation_start', 'wiped', 'terms')),
    content TEXT NOT NULL CHECK (json_valid(content))
) STRICT, WITHOUT ROWID;

-- Hosts whose choices are known completely, and since which block.
CREATE TABLE known_host (
    host  TEXT    PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Choices that stand. The last four columns name the transaction; all null for a choice that was
-- read from the chain's state.
CREATE TABLE choice (
    model_id    TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('delegate', 'refuse', 'intent')),
    delegate_to TEXT    CHECK ((delegate_to IS NOT NULL) = (kind = 'delegate')),
    since       INTEGER NOT NULL,
    tx_height   INTEGER,
    tx_index    INTEGER,
    path        TEXT,
    tx_hash     TEXT,
    PRIMARY KEY (model_id, host)
) STRICT, WITHOUT ROWID;

-- Changes that no transaction explains: what was read from the chain's state, and corrections.
-- With choice_tx and wipe this gives the choices at any height.
CREATE TABLE choice_change (
    height          INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    cause           TEXT    NOT NULL CHECK (cause IN ('base', 'reconciled')),
    host            TEXT    NOT NULL,
    model_id        TEXT    NOT NULL,
    before_kind     TEXT,
    before_delegate TEXT,
    after_kind      TEXT,
    after_delegate  TEXT,
    PRIMARY KEY (height, seq)
) STRICT, WITHOUT ROWID;

-- Blocks in which the chain removed all refusals and intents.
CREATE TABLE wipe (
    height INTEGER PRIMARY KEY
) STRICT;

-- --- what was decided --------------------------------------------------------------------------

CREATE TABLE incident (
    fingerprint   TEXT    PRIMARY KEY,
    alert         TEXT    NOT NULL,
    labels        TEXT    NOT NULL CHECK (json_valid(labels)),
    window        TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    severity      TEXT    NOT NULL,
    summary       TEXT    NOT NULL,
    opened_height INTEGER NOT NULL,
    opened_at     INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    deadline      INTEGER,
    step          INTEGER NOT NULL,
    told          TEXT    NOT NULL CHECK (json_valid(told)),
    ending        TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_by_change ON incident (state, changed_at);

-- Messages in the order of decision. Settled ones stay for a while, so that the same decision
-- made twice is still one message.
CREATE TABLE outbox (
    id             INTEGER PRIMARY KEY,
    message_id     TEXT    NOT NULL UNIQUE,
    incident       TEXT    NOT NULL,
    channel        TEXT    NOT NULL,
    recipient      TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    created_height INTEGER NOT NULL,
    state          TEXT    NOT NULL DEFAULT 'pending'
                   CHECK (state IN ('pending', 'delivered', 'rejected')),
    attempts       INTEGER NOT NULL DEFAULT 0,
    next_attempt   INTEGER NOT NULL,
    last_error     TEXT,
    settled_at     INTEGER CHECK ((settled_at IS NULL) = (state = 'pending'))
) STRICT;
CREATE INDEX outbox_pending ON outbox (channel, id) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (incident, recipient, channel, id) WHERE state = 'pending';
CREATE INDEX outbox_settled ON outbox (id) WHERE state <> 'pending';

-- Their bodies, which go earlier: apart, so that what they leave is used again.
CREATE TABLE body (
    message INTEGER PRIMARY KEY REFERENCES outbox,
    text    TEXT NOT NULL,
    html    TEXT
) STRICT;

-- How the endpoints stood when the daemon last wrote it down; seq is the configuration's order.
CREATE TABLE endpoint (
    seq       INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    reason    TEXT,
    height    INTEGER,
    earliest  INTEGER,
    selected  INTEGER NOT NULL CHECK (selected IN (0, 1)),
    websocket INTEGER NOT NULL CHECK (websocket IN (0, 1)),
    at        INTEGER NOT NULL
) STRICT;
