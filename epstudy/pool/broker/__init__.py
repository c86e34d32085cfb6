"""Celery and Redis: the application, its transport, and connections."""
