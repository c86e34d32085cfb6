"""A grid as labelled arrays: each number stands under its labels, whatever became of its neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import epstudy as ep
from epstudy.results.arrays import dataset
from tests.unit.analysis.known import Row, solved, study

GRID = {"a": [1, 2, 3], "b": {"low": 4.0, "high": 8.0}}


def product(row: Row) -> float:
    return float(row["a"]) * {"low": 4.0, "high": 8.0}[row["b"]]


def test_each_number_stands_under_its_labels(tmp_path: Path) -> None:
    one = solved(study(tmp_path, GRID), product, failed=[3])
    found = one.to_xarray()
    assert dict(found.sizes) == {"a": 3, "b": 2}
    assert found["y"].dims == ("a", "b")
    assert found["y"].attrs["units"] == "kWh"
    for index, row in one.results().iterrows():
        cell = found.sel(a=row["a"], b=row["b"])
        assert str(cell["status"].item()) == row["status"]
        assert cell["y"].item() == pytest.approx(row["y"], nan_ok=True), index
    assert found["a"].dtype.kind == "i"
    assert found.attrs["study"] == "known"


def test_what_where_left_out_is_nan_and_the_baseline_no_point(tmp_path: Path) -> None:
    one = solved(
        study(tmp_path, GRID, where=lambda v: not (v.a == 2 and v.b == "low"), baseline=True),
        lambda row: -1 if row["b"] != row["b"] or row["b"] is None else product(row),
    )
    found = one.to_xarray()
    assert found["y"].shape == (3, 2)
    assert np.isnan(found["y"].sel(a=2, b="low").item())
    assert found["status"].sel(a=2, b="low").item() == ""
    assert float(found["y"].min()) == 4


def test_the_untouched_model_is_a_label_where_it_is_a_level(tmp_path: Path) -> None:
    one = solved(study(tmp_path, {"a": [None, 1.0], "b": [1.0, 2.0]}, baseline=True), lambda row: 1.0)
    assert one.to_xarray()["a"].values.tolist() == ["as in the model", 1.0]


def test_series_are_arrays_over_time(tmp_path: Path) -> None:
    one = solved(study(tmp_path, GRID), product)
    time = pd.date_range("2018-01-01 01:00", periods=4, freq="h", name="time")
    plain = pd.DataFrame({index: index + np.arange(4) / 10 for index in range(6)}, index=time)
    plain.attrs["units"] = {"heat": "kWh"}
    zones = pd.concat(
        {(index, zone): plain[index] * size for index in range(6) for zone, size in (("n", 1), ("s", 2))}, axis=1
    )
    zones.attrs["units"] = {"temperature": "C"}
    found = dataset(one._own_manifest(), one.results(), {"heat": plain, "temperature": zones})
    assert found["heat"].dims == ("a", "b", "time")
    assert found["heat"].sel(a=2, b="high", time="2018-01-01 03:00").item() == pytest.approx(3.2)
    assert found["temperature"].sel(a=3, b="low", key="s", time="2018-01-01 02:00").item() == pytest.approx(8.2)
    assert found["temperature"].attrs["units"] == "C"


def test_a_sample_fills_no_array(tmp_path: Path) -> None:
    one = study(tmp_path, {"a": stats.uniform(0, 1)}, sampling=ep.Sobol(4, 1))
    with pytest.raises(ep.InputError, match=r"is no grid but a sample \(sobol\): its points fill no array"):
        one.to_xarray()


def test_a_name_of_two_things_is_told(tmp_path: Path) -> None:
    with pytest.raises(ep.InputError, match='"time" would be two things in one dataset'):
        study(tmp_path, {"time": [1, 2]}).to_xarray()
