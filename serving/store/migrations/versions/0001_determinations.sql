-- Sweeps and what they found. docs/decisions/0005-determinations-packed-by-subject.md says why answers are interned
-- and why one row holds all answers of one subject.

CREATE TABLE rulebook (
    hash          text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    jurisdiction  text NOT NULL,
    -- Per kind of subject the benefits in the order of `standing.answers`: {"person": [["dibao", "<fingerprint>"], …]}.
    benefits      jsonb NOT NULL
);

CREATE TABLE sweep (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jurisdiction  text NOT NULL,
    on_date       date NOT NULL,
    known_at      timestamptz NOT NULL,
    rulebook      text NOT NULL REFERENCES rulebook,
    is_full       boolean NOT NULL,
    base          integer REFERENCES sweep,
    state         text NOT NULL DEFAULT 'planning' CHECK (state IN ('planning', 'running', 'complete')),
    subjects      bigint CHECK (subjects >= 0),   -- looked at; set when planned
    population    bigint CHECK (population >= 0), -- known at known_at
    started_at    timestamptz NOT NULL,
    completed_at  timestamptz,
    account       jsonb,
    CHECK (is_full OR base IS NOT NULL),
    CHECK ((state = 'planning') = (subjects IS NULL)),
    CHECK ((state = 'complete') = (completed_at IS NOT NULL)),
    -- Two schedulers that start the same sweep get one: F17. With the base: rules that are rolled back are swept again.
    UNIQUE NULLS NOT DISTINCT (jurisdiction, on_date, known_at, rulebook, is_full, base)
);
-- One sweep of a jurisdiction at a time: the next one builds on it.
CREATE UNIQUE INDEX sweep_unfinished ON sweep (jurisdiction) WHERE state <> 'complete';

CREATE TABLE chunk (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sweep         integer NOT NULL REFERENCES sweep,
    file          text NOT NULL,      -- whom it holds, below the sweep's folder
    first_row     integer NOT NULL,   -- the subjects [first_row, first_row + subjects) of the file
    subjects      integer NOT NULL CHECK (subjects > 0),
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'split', 'dead')),
    deaths        smallint NOT NULL DEFAULT 0, -- workers that died over it
    claims        integer NOT NULL DEFAULT 0,  -- fencing: only the last claim may write
    written       integer,            -- subjects with a new row
    same          integer,            -- subjects whose answers are the same as before
    determinations bigint,            -- answers made in this chunk that are new
    account       jsonb,
    failure       text,               -- what a worker said before it gave up; no personal data
    CHECK (state <> 'done' OR written + same = subjects),
    CHECK ((state = 'done') = (written IS NOT NULL))
);
CREATE INDEX chunk_open ON chunk (sweep, id) WHERE state = 'open';

-- Subjects over whom workers died again and again. They are named here, and every sweep tries them again.
CREATE TABLE dead_letter (
    sweep   integer NOT NULL REFERENCES sweep,
    kind    text NOT NULL,
    id      text NOT NULL,
    deaths  smallint NOT NULL,
    PRIMARY KEY (sweep, kind, id)
);

-- An answer without its subject and dates. The same words are kept once: a million persons share some 100,000.
CREATE TABLE answer (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest       bytea NOT NULL UNIQUE, -- SHA-256 of the canonical JSON of the columns below
    benefit      text NOT NULL,
    version      text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('eligible', 'ineligible', 'undetermined')),
    amount       numeric,
    amount_low   numeric,
    amount_high  numeric,
    per          text NOT NULL,
    unit         text NOT NULL,
    unmet        text[] NOT NULL,
    missing      text[] NOT NULL,
    -- Unknown is never no: what stands undetermined names what is missing, and nothing certain is owed on it.
    CHECK (outcome <> 'undetermined' OR (cardinality(missing) > 0 AND amount IS NULL)),
    CHECK (outcome <> 'ineligible' OR cardinality(unmet) > 0)
);

-- How one subject stands after one sweep: all its answers, new ones and those that still hold. Position i of the
-- arrays is benefit i of the sweep's rulebook for that kind; answer 0: the benefit does not apply to the subject.
-- No foreign keys here: they would cost a look-up per row of a bulk load; the writer's transaction holds the sweep's chunk.
CREATE TABLE standing (
    kind         text NOT NULL,
    id           text NOT NULL,
    sweep        integer NOT NULL,
    answers      integer[] NOT NULL,
    next_change  date[] NOT NULL,  -- infinity: none
    made_by      integer[],        -- the sweep that made each answer; null: all by this one
    due          date NOT NULL,    -- the earliest next_change
    PRIMARY KEY (kind, id, sweep),
    CHECK (cardinality(answers) = cardinality(next_change))
);
CREATE INDEX standing_due ON standing (due) WHERE due < 'infinity';
ALTER TABLE standing SET (toast_tuple_target = 8160);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a new determination supersedes an old one, it never edits it', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON standing FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON standing FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON answer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON answer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON rulebook FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON rulebook FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON sweep FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON sweep FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a sweep is about is settled when it begins; only its progress may change, and nothing once it is complete.
CREATE FUNCTION keep_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'complete'
       OR (NEW.jurisdiction, NEW.on_date, NEW.known_at, NEW.rulebook, NEW.is_full, NEW.base)
          IS DISTINCT FROM (OLD.jurisdiction, OLD.on_date, OLD.known_at, OLD.rulebook, OLD.is_full, OLD.base) THEN
        RAISE EXCEPTION 'a sweep keeps its dates and rulebook' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pinned BEFORE UPDATE ON sweep FOR EACH ROW EXECUTE FUNCTION keep_pinned();

-- One row per determination: each answer once, in the sweep that made it.
CREATE VIEW determination AS
SELECT s.sweep, s.kind AS subject, s.id, a.benefit, a.version, a.outcome, a.amount, a.amount_low, a.amount_high,
       a.per, a.unit, a.unmet, a.missing, NULLIF(u.next_change, 'infinity') AS next_change,
       w.on_date, w.known_at, w.rulebook
FROM standing s
CROSS JOIN LATERAL unnest(s.answers, s.next_change, s.made_by) AS u(answer, next_change, made_by)
JOIN answer a ON a.id = u.answer
JOIN sweep w ON w.id = s.sweep
WHERE u.made_by IS NULL OR u.made_by = s.sweep;

-- How everybody stands now: of each subject the last row, each answer with the sweep that made it.
CREATE VIEW current_determination AS
SELECT u.made AS sweep, s.kind AS subject, s.id, a.benefit, a.version, a.outcome, a.amount, a.amount_low,
       a.amount_high, a.per, a.unit, a.unmet, a.missing, NULLIF(u.next_change, 'infinity') AS next_change,
       w.on_date, w.known_at, w.rulebook
FROM (SELECT DISTINCT ON (kind, id) * FROM standing ORDER BY kind, id, sweep DESC) s
CROSS JOIN LATERAL (
    SELECT answer, next_change, COALESCE(made_by, s.sweep) AS made
    FROM unnest(s.answers, s.next_change, s.made_by) AS x(answer, next_change, made_by)
) u
JOIN answer a ON a.id = u.answer
JOIN sweep w ON w.id = u.made;
