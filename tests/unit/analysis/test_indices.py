"""Indices of functions whose indices are known, and no indices where there are none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import epstudy as ep
from tests.unit.analysis.known import (
    G_A,
    ISHIGAMI_FIRST,
    ISHIGAMI_TOTAL,
    Row,
    ishigami,
    sobol_g,
    sobol_g_indices,
    solved,
    study,
)

ANGLES = dict.fromkeys(("x1", "x2", "x3"), stats.uniform(-math.pi, 2 * math.pi))
SHARES = dict.fromkeys(G_A, stats.uniform(0, 1))
TOLERANCE = 0.04  # of the indices from 512 or 1,024 base points


def linear(row: Row) -> float:
    return float(3 * row["x1"] + row["x2"])


def test_sobol_indices_of_ishigami(tmp_path: Path) -> None:
    found = ep.analysis.sensitivity(solved(study(tmp_path, ANGLES, sampling=ep.Saltelli(1024, 1)), ishigami), "y")
    assert dict(found["first_order"]) == pytest.approx(ISHIGAMI_FIRST, abs=TOLERANCE)
    assert dict(found["total"]) == pytest.approx(ISHIGAMI_TOTAL, abs=TOLERANCE)
    for index, known in (("first_order", ISHIGAMI_FIRST), ("total", ISHIGAMI_TOTAL)):
        for name, value in known.items():
            assert abs(found.loc[name, index] - value) < found.loc[name, f"{index}_interval"]
    assert (found.attrs["method"], found.attrs["of"], found.attrs["units"]) == ("sobol", "y", {"y": "kWh"})
    assert found.attrs["rows"] == 5 * 1024


def test_sobol_indices_of_the_g_function(tmp_path: Path) -> None:
    first, total = sobol_g_indices()
    found = ep.analysis.sensitivity(solved(study(tmp_path, SHARES, sampling=ep.Saltelli(512, 1)), sobol_g), "y")
    assert dict(found["first_order"]) == pytest.approx(first, abs=TOLERANCE)
    assert dict(found["total"]) == pytest.approx(total, abs=TOLERANCE)


def test_interactions_of_ishigami(tmp_path: Path) -> None:
    one = solved(study(tmp_path, ANGLES, sampling=ep.Saltelli(512, 1, second_order=True)), ishigami)
    found = ep.analysis.interactions(one, "y")
    assert list(found.loc[0, ["parameter", "other"]]) == ["x1", "x3"]
    assert found["second_order"].tolist() == pytest.approx([0.2437, 0, 0], abs=2 * TOLERANCE)
    assert dict(ep.analysis.sensitivity(one, "y")["total"]) == pytest.approx(ISHIGAMI_TOTAL, abs=TOLERANCE)
    plain = solved(study(tmp_path, ANGLES, sampling=ep.Saltelli(8, 1)), ishigami)
    with pytest.raises(ep.InputError, match="second_order=True"):
        ep.analysis.interactions(plain, "y")


def test_elementary_effects_of_a_straight_line(tmp_path: Path) -> None:
    parameters = {"x1": stats.uniform(0, 1), "x2": [0.0, 1.0], "x3": stats.uniform(5, 5)}
    found = ep.analysis.sensitivity(solved(study(tmp_path, parameters, sampling=ep.Morris(10, 1)), linear), "y")
    assert found.loc["x1"].to_dict() == pytest.approx(
        {"mu": 3, "mu_star": 3, "mu_star_interval": 0, "sigma": 0}, abs=1e-8
    )
    assert found.loc["x2", "mu"] == pytest.approx(1)
    assert found.loc["x3"].abs().max() == 0


@pytest.mark.parametrize(
    ("levels", "span"),
    [
        ([0.0, 1.0], 1),
        ([0.0, 0.5, 1.0], 1),
        ([1.0, 0.75, 0.5, 0.25, 0.0], -1),
        ([None, 0.5, 1.0], 1),
        (stats.triang(0.2), 1),
        (stats.truncnorm(-3, 3), 6),
        (stats.randint(1, 5), 3),
    ],
)
def test_a_straight_line_has_one_effect_whatever_the_levels(tmp_path: Path, levels: Any, span: float) -> None:
    """A list of two levels was ranked half as much again above a distribution with the same effect."""
    parameters = {"x1": levels, "x2": stats.uniform(0, 1)}
    one = solved(
        study(tmp_path, parameters, sampling=ep.Morris(12, 1), baseline=levels == [0.0, 1.0]),
        lambda row: (0 if row["x1"] is None or row["x1"] != row["x1"] else row["x1"]) + row["x2"],
    )
    found = ep.analysis.sensitivity(one, "y")
    for name, known in (("x1", span), ("x2", 1)):
        row = {"mu": known, "mu_star": abs(known), "mu_star_interval": 0, "sigma": 0}
        assert found.loc[name].to_dict() == pytest.approx(row, abs=1e-6)


def test_elementary_effects_are_those_of_salib_where_all_are_uniform(tmp_path: Path) -> None:
    from SALib.analyze import morris

    from epstudy.core.sampling.cube import unit_problem

    one = solved(study(tmp_path, ANGLES, sampling=ep.Morris(30, 1)), ishigami)
    frame = one.results()
    theirs = morris.analyze(unit_problem(list(ANGLES)), frame[list(ANGLES)].to_numpy(float), frame["y"].to_numpy())
    ours = ep.analysis.sensitivity(one, "y")
    for index in ("mu", "mu_star", "sigma"):
        assert ours[index].tolist() == pytest.approx(list(theirs[index]))


def test_rows_that_repeat_another_one_are_no_unseen_rows(tmp_path: Path) -> None:
    """Noise over 18 combinations, drawn a hundred times, was "predicted" with R2 1.000."""
    chance = np.random.default_rng(1)
    noise: dict[str, float] = {}
    parameters = {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0], "c": ["p", "q"]}
    one = solved(
        study(tmp_path, parameters, sampling=ep.LatinHypercube(100, 1)),
        lambda row: noise.setdefault(repr(row), float(chance.normal())),
    )
    found = ep.analysis.sensitivity(one, "y")
    assert found.attrs["r2"] < 0.5
    assert any("rows repeat another one, and count once" in note for note in found.attrs["notes"])
    assert ep.analysis.surrogate(one, "y").r2 < 0.5


def test_what_the_rows_do_not_determine_is_not_told(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    table = pd.DataFrame(chance.uniform(size=(40, 2)), columns=["a", "b"])
    table["c"] = table["a"] + table["b"]
    one = solved(
        study(tmp_path, dict.fromkeys(table, ()), sampling=ep.Table(table)), lambda row: 10 * row["c"] + row["a"]
    )
    found = ep.analysis.sensitivity(one, "y")
    assert found["coefficient"].isna().all()
    assert "the rows do not determine a straight line" in found.attrs["notes"][-1]


def test_a_parameter_is_not_taken_for_another_ones_category(tmp_path: Path) -> None:
    parameters = {"a": {"1": 1.0, "2": 2.0, "x": 3.0}, "a_2": stats.uniform(0, 1), 'a_"2"': stats.uniform(0, 1)}
    one = solved(
        study(tmp_path, parameters, sampling=ep.Sobol(64, 1)), lambda row: 5 * row["a_2"] + 3 * (row["a"] == "x")
    )
    assert ep.analysis.sensitivity(one, "y").loc["a_2", "coefficient"] > 0.5


def test_a_series_of_ones_own_has_no_unit_of_ours(tmp_path: Path) -> None:
    one = solved(study(tmp_path, ANGLES, sampling=ep.Sobol(32, 1)), ishigami)
    assert ep.analysis.sensitivity(one, one.results()["y"] / 1000).attrs["units"] == {"y": "1"}
    with pytest.raises(ep.InputError, match="y is a DataFrame; expected the name of a result, or a Series"):
        ep.analysis.sensitivity(one, one.results()[["y"]])
    with pytest.raises(ep.InputError, match="seed is -1"):
        ep.analysis.sensitivity(one, "y", seed=-1)


def test_elementary_effects_of_a_list_know_up_from_down(tmp_path: Path) -> None:
    levels = {"high": 3.0, "low": 1.0, "none": None}
    parameters = {"x1": levels, "x2": stats.uniform(0, 1)}

    def falling(row: Row) -> float:
        return -10.0 * list(levels).index(row["x1"] if isinstance(row["x1"], str) else "none") + row["x2"]

    found = ep.analysis.sensitivity(solved(study(tmp_path, parameters, sampling=ep.Morris(20, 1)), falling), "y")
    assert found.loc["x1", "mu"] == pytest.approx(-found.loc["x1", "mu_star"])
    assert found.loc["x2", "mu"] == pytest.approx(1)


def test_regression_of_a_straight_line(tmp_path: Path) -> None:
    parameters = {"x1": stats.uniform(0, 1), "x2": stats.uniform(0, 1), "kind": ["a", "b", "c"]}
    found = ep.analysis.sensitivity(
        solved(study(tmp_path, parameters, sampling=ep.LatinHypercube(200, 1)), linear), "y"
    )
    assert found.attrs["method"] == "regression"
    assert found.loc["x1", "coefficient"] == pytest.approx(3 / math.sqrt(10), abs=0.02)
    assert found.loc["x2", "coefficient"] == pytest.approx(1 / math.sqrt(10), abs=0.02)
    assert math.isnan(found.loc["kind", "coefficient"])
    assert found.attrs["r2_linear"] == pytest.approx(1)
    assert found.attrs["r2"] > 0.95
    importance = found["importance"]
    assert importance["x1"] > 5 * importance["x2"] > 5 * abs(importance["kind"])


def test_regression_shows_what_a_straight_line_does_not(tmp_path: Path) -> None:
    found = ep.analysis.sensitivity(solved(study(tmp_path, ANGLES, sampling=ep.Sobol(256, 1)), ishigami), "y")
    assert abs(found.loc["x2", "coefficient"]) < found.loc["x2", "coefficient_interval"]
    assert found.loc["x2", "importance"] > 0.2
    assert found.attrs["r2_linear"] < 0.3 < found.attrs["r2"]


def test_a_grid_with_the_baseline_beside_it(tmp_path: Path) -> None:
    parameters = {"x1": [1.0, 2.0, 3.0, 4.0], "x2": [1.0, 2.0, 3.0]}

    def also_untouched(row: Row) -> float:
        return 1e9 if row["x1"] != row["x1"] else linear(row)

    one = solved(study(tmp_path, parameters, baseline=True), also_untouched)
    assert len(one.results()) == 13
    found = ep.analysis.sensitivity(one, "y")
    assert found.attrs["rows"] == 12
    assert found.attrs["r2_linear"] == pytest.approx(1)


def test_two_categories_have_a_coefficient(tmp_path: Path) -> None:
    parameters = {"x1": stats.uniform(0, 1), "on": {"off": 0.0, "on": 1.0}}
    one = solved(study(tmp_path, parameters, sampling=ep.Sobol(64, 1)), lambda row: row["x1"] - 5 * (row["on"] == "on"))
    assert ep.analysis.sensitivity(one, "y").loc["on", "coefficient"] < -0.9, "from the first to the second"


def test_a_series_of_ones_own_can_be_the_result(tmp_path: Path) -> None:
    one = solved(study(tmp_path, ANGLES, sampling=ep.Saltelli(64, 1)), ishigami)
    own = one.results()["y"].rename("of my own") * 1000
    found = ep.analysis.sensitivity(one, own)
    assert found.attrs["of"] == "of my own"
    assert found["total"].tolist() == pytest.approx(ep.analysis.sensitivity(one, "y")["total"].tolist())
    with pytest.raises(ep.InputError, match="needs the variants as its index: 320 is no variant"):
        ep.analysis.sensitivity(one, pd.Series([1.0, 2.0], index=[0, 320]))


@pytest.mark.parametrize("sampling", [ep.Saltelli(64, 1), ep.Morris(8, 1)])
def test_missing_rows_are_no_indices(tmp_path: Path, sampling: Any) -> None:
    count = 320 if sampling.kind == "saltelli" else 32
    one = solved(study(tmp_path, ANGLES, sampling=sampling), ishigami, failed=[0, 5, 6])
    said = f"3 of {count} rows are missing: these indices are not valid"
    for options in ({}, {"missing": "drop"}):
        with pytest.raises(ep.IncompleteError, match=said):
            ep.analysis.sensitivity(one, "y", **options)
    with pytest.raises(ep.IncompleteError, match=said):
        ep.analysis.convergence(one, "y")


def test_rows_may_be_dropped_where_each_stands_alone(tmp_path: Path) -> None:
    one = solved(study(tmp_path, ANGLES, sampling=ep.Sobol(64, 1)), ishigami, failed=[1, 2])
    with pytest.raises(ep.IncompleteError, match="2 of 64 rows are missing"):
        ep.analysis.sensitivity(one, "y")
    found = ep.analysis.sensitivity(one, "y", missing="drop")
    assert found.attrs["rows"] == 62
    assert found.attrs["notes"] == ("2 of 64 rows are missing, and left out",)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ("yy", "no column 'yy'; did you mean \"y\""),
        ("x1", '"x1" is a parameter; expected a result, such as "y"'),
        ("status", '"status" holds no numbers'),
        ("same", '"same" is 1 in all 64 variants: no parameter moves it'),
        ("nothing", '"nothing" has no value in any of 64 variants'),
    ],
)
def test_a_result_that_cannot_be_explained_is_told(tmp_path: Path, y: str, said: str) -> None:
    one = solved(study(tmp_path, ANGLES, sampling=ep.Sobol(64, 1)), ishigami)
    with pytest.raises(ep.InputError, match=said):
        ep.analysis.sensitivity(one, y)


def test_parameters_that_change_together_are_refused(tmp_path: Path) -> None:
    numbers = [float(one) for one in range(20)]
    paired = solved(study(tmp_path, {"x1": numbers, "x2": numbers[::-1]}, sampling=ep.Paired()), linear)
    with pytest.raises(ep.InputError, match=r'"x1" and "x2" change together \(correlation -1.00\)'):
        ep.analysis.sensitivity(paired, "y")
    kinds = {"x1": numbers, "a": ["p", "q"] * 10, "b": ["r", "s"] * 10}
    twins = solved(
        study(tmp_path, dict.fromkeys(kinds, ()), sampling=ep.Table(pd.DataFrame(kinds))), lambda row: row["x1"]
    )
    with pytest.raises(ep.InputError, match='"a" and "b" change together'):
        ep.analysis.sensitivity(twins, "y")


def test_too_few_rows_for_a_regression(tmp_path: Path) -> None:
    one = solved(study(tmp_path, ANGLES, sampling=ep.Sobol(8, 1)), ishigami)
    with pytest.raises(ep.InputError, match="there are 8 different rows; regression on 3 parameters needs 10 at least"):
        ep.analysis.sensitivity(one, "y")


@pytest.mark.parametrize(
    ("sampling", "sizes", "indices"),
    [
        (ep.Saltelli(64, 1), [20, 40, 80, 160, 320], {"first_order", "total"}),
        (ep.Morris(16, 1), [16, 32, 64], {"mu", "mu_star", "sigma"}),
        (ep.Sobol(80, 1), [20, 40, 80], {"coefficient", "importance"}),
        (ep.Grid(), [32, 64], {"coefficient", "importance"}),
    ],
)
def test_indices_against_sample_size(tmp_path: Path, sampling: Any, sizes: list[int], indices: set[str]) -> None:
    angles = {name: list(np.linspace(-3, 3, 4)) for name in ANGLES} if sampling.kind == "grid" else ANGLES
    one = solved(study(tmp_path, angles, sampling=sampling), ishigami)
    found = ep.analysis.convergence(one, "y")
    assert list(found.columns) == ["size", "parameter", "index", "value", "interval"]
    assert sorted(set(found["size"])) == sizes
    assert set(found["index"]) == indices
    last = found[(found["size"] == sizes[-1]) & (found["index"] == sorted(indices)[-1])]
    whole = ep.analysis.sensitivity(one, "y")[sorted(indices)[-1]]
    if sampling.kind != "grid":  # whose rows are shuffled, and fall into other folds
        assert last["value"].tolist() == pytest.approx(whole.tolist())


def test_the_same_seed_gives_the_same_intervals(tmp_path: Path) -> None:
    one = solved(study(tmp_path, ANGLES, sampling=ep.Saltelli(32, 1)), ishigami)
    first, again, other = (ep.analysis.sensitivity(one, "y", seed=seed)["total_interval"] for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()
    with pytest.raises(ep.InputError, match="confidence is 95"):
        ep.analysis.sensitivity(one, "y", confidence=95)


def test_where_cannot_tear_a_sample(tmp_path: Path) -> None:
    for sampling in (ep.Saltelli(8, 1), ep.Morris(8, 1)):
        with pytest.raises(ep.InputError, match=r"where= cannot be used here: .*a sample with gaps has no indices"):
            study(tmp_path, ANGLES, sampling=sampling, where=lambda v: v.x1 > 0)
    assert len(study(tmp_path, ANGLES, sampling=ep.Sobol(8, 1), where=lambda v: v.x1 > 0).variants) == 4


def test_what_is_no_sampling_is_told(tmp_path: Path) -> None:
    for wrong in (ep.Grid, "sobol", 128):
        with pytest.raises(ep.InputError, match=r"expected a sampling such as ep.Grid\(\)"):
            study(tmp_path, ANGLES, sampling=wrong)


def test_a_longer_sobol_sequence_runs_only_the_new_points(tmp_path: Path) -> None:
    solved(study(tmp_path, ANGLES, sampling=ep.Sobol(16, 1)), ishigami)
    longer = study(tmp_path, ANGLES, sampling=ep.Sobol(16, 1).extended(32))
    assert longer.progress().done == 16
    assert longer.progress().total == 32


def test_a_study_of_an_earlier_version_has_its_baseline_beside_the_grid(tmp_path: Path) -> None:
    from dataclasses import replace

    from epstudy.results.rows import results_frame

    grid = {"x1": [1.0, 2.0], "x2": [1.0, 2.0]}
    for options, added in (({"baseline": True}, True), ({}, False)):
        manifest = replace(study(tmp_path, grid, **options)._own_manifest(), sampling_arguments={})
        assert results_frame(manifest, {}, []).attrs["baseline_added"] is added
    with_none = study(tmp_path, {"x1": [None, 2.0], "x2": [1.0, None]}, baseline=True)
    assert results_frame(with_none._own_manifest(), {}, []).attrs["baseline_added"] is False
    assert (
        results_frame(replace(with_none._own_manifest(), sampling_arguments={}), {}, []).attrs["levels"]["x1"][0]
        is None
    )
