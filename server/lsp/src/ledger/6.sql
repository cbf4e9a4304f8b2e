-- Version 6. Trials: which calls were made for one, and what came of each hole. A hole is a number made of its place and text, which says nothing of them.

ALTER TABLE calls ADD COLUMN is_trial INTEGER NOT NULL DEFAULT 0;

CREATE TABLE trials (
    trial           INTEGER NOT NULL,   -- when the trial began, in milliseconds since 1970
    candidate       TEXT NOT NULL,      -- the model, and the settings if there were others
    hole            INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    model           TEXT NOT NULL,
    task            TEXT NOT NULL,
    language        TEXT NOT NULL,
    is_shown        INTEGER NOT NULL,   -- whether there was an answer that the server would show
    is_right        INTEGER NOT NULL,   -- whether it was all that was missing
    is_first_right  INTEGER NOT NULL,   -- whether its first line was
    saved           INTEGER NOT NULL,   -- characters of its lines that were right
    similarity      REAL NOT NULL,
    wait_ms         INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    charge          INTEGER NOT NULL,
    is_evidence     INTEGER NOT NULL,   -- whether the router learns from it: not from other settings, nor from a public benchmark
    PRIMARY KEY (trial, candidate, hole)
) STRICT, WITHOUT ROWID;
