-- What an explanation is made of, one row per subject: its facts as a sweep read them, and what registers said. The history
-- says the same, in seconds; these rows in a millisecond. They are made of it and may be thrown away and made again.
CREATE TABLE dossier (
    kind     text NOT NULL,
    id       text NOT NULL,
    content  bytea NOT NULL, -- compressed JSON, see serving/sweep/dossiers/content.py
    PRIMARY KEY (kind, id)
);
ALTER TABLE dossier ALTER COLUMN content SET STORAGE EXTERNAL; -- it is compressed already
-- Of which day and moment they are: those of one complete sweep.
CREATE TABLE dossier_state (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    sweep        integer NOT NULL REFERENCES sweep,
    on_date      date NOT NULL,
    known_at     timestamptz NOT NULL,
    rulebook     char(64) NOT NULL,
    is_complete  boolean NOT NULL -- false while rows are being written: then nobody reads them
);
GRANT SELECT, INSERT, UPDATE, DELETE ON dossier, dossier_state TO applyfree_app;
