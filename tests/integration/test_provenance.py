"""Where a row comes from: the folder that reproduces it, what its key is made of, what a study will cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import epstudy as ep
from epstudy.engines.energyplus.outputs.scalars import harvest
from tests.support.offices import LPD, U_VALUE, quick, whole


def test_an_exported_folder_gives_the_same_numbers_without_epstudy(store: str, tmp_path: Path) -> None:
    study = ep.Study("exported", whole(), {"lpd": ep.Field(LPD, [6.5]), "u": ep.Field(U_VALUE, [1.1])})
    row = study.run().wait().results().iloc[0]
    folder = study.export(0, tmp_path / "row")
    assert {"in.idf", "weather.epw", "README.txt", "run.py", "variant.json"} <= {path.name for path in folder.iterdir()}
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    about = json.loads((folder / "variant.json").read_text())
    assert about["parameters"] == {"lpd": 6.5, "u": 1.1}
    assert about["command"] == "energyplus -w weather.epw -d out in.idf"

    moved = folder.rename(tmp_path / "elsewhere")
    subprocess.run([sys.executable, "-I", "run.py"], cwd=moved, check=True, capture_output=True)
    again = harvest(moved / "out")
    assert {name: row[name] for name in again} == pytest.approx(again, rel=0, abs=0, nan_ok=True)
    with pytest.raises(ep.InputError, match="not an empty folder"):
        study.export(0, moved)


def test_why_says_which_part_differs_from_the_nearest_result(store: str) -> None:
    first = ep.Study("why-one", quick(), {"lpd": ep.Field(LPD, [7.5]), "u": ep.Field(U_VALUE, [1.2])})
    first.run().wait()
    other = ep.Study("why-two", quick(), {"lpd": ep.Field(LPD, [7.6]), "u": ep.Field(U_VALUE, [1.2])})
    why = other.why(0)
    assert not why.attrs["held"]
    assert why.attrs["nearest"] == 'variant 0 of study "why-one"'
    different = why[~why["same"]]
    assert list(different.index) == ["set Lights/*/watts_per_floor_area"]
    assert (different["this"].iloc[0], different["nearest"].iloc[0]) == ("7.6", "7.5")
    assert first.why(0).attrs["held"]
    assert "build" in why.index
    with pytest.raises(ep.InputError, match="expected a variant from 0 to 0"):
        other.why(1)


def test_an_estimate_goes_by_earlier_runs(store: str) -> None:
    first = ep.Study("cost-one", quick(), {"lpd": ep.Field(LPD, [7.1, 7.2])})
    first.run().wait()
    more = ep.Study("cost-one", quick(), {"lpd": ep.Field(LPD, [7.1, 7.2, 7.3, 7.4])})
    cost = more.estimate()
    assert (cost.total, cost.done, cost.to_run) == (4, 2, 2)
    assert cost.seconds_each is not None
    assert 0.05 < cost.seconds_each < 60
    assert cost.disk_bytes is not None
    assert cost.disk_bytes > 1000
    assert "2 of 4 done, 2 to run" in str(cost)
    assert "by 2 runs of this study" in str(cost)
    other = ep.Study("cost-two", quick(), {"u": ep.Field(U_VALUE, [4.1])}).estimate()
    assert 'of study "' in other.basis
