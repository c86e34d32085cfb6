"""Input from strangers and slips of the finger: refused before anything is queued, or a failed row; never a loop.

What a look at one argument tells is in tests/integration/test_bad_input.py.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import epstudy as ep
from epstudy.core.outcome import State
from epstudy.pool import private_pool
from epstudy.store import DamagedFileWarning, Store
from tests.faults.recorder import Fault
from tests.support.offices import CHICAGO, LPD, OFFICE, U_VALUE, quick, until

STRANGE = ["-flag", "../x", "/absolute", "x" * 300, "日本語 ☃", "a\0b", "<script>alert(1)</script>", "a\nb,c"]


@pytest.fixture(autouse=True)
def _recorded(fault: Callable[[str, str], Fault]) -> None:
    """Each test is one fault of its kind, and asserts itself that it happened."""
    fault("F20", "names, levels, grids, models and weather files that cannot be").happened()


@pytest.fixture
def nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    store = tmp_path / "store"
    monkeypatch.setenv("EPSTUDY_STORE", str(store))
    yield
    assert not store.exists(), "nothing was stored"
    assert not private_pool.runtime_for(str(store)).folder.exists(), "no pool was started"


def lights(*levels: Any) -> dict[str, ep.Field]:
    return {"lpd": ep.Field(LPD, levels)}


@pytest.mark.usefixtures("nothing_is_started")
@pytest.mark.parametrize("level", [math.nan, math.inf, -math.inf, np.float32("nan"), np.float64("inf"), 1e400])
def test_a_level_that_is_no_finite_number(level: float) -> None:
    for levels in ([6.0, level], {"high": level}):
        with pytest.raises(ep.InputError, match=r"(nan|inf)\)? cannot be a level: expected a finite number"):
            ep.Study("s", quick(), {"lpd": ep.Field(LPD, levels)})


@pytest.mark.usefixtures("nothing_is_started")
@pytest.mark.parametrize("level", ["nan", "inf", "A_SCHEDULE; Version,9.9;", "A_SCHEDULE,\n", "a!b", "x" * 300, "a\0b"])
def test_a_text_that_cannot_be_a_level_is_named(level: str) -> None:
    study = ep.Study("s", quick(), {"schedule": ep.Field("Lights/Core*/schedule_name", [level])})
    with pytest.raises(ep.CheckError, match=r'1 problem.*\n.*parameter "schedule": level '):
        study.run()


@pytest.mark.usefixtures("nothing_is_started")
@pytest.mark.parametrize("name", ["/absolute", "-flag", "a\0b", "..", "a\nb", "x" * 101, "~", "$(id)", "a\\b"])
def test_a_name_that_is_no_name_of_a_study(name: str) -> None:
    for make in (lambda: ep.Study(name, quick(), lights(6.0)), lambda: ep.Study.open(name)):
        with pytest.raises(ep.InputError, match="is not a study name"):
            make()


@pytest.mark.usefixtures("nothing_is_started")
def test_a_grid_of_billions_is_refused_before_it_takes_the_memory() -> None:
    levels = [1 + step / 40_000 for step in range(40_000)]
    with pytest.raises(ep.InputError, match=r"40000 x 40000 = 1,600,000,000 combinations; expected at most 1,000,000"):
        ep.Study("s", quick(), {"lpd": ep.Field(LPD, levels), "u": ep.Field(U_VALUE, levels)})


MODEL = OFFICE.read_bytes()
MODELS = {
    "within an object": (MODEL[: MODEL.index(b"  Lights,") + 60], "ends within an object"),
    "of an old version": (MODEL.replace(b"25.2", b"8.9", 1), "is of EnergyPlus version 8.9"),
    "of a new version": (MODEL.replace(b"25.2", b"99.1", 1), "is of EnergyPlus version 99.1"),
    "empty": (b"", "is no model that can be read: it holds no object"),
    "random": (os.urandom(20_000), "is no model that can be read"),
    "all version": (b"Version,25.2", "ends within an object"),
}


@pytest.mark.usefixtures("nothing_is_started")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", MODELS)
def test_a_broken_model_is_named(tmp_path: Path, kind: str) -> None:
    """One that ends within an object made the parser go on for ever."""
    content, said = MODELS[kind]
    path = tmp_path / "office.idf"
    path.write_bytes(content)
    with pytest.raises(ep.CheckError, match=rf"(?s)nothing was queued.*office\.idf.*{said}"):
        ep.Study("s", ep.EnergyPlus(path, weather=CHICAGO), lights(6.0)).run()


@pytest.mark.usefixtures("nothing_is_started")
@pytest.mark.parametrize(
    "text", ['{"Version": {"V": {"version_identifier": "25.2"}}, "Zone":', "[" * 100_000, "[]", "{}"]
)
def test_a_broken_epjson_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "office.epJSON"
    path.write_text(text)
    with pytest.raises(ep.CheckError, match=r"(?s)nothing was queued.*office\.epJSON"):
        ep.Study("s", ep.EnergyPlus(path, weather=CHICAGO), lights(6.0)).run()


WEATHER = CHICAGO.read_bytes()
WEATHERS = {
    "empty": b"",
    "random": os.urandom(9_999),
    "header alone": b"\n".join(WEATHER.splitlines()[:8]),
    "half": WEATHER[: len(WEATHER) // 2],
}


@pytest.mark.usefixtures("nothing_is_started")
@pytest.mark.parametrize("kind", WEATHERS)
def test_a_broken_weather_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "town.epw"
    path.write_bytes(WEATHERS[kind])
    with pytest.raises(ep.CheckError, match=r"(?s)nothing was queued.*town\.epw (is no EPW|has)"):
        ep.Study("s", ep.EnergyPlus(OFFICE, weather=path), lights(6.0)).run()


@pytest.mark.usefixtures("nothing_is_started")
@pytest.mark.parametrize("name", ["no", "a\0b", "x" * 300, "~nobody-of-that-name/a", "-flag"])
def test_a_path_that_leads_nowhere_is_a_problem_among_others(name: str) -> None:
    study = ep.Study("s", ep.EnergyPlus(f"{name}.idf", weather=f"{name}.epw"), lights(6.0))
    with pytest.raises(ep.CheckError, match=r"(?s)2 problems; nothing was queued.*model.*weather file"):
        study.run()
    cities = ep.Study("s", quick(), {"city": ep.Weather({"a": CHICAGO, "b": f"{name}.epw"})})
    with pytest.raises(ep.CheckError, match=r"1 problem; nothing was queued"):
        cities.run()


def test_strange_names_and_labels_are_only_names(store: str, tmp_path: Path) -> None:
    name = "étude-日本語"
    levels = {label: 5.03 + place / 8 for place, label in enumerate(STRANGE)}
    parameters = {"x" * 300: ep.Field(LPD, levels), "../Größe\0<b>": ep.Field(U_VALUE, [2.03])}
    study = ep.Study(name, quick(), parameters, keep=("err",)).run().wait()
    results = study.results(strict=True)
    assert list(results["x" * 300]) == STRANGE
    assert list(results["../Größe\0<b>"]) == [2.03] * len(STRANGE)
    assert list(ep.Study.open(name).results(strict=True)["x" * 300]) == STRANGE
    assert "<script>" not in study._repr_html_()
    assert study.fetch(5, "err").is_relative_to(store)
    assert (study.export(1, tmp_path / "row") / "in.idf").is_file()
    assert not list(Path(store).rglob("*flag*"))


def test_half_a_model_is_a_failed_row_and_tried_once(store: str, tmp_path: Path) -> None:
    """It ends between two objects: what is there can be read, and only EnergyPlus knows what it lacks."""
    path = tmp_path / "half.idf"
    path.write_bytes(MODEL[: MODEL.index(b"  Lights,")] + b"  Lights,Only,Core_ZN,NONE;")
    study = ep.Study("half", ep.EnergyPlus(path, weather=CHICAGO, period="design-days"), lights(6.03, 7.03))
    failures = study.run(check=False).wait().failures()
    assert list(failures["attempts"]) in ([1, 1], [2, 2])
    assert set(failures["cause"]) <= {"input", "simulation", "crash"}
    assert all(failures["message"].str.len() > 20)
    assert study.run(check=False).wait().progress().failed == 2, "and not tried again by running it again"


def test_a_hundred_thousand_and_one_variants_are_queued_and_cancelled(own_store: str) -> None:
    study = ep.Study("large", quick(), lights(*[1 + step / 10_000 for step in range(100_001)]))
    study.run()
    until(lambda: study.progress().done >= 1, 120)
    study.cancel()
    until(lambda: study.progress().complete, 60)
    progress = study.progress()
    assert (progress.total, progress.failed) == (100_001, 0)
    assert progress.cancelled + progress.done == 100_001
    logs = [path.read_text(errors="replace") for path in private_pool.runtime_for(own_store).folder.glob("*.log")]
    assert logs
    assert "Traceback" not in "".join(logs)


def test_links_in_the_store_are_not_written_through(own_store: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    study = ep.Study("links", quick(), lights(6.0, 7.0)).run().wait()
    before = study.results(strict=True)
    results = [path for path in Path(own_store, "results").rglob("*.json") if path.is_file()]
    inputs = [path for path in Path(own_store, "inputs").rglob("*") if path.is_file()]
    assert len(results) >= 2
    assert len(inputs) == 2
    for path in (*results, *inputs):
        path.unlink()
        path.symlink_to(canary)
    canary.write_text("what was here before")
    with pytest.warns(DamagedFileWarning):
        ep.Study("links", quick(), lights(6.0, 7.0)).run()
    after = ep.Study.open("links").wait().results(strict=True)
    assert canary.read_text() == "what was here before"
    assert list(after["floor_area_m2"]) == list(before["floor_area_m2"])
    assert set(after["status"]) == {State.DONE}
    assert Store(own_store).manifest("links").keys
