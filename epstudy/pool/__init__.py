"""The pool: Celery and Redis, and nothing of them anywhere else."""
