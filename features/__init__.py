"""What we know: facts about people, households and enterprises, and the registers that told us."""
