"""What a clean of the store did, or would do, and how it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from epstudy.core.outcome import size_text

#: What a thing is called, one of them and several.
_KINDS = {"result": "results", "failure": "failures", "input": "inputs", "leftover": "leftovers", "verdict": "verdicts"}


@dataclass(frozen=True, slots=True)
class Thing:
    """What goes as one: a result or failure with what stands beside it, an input, a leftover, or a verdict.

    A leftover is one of an attempt, a verdict one on a model that was tried out.

    `digest` is its key, or that of an input's content; `files` are in the order in which they are removed; `size` is in
    bytes, `modified` when the youngest of them was written, in seconds since 1970, 0 when unknown.
    """

    digest: str
    kind: str
    files: tuple[str, ...]
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a clean found that is no study's: what it removed (with `dry`: would remove), and what is left for later.

    `studies` is how many were looked at, `forgotten` those that are no studies any more. The first of what is `left`
    goes at `due`, in seconds since 1970, when it has been no study's for `after_s` seconds.
    """

    studies: int
    forgotten: tuple[str, ...]
    removed: tuple[Thing, ...]
    left: tuple[Thing, ...]
    due: float | None
    after_s: float
    dry: bool

    def lines(self) -> list[str]:
        """Return all of it in a few lines."""
        said = [f"{_counted(self.studies, 'study', 'studies')} looked at"]
        if self.forgotten:
            said.append(f"{'would be forgotten' if self.dry else 'forgotten'}: {', '.join(self.forgotten)}")
        if self.removed:
            said.append(f"{_told(self.removed)}: {'would be removed' if self.dry else 'removed'}")
        if self.due is not None:
            noted = "" if self.dry else "noted, "
            day = datetime.fromtimestamp(self.due).astimezone().date().isoformat()
            now, later = "--after 0 does so now with what is older than an hour", "what is younger than an hour stays"
            said.append(f"{_told(self.left)}: {noted}to be removed from {day} on; {now if self.after_s else later}")
        if not self.removed and not self.left:
            said.append("nothing to remove: every result and every input is a study's")
        return said


def _told(things: Iterable[Thing]) -> str:
    """How many of which kind, and their size: "3 results and 1 input of no study (12.4 MB)"."""
    things = list(things)
    counts = Counter(one.kind for one in things)
    parts = [_counted(counts[kind], kind, several) for kind, several in _KINDS.items() if counts[kind]]
    listed = ", ".join(parts[:-1]) + (" and " if parts[1:] else "") + parts[-1]
    return f"{listed} of no study ({size_text(sum(one.size for one in things))})"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
