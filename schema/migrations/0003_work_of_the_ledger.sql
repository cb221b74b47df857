-- Work becomes what the blocks say and nothing else, so that it is the same in whatever order they
-- come. The ledger's own account of its stage, which may have begun in the middle of it, goes apart.

-- The last row of each host and model; rows of an older stage no longer count.
CREATE TABLE ledger_work (
    model        INTEGER NOT NULL REFERENCES model,
    host         INTEGER NOT NULL REFERENCES host,
    stage        INTEGER NOT NULL,
    committed    INTEGER, -- nonces claimed by the last commit
    first_commit INTEGER, -- the first commit that the ledger saw
    distributed  INTEGER, -- sum of the last weight distribution
    PRIMARY KEY (model, host)
) STRICT, WITHOUT ROWID;

INSERT INTO ledger_work (model, host, stage, committed, first_commit, distributed)
SELECT model, host, work.stage, committed, first_commit, distributed
FROM work JOIN ledger ON ledger.stage = work.stage WHERE followed = 1;

ALTER TABLE work DROP COLUMN followed;
