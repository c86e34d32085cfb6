"""Frozen values: parameters, samplings, variants, outcomes. No I/O, no clock; seeds are arguments."""
