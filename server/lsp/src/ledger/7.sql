-- Version 7. Holes of trials that are asked in batches. What becomes of the answer of such a job is `marked`, and its reason says why nothing was shown.

ALTER TABLE jobs ADD COLUMN trial INTEGER;                          -- the trial whose hole it asks about; NULL for a task on demand
ALTER TABLE jobs ADD COLUMN candidate TEXT;                         -- the candidate's name in it
ALTER TABLE trials ADD COLUMN is_later INTEGER NOT NULL DEFAULT 0;  -- whether the answer came later, so that nothing is known of its wait
