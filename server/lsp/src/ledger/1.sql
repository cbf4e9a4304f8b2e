-- Version 1 of the ledger. Money is in picodollars, times in milliseconds since 1970, days are local.

CREATE TABLE calls (
    id              INTEGER PRIMARY KEY,
    day             TEXT NOT NULL,
    at_ms           INTEGER NOT NULL,
    over_ms         INTEGER NOT NULL,   -- deadline plus a minute; the process of a call that is still open then was killed
    provider        TEXT NOT NULL,
    model           TEXT NOT NULL,
    task            TEXT NOT NULL,      -- "warming" for a call that only warms a local model
    language        TEXT NOT NULL,
    status          TEXT NOT NULL,      -- open, done, cut, failed, aborted, lost, unsent, carried
    max_tokens      INTEGER NOT NULL,
    prompt_tokens   INTEGER NOT NULL,   -- estimated
    plain_tokens    INTEGER NOT NULL,   -- the same before calibration
    worst           INTEGER NOT NULL,
    charge          INTEGER NOT NULL,   -- counts against the caps: the worst cost while the call is open, then the cost
    price_input     INTEGER NOT NULL,   -- of one token, at that time
    price_cached    INTEGER NOT NULL,
    price_write     INTEGER NOT NULL,
    price_output    INTEGER NOT NULL,
    price_as_of     TEXT NOT NULL,
    input           INTEGER NOT NULL DEFAULT 0,
    cached          INTEGER NOT NULL DEFAULT 0,
    written         INTEGER NOT NULL DEFAULT 0,
    output          INTEGER NOT NULL DEFAULT 0,
    reasoning       INTEGER NOT NULL DEFAULT 0,
    estimated       INTEGER NOT NULL DEFAULT 0,
    first_ms        INTEGER,            -- from the reservation to the first text
    total_ms        INTEGER,
    finish          TEXT,
    reason          TEXT                -- why it failed, or why its answer was rejected
) STRICT;
CREATE INDEX open_calls ON calls (over_ms) WHERE status = 'open';

-- The sum of each day's charges, kept up to date by triggers, so that checking a cap is as fast on a busy day as on a quiet one.
CREATE TABLE days (
    day             TEXT PRIMARY KEY,
    charge          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER call_written AFTER INSERT ON calls BEGIN
    INSERT INTO days VALUES (new.day, new.charge) ON CONFLICT DO UPDATE SET charge = charge + new.charge;
END;
CREATE TRIGGER call_charged AFTER UPDATE OF charge ON calls BEGIN
    UPDATE days SET charge = charge + new.charge - old.charge WHERE day = new.day;
END;

CREATE TABLE suggestions (
    id              INTEGER PRIMARY KEY, -- rises with time
    at_ms           INTEGER NOT NULL,
    call            INTEGER,             -- the call it came from
    source          TEXT NOT NULL,       -- embedded, cache, model
    model           TEXT NOT NULL,
    task            TEXT NOT NULL,
    language        TEXT NOT NULL,
    chars           INTEGER NOT NULL,
    tokens          INTEGER NOT NULL,    -- estimated
    truncated       INTEGER NOT NULL,    -- whether the output ceiling cut it
    probability     REAL,
    outcome         TEXT,                -- accepted, partly, typed, dismissed, unused
    outcome_chars   INTEGER NOT NULL DEFAULT 0,
    kept_minutes    INTEGER,             -- minutes from acceptance to the check
    kept_chars      INTEGER              -- characters that were still there at the check
) STRICT;
