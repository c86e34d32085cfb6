"""The ledger: the state of all studies of a pool, in Redis."""
