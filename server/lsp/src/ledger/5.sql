-- Version 5. What requests got, added up: where suggestions came from, and why nothing was suggested. Days are local.

CREATE TABLE replies (
    day             TEXT NOT NULL,                  -- YYYY-MM-DD
    task            TEXT NOT NULL,                  -- empty if none is known
    language        TEXT NOT NULL,
    reply           TEXT NOT NULL,                  -- a source as in suggestions, or the id of a reason
    count           INTEGER NOT NULL,
    PRIMARY KEY (day, task, language, reply)
) STRICT, WITHOUT ROWID;
