"""Whether plain JSON has the shape that is expected of it, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Kinds = type | tuple[type, ...]

#: What a number of plain JSON can be.
NUMBER = (int, float)


def check_shape(stored: Any, kinds: Mapping[str, Kinds], *, optional: Mapping[str, Kinds] | None = None) -> None:
    """Check that an object has these fields, each of one of these kinds; `optional` ones may be missing.

    Raises
    ------
    ValueError
        When it has not; the message names the field.
    """
    if not isinstance(stored, Mapping):
        raise ValueError(f"expected an object, found a {type(stored).__name__}")  # noqa: TRY004 - of plain JSON
    for name, kind in {**kinds, **(optional or {})}.items():
        if name not in stored and name in kinds:
            raise ValueError(f'it has no "{name}"')
        if name in stored and not isinstance(stored[name], kind):
            raise ValueError(f'"{name}" is a {type(stored[name]).__name__}')


def check_items(items: Any, kind: Kinds, what: str) -> None:
    """Check that each item of a list, or each value of an object, is of this kind; raise ValueError when one is not."""
    if isinstance(items, Mapping):
        items = items.values()
    if not all(isinstance(item, kind) for item in items):
        raise ValueError(f'"{what}" holds something else than expected')
