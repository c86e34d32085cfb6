"""Plain JSON behind the digest of its text: what is damaged is noticed, wherever the damage is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from epstudy.core.canonical import content_digest


class DamagedFileWarning(UserWarning):
    """A file of the store is not what was written; it is treated as absent and computed again."""


def seal(said: Mapping[str, Any], *, sort: bool = False) -> bytes:
    """Return the JSON text of `said`, and the digest of it in the line before."""
    text = json.dumps(said, sort_keys=sort, ensure_ascii=False, allow_nan=False)
    return f"{content_digest(text.encode())}\n{text}\n".encode()


def unseal(content: bytes) -> dict[str, Any] | None:
    """Return what was sealed; None when it is damaged."""
    stated, _, text = content.partition(b"\n")
    text = text.removesuffix(b"\n")
    if stated.decode("ascii", "replace") != content_digest(text):
        return None
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


class Compared:
    """The local files whose content was compared with its digest: each once, for as long as it does not change."""

    def __init__(self) -> None:
        self._whole: dict[Path, tuple[int, int]] = {}

    def is_whole(self, path: Path, expected: Callable[[str], bool], *, again: bool = False) -> bool:
        """Say whether `expected` knows the digest of the file's content; with `again` whatever was seen before."""
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            mark = (seen.st_mtime_ns, seen.st_size)
            if again or self._whole.get(path) != mark:
                if not expected(hashlib.file_digest(file, "sha256").hexdigest()):
                    return False
                self._whole[path] = mark
        return True
