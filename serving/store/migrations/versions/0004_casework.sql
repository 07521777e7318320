-- From an answer to a decision: what somebody is owed for a period, every move it makes, and the cases that people decide.
-- The promises of docs/decisions/0007-moves-are-the-only-way.md are held here, whatever a query says.

-- Rights: groups without a login; the engine works as one of them, never as the owner of its tables.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['applyfree_app', 'applyfree_citizen', 'applyfree_auditor', 'applyfree_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        EXECUTE format('GRANT %I TO CURRENT_USER', name);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
    END LOOP;
END $$;

-- What a benefit owes a subject for one period. Its state changes by a row of `move` and by nothing else.
CREATE TABLE entitlement (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    subject       text NOT NULL,
    benefit       text NOT NULL,
    version       text NOT NULL,
    period        text NOT NULL CHECK (period ~ '^(\d{4}-\d{2}-\d{2}|\d{4}-\d{2}|\d{4}|once|open)$'),
    unit          text NOT NULL,                   -- a currency, or what is given in kind
    amount_minor  bigint CHECK (amount_minor >= 0), -- null: in kind, or not a certain figure
    over_cap      boolean NOT NULL DEFAULT false,  -- above what one pair of eyes may pay out
    sweep         integer NOT NULL REFERENCES sweep,
    tier          text NOT NULL CHECK (tier IN ('automatic', 'confirm', 'ask', 'review')),
    reasons       jsonb NOT NULL,                  -- of the tier: codes and parameters
    district      text NOT NULL,                   -- whose caseworkers look after it; 'unassigned' where no register says
    state         text NOT NULL DEFAULT 'detected',
    revision      integer NOT NULL DEFAULT 0,      -- moves so far
    next_step_at  timestamptz,                     -- when the engine moves it by itself: silence, end of a public notice
    detected_at   timestamptz NOT NULL,
    UNIQUE (kind, subject, benefit, period)
);
CREATE INDEX entitlement_state ON entitlement (state, next_step_at);
CREATE INDEX entitlement_queue ON entitlement (district, benefit, state);

-- The one table of moves. serving/casework/states.py says the same, and a test compares them.
CREATE TABLE allowed_move (
    from_state  text NOT NULL,
    to_state    text NOT NULL,
    actor_kind  text NOT NULL CHECK (actor_kind IN ('system', 'citizen', 'proxy', 'officer')),
    PRIMARY KEY (from_state, to_state, actor_kind),
    -- Grant only: no machine and no model denies, suspends or ends.
    CHECK (to_state NOT IN ('denied', 'suspended', 'ended') OR actor_kind = 'officer')
);
INSERT INTO allowed_move (from_state, to_state, actor_kind)
SELECT from_state, to_state, unnest(string_to_array(actors, ' '))
FROM (VALUES
    ('detected', 'offered', 'system officer'), ('detected', 'ask', 'system'), ('detected', 'review', 'system officer'),
    ('detected', 'public_notice', 'system'), ('detected', 'approved', 'system'), ('detected', 'superseded', 'system'),
    ('ask', 'detected', 'system'), ('ask', 'review', 'system citizen proxy officer'), ('ask', 'superseded', 'system'),
    ('review', 'offered', 'officer'), ('review', 'approved', 'officer'), ('review', 'public_notice', 'officer'),
    ('review', 'ask', 'officer'), ('review', 'monitored', 'officer'), ('review', 'denied', 'officer'),
    ('review', 'suspended', 'officer'), ('review', 'ended', 'officer'), ('review', 'refused', 'citizen proxy'),
    ('offered', 'confirmed', 'citizen proxy'), ('offered', 'refused', 'citizen proxy'), ('offered', 'silent', 'system'),
    ('offered', 'review', 'system citizen proxy officer'),
    ('silent', 'offered', 'system officer'), ('silent', 'confirmed', 'citizen proxy'),
    ('silent', 'refused', 'citizen proxy'), ('silent', 'review', 'system citizen proxy officer'),
    ('refused', 'offered', 'citizen proxy'), ('refused', 'review', 'citizen proxy'),
    ('confirmed', 'public_notice', 'system'), ('confirmed', 'approved', 'system'),
    ('confirmed', 'refused', 'citizen proxy'), ('confirmed', 'review', 'system citizen proxy officer'),
    ('public_notice', 'approved', 'system'), ('public_notice', 'objected', 'citizen proxy officer'),
    ('public_notice', 'review', 'system officer'), ('public_notice', 'refused', 'citizen proxy'),
    ('objected', 'review', 'system officer'),
    ('approved', 'submitted', 'system'), ('approved', 'review', 'system citizen proxy officer'),
    ('approved', 'refused', 'citizen proxy'),
    ('submitted', 'paid', 'system'), ('submitted', 'returned', 'system'),
    ('returned', 'submitted', 'system officer'), ('returned', 'review', 'system citizen proxy officer'),
    ('paid', 'monitored', 'system'),
    ('monitored', 'review', 'system citizen proxy officer'), ('monitored', 'completed', 'system'),
    ('monitored', 'suspended', 'officer'), ('monitored', 'ended', 'officer'),
    ('suspended', 'reinstated', 'system officer'), ('suspended', 'review', 'system citizen proxy officer'),
    ('ended', 'reinstated', 'officer'), ('ended', 'review', 'system citizen proxy officer'),
    ('denied', 'review', 'system citizen proxy officer'),
    ('reinstated', 'approved', 'officer'), ('reinstated', 'monitored', 'system officer'),
    ('superseded', 'detected', 'system')
) AS said(from_state, to_state, actors);

-- A payment waits: somebody died, two ids are one person, a source is not to be trusted. Waiting takes nothing away.
CREATE TABLE hold (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entitlement  bigint NOT NULL REFERENCES entitlement,
    code         text NOT NULL CHECK (code IN ('death', 'double_grant', 'identity', 'correction', 'stop', 'refused_automation')),
    since        timestamptz NOT NULL,
    released_at  timestamptz,
    released_by  text,
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE UNIQUE INDEX hold_open ON hold (entitlement, code) WHERE released_at IS NULL;

CREATE TABLE move (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entitlement  bigint NOT NULL REFERENCES entitlement,
    revision     integer NOT NULL CHECK (revision > 0), -- the entitlement's after this move: optimistic locking
    from_state   text NOT NULL,
    to_state     text NOT NULL,
    actor_kind   text NOT NULL,
    actor        text NOT NULL,
    second       text,            -- who agreed, where one pair of eyes is not enough
    case_file    bigint,
    decision     bigint,
    reason_code  text,
    reason       bytea,           -- a human's own words, encrypted
    at           timestamptz NOT NULL,
    UNIQUE (entitlement, revision),
    FOREIGN KEY (from_state, to_state, actor_kind) REFERENCES allowed_move,
    -- A negative act needs a named human, a second one, a reason code and a reason in words.
    CONSTRAINT no_machine_made_negative_act CHECK (
        to_state NOT IN ('denied', 'suspended', 'ended')
        OR (actor_kind = 'officer' AND second IS NOT NULL AND second <> actor
            AND reason_code IS NOT NULL AND octet_length(reason) > 0 AND decision IS NOT NULL)),
    CHECK (second IS NULL OR second <> actor)
);
CREATE INDEX move_at ON move (at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON move FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON move FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON entitlement FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON entitlement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What happened, for the ledger: written in the transaction that it describes, sealed later by one appender.
CREATE TABLE audit_intent (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action      text NOT NULL,          -- subject:action, like `entitlement:approved`
    actor_kind  text NOT NULL,
    actor       text NOT NULL,
    object      text NOT NULL,          -- the table of what it is about
    object_id   text NOT NULL,
    payload     jsonb NOT NULL,         -- ids, codes and figures; never a human's words
    at          timestamptz NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_intent FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_intent FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_key  text NOT NULL UNIQUE CHECK (delivery_key ~ '^[0-9a-f]{64}$'),
    entitlement   bigint REFERENCES entitlement,
    case_file     bigint,
    kind          text NOT NULL,        -- grant | offer | delay | receipt
    channel       text NOT NULL,
    benefit       text NOT NULL,
    state         text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'sent', 'in_doubt', 'failed', 'held')),
    claim         integer NOT NULL DEFAULT 0,  -- fencing: only the last claim may write
    lease_until   timestamptz,
    attempts      integer NOT NULL DEFAULT 0,
    not_before    timestamptz,
    created_at    timestamptz NOT NULL,
    payload       jsonb NOT NULL DEFAULT '{}',
    CHECK ((state = 'leased') = (lease_until IS NOT NULL))
);
CREATE INDEX outbox_ready ON outbox (id) WHERE state IN ('ready', 'leased');
CREATE INDEX outbox_entitlement ON outbox (entitlement);

-- Only a move changes a state, and it may come one at a time.
CREATE FUNCTION only_by_a_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.state, NEW.revision) IS DISTINCT FROM (OLD.state, OLD.revision) AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'the state of an entitlement changes by a row of move' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.kind, NEW.subject, NEW.benefit, NEW.period, NEW.detected_at)
       IS DISTINCT FROM (OLD.kind, OLD.subject, OLD.benefit, OLD.period, OLD.detected_at) THEN
        RAISE EXCEPTION 'an entitlement keeps whose it is, of which benefit and period' USING ERRCODE = 'restrict_violation';
    END IF;
    -- A human reduces, by a decision: the amount of what was approved stands.
    IF NEW.amount_minor IS DISTINCT FROM OLD.amount_minor
       AND OLD.state IN ('approved', 'submitted', 'paid', 'returned', 'monitored', 'suspended', 'ended', 'completed') THEN
        RAISE EXCEPTION 'the amount of an approved entitlement is no longer changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_by_a_move BEFORE UPDATE ON entitlement FOR EACH ROW EXECUTE FUNCTION only_by_a_move();

CREATE FUNCTION begins_detected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'detected' OR NEW.revision <> 0 THEN
        RAISE EXCEPTION 'an entitlement begins as detected' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER begins_detected BEFORE INSERT ON entitlement FOR EACH ROW EXECUTE FUNCTION begins_detected();

-- AF409: somebody else was first. AF403: not allowed as it stands.
CREATE FUNCTION make_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    it entitlement;
    approvals integer;
BEGIN
    SELECT * INTO it FROM entitlement WHERE id = NEW.entitlement FOR UPDATE;
    IF it.revision + 1 <> NEW.revision OR it.state <> NEW.from_state THEN
        RAISE EXCEPTION 'entitlement % is at revision % and %', it.id, it.revision, it.state USING ERRCODE = 'AF409';
    END IF;
    IF NEW.to_state IN ('approved', 'submitted') AND NEW.actor_kind = 'system'
       AND EXISTS (SELECT FROM hold WHERE entitlement = it.id AND released_at IS NULL) THEN
        RAISE EXCEPTION 'entitlement % is held', it.id USING ERRCODE = 'AF403';
    END IF;
    IF NEW.to_state = 'approved' THEN
        IF it.over_cap AND (NEW.second IS NULL OR NEW.actor_kind <> 'officer') THEN
            RAISE EXCEPTION 'entitlement % is above its cap: two people approve it', it.id USING ERRCODE = 'AF403';
        END IF;
        -- The machine approves only what is automatic now, what a citizen confirmed, or what an officer had put up.
        IF NEW.actor_kind = 'system' AND it.tier <> 'automatic' AND NOT EXISTS (
            SELECT FROM move m WHERE m.entitlement = it.id
            AND (m.to_state = 'confirmed' OR (m.to_state = 'public_notice' AND m.actor_kind = 'officer'))
            AND m.revision > coalesce((SELECT max(r.revision) FROM move r
                                       WHERE r.entitlement = it.id AND r.to_state IN ('refused', 'review', 'ask', 'superseded')), 0)) THEN
            RAISE EXCEPTION 'entitlement % is of tier %: nobody has said yes to it', it.id, it.tier USING ERRCODE = 'AF403';
        END IF;
    END IF;
    UPDATE entitlement SET state = NEW.to_state, revision = NEW.revision WHERE id = it.id;
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES ('entitlement:' || NEW.to_state, NEW.actor_kind, NEW.actor, 'entitlement', it.id::text,
            jsonb_build_object('revision', NEW.revision, 'from', NEW.from_state, 'benefit', it.benefit, 'period', it.period,
                               'amount_minor', it.amount_minor, 'unit', it.unit, 'version', it.version, 'sweep', it.sweep,
                               'tier', it.tier, 'second', NEW.second, 'case', NEW.case_file, 'decision', NEW.decision,
                               'reason_code', NEW.reason_code),
            NEW.at);
    IF NEW.to_state = 'approved' THEN
        SELECT count(*) INTO approvals FROM move WHERE entitlement = it.id AND to_state = 'approved';
        INSERT INTO outbox (delivery_key, entitlement, kind, channel, benefit, created_at)
        VALUES (encode(sha256(convert_to(concat_ws('|', it.benefit, it.period, it.kind, it.subject, 'grant', approvals), 'UTF8')), 'hex'),
                it.id, 'grant', 'payment', it.benefit, NEW.at);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER make_move BEFORE INSERT ON move FOR EACH ROW EXECUTE FUNCTION make_move();

-- Work for a caseworker (`case` is a word of SQL). It is in a queue, by district and benefit, and its clock runs.
CREATE TABLE case_file (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    entitlement   bigint REFERENCES entitlement,
    subject_kind  text NOT NULL,
    subject       text NOT NULL,
    benefit       text,
    district      text NOT NULL,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'proposed', 'closed')),
    why           jsonb NOT NULL,          -- codes and clauses: what a human is to judge
    opened_at     timestamptz NOT NULL,
    opened_by     text NOT NULL,
    due_at        timestamptz NOT NULL,
    first_touch_at timestamptz,
    paused_at     timestamptz,
    pause_code    text,
    escalation    smallint NOT NULL DEFAULT 0,
    lease_holder  text,
    lease_until   timestamptz,
    revision      integer NOT NULL DEFAULT 0,
    priority      double precision,        -- a model's; it orders the queue and nothing else
    hardship      boolean NOT NULL DEFAULT false,
    closed_at     timestamptz,
    CHECK ((paused_at IS NULL) = (pause_code IS NULL)),
    CHECK ((lease_holder IS NULL) = (lease_until IS NULL)),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK (due_at >= opened_at)
);
CREATE UNIQUE INDEX case_of_entitlement ON case_file (entitlement, kind) WHERE entitlement IS NOT NULL AND state <> 'closed';
CREATE INDEX case_queue ON case_file (district, benefit, due_at) WHERE state <> 'closed';
CREATE INDEX case_due ON case_file (due_at) WHERE state <> 'closed' AND paused_at IS NULL;
CREATE INDEX case_of_subject ON case_file (subject_kind, subject);
CREATE TRIGGER kept BEFORE DELETE ON case_file FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON case_file FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION one_revision_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'closed' THEN
        RAISE EXCEPTION 'case % is closed', OLD.id USING ERRCODE = 'AF403';
    END IF;
    IF NEW.revision <> OLD.revision + 1 THEN
        RAISE EXCEPTION 'case % is at revision %', OLD.id, OLD.revision USING ERRCODE = 'AF409';
    END IF;
    IF (NEW.kind, NEW.entitlement, NEW.subject_kind, NEW.subject, NEW.opened_at, NEW.opened_by)
       IS DISTINCT FROM (OLD.kind, OLD.entitlement, OLD.subject_kind, OLD.subject, OLD.opened_at, OLD.opened_by) THEN
        RAISE EXCEPTION 'a case keeps what it is about' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER one_revision_on BEFORE UPDATE ON case_file FOR EACH ROW EXECUTE FUNCTION one_revision_on();

-- Everything that happened to a case: opened, leased, renewed, taken over, paused, resumed, escalated, noted, closed.
CREATE TABLE case_event (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_file bigint NOT NULL REFERENCES case_file,
    action    text NOT NULL,
    actor     text NOT NULL,
    at        timestamptz NOT NULL,
    detail    jsonb NOT NULL DEFAULT '{}',
    note      bytea                        -- a human's own words, encrypted
);
CREATE INDEX case_event_of ON case_event (case_file, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON case_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON case_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What an officer thought before any recommendation was shown. Without it neither recommendation nor decision.
CREATE TABLE provisional_view (
    case_file bigint NOT NULL REFERENCES case_file,
    officer   text NOT NULL,
    view      text NOT NULL CHECK (view IN ('grant', 'refuse', 'ask', 'unsure')),
    at        timestamptz NOT NULL,
    PRIMARY KEY (case_file, officer)
);
CREATE TABLE recommendation_shown (
    case_file bigint NOT NULL,
    officer   text NOT NULL,
    part      text NOT NULL CHECK (part IN ('recommendation', 'similar', 'contributions')),
    at        timestamptz NOT NULL,
    PRIMARY KEY (case_file, officer, part),
    FOREIGN KEY (case_file, officer) REFERENCES provisional_view
);
CREATE TABLE decision (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_file    bigint NOT NULL REFERENCES case_file,
    officer      text NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN
                     ('grant', 'offer', 'keep', 'reinstate', 'ask', 'deny', 'reduce', 'suspend', 'end', 'reclaim', 'close')),
    overrides    boolean NOT NULL,        -- other than what the engine recommended
    reason_code  text,
    clause       text,
    reason       bytea,                   -- in the officer's own words, encrypted
    amount_minor bigint CHECK (amount_minor >= 0), -- of a reduction or reclaim: what is left, or what is asked back
    needs_second boolean NOT NULL,
    state        text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'in_force', 'returned')),
    proposed_at  timestamptz NOT NULL,
    second       text,
    settled_at   timestamptz,
    FOREIGN KEY (case_file, officer) REFERENCES provisional_view,
    CONSTRAINT negative_acts_need_two_people CHECK (verdict NOT IN ('deny', 'reduce', 'suspend', 'end', 'reclaim') OR needs_second),
    CONSTRAINT author_is_not_approver CHECK (second IS NULL OR second <> officer),
    CONSTRAINT in_force_when_agreed CHECK (state <> 'in_force' OR NOT needs_second OR second IS NOT NULL),
    CONSTRAINT reasons_are_given CHECK (
        (NOT overrides AND verdict NOT IN ('deny', 'reduce', 'suspend', 'end', 'reclaim'))
        OR (reason_code IS NOT NULL AND octet_length(reason) > 0)),
    CHECK ((state = 'proposed') = (settled_at IS NULL))
);
CREATE UNIQUE INDEX decision_open ON decision (case_file) WHERE state = 'proposed';
CREATE INDEX decision_of ON decision (case_file);

CREATE FUNCTION settles_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'proposed' OR (to_jsonb(NEW) - 'state' - 'second' - 'settled_at')
                                   IS DISTINCT FROM (to_jsonb(OLD) - 'state' - 'second' - 'settled_at') THEN
        RAISE EXCEPTION 'a decision is settled once and never edited' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settles_once BEFORE UPDATE ON decision FOR EACH ROW EXECUTE FUNCTION settles_once();
CREATE FUNCTION intend_decision() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES ('decision:' || NEW.state, 'officer', CASE WHEN NEW.state = 'proposed' THEN NEW.officer ELSE coalesce(NEW.second, NEW.officer) END,
            'decision', NEW.id::text,
            jsonb_build_object('case', NEW.case_file, 'verdict', NEW.verdict, 'overrides', NEW.overrides, 'officer', NEW.officer,
                               'second', NEW.second, 'reason_code', NEW.reason_code, 'clause', NEW.clause),
            coalesce(NEW.settled_at, NEW.proposed_at));
    RETURN NULL;
END $$;
CREATE TRIGGER intend AFTER INSERT OR UPDATE ON decision FOR EACH ROW EXECUTE FUNCTION intend_decision();
CREATE TRIGGER kept BEFORE DELETE ON decision FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON provisional_view FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON provisional_view FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON recommendation_shown FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE move ADD FOREIGN KEY (case_file) REFERENCES case_file;
ALTER TABLE move ADD FOREIGN KEY (decision) REFERENCES decision;
ALTER TABLE outbox ADD FOREIGN KEY (case_file) REFERENCES case_file;

-- The decision behind a negative act is in force, of the same two people, and says that very act.
CREATE FUNCTION act_is_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM decision d WHERE d.id = NEW.decision AND d.case_file = NEW.case_file AND d.state = 'in_force'
        AND d.officer = NEW.actor AND d.second = NEW.second
        AND d.verdict = CASE NEW.to_state WHEN 'denied' THEN 'deny' WHEN 'suspended' THEN 'suspend' ELSE 'end' END) THEN
        RAISE EXCEPTION 'no decision in force says so' USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER act_is_decided BEFORE INSERT ON move FOR EACH ROW
    WHEN (NEW.to_state IN ('denied', 'suspended', 'ended')) EXECUTE FUNCTION act_is_decided();

-- Rights. What only grows is only added to.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO applyfree_app;
GRANT INSERT ON entitlement, move, hold, outbox, case_file, case_event, provisional_view, recommendation_shown, decision, audit_intent TO applyfree_app;
GRANT UPDATE (tier, reasons, next_step_at, district, sweep, version, amount_minor, unit, over_cap) ON entitlement TO applyfree_app;
GRANT UPDATE (released_at, released_by) ON hold TO applyfree_app;
GRANT UPDATE (state, claim, lease_until, attempts, not_before) ON outbox TO applyfree_app;
GRANT UPDATE (state, due_at, first_touch_at, paused_at, pause_code, escalation, lease_holder, lease_until, revision, priority, hardship, closed_at, district)
    ON case_file TO applyfree_app;
GRANT UPDATE (state, second, settled_at) ON decision TO applyfree_app;
GRANT SELECT ON audit_intent, decision, move, sweep, rulebook TO applyfree_auditor;
GRANT SELECT ON entitlement, move TO applyfree_citizen;

-- The second wall: as a citizen only one's own rows exist. `applyfree.subjects`: the person and the household, by kind.
ALTER TABLE entitlement ENABLE ROW LEVEL SECURITY;
ALTER TABLE move ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON entitlement TO applyfree_app USING (true) WITH CHECK (true);
CREATE POLICY everything ON move TO applyfree_app USING (true) WITH CHECK (true);
CREATE POLICY reading ON move FOR SELECT TO applyfree_auditor USING (true);
CREATE POLICY own ON entitlement FOR SELECT TO applyfree_citizen
    USING (kind || ':' || subject = ANY (string_to_array(current_setting('applyfree.subjects', true), ' ')));
CREATE POLICY own ON move FOR SELECT TO applyfree_citizen
    USING (EXISTS (SELECT FROM entitlement e WHERE e.id = move.entitlement));
