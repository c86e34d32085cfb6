"""Samplings: which points of the space of the parameters become variants."""
