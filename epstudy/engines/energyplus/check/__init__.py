"""What is checked before a study is queued."""
