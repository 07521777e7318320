"""Who may do what: roles and permissions, login and sessions, records of reads, limits on asking."""
