"""Households of the Current Population Survey as US facts: a public file, completed by draws where it says nothing."""
