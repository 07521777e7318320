-- Words of humans are encrypted for the row in which they stand. Its number is not known before it is written, so such a row
-- has a name of its own, a random uuid: with the number of the case it says for which row its words were encrypted.
-- Null: there are no words. What can be read back, and by which columns: info=encrypted(...) in serving/store/tables.

ALTER TABLE case_event ADD COLUMN sealed_as uuid;
ALTER TABLE decision ADD COLUMN sealed_as uuid;
ALTER TABLE objection ADD COLUMN sealed_as uuid;
ALTER TABLE move ADD COLUMN sealed_as uuid; -- of its decision, whose reason it repeats as it is encrypted there
CREATE UNIQUE INDEX case_event_sealed_as ON case_event (sealed_as);
CREATE UNIQUE INDEX decision_sealed_as ON decision (sealed_as);
CREATE UNIQUE INDEX objection_sealed_as ON objection (sealed_as);
