-- The ledger: one order of everything that happened, which nobody can change without its being seen.
-- Business writes `audit_intent` in its own transaction; one appender seals, without gaps (a sequence leaves gaps after a
-- crash, so a gap would prove nothing).

ALTER TABLE audit_intent ADD CONSTRAINT action_is_subject_and_act CHECK (action ~ '^[a-z0-9_]+:[a-z0-9_]+$');
-- What is hashed must be read back as it was: canonical JSON knows whole numbers to 2^53. Money is in minor units.
-- A long text would be somebody's words: those are encrypted, elsewhere, where they can be erased.
ALTER TABLE audit_intent ADD CONSTRAINT payload_holds_ids_codes_and_counts CHECK (
    jsonb_typeof(payload) = 'object'
    AND NOT jsonb_path_exists(payload, 'strict $.** ? (@.type() == "number"
            && (@ != @.floor() || @ > 9007199254740991 || @ < -9007199254740991))')
    AND NOT jsonb_path_exists(payload, 'strict $.** ? (@.type() == "string" && @ like_regex "^.{129}" flag "s")'));

-- What is still to be sealed. A row comes with its intent and goes with its leaf, by triggers alone.
CREATE TABLE audit_unsealed (
    intent  bigint PRIMARY KEY REFERENCES audit_intent,
    at      timestamptz NOT NULL
);
CREATE INDEX audit_unsealed_at ON audit_unsealed (at);
INSERT INTO audit_unsealed SELECT id, at FROM audit_intent;
CREATE FUNCTION await_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_unsealed SELECT id, at FROM added;
    RETURN NULL;
END $$;
CREATE TRIGGER await_seal AFTER INSERT ON audit_intent REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION await_seal();

CREATE TABLE ledger_leaf (
    index   bigint PRIMARY KEY CHECK (index >= 0),
    intent  bigint NOT NULL UNIQUE REFERENCES audit_intent,
    salt    bytea NOT NULL CHECK (octet_length(salt) = 32),
    hash    bytea NOT NULL CHECK (octet_length(hash) = 32)
);
-- Roots of complete subtrees of 256, 65,536, … leaves: a proof reads hundreds of hashes, not all.
CREATE TABLE ledger_node (
    level     smallint NOT NULL CHECK (level > 0 AND level % 8 = 0),
    position  bigint NOT NULL CHECK (position >= 0),
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, position)
);
CREATE TABLE ledger_checkpoint (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin     text NOT NULL CHECK (origin <> ''),
    size       bigint NOT NULL CHECK (size >= 0),
    root       bytea NOT NULL CHECK (octet_length(root) = 32),
    at         timestamptz NOT NULL,
    signature  bytea NOT NULL CHECK (octet_length(signature) = 64)
);
CREATE INDEX ledger_checkpoint_size ON ledger_checkpoint (size, id);

CREATE FUNCTION seal_without_gaps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    lowest bigint;
    highest bigint;
    many bigint;
BEGIN
    SELECT min(a.index), max(a.index), count(*) INTO lowest, highest, many FROM added a;
    IF many > 0 AND (highest - lowest + 1 <> many
                     OR lowest <> coalesce((SELECT max(l.index) + 1 FROM ledger_leaf l WHERE l.index < lowest), 0)) THEN
        RAISE EXCEPTION 'leaves follow each other without gaps' USING ERRCODE = 'restrict_violation';
    END IF;
    DELETE FROM audit_unsealed u USING added a WHERE u.intent = a.intent;
    RETURN NULL;
END $$;
CREATE TRIGGER seal_without_gaps AFTER INSERT ON ledger_leaf REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION seal_without_gaps();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_leaf FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_leaf FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_node FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_node FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_unsealed FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What is done and not sealed could be denied later: after a quarter of an hour nothing more is delivered.
CREATE FUNCTION ledger_is_behind(moment timestamptz) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp
    RETURN EXISTS (SELECT FROM audit_unsealed WHERE at < moment - interval '15 minutes');

GRANT SELECT ON audit_unsealed, ledger_leaf, ledger_node, ledger_checkpoint TO applyfree_app, applyfree_auditor;
GRANT INSERT ON ledger_leaf, ledger_node, ledger_checkpoint TO applyfree_app;
GRANT SELECT (intent, at) ON audit_unsealed TO applyfree_operator;
