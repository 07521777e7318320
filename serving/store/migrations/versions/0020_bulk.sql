-- What is done to many is what was seen: each item says at which revision, and with which amount, its entitlement stood when
-- the act was proposed. If it is another one when the act is carried out, the decision on it is not put in force.

ALTER TABLE bulk_item ADD COLUMN of_revision integer, -- the entitlement's, as the author of the act saw it
    ADD COLUMN of_amount_minor bigint;
UPDATE bulk_item i SET of_revision = e.revision, of_amount_minor = e.amount_minor
FROM bulk_act b, case_file c, entitlement e
WHERE b.id = i.bulk_act AND b.state IN ('proposed', 'agreed') AND c.id = i.case_file AND e.id = c.entitlement;

CREATE OR REPLACE FUNCTION bulk_items_stand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    it entitlement;
BEGIN
    IF NOT EXISTS (SELECT FROM bulk_act WHERE id = NEW.bulk_act AND state = 'proposed' FOR UPDATE) THEN
        RAISE EXCEPTION 'what was agreed to is not added to' USING ERRCODE = 'AF403';
    END IF;
    SELECT e.* INTO it FROM entitlement e JOIN case_file c ON c.entitlement = e.id WHERE c.id = NEW.case_file;
    IF NEW.of_revision IS NULL THEN -- the release before does not say what was seen
        NEW.of_revision := it.revision;
        NEW.of_amount_minor := it.amount_minor;
    ELSIF (it.revision, it.amount_minor) IS DISTINCT FROM (NEW.of_revision, NEW.of_amount_minor) THEN
        RAISE EXCEPTION 'what case % is about has changed since it was seen', NEW.case_file USING ERRCODE = 'AF409';
    END IF;
    RETURN NEW;
END $$;

-- As in 0011, but for the last paragraph: of a decision on one of many, the act says what was seen.
CREATE OR REPLACE FUNCTION decision_begins_proposed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    it case_file;
BEGIN
    IF NEW.state <> 'proposed' OR NEW.second IS NOT NULL THEN
        RAISE EXCEPTION 'a decision begins as proposed' USING ERRCODE = 'AF403';
    END IF;
    SELECT * INTO it FROM case_file WHERE id = NEW.case_file;
    IF it.state = 'closed' THEN
        RAISE EXCEPTION 'case % is closed', it.id USING ERRCODE = 'AF403';
    END IF;
    IF NOT NEW.needs_second AND (NEW.bulk_act IS NOT NULL OR (NEW.verdict IN ('grant', 'reinstate')
       AND EXISTS (SELECT FROM entitlement WHERE id = it.entitlement AND over_cap))) THEN
        RAISE EXCEPTION 'two people decide this' USING ERRCODE = 'AF403';
    END IF;
    IF NEW.bulk_act IS NOT NULL AND NOT EXISTS (
        SELECT FROM bulk_act b JOIN bulk_item i ON i.bulk_act = b.id
        WHERE b.id = NEW.bulk_act AND i.case_file = NEW.case_file AND b.state = 'agreed'
        AND b.officer = NEW.officer AND b.verdict = NEW.verdict) THEN
        RAISE EXCEPTION 'no act on many cases says so' USING ERRCODE = 'AF403';
    END IF;
    IF NEW.bulk_act IS NULL THEN
        SELECT revision, amount_minor INTO NEW.of_revision, NEW.of_amount_minor FROM entitlement WHERE id = it.entitlement;
    ELSE
        SELECT of_revision, of_amount_minor INTO NEW.of_revision, NEW.of_amount_minor FROM bulk_item
        WHERE bulk_act = NEW.bulk_act AND case_file = NEW.case_file;
    END IF;
    RETURN NEW;
END $$;
