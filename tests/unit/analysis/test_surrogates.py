"""A surrogate says how wrong it is, and is no more wrong than it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import epstudy as ep
from tests.unit.analysis.known import Row, ishigami, solved, study

SPACE = {"x1": stats.uniform(0, 1), "x2": stats.uniform(-1, 2), "kind": ["a", "b", "c"]}


def smooth(row: Row) -> float:
    return float(np.exp(row["x1"]) * (2 + np.sin(2 * row["x2"])) + {"a": 0, "b": 1, "c": 5}[row["kind"]])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> ep.analysis.Surrogate:
    folder = tmp_path_factory.mktemp("surrogate")
    return ep.analysis.surrogate(solved(study(folder, SPACE, sampling=ep.Sobol(64, 1)), smooth), "y")


def test_it_predicts_what_was_not_simulated_as_well_as_it_says(fitted: Any) -> None:
    chance = np.random.default_rng(7)
    seen = fitted._inputs
    new = pd.DataFrame(
        {name: chance.uniform(seen[name].min(), seen[name].max(), 300) for name in ("x1", "x2")}
        | {"kind": chance.choice(["a", "b", "c"], 300)}
    )
    wrong = fitted.predict(new) - [smooth(row) for row in new.to_dict("records")]
    assert fitted.r2 > 0.99
    assert (wrong**2).mean() ** 0.5 < 2 * fitted.rmse
    assert fitted.predict(new).attrs["units"] == {"y": "kWh"}


def test_it_shows_its_error_and_what_else_was_tried(fitted: Any) -> None:
    assert repr(fitted).startswith(f"Surrogate of y: {fitted.kind}, 64 rows, cross-validated R2 1.000")
    assert repr(fitted).endswith(" kWh")
    assert set(fitted.errors.index) == {"line", "parabola", "forest", "Gaussian process"}
    assert fitted.errors["rmse"].is_monotonic_increasing
    assert fitted.kind == fitted.errors.index[0]


def test_a_straight_line_is_found_and_said_to_be_one(tmp_path: Path) -> None:
    one = solved(
        study(tmp_path, {"x1": stats.uniform(0, 1), "x2": [1, 2, 3]}, sampling=ep.LatinHypercube(40, 1)),
        lambda row: 3 * row["x1"] - row["x2"],
    )
    found = ep.analysis.surrogate(one, "y")
    assert found.r2 > 0.9999
    assert found.predict({"x1": 0.5, "x2": 2}).iloc[0] == pytest.approx(-0.5, abs=0.01)


def test_noise_is_not_predicted_and_it_says_so(tmp_path: Path) -> None:
    noise = iter(np.random.default_rng(1).normal(size=64))
    one = solved(study(tmp_path, SPACE, sampling=ep.Sobol(64, 1)), lambda row: next(noise))
    assert ep.analysis.surrogate(one, "y").r2 < 0.2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"x1": 2.0, "x2": 0.0, "kind": "a"}, '"x1" is 2, and the fit has seen 0.* extrapolate=True'),
        ({"x1": 0.5, "x2": 0.0, "kind": "d"}, '"kind" has never been "d"; it was "a", "b", "c"'),
        ({"x1": 0.5, "kind": "a", "x_2": 1}, "\"x2\" is not among the columns \\(there is 'x_2'\\)"),
        ({"x1": "much", "x2": 0.0, "kind": "a"}, '"x1" holds no numbers'),
    ],
)
def test_what_it_cannot_know_is_told(fitted: Any, row: dict[str, Any], said: str) -> None:
    with pytest.raises(ep.InputError, match=said):
        fitted.predict(row)


def test_beyond_what_it_has_seen_only_when_asked(fitted: Any) -> None:
    assert np.isfinite(fitted.predict({"x1": 2.0, "x2": 0.0, "kind": "a"}, extrapolate=True).iloc[0])


def test_the_untouched_model_and_whole_numbers_are_predicted(tmp_path: Path) -> None:
    one = solved(
        study(tmp_path, {"x1": stats.uniform(0, 1), "a": [None, 2, 4]}, sampling=ep.Sobol(32, 1)),
        lambda row: row["x1"] + (0 if row["a"] is None or row["a"] != row["a"] else row["a"]),
    )
    fit = ep.analysis.surrogate(one, "y")
    assert fit.predict({"x1": 0.5, "a": [None, float("nan"), 2, 4.0]}).tolist() == pytest.approx(
        [0.5, 0.5, 2.5, 4.5], abs=0.2
    )
    assert len(fit.predict(one.variants)) == 32
    assert len(fit.predict(one.variants.iloc[:0])) == 0
    for wrong, said in (([1, 2], "are a list"), ({"x1": [1, 2], "a": [2, 2, 2]}, "columns of different length")):
        with pytest.raises(ep.InputError, match=said):
            fit.predict(wrong)
    with pytest.raises(ep.InputError, match='"x1" is inf'):
        fit.predict({"x1": float("inf"), "a": 2}, extrapolate=True)


def test_missing_rows_and_too_few_of_them(tmp_path: Path) -> None:
    angles = dict.fromkeys(("x1", "x2", "x3"), stats.uniform(-3, 6))
    one = solved(study(tmp_path, angles, sampling=ep.Sobol(16, 1)), ishigami, failed=[3])
    with pytest.raises(ep.IncompleteError, match="1 of 16 rows are missing"):
        ep.analysis.surrogate(one, "y")
    assert repr(ep.analysis.surrogate(one, "y", missing="drop")).endswith("1 of 16 rows are missing, and left out")
    few = solved(study(tmp_path, angles, sampling=ep.Sobol(8, 1)), ishigami)
    with pytest.raises(ep.InputError, match="there are 8 different rows; a surrogate needs 10 at least"):
        ep.analysis.surrogate(few, "y")
