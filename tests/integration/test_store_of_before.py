"""A store that an earlier epstudy wrote (tests/data/before: 4 variants on design days, 2 of them failed) is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import epstudy as ep

BEFORE = Path(__file__).parents[1] / "data" / "before"
LIGHTS = "InteriorLights:Electricity"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def as_it_was_asked() -> ep.Study:
    parameters = {
        "lpd": ep.Field("Lights/*/watts_per_floor_area", [6.0, 10.0]),
        "schedule": ep.Field("Lights/*/schedule_name", ["Always", "Nowhere"]),
    }
    outputs = [
        ep.Meter(LIGHTS, "hourly"),
        ep.EndUses(),
        ep.Table("AnnualBuildingUtilityPerformanceSummary", "End Uses"),
    ]
    return ep.Study("before", ep.EnergyPlus(BEFORE / "room.idf", period="design-days"), parameters, outputs=outputs)


def test_a_store_of_an_earlier_version_is_read_and_nothing_is_simulated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    shutil.copytree(BEFORE / "store", store)
    monkeypatch.setenv("EPSTUDY_STORE", str(store))
    results = {name: content for name, content in files(store).items() if name.startswith("results")}
    study = as_it_was_asked().run(check=False).wait()
    assert {name: content for name, content in files(store).items() if name.startswith("results")} == results
    assert (study.progress().cached, study.progress().failed, study.progress().complete) == (2, 2, True)
    opened = ep.Study.open("before")
    assert opened.verify().ok
    assert list(opened.failures()["cause"]) == ["crash", "crash"]
    assert "Schedule Name = NOWHERE, item not found" in opened.failures().attrs["summary"][0]
    assert opened.fetch(1, "in.idf").read_text(encoding="utf-8").startswith("  Version, 25.2;")
    assert_numbers_of_before(opened)


def assert_numbers_of_before(study: ep.Study) -> None:
    before: dict[str, Any] = json.loads((BEFORE / "results.json").read_text(encoding="utf-8"))
    frame = study.results()
    for variant, numbers in before["results"].items():
        assert numbers == {name: frame.loc[int(variant), name] for name in numbers}
    series = study.timeseries(LIGHTS).sum()
    assert {variant: series[int(variant)] for variant in before["series"]} == pytest.approx(before["series"])
    table = study.table("AnnualBuildingUtilityPerformanceSummary", "End Uses")
    assert set(table["variant"]) == {0, 2}
