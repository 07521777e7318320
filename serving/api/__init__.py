"""The API: citizens, enterprises, caseworkers, policy staff, auditors, operators and administrators, over HTTP."""
