-- Version 2 of the ledger. Caps count by `counts_ms`: a time that only goes forward, the same for servers in every time zone.

ALTER TABLE calls ADD COLUMN counts_ms INTEGER;     -- milliseconds since 1970; NULL in rows of version 1, which count by at_ms
-- For reports of the latest days.
CREATE INDEX calls_at ON calls (at_ms);
CREATE INDEX suggestions_at ON suggestions (at_ms);

-- The money of each hour, kept up to date by triggers, so that checking a cap is as fast on a busy day as on a quiet one.
DROP TRIGGER call_written;
DROP TRIGGER call_charged;
DROP TABLE days;
CREATE TABLE hours (
    hour            INTEGER PRIMARY KEY,            -- hours since 1970
    spent           INTEGER NOT NULL,               -- by calls that ended
    held            INTEGER NOT NULL                -- for open calls, at their worst cost
) STRICT;
INSERT INTO hours SELECT at_ms / 3600000, coalesce(sum(charge) FILTER (WHERE status <> 'open'), 0),
    coalesce(sum(charge) FILTER (WHERE status = 'open'), 0) FROM calls GROUP BY 1;
CREATE TRIGGER call_written AFTER INSERT ON calls BEGIN
    INSERT INTO hours VALUES (coalesce(new.counts_ms, new.at_ms) / 3600000,
            iif(new.status = 'open', 0, new.charge), iif(new.status = 'open', new.charge, 0))
        ON CONFLICT DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held;
END;
CREATE TRIGGER call_charged AFTER UPDATE OF charge, status ON calls BEGIN
    UPDATE hours SET
        spent = spent + iif(new.status = 'open', 0, new.charge) - iif(old.status = 'open', 0, old.charge),
        held = held + iif(new.status = 'open', new.charge, 0) - iif(old.status = 'open', old.charge, 0)
    WHERE hour = coalesce(new.counts_ms, new.at_ms) / 3600000;
END;

-- The files whose rows this one has: itself, and damaged ones that could be read to the end.
CREATE TABLE files (
    id              INTEGER PRIMARY KEY,
    is_own          INTEGER NOT NULL
) STRICT;
INSERT INTO files VALUES (abs(random() / 2), 1);

-- When a damaged file could not be read to its end: for a day nobody knows what was spent.
CREATE TABLE unknown (
    counts_ms       INTEGER NOT NULL
) STRICT;
