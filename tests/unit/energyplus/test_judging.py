"""Whose fault it was: an Outcome from the files that a run left, and from how its process ended."""

from __future__ import annotations

import re
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from epstudy.core.contracts import Limits, Run
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.engines.energyplus.outputs.keeping import keep_failure
from epstudy.engines.energyplus.run.disk import ROOM, Room
from epstudy.engines.energyplus.run.judging import judge, never_staged, without_its_files
from epstudy.engines.energyplus.run.limits import too_long_a_file, too_much_memory

SEVERE = "   ** Severe  ** GetInternalHeatGains: Schedule Name = NOPE, item not found.\n"
BAD_ALLOC = "   ** Severe  ** std::bad_alloc\n   **  Fatal  ** see above\n"
ENDED_WELL = "EnergyPlus Completed Successfully-- 0 Warning; 0 Severe Errors; Elapsed Time=00hr 00min  0.49sec\n"
TWO_GB = Limits(memory_bytes=2_000_000_000, file_bytes=300_000)


def run_in(folder: Path, limits: Limits = TWO_GB, **files: str) -> Run:
    """A run whose folder has these files, by their suffix."""
    for suffix, text in files.items():
        (folder / ("console.txt" if suffix == "console" else f"eplusout.{suffix}")).write_text(text)
    return Run({"build": "25.2.0-x"}, [], folder, lambda name: Path(name), limits=limits)


def said(outcome: Outcome) -> tuple[Cause | None, str]:
    assert outcome.state is State.FAILED
    return outcome.cause, outcome.message


@pytest.mark.parametrize(
    ("code", "files"),
    [
        (1, {"err": BAD_ALLOC, "end": "EnergyPlus Terminated--Fatal Error Detected."}),
        (-signal.SIGABRT, {"console": "terminate called after throwing an instance of 'std::bad_alloc'\n"}),
        (1, {"err": "   **  Fatal  ** Plugin failed\n", "console": "x\n" * 99999 + "MemoryError\n"}),
    ],
)
def test_a_simulation_that_got_no_more_memory_is_a_crash_by_the_limit(
    tmp_path: Path, code: int, files: dict[str, str]
) -> None:
    assert said(judge(run_in(tmp_path, **files), code, 1.0)) == (
        Cause.CRASH,
        "EnergyPlus took more than 2 GB of memory, the limit (EPSTUDY_MEMORY_GB); raise it and retry()",
    )


def test_without_a_limit_the_machine_has_no_more(tmp_path: Path) -> None:
    outcome = judge(run_in(tmp_path, Limits(), err=BAD_ALLOC), 1, 1.0)
    assert said(outcome) == (Cause.CRASH, "EnergyPlus asked for more memory than this machine gives")


def test_a_file_over_the_limit_is_a_crash_that_names_it_and_keeps_what_energyplus_said(tmp_path: Path) -> None:
    run = run_in(tmp_path, err=SEVERE, sql="x" * 300_000)
    outcome = judge(run, -signal.SIGXFSZ, 1.0)
    assert said(outcome) == (
        Cause.CRASH,
        "EnergyPlus wrote more than 300 kB into eplusout.sql, the limit (EPSTUDY_FILE_GB); "
        "ask for fewer outputs, or raise it, and retry()",
    )
    assert "NOPE" in outcome.details["last_severe"]


def test_a_file_over_the_limit_while_the_model_is_made(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    (tmp_path / "in.idf").write_text("x" * 300_000)
    cause, message = said(never_staged(run, -signal.SIGXFSZ))
    assert cause is Cause.CRASH
    assert "more than 300 kB into in.idf" in message


def test_another_signal_is_a_crash_in_energyplus_words(tmp_path: Path) -> None:
    cause, message = said(judge(run_in(tmp_path, err=SEVERE), -signal.SIGSEGV, 1.0))
    assert cause is Cause.CRASH
    assert message.endswith("item not found. (EnergyPlus crashed: SIGSEGV)")


@pytest.mark.parametrize("sql", ["", "SQLite format 3\0" + "x" * 5000, "no database"])
def test_a_result_that_cannot_be_read_is_not_the_models_fault(tmp_path: Path, sql: str) -> None:
    run = run_in(tmp_path, err="", end=ENDED_WELL, **({"sql": sql} if sql else {}))
    cause, message = said(judge(run, 0, 1.0))
    assert cause is Cause.INFRASTRUCTURE
    assert "eplusout.sql of EnergyPlus cannot be read" in message


def test_a_readable_result_without_the_tables_is_the_models(tmp_path: Path) -> None:
    run = run_in(tmp_path, err="", end=ENDED_WELL)
    with sqlite3.connect(tmp_path / "eplusout.sql") as sql:
        sql.execute("CREATE TABLE Simulations (a)")
    assert said(judge(run, 0, 1.0))[0] is Cause.SIMULATION


def test_rows_that_sqlite_had_no_memory_for_are_missed(tmp_path: Path) -> None:
    run = run_in(tmp_path, err="", end=ENDED_WELL)
    (tmp_path / "sqlite.err").write_text("SQLite3 message, sqlite3_step message: out of memory\n")
    assert said(judge(run, 0, 1.0)) == (Cause.CRASH, too_much_memory(TWO_GB))


def test_an_error_file_that_nobody_can_read_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    run = run_in(tmp_path, err=SEVERE + "   ** Warning ** again\n" * 1_000_000 + SEVERE.replace("NOPE", "LAST"))
    outcome = judge(run, -signal.SIGSEGV, 1.0)
    assert "NOPE" in outcome.details["first_severe"]
    assert "LAST" in outcome.details["last_severe"]
    keep_failure(run)
    kept = (run.kept / "eplusout.err").read_text()
    assert 15_900_000 < len(kept) < 16_100_000
    assert kept.startswith(SEVERE)
    assert "bytes were left out here by epstudy" in kept


def test_what_explains_a_failure_replaces_what_was_begun_of_a_result(tmp_path: Path) -> None:
    run = run_in(tmp_path, err=SEVERE)
    run.kept.mkdir()
    (run.kept / "0123.parquet").touch()
    keep_failure(run)
    assert [path.name for path in run.kept.iterdir()] == ["eplusout.err"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("open for processing!\ndatabase or disk is fullSQLite3 message\n", r"is full: SQLite says .database or disk"),
        ("open for processing!\nSQLite3 message: disk I/O error\n", r"cannot be written: SQLite says .disk I/O error"),
        ("open for processing!\nSQLite3 message: FOREIGN KEY constraint failed\n", "^$"),
        ("", "^$"),
    ],
)
def test_a_disk_that_got_room_again_is_found_out_by_what_sqlite_said(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "sqlite.err").write_text(f"SQLite3 message, sqlite.err {text}")
    assert re.search(told, Room(tmp_path).trouble())


def test_a_full_disk_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [ROOM, ROOM - 1, 10 * ROOM]
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(total=61_440_000, free=free[0]))
    room = Room(tmp_path)
    room.look()
    assert room.trouble() == ""
    free.pop(0)
    room.look()
    free.pop(0)
    assert room.trouble() == (
        "the disk of the run folders (EPSTUDY_SCRATCH) is full: less than 4 MB were free of 61 MB "
        f"in {tmp_path.parent}; make room there"
    )


def test_a_file_system_that_does_not_tell_its_size_is_not_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(total=0, free=0))
    assert Room(tmp_path).trouble() == ""


@pytest.mark.parametrize(
    ("count", "text"), [(2_000_000_000, "2 GB"), (21_600_000_000, "21.6 GB"), (1_500_000, "1.5 MB"), (12, "12 bytes")]
)
def test_amounts_are_told_for_people(tmp_path: Path, count: int, text: str) -> None:
    assert f"more than {text} of memory" in too_much_memory(Limits(memory_bytes=count))
    assert f"more than {text} into a file" in too_long_a_file(Limits(file_bytes=count), tmp_path)


@pytest.mark.parametrize("cause", [Cause.INPUT, Cause.SIMULATION, Cause.CRASH])
def test_what_fails_without_its_files_is_the_machines_failure(tmp_path: Path, cause: Cause) -> None:
    run = replace(
        run_in(tmp_path), recipe={"build": "x", "weather": "ab.epw", "external": {"data/Levels.csv": "cd.csv"}}
    )
    there = replace(run, input_path=lambda name: tmp_path / name)
    (tmp_path / "ab.epw").touch()
    bad = Outcome(State.FAILED, cause, "Schedule Name = NOPE, item not found.")
    assert without_its_files(there, bad, ["ab.epw"]) == bad, "a schedule is no file"
    gone = without_its_files(there, bad, ["ab.epw", "cd.csv"])
    assert (gone.cause, "cd.csv cannot be read" in gone.message) == (Cause.INFRASTRUCTURE, True)
    missed = replace(bad, message='ProcessScheduleInput: Schedule:File="L" - DATA/LEVELS.CSV not found')
    assert without_its_files(there, missed, ["ab.epw"]).cause is Cause.INFRASTRUCTURE
    other = replace(bad, message='Schedule:File="L" - other.csv not found')
    assert without_its_files(there, other, ["ab.epw"]) == other, "one that the study does not have"
    late = replace(bad, cause=Cause.TIMEOUT)
    assert without_its_files(there, late, ["cd.csv"]) == late
