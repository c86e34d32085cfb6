"""One text for one value, so that equal inputs have equal digests on every machine."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from epstudy.core.errors import InputError


def plain(value: object) -> Any:
    """Return `value` as plain JSON with one form for each number.

    1 and 1.0 are the same number, True is not a number, -0.0 is 0.0; numpy scalars become Python's.
    An integer that no float holds exactly stays an integer.

    Raises
    ------
    InputError
        For NaN, infinity and anything that JSON cannot say.
    """
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return {_text(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    item = getattr(value, "item", None)  # numpy and pandas scalars
    if callable(item) and getattr(value, "ndim", 0) == 0:
        return plain(item())
    raise InputError(f"{value!r} is a {type(value).__name__}; expected a number, a text, True, False or None")


def canonical(value: object) -> str:
    """Return the one JSON text of `value`: sorted names, no spaces, shortest exact numbers."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical text of `value`, as 64 hexadecimal digits."""
    return content_digest(canonical(value).encode())


def short_digest(value: object) -> str:
    """Return the first 16 hexadecimal digits of `digest`: enough to tell the requests of studies apart."""
    return digest(value)[:16]


def folded(text: str) -> str:
    """Return `text` in small letters, A to Z only: EnergyPlus takes others as they are."""
    return re.sub("[A-Z]+", lambda found: found[0].lower(), text)


def content_digest(content: bytes) -> str:
    """Return the SHA-256 of `content`, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _number(value: float) -> float:
    if isinstance(value, int):
        try:
            exact = float(value)
        except OverflowError:
            return int(value)
        return exact if int(exact) == value else int(value)
    if not math.isfinite(value):
        raise InputError(f"{value!r} cannot be a level: expected a finite number; use None for 'as the model has it'")
    return float(value) + 0.0  # -0.0 + 0.0 is 0.0


def _text(name: object) -> str:
    if not isinstance(name, str):
        raise InputError(f"{name!r} cannot be a name: expected a text")
    return name
