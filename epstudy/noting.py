"""The studies that a report is made of: `run()` and `open()` note them in a file, which `epstudy report` reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from epstudy.core.errors import InputError
from epstudy.core.manifest import Manifest
from epstudy.settings import Settings


@dataclass(frozen=True, slots=True)
class Noted:
    """A study of a report: its name, the store where it is, and the digest of its grid."""

    study: str
    store: str
    grid: str


def note_study(settings: Settings, manifest: Manifest) -> None:
    """Note that a report is made of this study; nothing outside a report.

    Raises
    ------
    InputError
        When the file that EPSTUDY_REPORT_STUDIES names cannot be written.
    """
    if not settings.report_studies:
        return
    noted = Noted(manifest.study, settings.store, manifest.digest)
    try:
        with Path(settings.report_studies).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(noted)) + "\n")
    except OSError as error:
        raise InputError(f"EPSTUDY_REPORT_STUDIES cannot be written: {error}; only `epstudy report` sets it") from error


def noted_studies(file: Path) -> list[Noted]:
    """Return the studies that were noted in `file`, in their order; of several grids under one name the last."""
    if not file.exists():
        return []
    lines = [Noted(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    return list({(noted.study, noted.store): noted for noted in lines}.values())
