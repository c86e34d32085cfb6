"""The small office, quick and whole, and ways to wait and to look."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from pyenergyplus.dataset import ref_models, weather_files

import epstudy as ep

OFFICE = Path(ref_models["small_office"])
CHICAGO = Path(weather_files["usa_il_chicago"])
PATIENCE_S = 300.0  # what does not come on a busy machine either
LPD = "Lights/*/watts_per_floor_area"
U_VALUE = "WindowMaterial:SimpleGlazingSystem/*/u_factor"


def quick(**options: Any) -> ep.EnergyPlus:
    """The small office on its design days: half a second a run."""
    return ep.EnergyPlus(OFFICE, weather=CHICAGO, period="design-days", **options)


def whole(**options: Any) -> ep.EnergyPlus:
    """The small office over the year: eight seconds a run."""
    return ep.EnergyPlus(OFFICE, weather=CHICAGO, **options)


def until(what: Callable[[], Any], limit_s: float = PATIENCE_S) -> Any:
    """Return the first true value of `what`, looked at again and again; fail after the limit.

    No limit is shorter than `PATIENCE_S`: a machine that is busy with other things takes ten times as long.
    """
    return within(max(limit_s, PATIENCE_S), what)


def within(limit_s: float, what: Callable[[], Any]) -> Any:
    """Return the first true value of `what`; fail after this limit, which is a part of what is tested."""
    deadline = time.monotonic() + limit_s
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {limit_s} s"
        time.sleep(0.05)


def processes_of(store: str) -> list[psutil.Process]:
    """Every process of the private pool of a store: keeper, Redis, Celery, simulators."""
    from epstudy.pool.private_pool import runtime_for

    folder = str(runtime_for(store).folder)
    keepers = [process for process in psutil.process_iter() if folder in " ".join(_command(process))]
    return list({child for keeper in keepers for child in [keeper, *_children(keeper)]})


def fill(path: Path) -> None:
    """Leave no room on the disk that this file is on."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(2**20))
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie does not."""
    return [one for one in processes if one.is_running() and _status(one) != psutil.STATUS_ZOMBIE]


def tables(folder: Path) -> dict[tuple[str, str, str], tuple[str, str]]:
    """The tables of a run by hand: (table, row, column) -> (unit, value as EnergyPlus wrote it)."""
    with sqlite3.connect(folder / "eplusout.sql") as sql:
        rows = sql.execute(
            "SELECT TableName, RowName, ColumnName, Units, Value FROM TabularDataWithStrings "
            "WHERE ReportName = 'AnnualBuildingUtilityPerformanceSummary'"
        ).fetchall()
    return {(table, row, column): (unit, value) for table, row, column, unit, value in rows}


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.Error:
        return psutil.STATUS_ZOMBIE
