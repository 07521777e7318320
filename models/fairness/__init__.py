"""Who is reached, and how well scores hold, group by group. Groups are looked at here and read by no model."""
