-- Tiers: how each determination goes on, and why; which registers may be relied on, and what that does to benefits.

-- The tier and the reasons of some determinations. The same words are kept once, like answers.
CREATE TABLE ruling (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest   bytea NOT NULL UNIQUE,  -- SHA-256 of the canonical JSON of tier and reasons
    tier     text NOT NULL CHECK (tier IN ('none', 'automatic', 'confirm', 'ask', 'review')),
    reasons  jsonb NOT NULL CHECK (jsonb_typeof(reasons) = 'array' AND jsonb_array_length(reasons) > 0)
);

-- One run of the tier step over what a sweep wrote. `terms` names everything but facts that rulings rest on: what the
-- law asks, the operating terms and the sweep's own check. Where it differs from the run before, everybody is ruled on anew.
CREATE TABLE tiering_run (
    sweep         integer PRIMARY KEY REFERENCES sweep,
    terms         text NOT NULL CHECK (terms ~ '^[0-9a-f]{64}$'),
    is_full       boolean NOT NULL,
    started_at    timestamptz NOT NULL,
    completed_at  timestamptz,
    subjects      bigint CHECK (subjects >= 0),  -- with a new row
    CHECK ((completed_at IS NULL) = (subjects IS NULL))
);

-- The rulings of one subject. Position i of `rulings` is that of `standing.answers` of the row (kind, id, standing);
-- 0: the benefit does not apply. A row whose facts' state changed and whose answers did not has an older standing.
-- No foreign keys: they would cost a look-up per element of a bulk load.
CREATE TABLE tiering (
    kind      text NOT NULL,
    id        text NOT NULL,
    sweep     integer NOT NULL,
    standing  integer NOT NULL CHECK (standing <= sweep),
    rulings   integer[] NOT NULL,
    PRIMARY KEY (kind, id, sweep)
);
CREATE INDEX tiering_of_sweep ON tiering USING brin (sweep) WITH (pages_per_range = 32);

-- Whether a register may be relied on: a row for each change, the last one holds.
CREATE TABLE register_health (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    register  text NOT NULL,
    state     text NOT NULL CHECK (state IN ('healthy', 'degraded')),
    causes    jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(causes) = 'array'),
    noted_at  timestamptz NOT NULL,
    CHECK ((state = 'healthy') = (jsonb_array_length(causes) = 0))
);
CREATE INDEX register_health_last ON register_health (register, id DESC);

-- A ceiling over a benefit: nothing of it goes on under a less careful tier while it is in force. Closing it is the promotion.
CREATE TABLE demotion (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    benefit   text NOT NULL,
    register  text,  -- null: not for a register's sake, but for the measured error of the programme
    cause     text NOT NULL,
    detail    text NOT NULL,
    ceiling   text NOT NULL CHECK (ceiling IN ('confirm', 'ask', 'review')),
    since     timestamptz NOT NULL,
    until     timestamptz,
    CHECK (until IS NULL OR until >= since)
);
CREATE UNIQUE INDEX demotion_in_force ON demotion (benefit, coalesce(register, '')) WHERE until IS NULL;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ruling FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ruling FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tiering FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON tiering FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON register_health FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON register_health FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON demotion FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON demotion FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON tiering_run FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON tiering_run FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A demotion ends once, and what it was about stays; a run is completed once.
CREATE FUNCTION ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.until IS NOT NULL OR NEW.until IS NULL
       OR (NEW.benefit, NEW.register, NEW.cause, NEW.detail, NEW.ceiling, NEW.since)
          IS DISTINCT FROM (OLD.benefit, OLD.register, OLD.cause, OLD.detail, OLD.ceiling, OLD.since) THEN
        RAISE EXCEPTION 'a demotion keeps what it says, and ends once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ends_once BEFORE UPDATE ON demotion FOR EACH ROW EXECUTE FUNCTION ends_once();
CREATE FUNCTION completes_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.completed_at IS NOT NULL
       OR (NEW.sweep, NEW.terms, NEW.is_full, NEW.started_at) IS DISTINCT FROM (OLD.sweep, OLD.terms, OLD.is_full, OLD.started_at)
    THEN
        RAISE EXCEPTION 'a run of tiers keeps what it is about, and completes once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER completes_once BEFORE UPDATE ON tiering_run FOR EACH ROW EXECUTE FUNCTION completes_once();

CREATE FUNCTION tier_care(tier text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_position(ARRAY['none', 'automatic', 'confirm', 'ask', 'review'], tier);

-- The most careful ceiling over each benefit that has one.
CREATE VIEW current_ceiling AS
SELECT DISTINCT ON (benefit) benefit, ceiling FROM demotion WHERE until IS NULL ORDER BY benefit, tier_care(ceiling) DESC;

-- How everybody stands now, with the tier. `tier` is null where the step has not come to it yet: nothing of it may go on.
-- `effective_tier` is the more careful one of the ruling and of the demotions in force; 'none' stays 'none'.
CREATE VIEW current_tier AS
SELECT u.made AS sweep, s.kind AS subject, s.id, a.id AS answer, a.benefit, a.version, a.outcome, a.amount, a.amount_low,
       a.amount_high, a.per, a.unit, a.unmet, a.missing, NULLIF(u.next_change, 'infinity') AS next_change,
       t.sweep AS tiered_in, r.id AS ruling, r.tier, r.reasons, c.ceiling,
       CASE WHEN r.tier = 'none' OR c.ceiling IS NULL OR tier_care(r.tier) >= tier_care(c.ceiling) THEN r.tier
            WHEN r.tier IS NOT NULL THEN c.ceiling END AS effective_tier
FROM (SELECT DISTINCT ON (kind, id) * FROM standing ORDER BY kind, id, sweep DESC) s
LEFT JOIN LATERAL (
    SELECT * FROM tiering x WHERE x.kind = s.kind AND x.id = s.id ORDER BY x.sweep DESC LIMIT 1
) t ON t.standing = s.sweep
CROSS JOIN LATERAL (
    SELECT x.answer, x.next_change, COALESCE(x.made_by, s.sweep) AS made, t.rulings[x.place] AS ruling
    FROM unnest(s.answers, s.next_change, s.made_by) WITH ORDINALITY AS x(answer, next_change, made_by, place)
) u
JOIN answer a ON a.id = u.answer
LEFT JOIN ruling r ON r.id = u.ruling
LEFT JOIN current_ceiling c ON c.benefit = a.benefit;

GRANT SELECT ON ruling, tiering_run, tiering, register_health, demotion, current_ceiling, current_tier TO applyfree_app;
GRANT INSERT ON register_health, demotion TO applyfree_app;
GRANT UPDATE (until) ON demotion TO applyfree_app;
GRANT SELECT ON register_health, demotion, current_ceiling TO applyfree_operator;
GRANT SELECT ON register_health, demotion, ruling TO applyfree_auditor;
