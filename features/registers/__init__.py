"""What departments deliver: a contract for each table of a register, and how deliveries become rows of the history."""
