"""How the studies of a report ended: the report is complete when every variant of every one of them is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epstudy.core.errors import EpstudyError, StudyNotFoundError
from epstudy.core.outcome import Progress
from epstudy.notebook.journal import Noted
from epstudy.settings import mask
from epstudy.store import Store
from epstudy.study import Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Ending:
    """What became of a study: how far it is, its failures, its provenance; or the `trouble` in finding out."""

    study: str
    store: str
    progress: Progress | None = None
    failures: pd.DataFrame | None = None
    provenance: pd.Series[Any] | None = None
    trouble: str = ""

    @property
    def complete(self) -> bool:
        """Whether every variant is done."""
        return self.progress is not None and not self.trouble and self.progress.done == self.progress.total

    @property
    def allowed(self) -> bool:
        """Whether `--allow-failures` lets it pass: every variant has ended, some without a result."""
        return self.progress is not None and not self.trouble and self.progress.complete

    def __str__(self) -> str:
        said = self.trouble or str(self.progress)
        waiting = "; the notebook did not wait() for it" if not self.trouble and not self.allowed else ""
        return f"{self.study}: {said}{waiting}"


def look_at(studies: Sequence[Noted]) -> list[Ending]:
    """Return how each study of a report ended, by its store."""
    return [_ending(noted) for noted in studies]


def _ending(noted: Noted) -> Ending:
    where = mask(noted.store)
    never_run = f"{noted.unrun}, never run"
    try:
        study = Study.open(noted.study, store=noted.store)
        if Store(noted.store).manifest(noted.study).digest != noted.grid:
            another = "somebody ran another grid under its name meanwhile"
            return Ending(
                noted.study, where, trouble=f"{never_run}; its name is another grid's" if noted.unrun else another
            )
        progress, failures, provenance = study.progress(), study.failures(), study.provenance()
        return Ending(noted.study, where, progress, failures, provenance, _unreadable(progress, provenance))
    except EpstudyError as error:
        missing = isinstance(error, StudyNotFoundError) and noted.unrun
        return Ending(noted.study, where, trouble=never_run if missing else str(error))


def _unreadable(progress: Progress, provenance: pd.Series[Any]) -> str:
    """What is wrong when fewer outcomes can be read than ended; those were read after the progress."""
    done, failed = int(provenance["done"]), int(provenance["failed"])
    lost = progress.done + progress.failed - done - failed
    if lost <= 0:
        return ""
    listed = f"{done} of {progress.total} done" + (f", {failed} failed" if failed else "")
    return f"{listed}, {lost} damaged or gone; run() computes them again"
