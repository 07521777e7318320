-- What the API remembers of requests, so that the same one twice has one effect.

-- Messages of departments that were taken: each once, whoever sends it again, and however often.
CREATE TABLE message_taken (
    sender      text NOT NULL,
    message     text NOT NULL,          -- the sender's id of it: the nonce
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    answer      jsonb NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (sender, message)
);
CREATE INDEX message_taken_old ON message_taken (at);

-- Who asked to be told of what.
CREATE TABLE subscription (
    id          uuid PRIMARY KEY,
    sender      text NOT NULL,
    event       text NOT NULL,
    notify_url  text NOT NULL,
    made_at     timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE INDEX subscription_open ON subscription (event) WHERE ended_at IS NULL;

-- A short code that a citizen tells an officer who is to see the same page: it opens what the citizen sees, read-only.
CREATE TABLE help_code (
    code_hash   bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    kind        text NOT NULL,
    subject     text NOT NULL,
    made_by     text NOT NULL,
    made_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    officer     text,                   -- the first who typed it: nobody else's from then on
    taken_at    timestamptz,
    CHECK (until_at <= made_at + interval '15 minutes'),
    CHECK ((officer IS NULL) = (taken_at IS NULL))
);
CREATE INDEX help_code_of_officer ON help_code (officer, until_at) WHERE officer IS NOT NULL;

GRANT SELECT, INSERT, DELETE ON message_taken TO applyfree_app;
GRANT SELECT, INSERT, UPDATE (ended_at) ON subscription TO applyfree_app;
GRANT SELECT, INSERT, UPDATE (officer, taken_at), DELETE ON help_code TO applyfree_app;
