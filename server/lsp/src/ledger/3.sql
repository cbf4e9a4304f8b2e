-- Version 3. Within one start of a machine the time by which caps count follows the time that passes, also for a server that begins anew.

CREATE TABLE boots (
    boot            TEXT PRIMARY KEY,               -- the system's id of this start
    counts_ms       INTEGER NOT NULL,               -- the time by which caps count, in milliseconds since 1970
    elapsed_ms      INTEGER NOT NULL                -- milliseconds since the start at that time, sleep included
) STRICT;
