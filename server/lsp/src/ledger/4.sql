-- Version 4. Jobs that wait for the answer of a batch, and the batches that they are in. Times are those by which caps count. What a job sends
-- and what is answered lies in files beside the ledger, never here.

CREATE TABLE batches (
    id              INTEGER PRIMARY KEY,            -- its name at the provider has this number
    at_ms           INTEGER NOT NULL,
    provider        TEXT NOT NULL,
    model           TEXT NOT NULL,
    model_id        TEXT NOT NULL,                  -- the provider's name for the model
    requests        INTEGER NOT NULL,
    state           TEXT NOT NULL,                  -- uploading, uploaded, submitting, submitted, done, partly, failed, expired, cancelled, lost
    file            TEXT,                           -- the uploaded file
    endpoint        TEXT,                           -- the path of its requests
    remote          TEXT,                           -- the provider's id
    sent_s          INTEGER,                        -- when it was sent first, by the time of day, in seconds since 1970
    sent_ms         INTEGER,                        -- when it was sent last
    due_ms          INTEGER NOT NULL,               -- when it is looked after next
    wait_ms         INTEGER NOT NULL,               -- how long it is left alone then
    asked_to_end    INTEGER NOT NULL DEFAULT 0,     -- whether the provider was asked to cancel it
    trouble         TEXT                            -- why the last step failed
) STRICT;
CREATE INDEX open_batches ON batches (due_ms) WHERE state IN ('uploading', 'uploaded', 'submitting', 'submitted');

CREATE TABLE jobs (
    id              INTEGER PRIMARY KEY,            -- the id of its call, too
    at_ms           INTEGER NOT NULL,
    model_id        TEXT NOT NULL,
    batch           INTEGER,                        -- NULL until it is in one
    state           TEXT NOT NULL,                  -- queued, sent, done, failed, expired, lost, cancelled
    reason          TEXT,                           -- why it has no answer
    is_dropped      INTEGER NOT NULL DEFAULT 0,     -- whether nobody wants its answer any more
    taken           TEXT,                           -- what became of its answer: applied, discarded, forgotten
    ended_ms        INTEGER
) STRICT;
CREATE INDEX open_jobs ON jobs (batch) WHERE state IN ('queued', 'sent');

-- Who looks after the queue, so that only one server or command does.
CREATE TABLE lease (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    holder          INTEGER NOT NULL,
    until_ms        INTEGER NOT NULL
) STRICT;
