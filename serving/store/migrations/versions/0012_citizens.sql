-- What people may say about what is theirs, who may say it for them, and the blind samples that measure the machine.
-- The promises of docs/citizens.md are held here, whatever a query says.

-- History stays: a row ends once, by the columns that say so, and is otherwise never changed.
CREATE FUNCTION row_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    is_now jsonb := to_jsonb(NEW);
BEGIN
    IF was -> TG_ARGV[0] <> 'null'::jsonb THEN
        RAISE EXCEPTION 'a row of % ends once', TG_TABLE_NAME USING ERRCODE = 'AF403';
    END IF;
    FOR n IN 0 .. TG_NARGS - 1 LOOP
        was := was - TG_ARGV[n];
        is_now := is_now - TG_ARGV[n];
    END LOOP;
    IF was IS DISTINCT FROM is_now THEN
        RAISE EXCEPTION 'a row of % is ended, never edited', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ends_once BEFORE UPDATE ON hold FOR EACH ROW EXECUTE FUNCTION row_ends_once('released_at', 'released_by');
CREATE TRIGGER kept BEFORE DELETE ON hold FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A double click and a replayed request get the answer of the first.
CREATE TABLE answered_request (
    speaker  text NOT NULL,
    key      text NOT NULL CHECK (length(key) BETWEEN 8 AND 100),
    asked    text NOT NULL CHECK (asked ~ '^[0-9a-f]{64}$'), -- SHA-256 of what was asked: a key serves one request
    answer   jsonb NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (speaker, key)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON answered_request FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON answered_request FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One life event, one bundle, one confirmation.
CREATE TABLE bundle (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    addressee_kind  text NOT NULL,
    addressee       text NOT NULL,
    event_kind      text NOT NULL,
    event           text NOT NULL,    -- source and id of the event, or what else tells one bundle from the next
    opened_at       timestamptz NOT NULL,
    UNIQUE (addressee_kind, addressee, event_kind, event)
);
CREATE TABLE bundle_member (
    bundle       bigint NOT NULL REFERENCES bundle,
    entitlement  bigint NOT NULL REFERENCES entitlement,
    PRIMARY KEY (bundle, entitlement)
);
CREATE INDEX bundle_member_of ON bundle_member (entitlement);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON bundle FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON bundle_member FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Who speaks for whom, for what, how long. Revoked: from that moment, whatever is under way.
CREATE TABLE proxy (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    elder_kind   text NOT NULL,
    elder        text NOT NULL,
    helper       text NOT NULL,       -- a person
    covers_all   boolean NOT NULL DEFAULT false,
    since        timestamptz NOT NULL,
    until        timestamptz,
    established  text NOT NULL CHECK (established IN ('counter', 'home_visit', 'guardian')),
    recorded_by  text NOT NULL,       -- the officer before whom it was established
    recorded_at  timestamptz NOT NULL,
    revoked_at   timestamptz,
    revoked_by   text,
    CHECK (until > since),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
    CONSTRAINT nobody_helps_themselves CHECK (elder_kind <> 'person' OR elder <> helper),
    CONSTRAINT an_officer_records_no_proxy_of_their_own CHECK (recorded_by <> helper),
    -- Everything, also what is not known yet, only by law; and only a guardian's needs no end.
    CONSTRAINT only_a_guardian_has_no_limits CHECK (established = 'guardian' OR (NOT covers_all AND until IS NOT NULL))
);
CREATE INDEX proxy_helper ON proxy (helper) WHERE revoked_at IS NULL;
CREATE INDEX proxy_elder ON proxy (elder_kind, elder);
CREATE TABLE proxy_cover (
    proxy        bigint NOT NULL REFERENCES proxy,
    benefit      text,
    entitlement  bigint REFERENCES entitlement,
    CHECK (num_nonnulls(benefit, entitlement) = 1),
    UNIQUE NULLS NOT DISTINCT (proxy, benefit, entitlement)
);
CREATE TRIGGER ends_once BEFORE UPDATE ON proxy FOR EACH ROW EXECUTE FUNCTION row_ends_once('revoked_at', 'revoked_by');
CREATE TRIGGER kept BEFORE DELETE ON proxy FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON proxy_cover FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- An answer given on paper, at a counter, at home or by telephone, as an officer heard or read it.
CREATE TABLE said_elsewhere (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entitlement  bigint NOT NULL REFERENCES entitlement,
    revision     integer NOT NULL,   -- of the entitlement as it was put to the person
    said         text NOT NULL CHECK (said IN ('yes', 'no', 'person')),
    how          text NOT NULL CHECK (how IN ('paper', 'counter', 'home_visit', 'phone')),
    officer      text NOT NULL,
    document     text CHECK (document ~ '^[0-9a-f]{64}$'), -- SHA-256 of the scanned paper
    at           timestamptz NOT NULL,
    CONSTRAINT paper_is_kept CHECK (how <> 'paper' OR document IS NOT NULL)
);
CREATE INDEX said_elsewhere_of ON said_elsewhere (entitlement);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON said_elsewhere FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION proxy_speaks_for() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE it entitlement;
BEGIN
    SELECT * INTO it FROM entitlement WHERE id = NEW.entitlement;
    -- FOR SHARE: a revocation that comes at the same time is before or after, never beside.
    PERFORM FROM proxy p WHERE p.helper = NEW.actor AND p.elder_kind = it.kind AND p.elder = it.subject
        AND p.revoked_at IS NULL AND p.since <= NEW.at AND NEW.at < coalesce(p.until, 'infinity')
        AND (p.covers_all OR EXISTS (SELECT FROM proxy_cover c WHERE c.proxy = p.id
                                     AND (c.benefit = it.benefit OR c.entitlement = it.id)))
        FOR SHARE OF p;
    IF NOT FOUND AND NOT EXISTS (
        SELECT FROM said_elsewhere s WHERE s.entitlement = it.id AND s.officer = NEW.actor
        AND NEW.revision BETWEEN s.revision + 1 AND s.revision + 2
        AND CASE s.said WHEN 'no' THEN NEW.to_state = 'refused' WHEN 'yes' THEN NEW.to_state IN ('offered', 'confirmed')
                        ELSE NEW.to_state = 'review' END) THEN
        RAISE EXCEPTION 'nobody has let them speak about entitlement %', it.id USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER proxy_speaks_for BEFORE INSERT ON move FOR EACH ROW
    WHEN (NEW.actor_kind = 'proxy') EXECUTE FUNCTION proxy_speaks_for();

-- 免打扰: no pushes, of any department. What somebody is owed stays, and stays claimable.
CREATE TABLE opt_out (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    subject       text NOT NULL,
    since         timestamptz NOT NULL,
    withdrawn_at  timestamptz,
    CHECK (withdrawn_at >= since)
);
CREATE UNIQUE INDEX opt_out_open ON opt_out (kind, subject) WHERE withdrawn_at IS NULL;
CREATE TRIGGER ends_once BEFORE UPDATE ON opt_out FOR EACH ROW EXECUTE FUNCTION row_ends_once('withdrawn_at');
CREATE TRIGGER kept BEFORE DELETE ON opt_out FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION nothing_is_pushed_on() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM opt_out o WHERE o.withdrawn_at IS NULL AND o.kind || ':' || o.subject =
                   coalesce(NEW.payload ->> 'to', (SELECT e.kind || ':' || e.subject FROM entitlement e WHERE e.id = NEW.entitlement))) THEN
        NEW.state := 'held';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER nothing_is_pushed_on BEFORE INSERT ON outbox FOR EACH ROW
    WHEN (NEW.kind = 'offer') EXECUTE FUNCTION nothing_is_pushed_on();

-- "A human shall decide": then nothing of theirs is automatic, now and later.
CREATE TABLE automation_refusal (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    subject       text NOT NULL,
    since         timestamptz NOT NULL,
    withdrawn_at  timestamptz,
    CHECK (withdrawn_at >= since)
);
CREATE UNIQUE INDEX automation_refusal_open ON automation_refusal (kind, subject) WHERE withdrawn_at IS NULL;
CREATE TRIGGER ends_once BEFORE UPDATE ON automation_refusal FOR EACH ROW EXECUTE FUNCTION row_ends_once('withdrawn_at');
CREATE TRIGGER kept BEFORE DELETE ON automation_refusal FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION a_human_decides() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.tier <> 'review' AND EXISTS (
        SELECT FROM automation_refusal r WHERE (r.kind, r.subject) = (NEW.kind, NEW.subject) AND r.withdrawn_at IS NULL) THEN
        NEW.tier := 'review';
        NEW.reasons := NEW.reasons || '[{"code": "refused_automation"}]'::jsonb;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_human_decides BEFORE INSERT OR UPDATE OF tier ON entitlement FOR EACH ROW EXECUTE FUNCTION a_human_decides();
CREATE FUNCTION hold_for_a_human() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO hold (entitlement, code, since)
    SELECT NEW.id, 'refused_automation', NEW.detected_at FROM automation_refusal r
    WHERE (r.kind, r.subject) = (NEW.kind, NEW.subject) AND r.withdrawn_at IS NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER hold_for_a_human AFTER INSERT ON entitlement FOR EACH ROW EXECUTE FUNCTION hold_for_a_human();
-- A human has decided: these holds have done their work. Without that the machine approves nothing of theirs, held or not: a
-- sweep and a wish that come at the same moment may not have seen each other.
CREATE FUNCTION no_machine_where_a_human_is_wanted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM automation_refusal r JOIN entitlement e ON (r.kind, r.subject) = (e.kind, e.subject)
               WHERE e.id = NEW.entitlement AND r.withdrawn_at IS NULL)
       AND NOT EXISTS (SELECT FROM move m WHERE m.entitlement = NEW.entitlement AND m.actor_kind = 'officer'
                       AND m.to_state IN ('offered', 'public_notice', 'approved')) THEN
        RAISE EXCEPTION 'entitlement % is for a human: its subject wants no machine to decide', NEW.entitlement USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER no_machine_where_a_human_is_wanted BEFORE INSERT ON move FOR EACH ROW
    WHEN (NEW.actor_kind = 'system' AND NEW.to_state = 'approved') EXECUTE FUNCTION no_machine_where_a_human_is_wanted();
CREATE FUNCTION a_human_decided() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- A death and a stop are released by who put them there, or by a human who says so.
    UPDATE hold SET released_at = NEW.at, released_by = NEW.actor
    WHERE entitlement = NEW.entitlement AND released_at IS NULL
    AND code IN ('refused_automation', 'correction', 'double_grant', 'identity');
    RETURN NULL;
END $$;
CREATE TRIGGER a_human_decided AFTER INSERT ON move FOR EACH ROW
    WHEN (NEW.actor_kind = 'officer' AND NEW.to_state IN ('offered', 'public_notice', 'approved')) EXECUTE FUNCTION a_human_decided();

-- What is held is not sent; what is released goes on, if it is still to be delivered.
CREATE FUNCTION hold_keeps_delivery() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.released_at IS NULL THEN
        -- Of somebody who died nothing goes out, not even an offer.
        UPDATE outbox SET state = 'held'
        WHERE entitlement = NEW.entitlement AND state = 'ready' AND (kind = 'grant' OR (NEW.code = 'death' AND kind = 'offer'));
    ELSIF NOT EXISTS (SELECT FROM hold h WHERE h.entitlement = NEW.entitlement AND h.released_at IS NULL) THEN
        UPDATE outbox o SET state = 'ready' FROM entitlement e
        WHERE e.id = NEW.entitlement AND o.entitlement = e.id AND o.state = 'held' AND o.kind = 'grant' AND e.state = 'approved'
        AND o.id = (SELECT max(other.id) FROM outbox other WHERE other.entitlement = e.id AND other.kind = 'grant');
    END IF;
    INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at)
    VALUES (CASE WHEN NEW.released_at IS NULL THEN 'hold:placed' ELSE 'hold:released' END, 'system',
            coalesce(NEW.released_by, 'holds'), 'hold', NEW.id::text,
            jsonb_build_object('entitlement', NEW.entitlement, 'code', NEW.code), coalesce(NEW.released_at, NEW.since));
    RETURN NULL;
END $$;
CREATE TRIGGER hold_keeps_delivery AFTER INSERT OR UPDATE ON hold FOR EACH ROW EXECUTE FUNCTION hold_keeps_delivery();
-- Nor is what is put out while it is held: an officer may approve what a death holds.
CREATE FUNCTION held_from_the_start() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM hold h WHERE h.entitlement = NEW.entitlement AND h.released_at IS NULL
               AND (NEW.kind = 'grant' OR h.code = 'death')) THEN
        NEW.state := 'held';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER held_from_the_start BEFORE INSERT ON outbox FOR EACH ROW
    WHEN (NEW.kind IN ('grant', 'offer')) EXECUTE FUNCTION held_from_the_start();
-- What was approved and is refused, or goes back to a human, is not sent either.
CREATE FUNCTION taken_back() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Nor is what arrived, or may have: approved again it would be paid twice. The bank says first what became of it.
    IF EXISTS (SELECT FROM outbox o WHERE o.entitlement = NEW.entitlement AND o.kind = 'grant'
               AND (o.state IN ('leased', 'in_doubt') OR (o.doubtful AND o.state IN ('ready', 'held'))
                    OR (o.state = 'sent' AND o.id = (SELECT max(id) FROM outbox WHERE entitlement = NEW.entitlement AND kind = 'grant')))
               FOR UPDATE) THEN
        RAISE EXCEPTION 'entitlement % is being delivered', NEW.entitlement USING ERRCODE = 'AF403';
    END IF;
    UPDATE outbox SET state = 'held' WHERE entitlement = NEW.entitlement AND kind = 'grant' AND state = 'ready';
    RETURN NULL;
END $$;
CREATE TRIGGER taken_back AFTER INSERT ON move FOR EACH ROW
    WHEN (NEW.from_state = 'approved' AND NEW.to_state IN ('refused', 'review')) EXECUTE FUNCTION taken_back();

-- Objections: one's own, and during a public notice anybody's. Who objected is not shown to whom it is about.
CREATE TABLE objection (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entitlement  bigint REFERENCES entitlement,  -- null: against an answer that gave nothing
    kind         text NOT NULL,
    subject      text NOT NULL,
    benefit      text NOT NULL,
    objector     text NOT NULL,
    standing     text NOT NULL CHECK (standing IN ('own', 'proxy', 'third_party')),
    against      text NOT NULL,                  -- the state, or `answer`
    case_file    bigint NOT NULL REFERENCES case_file,
    words        bytea NOT NULL,                 -- encrypted
    at           timestamptz NOT NULL
);
CREATE INDEX objection_case ON objection (case_file);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON objection FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON objection FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every officer who had a part in what a subject got or did not get of a benefit.
CREATE FUNCTION officers_in(of_kind text, of_subject text, of_benefit text) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    WITH theirs AS (SELECT id FROM entitlement WHERE (kind, subject, benefit) = (of_kind, of_subject, of_benefit)),
    files AS (SELECT id, lease_holder FROM case_file WHERE entitlement IN (SELECT id FROM theirs)
              OR ((subject_kind, subject) = (of_kind, of_subject) AND benefit IS NOT DISTINCT FROM of_benefit))
    SELECT actor FROM move WHERE entitlement IN (SELECT id FROM theirs) AND actor_kind = 'officer'
    UNION SELECT second FROM move WHERE entitlement IN (SELECT id FROM theirs) AND second IS NOT NULL
    UNION SELECT officer FROM said_elsewhere WHERE entitlement IN (SELECT id FROM theirs)
    UNION SELECT lease_holder FROM files WHERE lease_holder IS NOT NULL
    UNION SELECT officer FROM provisional_view WHERE case_file IN (SELECT id FROM files)
    UNION SELECT officer FROM decision WHERE case_file IN (SELECT id FROM files)
    UNION SELECT second FROM decision WHERE case_file IN (SELECT id FROM files) AND second IS NOT NULL
    UNION SELECT actor FROM case_event WHERE case_file IN (SELECT id FROM files) AND coalesce(detail ->> 'by', 'officer') = 'officer';
END;

-- An appeal is for somebody who was not in it before.
CREATE TABLE barred (
    case_file  bigint NOT NULL REFERENCES case_file,
    officer    text NOT NULL,
    PRIMARY KEY (case_file, officer)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON barred FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION not_in_it_before() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found jsonb := to_jsonb(NEW);
    number bigint := coalesce(found ->> 'case_file', found ->> 'id')::bigint;
BEGIN
    IF EXISTS (SELECT FROM barred WHERE case_file = number
               AND officer IN (found ->> 'officer', found ->> 'second', found ->> 'lease_holder')) THEN
        RAISE EXCEPTION 'case % is for somebody who was not in it before', number USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER not_in_it_before BEFORE INSERT ON provisional_view FOR EACH ROW EXECUTE FUNCTION not_in_it_before();
CREATE TRIGGER not_in_it_before BEFORE INSERT OR UPDATE ON decision FOR EACH ROW EXECUTE FUNCTION not_in_it_before();
CREATE TRIGGER not_in_it_before BEFORE UPDATE OF lease_holder ON case_file FOR EACH ROW
    WHEN (NEW.lease_holder IS NOT NULL) EXECUTE FUNCTION not_in_it_before();

-- Blind samples. First a promise of a secret, then the month, then the draw, at last the secret.
CREATE TABLE sample_commitment (
    month         text PRIMARY KEY CHECK (month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    commitment    text NOT NULL UNIQUE CHECK (commitment ~ '^[0-9a-f]{64}$'),
    committed_at  timestamptz NOT NULL,
    secret        bytea,
    revealed_at   timestamptz,
    CHECK ((secret IS NULL) = (revealed_at IS NULL)),
    CONSTRAINT the_secret_that_was_promised CHECK (secret IS NULL OR encode(sha256(secret), 'hex') = commitment)
);
CREATE TABLE sample (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month            text NOT NULL REFERENCES sample_commitment,
    benefit          text NOT NULL,
    kind             text NOT NULL,
    subject          text NOT NULL,
    sweep            integer NOT NULL,
    determination    text NOT NULL,
    on_date          date NOT NULL,
    drawn_at         timestamptz NOT NULL,
    UNIQUE (month, benefit, sweep, determination)
);
-- Apart, so that whoever reviews need not be let near them: from where a case was drawn, and what the engine said.
CREATE TABLE sample_stratum (
    sample           bigint NOT NULL REFERENCES sample,
    stratum          text NOT NULL CHECK (stratum IN ('granted', 'not_selected', 'group', 'seeded')),
    protected_group  text NOT NULL DEFAULT '',
    PRIMARY KEY (sample, stratum, protected_group),
    CHECK ((stratum = 'group') = (protected_group <> ''))
);
CREATE TABLE sample_answer (
    sample        bigint PRIMARY KEY REFERENCES sample,
    outcome       text NOT NULL CHECK (outcome IN ('eligible', 'ineligible', 'undetermined')),
    amount_minor  bigint
);
CREATE TABLE sample_review (
    sample        bigint PRIMARY KEY REFERENCES sample,
    reviewer      text NOT NULL,
    outcome       text NOT NULL CHECK (outcome IN ('eligible', 'ineligible', 'undetermined')),
    amount_minor  bigint,
    reason_code   text,
    note          bytea,               -- encrypted
    at            timestamptz NOT NULL
);
CREATE FUNCTION reviewer_was_not_in_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.reviewer IN (SELECT officers_in(s.kind, s.subject, s.benefit) FROM sample s WHERE s.id = NEW.sample) THEN
        RAISE EXCEPTION 'sample % is reviewed by somebody who was not in it', NEW.sample USING ERRCODE = 'AF403';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reviewer_was_not_in_it BEFORE INSERT ON sample_review FOR EACH ROW EXECUTE FUNCTION reviewer_was_not_in_it();
CREATE TRIGGER ends_once BEFORE UPDATE ON sample_commitment FOR EACH ROW EXECUTE FUNCTION row_ends_once('secret', 'revealed_at');
CREATE TRIGGER kept BEFORE DELETE ON sample_commitment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sample FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sample_stratum FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sample_answer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sample_review FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Rights.
GRANT SELECT, INSERT ON answered_request, bundle, bundle_member, proxy, proxy_cover, said_elsewhere, opt_out, automation_refusal, objection,
    barred, sample_commitment, sample, sample_stratum, sample_answer, sample_review TO applyfree_app;
GRANT UPDATE (revoked_at, revoked_by) ON proxy TO applyfree_app;
GRANT UPDATE (withdrawn_at) ON opt_out, automation_refusal TO applyfree_app;
GRANT UPDATE (secret, revealed_at) ON sample_commitment TO applyfree_app;
GRANT SELECT ON sample_commitment, sample, sample_stratum, sample_answer, sample_review, proxy, said_elsewhere TO applyfree_auditor;
GRANT SELECT ON bundle, bundle_member, proxy, proxy_cover, opt_out, automation_refusal, said_elsewhere TO applyfree_citizen;
GRANT SELECT (entitlement, benefit, against, at, kind, subject, objector) ON objection TO applyfree_citizen;
REVOKE EXECUTE ON FUNCTION officers_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION officers_in TO applyfree_app;

-- The second wall, as in 0004: `applyfree.subjects` says as whom somebody reads.
CREATE FUNCTION reads_as(of_kind text, of_subject text) RETURNS boolean LANGUAGE sql STABLE
    RETURN of_kind || ':' || of_subject = ANY (string_to_array(current_setting('applyfree.subjects', true), ' '));
-- `applyfree.at`: the moment, where it is not this one. A helper sees what they are let see, as long as they are.
CREATE FUNCTION helps(of_kind text, of_subject text, of_benefit text, of_entitlement bigint) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN EXISTS (
        SELECT FROM proxy p WHERE p.elder_kind = of_kind AND p.elder = of_subject AND reads_as('person', p.helper)
        AND p.revoked_at IS NULL
        AND coalesce(nullif(current_setting('applyfree.at', true), '')::timestamptz, now()) >= p.since
        AND coalesce(nullif(current_setting('applyfree.at', true), '')::timestamptz, now()) < coalesce(p.until, 'infinity')
        AND (p.covers_all OR EXISTS (SELECT FROM proxy_cover c WHERE c.proxy = p.id
                                     AND (c.benefit = of_benefit OR c.entitlement = of_entitlement))));
CREATE POLICY helped ON entitlement FOR SELECT TO applyfree_citizen USING (helps(kind, subject, benefit, id));

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bundle', 'bundle_member', 'proxy', 'proxy_cover', 'opt_out', 'automation_refusal', 'said_elsewhere',
                                'objection'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY everything ON %I TO applyfree_app USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;
CREATE POLICY reading ON proxy FOR SELECT TO applyfree_auditor USING (true);
CREATE POLICY reading ON said_elsewhere FOR SELECT TO applyfree_auditor USING (true);
CREATE POLICY own ON bundle FOR SELECT TO applyfree_citizen USING (reads_as(addressee_kind, addressee));
CREATE POLICY own ON bundle_member FOR SELECT TO applyfree_citizen USING (
    EXISTS (SELECT FROM bundle b WHERE b.id = bundle_member.bundle) AND EXISTS (SELECT FROM entitlement e WHERE e.id = bundle_member.entitlement));
CREATE POLICY own ON proxy FOR SELECT TO applyfree_citizen USING (reads_as(elder_kind, elder) OR reads_as('person', helper));
CREATE POLICY own ON proxy_cover FOR SELECT TO applyfree_citizen USING (EXISTS (SELECT FROM proxy p WHERE p.id = proxy_cover.proxy));
CREATE POLICY own ON opt_out FOR SELECT TO applyfree_citizen USING (reads_as(kind, subject));
CREATE POLICY own ON automation_refusal FOR SELECT TO applyfree_citizen USING (reads_as(kind, subject));
CREATE POLICY own ON said_elsewhere FOR SELECT TO applyfree_citizen USING (EXISTS (SELECT FROM entitlement e WHERE e.id = said_elsewhere.entitlement));
CREATE POLICY own ON objection FOR SELECT TO applyfree_citizen USING (reads_as('person', objector));
