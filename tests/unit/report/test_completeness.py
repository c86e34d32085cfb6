"""A report is complete when what it shows is: of every study that was read, every result can be read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from epstudy.core.errors import InputError
from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.notebook.journal import Noted, noted_studies
from epstudy.report.completeness import look_at
from epstudy.settings import Settings
from epstudy.store import Store
from epstudy.study import Study

KEYS = tuple(name * 64 for name in "abc")
LPD = Axis(name="lpd", kind="field", targets=(), labels=(6, 8, 10), values=(6, 8, 10), edits=((), (), ()))
OFFICE = Manifest("office", "energyplus", {}, (LPD,), ((0,), (1,), (2,)), KEYS, {})
READING: dict[str, Callable[[Study], Any]] = {
    "results": Study.results,
    "failures": Study.failures,
    "provenance": Study.provenance,
    "timeseries": lambda study: study.timeseries("Electricity:Facility"),
    "table": lambda study: study.table("EndUses"),
    "to_xarray": Study.to_xarray,
    "wait": Study.wait,
    "retry": Study.retry,
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the results of two of three variants."""
    monkeypatch.delenv("EPSTUDY_REDIS_URL", raising=False)
    store = Store(str(tmp_path / "store"))
    for key in KEYS[:2]:
        store.put_outcome(key, Outcome(State.DONE, metrics={"electricity_kwh": 1.0}))
    return store


def noted(tmp_path: Path, manifest: Manifest, read: Callable[[Study], Any]) -> list[Noted]:
    """What is noted when a study that was made in a report is read."""
    file = tmp_path / "studies"
    settings = replace(Settings.load(store=str(tmp_path / "store")), report_studies=str(file))
    study = Study._of(manifest.study, None, settings)
    study._manifest = manifest
    with suppress(InputError):  # of what the study does not ask for, or cannot be done before run()
        read(study)
    return noted_studies(file)


@pytest.mark.parametrize("read", READING.values(), ids=READING)
def test_a_half_finished_study_that_is_read_and_never_run_is_not_complete(
    store: Store, tmp_path: Path, read: Callable[[Study], Any]
) -> None:
    (ending,) = look_at(noted(tmp_path, OFFICE, read))
    assert str(ending) == "office: 2 of 3 done, never run"
    assert not ending.complete
    assert not ending.allowed


def test_a_study_that_is_read_under_the_name_of_another_grid_is_not_complete(store: Store, tmp_path: Path) -> None:
    store.put_manifest(replace(OFFICE, retries=7))
    (ending,) = look_at(noted(tmp_path, OFFICE, Study.results))
    assert str(ending) == "office: 2 of 3 done, never run; its name is another grid's"


def test_a_study_that_is_made_again_and_read_is_the_one_that_was_run(store: Store, tmp_path: Path) -> None:
    store.put_manifest(OFFICE)
    store.put_outcome(KEYS[2], Outcome(State.DONE, metrics={"electricity_kwh": 1.0}))
    (ending,) = look_at(noted(tmp_path, OFFICE, Study.results))
    assert ending.complete


@pytest.mark.filterwarnings("ignore:.* is damaged; it counts as absent")
@pytest.mark.parametrize("last", [Outcome(State.DONE), Outcome(State.FAILED, Cause.SIMULATION, "severe")])
def test_a_damaged_result_is_not_done(store: Store, tmp_path: Path, last: Outcome) -> None:
    store.put_manifest(OFFICE)
    store.put_outcome(KEYS[2], last)
    file = next(path for path in (tmp_path / "store").rglob(f"{KEYS[2]}*.json"))
    file.write_bytes(file.read_bytes()[:-9])
    (ending,) = look_at(noted(tmp_path, OFFICE, Study.results))
    assert str(ending) == "office: 2 of 3 done, 1 damaged or gone; run() computes them again"
    assert not ending.complete
    assert not ending.allowed
