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

-- A notice of several offers waits too where one of them is of somebody who has died: a human has the case of the death. It goes
-- when the death was none or a human takes the hold back, unless its reader wants no pushes or nothing of it is open any more.
CREATE INDEX outbox_bundle ON outbox ((payload ->> 'bundle')) WHERE payload ? 'bundle';
CREATE FUNCTION bundle_is_held(number text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN EXISTS (SELECT FROM bundle_member m JOIN hold h ON h.entitlement = m.entitlement
                   WHERE m.bundle = number::bigint AND h.code = 'death' AND h.released_at IS NULL);
CREATE FUNCTION hold_keeps_bundle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.released_at IS NULL THEN
        UPDATE outbox o SET state = 'held' FROM bundle_member m
        WHERE m.entitlement = NEW.entitlement AND o.payload ? 'bundle' AND o.payload ->> 'bundle' = m.bundle::text
        AND o.kind = 'offer' AND o.state = 'ready';
    ELSE
        UPDATE outbox o SET state = 'ready' FROM bundle_member m
        WHERE m.entitlement = NEW.entitlement AND o.payload ? 'bundle' AND o.payload ->> 'bundle' = m.bundle::text
        AND o.kind = 'offer' AND o.state = 'held' AND NOT bundle_is_held(m.bundle::text)
        AND NOT EXISTS (SELECT FROM opt_out w WHERE w.withdrawn_at IS NULL AND w.kind || ':' || w.subject = o.payload ->> 'to')
        AND EXISTS (SELECT FROM bundle_member x JOIN entitlement e ON e.id = x.entitlement
                    WHERE x.bundle = m.bundle AND e.state IN ('offered', 'silent'));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER hold_keeps_bundle AFTER INSERT OR UPDATE ON hold FOR EACH ROW WHEN (NEW.code = 'death')
    EXECUTE FUNCTION hold_keeps_bundle();
CREATE FUNCTION bundle_held_from_the_start() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF bundle_is_held(NEW.payload ->> 'bundle') THEN
        NEW.state := 'held';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bundle_held_from_the_start BEFORE INSERT ON outbox FOR EACH ROW
    WHEN (NEW.kind = 'offer' AND NEW.payload ? 'bundle') EXECUTE FUNCTION bundle_held_from_the_start();
