-- The hash of a scanned paper tells who has a copy whose answer it is: it is encrypted for the person, as humans' words are.
-- Expand: `document` stays for the release before, which writes it; nothing writes or reads it any more, and a later
-- release drops it. Rows are never rewritten, so what was written before stays as it is until then.

ALTER TABLE said_elsewhere ADD COLUMN scan bytea;      -- SHA-256 of the scanned paper, encrypted
ALTER TABLE said_elsewhere ADD COLUMN sealed_as uuid;  -- names the row for which it is encrypted
CREATE UNIQUE INDEX said_elsewhere_sealed_as ON said_elsewhere (sealed_as);
ALTER TABLE said_elsewhere DROP CONSTRAINT paper_is_kept;
ALTER TABLE said_elsewhere ADD CONSTRAINT paper_is_kept CHECK (how <> 'paper' OR document IS NOT NULL OR scan IS NOT NULL);
ALTER TABLE said_elsewhere ADD CONSTRAINT scan_has_a_name CHECK ((scan IS NULL) = (sealed_as IS NULL));

-- Which catalogue in force departments that subscribed were last told of; each change is told in the transaction of its row.
CREATE TABLE catalogue_told (
    sweep     integer PRIMARY KEY REFERENCES sweep, -- the one that is served
    rulebook  char(64) NOT NULL,
    before    char(64),                             -- null: the first, of which nobody is told
    at        timestamptz NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON catalogue_told FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalogue_told FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON catalogue_told TO applyfree_app;
