-- The reasons of an answer may change before its outcome or amount can: `next_change` speaks of these alone, and is shown.
-- `look_again` is the day on which the sweep makes an answer again, for whatever may be different then; never later than
-- `next_change`. Null: rows from before this, looked at on their `next_change`. `due` is the earliest of these days.
ALTER TABLE standing ADD COLUMN look_again date[];
ALTER TABLE standing ADD CHECK (look_again IS NULL OR cardinality(look_again) = cardinality(answers));
