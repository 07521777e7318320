-- The caseworker's side: reductions and reclaims, acts on many cases at once, tickets born from overrides, word to officers;
-- and what one pair of eyes must not do, refused whatever a query says.

ALTER TABLE case_file ADD COLUMN first_touch_due_at timestamptz; -- by when a human must have taken it up
ALTER TABLE recommendation_shown ADD COLUMN verdict text;        -- what was recommended; null: nothing, a human judges
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON recommendation_shown FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A CHECK that is null holds: 0004 asked for words in a way in which none at all (null, not empty) were enough.
ALTER TABLE move ADD CONSTRAINT a_negative_act_says_why CHECK (
    to_state NOT IN ('denied', 'suspended', 'ended') OR (reason IS NOT NULL AND octet_length(reason) > 0));
ALTER TABLE decision ADD CONSTRAINT an_override_says_why CHECK (
    (NOT overrides AND verdict NOT IN ('deny', 'reduce', 'suspend', 'end', 'reclaim'))
    OR (reason_code IS NOT NULL AND reason IS NOT NULL AND octet_length(reason) > 0));

-- Word to an officer: somebody took over their case, it was escalated, a proposal came back.
CREATE TABLE officer_notice (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    officer   text NOT NULL,
    case_file bigint NOT NULL REFERENCES case_file,
    kind      text NOT NULL CHECK (kind IN ('taken_over', 'escalated', 'returned', 'agreed', 'undone')),
    actor     text NOT NULL,
    at        timestamptz NOT NULL,
    read_at   timestamptz
);
CREATE INDEX officer_notice_unread ON officer_notice (officer, id) WHERE read_at IS NULL;

-- An act on many cases at once: it grants or sends on, never takes away.
CREATE TABLE bulk_act (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    verdict     text NOT NULL CONSTRAINT bulk_takes_nothing_away CHECK (verdict IN ('grant', 'offer', 'ask')),
    size        integer NOT NULL CONSTRAINT bulk_is_limited CHECK (size BETWEEN 1 AND 200),
    officer     text NOT NULL,
    proposed_at timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'agreed', 'returned', 'undone', 'carried_out')),
    second      text,
    agreed_at   timestamptz,
    settled_at  timestamptz,
    CONSTRAINT author_is_not_approver CHECK (second <> officer),
    CHECK ((state IN ('agreed', 'carried_out')) <= (second IS NOT NULL AND agreed_at IS NOT NULL)),
    CHECK ((state IN ('proposed', 'agreed')) = (settled_at IS NULL)),
    CONSTRAINT half_an_hour_to_undo CHECK (state <> 'carried_out' OR settled_at >= agreed_at + interval '30 minutes')
);
CREATE TABLE bulk_item (
    bulk_act  bigint NOT NULL REFERENCES bulk_act,
    case_file bigint NOT NULL REFERENCES case_file,
    revision  integer NOT NULL,        -- the case's, as it was put in
    must_open boolean NOT NULL,        -- drawn: its author looks at it by itself
    opened_at timestamptz,
    outcome   text CHECK (outcome IN ('done', 'left')),
    PRIMARY KEY (bulk_act, case_file)
);
CREATE TRIGGER kept BEFORE DELETE ON bulk_act FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON bulk_item FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON bulk_act FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON bulk_item FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION bulk_begins_proposed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'proposed' OR NEW.second IS NOT NULL OR NEW.agreed_at IS NOT NULL THEN
        RAISE EXCEPTION 'an act on many cases begins as proposed' USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bulk_begins_proposed BEFORE INSERT ON bulk_act FOR EACH ROW EXECUTE FUNCTION bulk_begins_proposed();

CREATE FUNCTION bulk_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    items integer;
    drawn integer;
    unopened integer;
BEGIN
    IF (NEW.verdict, NEW.size, NEW.officer, NEW.proposed_at) IS DISTINCT FROM (OLD.verdict, OLD.size, OLD.officer, OLD.proposed_at)
       OR (OLD.second IS NOT NULL AND (NEW.second, NEW.agreed_at) IS DISTINCT FROM (OLD.second, OLD.agreed_at))
       OR (OLD.state, NEW.state) NOT IN (('proposed', 'agreed'), ('proposed', 'returned'), ('agreed', 'undone'), ('agreed', 'carried_out')) THEN
        RAISE EXCEPTION 'act % on many cases is % and goes on one step at a time', OLD.id, OLD.state USING ERRCODE = 'AF403';
    END IF;
    IF NEW.state = 'agreed' THEN
        SELECT count(*), count(*) FILTER (WHERE must_open), count(*) FILTER (WHERE must_open AND opened_at IS NULL)
        INTO items, drawn, unopened FROM bulk_item WHERE bulk_act = OLD.id;
        IF items <> OLD.size OR drawn * 20 < items OR unopened > 0 THEN
            RAISE EXCEPTION 'act %: % of % cases, % drawn, % of them not opened', OLD.id, items, OLD.size, drawn, unopened
                USING ERRCODE = 'AF403';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bulk_goes_on BEFORE UPDATE ON bulk_act FOR EACH ROW EXECUTE FUNCTION bulk_goes_on();

CREATE FUNCTION bulk_items_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bulk_act WHERE id = NEW.bulk_act AND state = 'proposed' FOR UPDATE) THEN
        RAISE EXCEPTION 'what was agreed to is not added to' USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bulk_items_stand BEFORE INSERT ON bulk_item FOR EACH ROW EXECUTE FUNCTION bulk_items_stand();

CREATE FUNCTION intend_bulk() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES ('bulk:' || NEW.state, 'officer', coalesce(NEW.second, NEW.officer), 'bulk_act', NEW.id::text,
            jsonb_build_object('verdict', NEW.verdict, 'size', NEW.size, 'officer', NEW.officer, 'second', NEW.second),
            coalesce(NEW.settled_at, NEW.agreed_at, NEW.proposed_at));
    RETURN NULL;
END $$;
CREATE TRIGGER intend AFTER INSERT OR UPDATE ON bulk_act FOR EACH ROW EXECUTE FUNCTION intend_bulk();

ALTER TABLE decision ADD COLUMN bulk_act bigint REFERENCES bulk_act,
    ADD COLUMN of_revision integer,     -- the entitlement's as the author saw it: what a second agrees to is that
    ADD COLUMN of_amount_minor bigint,
    ADD COLUMN recommended text;        -- what the engine recommended, seen or not; null: it left the answer to a human

-- A decision begins with its author alone; above a cap it waits for a second; the second has looked for themself.
CREATE FUNCTION decision_begins_proposed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    it case_file;
BEGIN
    IF NEW.state <> 'proposed' OR NEW.second IS NOT NULL THEN
        RAISE EXCEPTION 'a decision begins as proposed' USING ERRCODE = 'AF403';
    END IF;
    SELECT * INTO it FROM case_file WHERE id = NEW.case_file;
    IF it.state = 'closed' THEN
        RAISE EXCEPTION 'case % is closed', it.id USING ERRCODE = 'AF403';
    END IF;
    IF NOT NEW.needs_second AND (NEW.bulk_act IS NOT NULL OR (NEW.verdict IN ('grant', 'reinstate')
       AND EXISTS (SELECT FROM entitlement WHERE id = it.entitlement AND over_cap))) THEN
        RAISE EXCEPTION 'two people decide this' USING ERRCODE = 'AF403';
    END IF;
    IF NEW.bulk_act IS NOT NULL AND NOT EXISTS (
        SELECT FROM bulk_act b JOIN bulk_item i ON i.bulk_act = b.id
        WHERE b.id = NEW.bulk_act AND i.case_file = NEW.case_file AND b.state = 'agreed'
        AND b.officer = NEW.officer AND b.verdict = NEW.verdict) THEN
        RAISE EXCEPTION 'no act on many cases says so' USING ERRCODE = 'AF403';
    END IF;
    SELECT revision, amount_minor INTO NEW.of_revision, NEW.of_amount_minor FROM entitlement WHERE id = it.entitlement;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_begins_proposed BEFORE INSERT ON decision FOR EACH ROW EXECUTE FUNCTION decision_begins_proposed();

CREATE FUNCTION second_has_looked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.second IS NOT NULL
       AND NOT EXISTS (SELECT FROM provisional_view WHERE case_file = NEW.case_file AND officer = NEW.second) THEN
        RAISE EXCEPTION 'the second has no view of their own' USING ERRCODE = 'AF403';
    END IF;
    IF EXISTS (SELECT FROM case_file c JOIN entitlement e ON e.id = c.entitlement WHERE c.id = NEW.case_file
               AND (e.revision, e.amount_minor) IS DISTINCT FROM (NEW.of_revision, NEW.of_amount_minor)) THEN
        RAISE EXCEPTION 'what decision % is about has changed since', NEW.id USING ERRCODE = 'AF409';
    END IF;
    IF NEW.bulk_act IS NOT NULL AND NOT EXISTS (
        SELECT FROM bulk_act b WHERE b.id = NEW.bulk_act AND b.second = NEW.second
        AND NEW.settled_at >= b.agreed_at + interval '30 minutes') THEN
        RAISE EXCEPTION 'it may still be undone, or somebody else agreed' USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER second_has_looked BEFORE UPDATE ON decision FOR EACH ROW WHEN (NEW.state = 'in_force')
    EXECUTE FUNCTION second_has_looked();

-- What an officer carries out is a decision about this entitlement, by these people, once.
CREATE UNIQUE INDEX one_decision_one_act ON move (decision, to_state) WHERE decision IS NOT NULL;
CREATE FUNCTION decision_is_about_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM decision d JOIN case_file c ON c.id = d.case_file
        WHERE d.id = NEW.decision AND c.id = NEW.case_file AND c.entitlement = NEW.entitlement AND d.state = 'in_force'
        AND d.officer = NEW.actor AND d.second IS NOT DISTINCT FROM NEW.second AND NEW.actor_kind = 'officer'
        AND (NEW.to_state <> 'approved' OR d.verdict IN ('grant', 'reinstate', 'reduce'))) THEN
        RAISE EXCEPTION 'no decision in force about this entitlement says so' USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_is_about_it BEFORE INSERT ON move FOR EACH ROW
    WHEN (NEW.decision IS NOT NULL OR (NEW.to_state = 'approved' AND NEW.actor_kind = 'officer'))
    EXECUTE FUNCTION decision_is_about_it();

-- Once anybody has been told of it, nothing falls below its cap again: one pair of eyes would pay it out.
CREATE FUNCTION cap_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.over_cap AND NOT NEW.over_cap AND OLD.state NOT IN ('detected', 'ask', 'superseded') THEN
        RAISE EXCEPTION 'entitlement % stays above its cap', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cap_stands BEFORE UPDATE OF over_cap ON entitlement FOR EACH ROW EXECUTE FUNCTION cap_stands();

-- How much less, or how much back: by two people, never by the machine; and when that is taken back.
CREATE TABLE amendment (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entitlement  bigint NOT NULL REFERENCES entitlement,
    decision     bigint NOT NULL UNIQUE REFERENCES decision,
    kind         text NOT NULL CHECK (kind IN ('reduce', 'reclaim', 'restore')),
    amount_minor bigint CHECK (amount_minor >= 0), -- reduce: what is left; reclaim: what is asked back
    at           timestamptz NOT NULL,
    CHECK ((amount_minor IS NULL) = (kind = 'restore'))
);
CREATE INDEX amendment_of ON amendment (entitlement, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON amendment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON amendment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION amendment_is_decided() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    d decision;
    it entitlement;
BEGIN
    SELECT * INTO it FROM entitlement WHERE id = NEW.entitlement FOR UPDATE;
    SELECT decision.* INTO d FROM decision JOIN case_file c ON c.id = decision.case_file
    WHERE decision.id = NEW.decision AND c.entitlement = NEW.entitlement AND decision.state = 'in_force';
    IF d.id IS NULL
       OR (NEW.kind = 'restore' AND d.verdict NOT IN ('grant', 'keep', 'reinstate'))
       OR (NEW.kind <> 'restore' AND (d.verdict <> NEW.kind OR d.amount_minor IS DISTINCT FROM NEW.amount_minor OR d.second IS NULL)) THEN
        RAISE EXCEPTION 'no decision in force says so' USING ERRCODE = 'AF403';
    END IF;
    IF NEW.kind <> 'restore' AND (it.amount_minor IS NULL OR NEW.amount_minor > it.amount_minor
                                  OR (NEW.kind = 'reduce' AND NEW.amount_minor = it.amount_minor)) THEN
        RAISE EXCEPTION 'it is no reduction, or more than there was' USING ERRCODE = 'AF403';
    END IF;
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES ('entitlement:' || NEW.kind, 'officer', d.officer, 'entitlement', NEW.entitlement::text,
            jsonb_build_object('decision', d.id, 'second', d.second, 'amount_minor', NEW.amount_minor, 'unit', it.unit), NEW.at);
    RETURN NEW;
END $$;
CREATE TRIGGER amendment_is_decided BEFORE INSERT ON amendment FOR EACH ROW EXECUTE FUNCTION amendment_is_decided();

-- What is to be paid: the amount of the engine, or what two people left of it.
CREATE VIEW owed WITH (security_invoker = true) AS
SELECT e.id, e.unit, coalesce(last.amount_minor, e.amount_minor) AS amount_minor, last.amount_minor IS NOT NULL AS reduced
FROM entitlement e LEFT JOIN LATERAL (
    SELECT amount_minor FROM amendment WHERE entitlement = e.id AND kind IN ('reduce', 'restore') ORDER BY id DESC LIMIT 1
) last ON true;

-- An override says that a rule or a record is wrong: whoever answers for it is told, and it is not forgotten.
CREATE TABLE ticket (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('rule', 'correction')),
    decision       bigint NOT NULL UNIQUE REFERENCES decision,
    reason_code    text NOT NULL,
    benefit        text,
    clause         text,
    subject_kind   text,
    subject        text,
    fact           text,
    register       text,
    history_ticket integer,              -- its number in the history, once it has been handed over
    opened_at      timestamptz NOT NULL,
    due_on         date NOT NULL,
    closed_at      timestamptz,
    closed_by      text,
    answer         text CHECK (answer IN ('changed', 'stands')),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (answer IS NULL)),
    CHECK (kind <> 'rule' OR (benefit IS NOT NULL AND fact IS NULL)),
    CHECK (kind <> 'correction' OR (subject_kind IS NOT NULL AND subject IS NOT NULL AND fact IS NOT NULL AND register IS NOT NULL))
);
CREATE INDEX ticket_open ON ticket (due_on) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX ticket_of_history ON ticket (history_ticket);
CREATE TRIGGER kept BEFORE DELETE ON ticket FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ticket FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What happens to a case goes to the ledger too; a lease that is renewed and a note's being there do not.
CREATE FUNCTION intend_case() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES ('case:' || NEW.action, coalesce(NEW.detail->>'by', 'officer'), NEW.actor, 'case_file', NEW.case_file::text,
            jsonb_build_object('event', NEW.id, 'revision', NEW.detail->'revision', 'level', NEW.detail->'level'), NEW.at);
    RETURN NULL;
END $$;
CREATE TRIGGER intend AFTER INSERT ON case_event FOR EACH ROW
    WHEN (NEW.action NOT IN ('renewed', 'noted')) EXECUTE FUNCTION intend_case();

-- 监察: how old the work is, without a row about anybody.
CREATE VIEW case_health AS
SELECT kind, district, benefit, escalation, count(*) AS cases, count(*) FILTER (WHERE paused_at IS NOT NULL) AS paused,
       min(opened_at) AS oldest_opened_at, min(due_at) FILTER (WHERE paused_at IS NULL) AS earliest_due_at
FROM case_file WHERE state <> 'closed' GROUP BY kind, district, benefit, escalation;

GRANT SELECT ON officer_notice, bulk_act, bulk_item, amendment, owed, ticket, case_health TO applyfree_app;
GRANT INSERT ON officer_notice, bulk_act, bulk_item, amendment, ticket TO applyfree_app;
GRANT UPDATE (read_at) ON officer_notice TO applyfree_app;
GRANT UPDATE (state, second, agreed_at, settled_at) ON bulk_act TO applyfree_app;
GRANT UPDATE (opened_at, outcome) ON bulk_item TO applyfree_app;
GRANT UPDATE (history_ticket, closed_at, closed_by, answer) ON ticket TO applyfree_app;
GRANT SELECT ON case_health TO applyfree_operator, applyfree_auditor;
GRANT SELECT ON amendment, bulk_act TO applyfree_auditor;
