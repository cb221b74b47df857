-- What governance is about to do, as the chain told it last: the scheduled upgrade and the proposals
-- under vote. Only the newest reading counts, so there is one row at most.
CREATE TABLE plans (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    content TEXT    NOT NULL CHECK (json_valid(content))
) STRICT;
