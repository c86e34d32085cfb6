"""The user's own functions as text: captured from a notebook, pinned by their hash, loaded in another process."""
