"""Reports that a pool executes."""
