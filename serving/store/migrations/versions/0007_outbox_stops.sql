-- Deliveries: one effect per key, whatever crashes. Stop buttons: pressed by one, released by two.

CREATE TABLE stop (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope               text NOT NULL CHECK (scope IN ('benefit', 'channel', 'all')),
    name                text NOT NULL,  -- of the benefit or channel; '' of everything
    cause               text NOT NULL CHECK (cause IN ('human', 'breaker')),
    pressed_by          text NOT NULL CHECK (pressed_by <> ''),
    reason              text NOT NULL CHECK (reason <> ''), -- about the system, never about a person
    pressed_at          timestamptz NOT NULL,
    released_first_by   text CHECK (released_first_by <> ''),
    released_first_at   timestamptz,
    released_second_by  text CHECK (released_second_by <> ''),
    released_at         timestamptz,
    CHECK ((scope = 'all') = (name = '')),
    CONSTRAINT two_people_release CHECK (released_second_by IS NULL
        OR (released_first_by IS NOT NULL AND released_second_by <> released_first_by)),
    CHECK ((released_first_at IS NULL) = (released_first_by IS NULL)),
    CHECK ((released_at IS NULL) = (released_second_by IS NULL))
);
-- Somebody may press what is already pressed: each stop is released for itself. A breaker trips once.
CREATE UNIQUE INDEX stop_tripped ON stop (scope, name) WHERE released_at IS NULL AND cause = 'breaker';
CREATE INDEX stop_open ON stop (scope, name) WHERE released_at IS NULL;
CREATE TRIGGER kept BEFORE DELETE ON stop FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON stop FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION pressed_then_released_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.released_first_by IS NOT NULL OR NEW.released_at IS NOT NULL THEN
            RAISE EXCEPTION 'a stop begins pressed' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - 'released_first_by' - 'released_first_at' - 'released_second_by' - 'released_at')
       IS DISTINCT FROM (to_jsonb(OLD) - 'released_first_by' - 'released_first_at' - 'released_second_by' - 'released_at') THEN
        RAISE EXCEPTION 'a stop is released, never edited' USING ERRCODE = 'restrict_violation';
    END IF;
    -- Two steps, each by one person: the second sees what the first did.
    IF OLD.released_at IS NOT NULL
       OR (OLD.released_first_by IS NULL) = (NEW.released_second_by IS NOT NULL)
       OR (OLD.released_first_by IS NOT NULL AND (NEW.released_first_by, NEW.released_first_at)
           IS DISTINCT FROM (OLD.released_first_by, OLD.released_first_at)) THEN
        RAISE EXCEPTION 'a stop is released in two steps' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pressed_then_released_twice BEFORE INSERT OR UPDATE ON stop
    FOR EACH ROW EXECUTE FUNCTION pressed_then_released_twice();

CREATE FUNCTION delivery_is_stopped(of_benefit text, by_channel text) RETURNS boolean LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp
    RETURN EXISTS (SELECT FROM stop WHERE released_at IS NULL
                   AND (scope = 'all' OR (scope = 'benefit' AND name = of_benefit) OR (scope = 'channel' AND name = by_channel)));

ALTER TABLE outbox ADD COLUMN called_at timestamptz;                   -- by this clock, when the last call was about to begin
ALTER TABLE outbox ADD COLUMN doubtful boolean NOT NULL DEFAULT false; -- some call ended without an answer
ALTER TABLE outbox ADD COLUMN trouble text CHECK (length(trouble) <= 64);     -- code of what stood against it last
ALTER TABLE outbox ADD COLUMN reference text CHECK (length(reference) <= 128); -- the provider's name for it
ALTER TABLE outbox ADD COLUMN settled_at timestamptz;
ALTER TABLE outbox ADD COLUMN settled_by text;                         -- 'outbox', or the officer who found out
ALTER TABLE outbox ADD CONSTRAINT settled_when_over CHECK (
    (state IN ('sent', 'in_doubt', 'failed')) = (settled_at IS NOT NULL)
    AND (settled_at IS NULL) = (settled_by IS NULL));
-- What may have arrived is never called failed by the machine: somebody would send it by another way.
ALTER TABLE outbox ADD CONSTRAINT doubt_is_not_failure CHECK (state <> 'failed' OR NOT doubtful OR settled_by <> 'outbox');
CREATE INDEX outbox_due ON outbox (channel, id) WHERE state = 'ready';
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE state = 'leased';
CREATE INDEX outbox_open ON outbox (state, created_at) WHERE state <> 'sent';
CREATE TRIGGER kept BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION delivered_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.delivery_key, NEW.entitlement, NEW.case_file, NEW.kind, NEW.channel, NEW.benefit, NEW.created_at, NEW.payload)
       IS DISTINCT FROM
       (OLD.delivery_key, OLD.entitlement, OLD.case_file, OLD.kind, OLD.channel, OLD.benefit, OLD.created_at, OLD.payload) THEN
        RAISE EXCEPTION 'a delivery keeps what it is' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.claim < OLD.claim OR NEW.attempts < OLD.attempts OR (OLD.doubtful AND NOT NEW.doubtful) THEN
        RAISE EXCEPTION 'claims, attempts and doubt only grow' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('ready', 'leased'), ('ready', 'held'), ('held', 'ready'),
        ('leased', 'ready'), ('leased', 'sent'), ('leased', 'in_doubt'), ('leased', 'failed'),
        ('in_doubt', 'sent'), ('in_doubt', 'failed'), ('in_doubt', 'ready'), ('failed', 'ready')) THEN
        RAISE EXCEPTION 'a delivery that is % does not become %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER delivered_once BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION delivered_once();

-- Whoever presses, releases or settles is in the ledger, in the same transaction.
CREATE FUNCTION intend_delivery() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES ('delivery:' || NEW.state, CASE NEW.settled_by WHEN 'outbox' THEN 'system' ELSE 'officer' END, NEW.settled_by,
            'outbox', NEW.id::text,
            jsonb_build_object('delivery_key', NEW.delivery_key, 'entitlement', NEW.entitlement, 'case', NEW.case_file,
                               'kind', NEW.kind, 'channel', NEW.channel, 'benefit', NEW.benefit, 'attempts', NEW.attempts,
                               'reference', NEW.reference, 'trouble', NEW.trouble),
            NEW.settled_at);
    RETURN NULL;
END $$;
CREATE TRIGGER intend AFTER UPDATE ON outbox FOR EACH ROW
    WHEN (NEW.state IS DISTINCT FROM OLD.state AND NEW.settled_at IS NOT NULL) EXECUTE FUNCTION intend_delivery();

CREATE FUNCTION intend_stop() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES (CASE WHEN TG_OP = 'INSERT' THEN 'stop:pressed' WHEN NEW.released_at IS NULL THEN 'stop:release_begun' ELSE 'stop:released' END,
            CASE WHEN TG_OP = 'INSERT' AND NEW.cause = 'breaker' THEN 'system' ELSE 'officer' END,
            coalesce(NEW.released_second_by, NEW.released_first_by, NEW.pressed_by), 'stop', NEW.id::text,
            jsonb_build_object('scope', NEW.scope, 'name', NEW.name, 'cause', NEW.cause, 'pressed_by', NEW.pressed_by,
                               'first', NEW.released_first_by, 'second', NEW.released_second_by),
            coalesce(NEW.released_at, NEW.released_first_at, NEW.pressed_at));
    RETURN NULL;
END $$;
CREATE TRIGGER intend AFTER INSERT OR UPDATE ON stop FOR EACH ROW EXECUTE FUNCTION intend_stop();

GRANT SELECT, INSERT ON stop TO applyfree_app;
GRANT UPDATE (released_first_by, released_first_at, released_second_by, released_at) ON stop TO applyfree_app;
GRANT UPDATE (called_at, doubtful, trouble, reference, settled_at, settled_by) ON outbox TO applyfree_app;
GRANT SELECT ON stop TO applyfree_auditor, applyfree_operator;
GRANT SELECT ON outbox TO applyfree_auditor;
