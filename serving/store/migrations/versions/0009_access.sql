-- Who may do what: accounts, sessions, assignments, broken glasses, and who read whose data. The permissions themselves
-- stand in serving/access/permissions.py; what no query may undo stands here.

-- A member of staff. 三员分立: whoever has one of the roles that stand alone has no other (serving/access/roles.py).
CREATE TABLE staff_account (
    id            text PRIMARY KEY CHECK (id <> ''),
    issuer        text NOT NULL,            -- of the identity provider
    login_subject text NOT NULL,            -- its name for them
    roles         text[] NOT NULL DEFAULT '{}',
    district      text NOT NULL,            -- posted there, and to all that lies in it
    programmes    text[] NOT NULL DEFAULT '{}', -- benefits, or {*}
    office        text NOT NULL CHECK (office <> ''), -- what citizens are told of who looked at their data
    person        text,                     -- their own subject, `kind:id`: nobody works on their own file
    state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    epoch         integer NOT NULL DEFAULT 0, -- sessions of an earlier epoch are dead
    changed_by    text NOT NULL,
    changed_at    timestamptz NOT NULL,
    UNIQUE (issuer, login_subject),
    CONSTRAINT roles_of_staff CHECK (roles <@ ARRAY['caseworker', 'supervisor', 'policy', 'auditor', 'operator',
                                                    'system_admin', 'security_admin', 'audit_admin']),
    CONSTRAINT roles_that_stand_alone CHECK (
        cardinality(roles) <= 1
        OR NOT roles && ARRAY['auditor', 'operator', 'system_admin', 'security_admin', 'audit_admin']),
    CONSTRAINT nobody_changes_their_own CHECK (changed_by <> id)
);
-- Two accounts would be two sets of roles for one person.
CREATE UNIQUE INDEX staff_account_of_person ON staff_account (person) WHERE state = 'active';

-- Whose account it is of the public: a citizen's own, or one that acts for a legal person.
CREATE TABLE citizen_account (
    id            text PRIMARY KEY CHECK (id <> ''),
    issuer        text NOT NULL,
    login_subject text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('person', 'enterprise')),
    subject       text NOT NULL,            -- its id in the registers
    state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    epoch         integer NOT NULL DEFAULT 0,
    UNIQUE (issuer, login_subject)
);
CREATE INDEX citizen_account_of ON citizen_account (kind, subject);

-- One administrator makes accounts, another gives rights; at first, while there is no second one, the installation does.
CREATE FUNCTION staff_account_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    rights boolean := TG_OP = 'INSERT' AND cardinality(NEW.roles) > 0;
    installing boolean := NEW.changed_by = 'installation'
        AND NOT EXISTS (SELECT FROM staff_account WHERE roles = '{security_admin}' AND state = 'active');
    by_whom text[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        rights := (NEW.roles, NEW.district, NEW.programmes, NEW.person)
                  IS DISTINCT FROM (OLD.roles, OLD.district, OLD.programmes, OLD.person);
        IF NEW.id <> OLD.id OR NEW.epoch < OLD.epoch THEN
            RAISE EXCEPTION 'an account keeps its id, and its epoch only grows' USING ERRCODE = 'restrict_violation';
        END IF;
        IF (NEW.roles, NEW.state, NEW.issuer, NEW.login_subject)
           IS DISTINCT FROM (OLD.roles, OLD.state, OLD.issuer, OLD.login_subject) THEN
            NEW.epoch := OLD.epoch + 1;
        END IF;
    END IF;
    SELECT roles INTO by_whom FROM staff_account WHERE id = NEW.changed_by AND state = 'active';
    IF NOT installing AND (rights AND by_whom IS DISTINCT FROM '{security_admin}'
                           OR NOT coalesce(by_whom <@ '{system_admin,security_admin}' AND cardinality(by_whom) = 1, false)
                           OR TG_OP = 'INSERT' AND by_whom IS DISTINCT FROM '{system_admin}') THEN
        RAISE EXCEPTION 'accounts are made by a system administrator and given rights by a security administrator'
            USING ERRCODE = 'AF403';
    END IF;
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES (CASE WHEN TG_OP = 'INSERT' THEN 'account:made' WHEN rights THEN 'account:rights_changed' ELSE 'account:changed' END,
            CASE WHEN installing THEN 'system' ELSE 'officer' END, NEW.changed_by, 'staff_account', NEW.id,
            jsonb_build_object('roles', NEW.roles, 'district', NEW.district, 'programmes', NEW.programmes,
                               'state', NEW.state, 'epoch', NEW.epoch),
            NEW.changed_at);
    RETURN NEW;
END $$;
CREATE TRIGGER changes BEFORE INSERT OR UPDATE ON staff_account FOR EACH ROW EXECUTE FUNCTION staff_account_changes();
CREATE TRIGGER kept BEFORE DELETE ON staff_account FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON staff_account FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION citizen_account_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.kind, NEW.subject) IS DISTINCT FROM (OLD.id, OLD.kind, OLD.subject) OR NEW.epoch < OLD.epoch THEN
        RAISE EXCEPTION 'an account keeps whose it is' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.state, NEW.issuer, NEW.login_subject) IS DISTINCT FROM (OLD.state, OLD.issuer, OLD.login_subject) THEN
        NEW.epoch := OLD.epoch + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER changes BEFORE UPDATE ON citizen_account FOR EACH ROW EXECUTE FUNCTION citizen_account_changes();
CREATE TRIGGER kept BEFORE DELETE ON citizen_account FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Somebody at the identity provider: what must come back, once, to the browser that left. Deleted when it does.
CREATE TABLE login_attempt (
    browser   bytea PRIMARY KEY CHECK (octet_length(browser) = 32), -- hash of the cookie that the browser was given
    state     text NOT NULL,
    nonce     text NOT NULL,
    verifier  text NOT NULL,
    until_at  timestamptz NOT NULL
);
CREATE INDEX login_attempt_old ON login_attempt (until_at);

-- A session: only the hash of its id is held, so that whoever reads this table can enter no session.
CREATE TABLE session (
    id_hash   bytea PRIMARY KEY CHECK (octet_length(id_hash) = 32),
    staff     text REFERENCES staff_account,
    citizen   text REFERENCES citizen_account,
    epoch     integer NOT NULL,
    strong    boolean NOT NULL,             -- a second factor was shown
    opened_at timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,
    ended_at  timestamptz,
    CHECK (num_nonnulls(staff, citizen) = 1),
    CONSTRAINT staff_show_a_second_factor CHECK (staff IS NULL OR strong),
    CHECK (seen_at >= opened_at)
);
CREATE INDEX session_of_staff ON session (staff) WHERE ended_at IS NULL AND staff IS NOT NULL;
CREATE INDEX session_of_citizen ON session (citizen) WHERE ended_at IS NULL AND citizen IS NOT NULL;
CREATE INDEX session_old ON session (opened_at);
CREATE FUNCTION session_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL
       OR (to_jsonb(NEW) - 'seen_at' - 'ended_at') IS DISTINCT FROM (to_jsonb(OLD) - 'seen_at' - 'ended_at') THEN
        RAISE EXCEPTION 'a session ends once and keeps whose it is' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER goes_on BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION session_goes_on();

-- Work given to an officer: a district with all that lies in it, and a benefit or *.
CREATE TABLE assignment (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    officer   text NOT NULL REFERENCES staff_account,
    district  text NOT NULL,
    programme text NOT NULL,
    given_by  text NOT NULL,
    given_at  timestamptz NOT NULL,
    ended_at  timestamptz,
    ended_by  text,
    CONSTRAINT nobody_assigns_themselves CHECK (given_by <> officer),
    CHECK (ended_at >= given_at),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX assignment_open ON assignment (officer, district, programme) WHERE ended_at IS NULL;
CREATE TRIGGER kept BEFORE DELETE ON assignment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION intend_assignment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.ended_at IS NOT NULL OR (to_jsonb(NEW) - 'ended_at' - 'ended_by')
                             IS DISTINCT FROM (to_jsonb(OLD) - 'ended_at' - 'ended_by')) THEN
        RAISE EXCEPTION 'an assignment ends once and is never edited' USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES (CASE WHEN NEW.ended_at IS NULL THEN 'assignment:given' ELSE 'assignment:ended' END, 'officer',
            coalesce(NEW.ended_by, NEW.given_by), 'assignment', NEW.id::text,
            jsonb_build_object('officer', NEW.officer, 'district', NEW.district, 'programme', NEW.programme),
            coalesce(NEW.ended_at, NEW.given_at));
    RETURN NEW;
END $$;
CREATE TRIGGER intend AFTER INSERT OR UPDATE ON assignment FOR EACH ROW EXECUTE FUNCTION intend_assignment();

-- One file opened against the rules, for a quarter of an hour and with a reason; a supervisor is told in the same transaction.
CREATE TABLE broken_glass (
    id          uuid PRIMARY KEY,
    officer     text NOT NULL REFERENCES staff_account,
    kind        text NOT NULL,
    subject     text NOT NULL,
    reason      bytea NOT NULL CHECK (octet_length(reason) > 0), -- the officer's own words, encrypted
    opened_at   timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    reviewed_by text,
    reviewed_at timestamptz,
    CONSTRAINT a_quarter_of_an_hour CHECK (until_at = opened_at + interval '15 minutes'),
    CONSTRAINT another_looks_at_it CHECK (reviewed_by <> officer),
    CHECK ((reviewed_by IS NULL) = (reviewed_at IS NULL))
);
CREATE INDEX broken_glass_of ON broken_glass (officer, until_at);
CREATE TABLE supervisor_told (
    glass      uuid NOT NULL REFERENCES broken_glass,
    supervisor text NOT NULL REFERENCES staff_account,
    told_at    timestamptz NOT NULL,
    seen_at    timestamptz,
    PRIMARY KEY (glass, supervisor)
);
CREATE INDEX supervisor_told_unseen ON supervisor_told (supervisor) WHERE seen_at IS NULL;
CREATE FUNCTION glass_is_told() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM supervisor_told WHERE glass = NEW.id AND supervisor <> NEW.officer) THEN
        RAISE EXCEPTION 'no supervisor is told of glass %', NEW.id USING ERRCODE = 'AF403';
    END IF;
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES ('glass:broken', 'officer', NEW.officer, 'broken_glass', NEW.id::text, jsonb_build_object('until', NEW.until_at), NEW.opened_at);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER is_told AFTER INSERT ON broken_glass DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION glass_is_told();
CREATE TRIGGER kept BEFORE DELETE ON broken_glass FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON supervisor_told FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Who read whose data: one row for each subject of a response, and the subject can see it.
CREATE TABLE read_record (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    account    text NOT NULL,
    role       text NOT NULL,
    office     text,                        -- of staff, as it was called then
    kind       text NOT NULL,
    subject    text NOT NULL,
    fields     text[] NOT NULL CHECK (cardinality(fields) > 0), -- names, never values
    purpose    text NOT NULL,
    tie        text NOT NULL CHECK (tie IN ('own', 'grant', 'case', 'assignment', 'stranger')),
    case_file  bigint,
    route      text NOT NULL CHECK (route !~ '[?]'), -- the pattern, so that it names nobody
    request    uuid NOT NULL,
    UNIQUE (request, kind, subject)
);
CREATE INDEX read_record_of_subject ON read_record (kind, subject, id);
CREATE INDEX read_record_of_strangers ON read_record (account, at) WHERE tie = 'stranger';
CREATE INDEX read_record_at ON read_record (at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON read_record FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON read_record FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Somebody read too many strangers in ten minutes; one row for as long as it goes on.
CREATE TABLE read_alarm (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account     text NOT NULL,
    strangers   integer NOT NULL CHECK (strangers > 0),
    raised_at   timestamptz NOT NULL,
    answered_by text,
    answered_at timestamptz,
    CONSTRAINT another_answers CHECK (answered_by <> account),
    CHECK ((answered_by IS NULL) = (answered_at IS NULL))
);
CREATE INDEX read_alarm_of ON read_alarm (account, raised_at);
CREATE TRIGGER kept BEFORE DELETE ON read_alarm FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Rights.
GRANT SELECT, INSERT ON staff_account, citizen_account, login_attempt, session, assignment, broken_glass, supervisor_told,
    read_record, read_alarm TO applyfree_app;
GRANT UPDATE (roles, district, programmes, office, person, state, changed_by, changed_at, issuer, login_subject)
    ON staff_account TO applyfree_app;
GRANT UPDATE (state, issuer, login_subject) ON citizen_account TO applyfree_app;
GRANT DELETE ON login_attempt TO applyfree_app;
GRANT UPDATE (seen_at, ended_at), DELETE ON session TO applyfree_app;
GRANT UPDATE (ended_at, ended_by) ON assignment TO applyfree_app;
GRANT UPDATE (reviewed_by, reviewed_at) ON broken_glass TO applyfree_app;
GRANT UPDATE (seen_at) ON supervisor_told TO applyfree_app;
GRANT UPDATE (answered_by, answered_at) ON read_alarm TO applyfree_app;
GRANT SELECT ON read_record, read_alarm, assignment, supervisor_told TO applyfree_auditor;
GRANT SELECT (id, roles, district, programmes, office, state, changed_by, changed_at) ON staff_account TO applyfree_auditor;
GRANT SELECT (id, officer, kind, subject, opened_at, until_at, reviewed_by, reviewed_at) ON broken_glass TO applyfree_auditor;
GRANT SELECT (id, at, role, office, kind, subject, fields, purpose, tie, case_file, request) ON read_record TO applyfree_citizen;

-- The second wall: as a citizen only the records of one's own data exist.
ALTER TABLE read_record ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON read_record TO applyfree_app USING (true) WITH CHECK (true);
CREATE POLICY reading ON read_record FOR SELECT TO applyfree_auditor USING (true);
CREATE POLICY own ON read_record FOR SELECT TO applyfree_citizen
    USING (kind || ':' || subject = ANY (string_to_array(current_setting('applyfree.subjects', true), ' ')));
