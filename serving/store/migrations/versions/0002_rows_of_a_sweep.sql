-- Rows lie in the order in which sweeps wrote them: a few kilobytes say where those of one sweep are. Without this,
-- counting what an incremental sweep wrote read everything that was ever written.
CREATE INDEX standing_of_sweep ON standing USING brin (sweep) WITH (pages_per_range = 32);
