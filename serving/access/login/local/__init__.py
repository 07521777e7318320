"""An identity provider on this machine, for demonstrations and tests. Never for real accounts."""
