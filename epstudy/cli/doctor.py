"""`epstudy doctor`: what is here, and what to do about what is not."""

from __future__ import annotations

import os
import platform
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from epstudy.core.errors import EpstudyError, StoreError, StudyNotFoundError
from epstudy.settings import Settings, mask, user_file
from epstudy.store import Store

_PACKAGES = ("celery", "redis", "idfkit", "pyenergyplus-lbnl", "ipywidgets", "ipykernel", "jupyterlab", "papermill")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report: "ok", "no" (studies will not run) or "note"."""

    mark: str
    what: str
    text: str
    remedy: str = ""


def findings(settings: Settings) -> list[Finding]:
    """Look at everything a study needs."""
    return [
        *_python(),
        _energyplus(settings),
        _redis(settings),
        *_pool(settings),
        _store(settings),
        Finding("note", "settings", f"EPSTUDY_* variables, ./epstudy.toml, {user_file()}; user {settings.user}"),
    ]


def study_findings(name: str) -> list[Finding]:
    """Compare a study with the promise: every variant has one end, and what the store has of it is whole.

    Raises
    ------
    StudyNotFoundError
        When the store has no study of that name.
    """
    from epstudy.study import Study

    try:
        study = Study.open(name)
    except (StudyNotFoundError, StoreError) as error:
        why = _why_halted(Settings.load(), name)
        if not why:
            raise
        return [Finding("no", "study", str(error)), Finding("no", "study", f"{name}: paused: {why}")]
    verification = study.verify()
    problems = [*verification.problems, *(text for text in study.troubles() if text not in verification.problems)]
    notes = [Finding("ok" if not problems else "note", "study", f"{name}: {text}") for text in verification.notes]
    return [*notes, *(Finding("no", "study", f"{name}: {text}") for text in problems)]


def _why_halted(settings: Settings, name: str) -> str:
    """Why the workers do not go on with a study, which may not be in the store that is seen here; else empty."""
    from epstudy.pool import pool

    try:
        there = pool.peek(settings, Store(settings.store))
        return "" if there is None else there.why_halted(name)
    except pool.AWAY:
        return ""


def _python() -> Iterator[Finding]:
    yield Finding("ok", "epstudy", f"{version('epstudy')}, Python {platform.python_version()}, {sys.platform}")
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Finding("ok", "packages", ", ".join(found))
    if missing:
        yield Finding("note", "packages", f"not installed: {', '.join(missing)}", 'pip install "epstudy[lab]"')
    if any(one.startswith("ipykernel 7.0.") for one in found):
        remedy = 'pip install "ipykernel!=7.0.*"'
        yield Finding("no", "ipykernel", "7.0 shows no progress while a cell runs", remedy)


def _energyplus(settings: Settings) -> Finding:
    from epstudy import engines

    try:
        return Finding("ok", "EnergyPlus", engines.describe("energyplus"))
    except EpstudyError as error:
        remedy = 'pip install "pyenergyplus-lbnl==25.2.0"'
        if settings.energyplus_dir:
            remedy = f"correct ENERGYPLUS_DIR ({settings.energyplus_dir}), or unset it"
        return Finding("no", "EnergyPlus", str(error), remedy)


def _redis(settings: Settings) -> Finding:
    from epstudy.pool import pool

    url = settings.broker_url()
    try:
        if url is None:
            return Finding("ok", "Redis", f"private, {pool.private_server()}; EPSTUDY_REDIS_URL is not set")
        return Finding("ok", "Redis", f"{pool.server_version(url)} at {mask(url)}")
    except EpstudyError as error:
        return Finding("no", "Redis", str(error))


def _pool(settings: Settings) -> Iterator[Finding]:
    from epstudy.pool import pool

    try:
        there = pool.peek(settings, Store(settings.store))
        workers = [] if there is None else there.workers()
    except pool.AWAY as error:
        yield Finding("no", "workers", str(error))
        return
    if there is None:
        yield Finding("note", "workers", "the private pool is not running; study.run() starts it")
        return
    if not workers:
        remedy = "start some with `epstudy worker`" if not there.private else "wait a moment, or `epstudy pool stop`"
        yield Finding("note" if there.private else "no", "workers", "none answers", remedy)
    for worker in workers:
        yield Finding("ok", "workers", f"{worker['host']}: {worker['slots']} slots, epstudy {worker['epstudy']}")


def _store(settings: Settings) -> Finding:
    """Whether the store, or the folder in which it would be made, can be written."""
    if "://" in settings.store:
        return Finding("note", "store", settings.store)
    folder = Path(settings.store)
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    probe = there / f".epstudy-{uuid.uuid4().hex}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        remedy = "set EPSTUDY_STORE to a folder that you may write"
        return Finding("no", "store", f"{folder} cannot be written: {error.strerror}", remedy)
    free = os.statvfs(there).f_bavail * os.statvfs(there).f_frsize / 1e9 if hasattr(os, "statvfs") else float("nan")
    return Finding("ok", "store", f"{folder}, {free:.0f} GB free" + ("" if there == folder else " (not made yet)"))
