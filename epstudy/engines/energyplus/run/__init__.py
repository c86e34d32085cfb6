"""One simulation on a worker: staging, the warm process, limits, and how it ended."""
