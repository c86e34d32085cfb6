"""Variants, and the names of the studies they belong to."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from epstudy.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Variant:
    """One point of the grid: its index in the study, the label of each parameter, and the key of its result."""

    index: int
    labels: tuple[Any, ...]
    key: str


def is_one_name(name: str, other: str) -> bool:
    """Say whether a file system that folds upper and lower case, or forms of one letter, takes two names as one."""
    return _folded(name) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def check_study_name(name: object) -> str:
    """Return `name` if it is a plain name: letters, digits, "-", "_" and ".", at most 100 of them.

    Raises
    ------
    InputError
        For anything else; the message proposes a name.
    """
    if isinstance(name, str) and re.fullmatch(r"\w[\w.-]{0,99}", name) and not name.endswith("."):
        return name
    shown = repr(name) if len(repr(name)) <= 60 else f"{repr(name)[:50]}… ({len(str(name))} characters)"
    proposal = re.sub(r"[^\w.-]+", "-", str(name)).strip("-._")[:100] or "lighting-and-glazing"
    raise InputError(
        f"{shown} is not a study name: expected 1 to 100 letters, digits, '-', '_' or '.', "
        f'beginning with a letter or digit; for example "{proposal}"'
    )
