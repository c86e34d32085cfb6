"""Levels that an engine cannot make: their edit says why, so that no variant of them is simulated as something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

REFUSED = "refused"


def refused(why: str, value: Any = None) -> dict[str, Any]:
    """Return the edit, as plain JSON, of a level that cannot be made; two levels of one reason stay two."""
    return {REFUSED: why, "value": value}


def is_refused(edits: Iterable[Any]) -> bool:
    """Say whether a level with these edits cannot be made."""
    return any(isinstance(edit, Mapping) and REFUSED in edit for edit in edits)


def refusal_of(edits: Iterable[Any]) -> str:
    """Return why a level with these edits cannot be made; "" when it can."""
    return next((str(edit[REFUSED]) for edit in edits if isinstance(edit, Mapping) and REFUSED in edit), "")
