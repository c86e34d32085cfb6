"""The studies that a report is made of: noted in a file, which `epstudy report` reads.

`run()` and `open()` note a study, and so does what reads its outcomes: `results()`, `wait()` and others.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from epstudy.core.errors import InputError
from epstudy.core.manifest import Manifest
from epstudy.settings import Settings


@dataclass(frozen=True, slots=True)
class Noted:
    """A study of a report: its name, the store where it is, and the digest of its grid.

    `unrun` says how far a study was that was read and not stored under its name: "3 of 9 done"; else it is empty.
    """

    study: str
    store: str
    grid: str
    unrun: str = ""


def note_study(settings: Settings, manifest: Manifest, unrun: str = "") -> None:
    """Note that a report is made of this study; nothing outside a report. `unrun` as in `Noted`.

    Raises
    ------
    InputError
        When the file that EPSTUDY_REPORT_STUDIES names cannot be written.
    """
    if not settings.report_studies:
        return
    noted = Noted(manifest.study, settings.store, manifest.digest, unrun)
    try:
        with Path(settings.report_studies).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(noted)) + "\n")
    except OSError as error:
        raise InputError(f"EPSTUDY_REPORT_STUDIES cannot be written: {error}; only `epstudy report` sets it") from error


def noted_studies(file: Path) -> list[Noted]:
    """Return the studies that were noted in `file`, in their order; of several grids that ran under one name the last.

    One that was read and never run is left out only when the very same grid was run, too.
    """
    if not file.exists():
        return []
    lines = [Noted(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    run = {(noted.study, noted.store): noted for noted in lines if not noted.unrun}
    grids = {(noted.study, noted.store, noted.grid) for noted in lines if not noted.unrun}
    unrun = {(noted.study, noted.store, noted.grid): noted for noted in lines if noted.unrun}
    return [*run.values(), *(noted for grid, noted in unrun.items() if grid not in grids)]
