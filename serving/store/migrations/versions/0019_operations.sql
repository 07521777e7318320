-- The hash of a scanned paper tells who has a copy whose answer it is: it is encrypted for the person, as humans' words are.
-- Expand: `document` stays for the release before, which writes it; nothing writes or reads it any more, and a later
-- release drops it. Rows are never rewritten, so what was written before stays as it is until then.

ALTER TABLE said_elsewhere ADD COLUMN scan bytea;      -- SHA-256 of the scanned paper, encrypted
ALTER TABLE said_elsewhere ADD COLUMN sealed_as uuid;  -- names the row for which it is encrypted
CREATE UNIQUE INDEX said_elsewhere_sealed_as ON said_elsewhere (sealed_as);
ALTER TABLE said_elsewhere DROP CONSTRAINT paper_is_kept;
ALTER TABLE said_elsewhere ADD CONSTRAINT paper_is_kept CHECK (how <> 'paper' OR document IS NOT NULL OR scan IS NOT NULL);
ALTER TABLE said_elsewhere ADD CONSTRAINT scan_has_a_name CHECK ((scan IS NULL) = (sealed_as IS NULL));
