"""The errors that epstudy raises. A variant that fails raises nothing: it is a row.

EpstudyError
├── InputError            an argument is wrong; raised at once            (also a ValueError)
├── CheckError            `check()` found problems; nothing was queued    (also a ValueError)
├── IncompleteError       `results(strict=True)` and not all variants are done
├── StudyNotFoundError    no study of that name in the store              (also a LookupError)
├── EngineError           the simulation engine is missing or cannot start
├── MissingExtraError     what an extra of the package brings is not installed   (also an ImportError)
├── StoreError            the store cannot be read or written
└── PoolError             no Redis answers, or it takes nothing
    └── RefusedError      its workers cannot run this study
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from epstudy.core.tracebacks import render

if TYPE_CHECKING:
    from epstudy.core.check import Check


class EpstudyError(Exception):
    """Anything that epstudy itself has to say.

    A notebook shows the user's own line and the message; `%tb` shows the whole traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return render(self)


class InputError(EpstudyError, ValueError):
    """An argument is wrong: the message says what was found, what was expected and what to do."""


class CheckError(EpstudyError, ValueError):
    """`Study.check()` found problems, so nothing was queued. `check` holds all of them."""

    def __init__(self, study: str, check: Check) -> None:
        count = len(check.problems)
        listed = "\n".join(f"  - {problem}" for problem in check.problems)
        super().__init__(
            f'study "{study}" has {count} problem{"s" if count != 1 else ""}; nothing was queued:\n{listed}'
        )
        self.check = check


class IncompleteError(EpstudyError):
    """Strict results were asked of a study in which some variant is not done."""


class StudyNotFoundError(EpstudyError, LookupError):
    """No study of that name is in the store."""


class EngineError(EpstudyError):
    """The simulation engine is missing, cannot start, or is not the one that was asked for."""


class MissingExtraError(EpstudyError, ImportError):
    """A module is not installed that comes with an extra of the package; the message has the line that installs it."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(
            f"this needs {module}, which is not installed here; it comes with the extra "
            f'"{extra}": pip install "epstudy[{extra}]"'
        )
        self.extra = extra


class StoreError(EpstudyError):
    """The store cannot be read or written."""


class PoolError(EpstudyError):
    """No Redis answers, or it takes nothing."""


class RefusedError(PoolError):
    """The workers of this pool cannot run this study: they have another version of epstudy, or another store."""
