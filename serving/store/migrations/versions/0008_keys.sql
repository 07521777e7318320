-- Keys of encrypted fields. A field is: version (1 byte, 1), id of its data key (16), nonce (12), ciphertext and tag (16 more
-- than the text). What stands here decrypts nothing without a key-encryption key, which is in no database.

-- Of whom a data key is. One is current; the others are read with until a rotation has replaced what they encrypted.
CREATE TABLE data_key (
    id                 uuid PRIMARY KEY,
    kind               text NOT NULL,
    subject            text NOT NULL,
    kek                integer CHECK (kek > 0),  -- the version of the key-encryption key that wraps it
    wrapped            bytea,                    -- null: destroyed; nobody reads its fields again
    made_at            timestamptz NOT NULL DEFAULT now(),
    retired_at         timestamptz,              -- nothing is encrypted with it any more
    destroyed_at       timestamptz,
    destroyed_because  text CHECK (destroyed_because IN ('erased', 'rotated')),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (kek IS NULL)),
    CHECK ((destroyed_at IS NULL) = (destroyed_because IS NULL)),
    CHECK (destroyed_at IS NULL OR retired_at IS NOT NULL)
);
CREATE UNIQUE INDEX data_key_current ON data_key (kind, subject) WHERE retired_at IS NULL;
CREATE INDEX data_key_retired ON data_key (retired_at) WHERE retired_at IS NOT NULL AND wrapped IS NOT NULL;
CREATE INDEX data_key_subject ON data_key (kind, subject);
CREATE INDEX data_key_kek ON data_key (kek) WHERE wrapped IS NOT NULL;

CREATE FUNCTION guard_data_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'data_key keeps the trace of every key: destroy it by setting wrapped to null'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.kind, NEW.subject, NEW.made_at) IS DISTINCT FROM (OLD.id, OLD.kind, OLD.subject, OLD.made_at)
       OR OLD.destroyed_at IS NOT NULL
       OR (OLD.retired_at IS NOT NULL AND NEW.retired_at IS DISTINCT FROM OLD.retired_at) THEN
        RAISE EXCEPTION 'a data key keeps its owner, and does not come back' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON data_key FOR EACH ROW EXECUTE FUNCTION guard_data_key();
CREATE TRIGGER guard_all BEFORE TRUNCATE ON data_key FOR EACH STATEMENT EXECUTE FUNCTION guard_data_key();

-- Every rotation. Where a job stands is seen from the keys and fields themselves; this says what was asked for, and when.
CREATE TABLE key_rotation (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what         text NOT NULL CHECK (what IN ('kek', 'data')),
    kek          integer CHECK ((what = 'kek') = (kek IS NOT NULL)), -- new keys are wrapped by this version from now on
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);
CREATE UNIQUE INDEX key_rotation_open ON key_rotation (what) WHERE finished_at IS NULL;

-- The id of the data key of a field; null where it is no field of ours.
CREATE FUNCTION field_key(field bytea) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN length(field) >= 45 AND get_byte(field, 0) = 1
                THEN encode(substring(field FROM 2 FOR 16), 'hex')::uuid END
$$;

GRANT SELECT, INSERT ON data_key TO applyfree_app;
GRANT UPDATE (kek, wrapped, retired_at, destroyed_at, destroyed_because) ON data_key TO applyfree_app;
GRANT SELECT ON key_rotation TO applyfree_app;
GRANT SELECT ON key_rotation TO applyfree_operator;
