-- The day's run: what it counted, and how households of which something is tied were settled.

-- One run after a sweep. `counts`: by benefit what the breakers compare with the next sweep's.
CREATE TABLE day_run (
    sweep         integer PRIMARY KEY REFERENCES sweep,
    started_at    timestamptz NOT NULL,
    completed_at  timestamptz,
    counts        jsonb,
    account       jsonb,
    CHECK ((completed_at IS NULL) = (counts IS NULL)),
    CHECK ((completed_at IS NULL) = (account IS NULL))
);
CREATE TRIGGER kept BEFORE DELETE ON day_run FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON day_run FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Items that depend on each other, settled together for the good of one household: serving/delivery/bundles.
CREATE TABLE knot (
    sweep     integer NOT NULL REFERENCES sweep,
    kind      text NOT NULL,
    subject   text NOT NULL,      -- the household, or whoever stands alone
    number    integer NOT NULL,   -- among its knots
    verdict   text NOT NULL CHECK (verdict IN ('settled', 'choice', 'review')),
    reasons   jsonb NOT NULL,
    items     jsonb NOT NULL,     -- benefit, kind, subject of each; whether it is proposed, or what it would cost
    cliffs    jsonb NOT NULL,     -- in words, zh and en
    PRIMARY KEY (kind, subject, sweep, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON knot FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON knot FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON day_run, knot TO applyfree_app;
GRANT UPDATE (completed_at, counts, account) ON day_run TO applyfree_app;
GRANT SELECT ON day_run TO applyfree_operator, applyfree_auditor;
