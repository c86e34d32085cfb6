"""What keeps a pool going: supervisor, keeper, reconciliation, chores and queued reports."""
