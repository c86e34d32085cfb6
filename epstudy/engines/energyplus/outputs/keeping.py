"""What a run leaves beside its scalars: requested outputs, files to keep, and of a failed run what explains it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from epstudy.core.contracts import Run
from epstudy.core.manifest import output_file
from epstudy.engines.energyplus.outputs.harvesting import harvest_requests
from epstudy.engines.energyplus.outputs.requests import Request, from_json
from epstudy.engines.energyplus.outputs.scalars import asked_digest, kept_files

SQL = "eplusout.sql"
ERR = "eplusout.err"
_OF_A_FAILURE = (ERR, "in.idf", "in.epJSON", "in.epjson", "expandedidf.err")
_END = 8_000_000  # bytes: tens of thousands of messages


def artifact_of(request: Request) -> str:
    """Return the name under which the store keeps what was asked for."""
    return output_file(request.to_json())


def read_wanted(outputs: Iterable[Mapping[str, Any]]) -> list[Request]:
    """Return requests from their plain JSON."""
    return [from_json(output) for output in outputs]


def keep_outputs(run: Run, wanted: Sequence[Request]) -> None:
    """Read these outputs from the run's SQL file into `run.kept`."""
    run.kept.mkdir(exist_ok=True)
    if wanted:
        found = harvest_requests(run.folder, wanted)
        for request in wanted:
            (run.kept / artifact_of(request)).write_bytes(found[request.digest])


def kept_names(keep: Sequence[str], requests: Sequence[Request], suffix: str) -> list[str]:
    """Return the names under which the store keeps files: what a run was asked for is in the name, as in the file."""
    return [f"{asked_digest(requests)}.{name}" for name in kept_files(keep, suffix)]


def keep_files(run: Run) -> None:
    """Copy the files that the study keeps into `run.kept`; what EnergyPlus did not write is an empty file there."""
    run.kept.mkdir(exist_ok=True)
    for artifact in run.artifacts[len(run.outputs) :]:
        path = run.folder / artifact.partition(".")[2]
        if path.is_file():
            shutil.copyfile(path, run.kept / artifact)
        else:
            (run.kept / artifact).touch()


def shorten_messages(folder: Path) -> None:
    """Leave of an error file that nobody can read, for its length, the beginning and the end."""
    path = folder / ERR
    length = path.stat().st_size if path.is_file() else 0
    if length <= 2 * _END:
        return
    with path.open("r+b") as file:
        file.seek(length - _END)
        last = file.read(_END)
        file.seek(_END)
        file.write(f"\n   ************* {length - 2 * _END} bytes were left out here by epstudy\n".encode() + last)
        file.truncate()


def keep_failure(run: Run) -> None:
    """Have in `run.kept` what explains a failed run, its messages and its input, and nothing of a result."""
    shutil.rmtree(run.kept, ignore_errors=True)
    run.kept.mkdir(exist_ok=True)
    for name in _OF_A_FAILURE:
        path = run.folder / name
        if path.is_file():
            shutil.copyfile(path, run.kept / name)
