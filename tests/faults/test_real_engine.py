"""Every way in which a real EnergyPlus ends badly is told by its cause, tried as often as helps, and harms no other."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

import epstudy as ep
from epstudy.core.outcome import Outcome, State
from epstudy.pool import private_pool
from epstudy.settings import Settings
from epstudy.store import Store
from tests.faults.recorder import Fault
from tests.support.offices import CHICAGO, LPD, OFFICE, alive, fill, processes_of, quick, until, whole

SETPOINT = "Schedule:Compact/HTGSETP_SCH/field_18"
SCHEDULE = "Lights/Core*/schedule_name"
FIGURES = "ShadowCalculation/*/maximum_figures_in_shadow_overlap_calculations"
AIR = ep.Variable("Zone Mean Air Temperature", "*", "timestep")


@pytest.fixture(autouse=True)
def _recorded(fault: Callable[[str, str], Fault]) -> None:
    """Each test is one fault of its kind, and asserts itself that it happened."""
    fault("F21", "EnergyPlus crashes, is killed, or takes more memory, file or disk than there is").happened()


def failure(study: ep.Study, variant: int) -> dict[str, Any]:
    """The failed row, when it is the only one and the others are done."""
    results = study.results()
    assert list(results.index[results["status"] != State.DONE]) == [variant], results["status"]
    row = study.failures().loc[variant].to_dict()
    assert row["worker"]
    assert study.fetch(variant, "model").stat().st_size > 100_000
    return row


def messages(study: ep.Study, variant: int) -> str:
    return study.fetch(variant, "err").read_text()


def outcomes(store: str, name: str) -> list[Outcome]:
    kept = Store(store)
    keys = kept.manifest(name).keys
    return [kept.outcomes(keys)[key] for key in keys]


def simulators(store: str) -> list[psutil.Process]:
    return [one for one in alive(processes_of(store)) if "energyplus.run.process" in " ".join(one.cmdline())]


def running(store: str, key: str) -> psutil.Process | None:
    """The process in which EnergyPlus itself simulates this variant now."""
    for one in simulators(store):
        with contextlib.suppress(psutil.Error, OSError):
            folder = Path(one.cwd())
            if key[:12] in folder.name and (folder / "eplusout.err").is_file():
                return one
    return None


def test_a_fatal_error_of_the_model_is_tried_once(store: str) -> None:
    study = ep.Study("fatal", quick(), {"setpoint": ep.Field(SETPOINT, [20.25, 60.0, 20.75])})
    row = failure(study.run().wait(), 1)
    assert (row["cause"], row["attempts"]) == ("simulation", 1)
    assert row["message"].startswith("DualSetPointWithDeadBand: Effective heating set-point higher")
    assert "DualSetPointWithDeadBand" in messages(study, 1)
    assert "Fatal error -- final processing" in messages(study, 1)


def test_a_warm_up_that_does_not_converge_is_a_result_that_says_so(store: str) -> None:
    parameters = {
        "tolerance": ep.Field("Building/*/temperature_convergence_tolerance_value", [0.25, 1e-9]),
        "days": ep.Field("Building/*/maximum_number_of_warmup_days", [6]),
    }
    results = ep.Study("warm-up", quick(), parameters).run().wait().results(strict=True)
    assert list(results["warmup_converged"]) == [1, 0]
    assert results["severe_errors"][0] == 0
    assert results["severe_errors"][1] > 0
    assert all(outcome.attempts == 1 for outcome in outcomes(store, "warm-up"))


def test_a_model_that_crashes_energyplus_is_tried_twice(store: str) -> None:
    study = ep.Study("dangling", quick(), {"schedule": ep.Field(SCHEDULE, [None, "NO_SUCH_SCHEDULE"])})
    row = failure(study.run(check=False).wait(), 1)
    assert (row["cause"], row["attempts"]) == ("crash", 2)
    assert row["message"].endswith("Schedule Name = NO_SUCH_SCHEDULE, item not found. (EnergyPlus crashed: SIGSEGV)")
    assert "NO_SUCH_SCHEDULE" in messages(study, 1)
    assert study.run(check=False).wait().failures()["attempts"].tolist() == [2], "and is not tried again"


def test_a_segmentation_fault_that_does_not_come_again_is_no_failure(own_store: str) -> None:
    study = ep.Study("once", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0])}).run()
    key = Store(own_store).manifest("once").keys[1]
    until(lambda: running(own_store, key)).send_signal(signal.SIGSEGV)
    assert len(study.wait().results(strict=True)) == 2
    assert [outcome.attempts for outcome in outcomes(own_store, "once")] == [1, 2]


def test_a_segmentation_fault_that_comes_again_is_the_variants(own_store: str) -> None:
    study = ep.Study("twice", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0])}).run()
    key = Store(own_store).manifest("twice").keys[1]
    first = until(lambda: running(own_store, key))
    first.send_signal(signal.SIGSEGV)
    until(lambda: (second := running(own_store, key)) and second.pid != first.pid and second).send_signal(
        signal.SIGSEGV
    )
    row = failure(study.wait(), 1)
    assert (row["cause"], row["attempts"]) == ("crash", 2)
    assert "EnergyPlus crashed: SIGSEGV" in row["message"]
    assert study.retry().wait().progress().done == 2


def test_a_result_over_the_file_limit_is_a_crash_that_names_the_file(
    own_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_FILE_GB", "0.001")
    engine = ep.EnergyPlus(OFFICE, weather=CHICAGO, period="model")
    annual = ep.Field("SimulationControl/*/run_simulation_for_weather_file_run_periods", ["No", "Yes"])
    study = ep.Study("long", engine, {"annual": annual}, outputs=AIR).run().wait()
    row = failure(study, 1)
    assert (row["cause"], row["attempts"]) == ("crash", 2)
    assert row["message"].startswith("EnergyPlus wrote more than 1 MB into eplusout.sql, the limit (EPSTUDY_FILE_GB)")
    assert "Version 25.2.0" in messages(study, 1)
    assert not list(private_pool.runtime_for(own_store).folder.rglob("core*"))

    private_pool.stop(Settings.load())
    monkeypatch.setenv("EPSTUDY_FILE_GB", "1")
    assert ep.Study.open("long").retry().wait().progress().done == 2, "as the message says"


def test_a_variant_over_the_memory_limit_is_a_crash_that_names_the_limit(
    own_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_MEMORY_GB", "0.6")
    study = ep.Study("heavy", quick(), {"figures": ep.Field(FIGURES, [20_000, 1_000_000, 1_000_000_000, 30_000])})
    study.run().wait()
    failures = study.failures()
    assert list(failures.index) == [1, 2]
    assert set(failures["cause"]) == {"crash"}
    assert set(failures["attempts"]) == {2}
    said = "EnergyPlus took more than 600 MB of memory, the limit (EPSTUDY_MEMORY_GB); raise it and retry()"
    assert set(failures["message"]) == {said}
    assert [state == State.DONE for state in study.results()["status"]] == [True, False, False, True]
    assert "Version 25.2.0" in study.fetch(1, "err").read_text()
    assert "std::bad_alloc" in study.fetch(2, "err").read_text()


@pytest.fixture
def small_disk(own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 200 MB for the run folders of the test's own pool."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder)], check=True)
    monkeypatch.setenv("EPSTUDY_SCRATCH", str(folder))
    try:
        yield folder
    finally:
        private_pool.stop(Settings.load())
        subprocess.run(["umount", str(folder)], check=True)


def is_whole(series: pd.DataFrame) -> bool:
    return len(series) == 365 * 24 * 6 and not series.isna().any(axis=None)


def test_a_full_disk_fails_no_variant_and_loses_none(own_store: str, small_disk: Path) -> None:
    """It fills up while EnergyPlus writes, is full for those that come then, and gets room again."""
    levels = [6.0, 7.0, 8.0, 9.0]
    study = ep.Study("full", whole(), {"lpd": ep.Field(LPD, levels)}, outputs=AIR).run()
    until(lambda: list(small_disk.glob("scratch-*/runs/*/eplusout.sql")))
    filler = small_disk / "filler"
    fill(filler)
    until(lambda: "full" in study.progress().paused, 60)
    assert study.progress().failed == 0
    filler.unlink()
    study.wait()
    assert list(study.results(strict=True)["lpd"]) == levels
    for variant in range(len(levels)):
        assert is_whole(study.timeseries(AIR.name, "CORE_ZN", [variant]))
    assert study.progress().paused == ""
