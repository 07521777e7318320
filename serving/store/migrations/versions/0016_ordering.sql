-- A model orders the queues of caseworkers, and can do nothing else to a case: neither who is in the queue, nor until when
-- they are waited for, nor what is said of them. It has rights over one column, and its figure is no change of the case:
-- an officer who has the case before them is not told that somebody else was first.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'applyfree_order') THEN
        CREATE ROLE applyfree_order NOLOGIN;
    END IF;
    GRANT applyfree_order TO CURRENT_USER;
    GRANT USAGE ON SCHEMA public TO applyfree_order;
END $$;

GRANT SELECT (id, subject_kind, subject, benefit, state, priority), UPDATE (priority) ON case_file TO applyfree_order;
REVOKE UPDATE (priority) ON case_file FROM applyfree_app;

CREATE OR REPLACE FUNCTION one_revision_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'closed' THEN
        RAISE EXCEPTION 'case % is closed', OLD.id USING ERRCODE = 'AF403';
    END IF;
    IF NEW.priority IS DISTINCT FROM OLD.priority AND to_jsonb(NEW) - 'priority' = to_jsonb(OLD) - 'priority' THEN
        RETURN NEW;
    END IF;
    IF NEW.revision <> OLD.revision + 1 THEN
        RAISE EXCEPTION 'case % is at revision %', OLD.id, OLD.revision USING ERRCODE = 'AF409';
    END IF;
    IF (NEW.kind, NEW.entitlement, NEW.subject_kind, NEW.subject, NEW.opened_at, NEW.opened_by)
       IS DISTINCT FROM (OLD.kind, OLD.entitlement, OLD.subject_kind, OLD.subject, OLD.opened_at, OLD.opened_by) THEN
        RAISE EXCEPTION 'a case keeps what it is about' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
