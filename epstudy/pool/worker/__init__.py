"""What a Celery worker does with a message."""
