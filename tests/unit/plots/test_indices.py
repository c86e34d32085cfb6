"""Sensitivity indices are bars with their intervals; a growing sample is lines that settle."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import uniform

import epstudy as ep
from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.analysis.known import ishigami, solved, study
from tests.unit.plots.tables import growing_sample, indices, results


def legend(ax: object) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("method", "label", "names"),
    [
        ("sobol", "share of the variance of eui", {"total", "first order"}),
        ("morris", "effect on eui [kWh/m2]", {"mean of the absolute effects, μ*", "standard deviation, σ"}),
        (
            "regression",
            "importance for eui",
            {"permutation importance, drop in R²", "standardised coefficient"},
        ),
    ],
)
def test_each_method_has_its_bars(method: str, label: str, names: set[str]) -> None:
    ax = plots.sensitivity(indices(method))
    assert ax.get_xlabel() == label
    assert set(legend(ax)) == names
    assert [text.get_text() for text in ax.get_yticklabels()] == ["parameter_0", "parameter_1", "parameter_2"]


def test_the_interval_reaches_to_both_sides() -> None:
    ax = plots.sensitivity(indices("sobol", 1))
    (error,) = [bars.errorbar.lines[2][0].get_segments()[0] for bars in ax.containers if bars.get_label() == "total"]
    assert np.allclose(error[:, 0], [0.45, 0.55])


def test_how_well_the_regression_predicts_is_said() -> None:
    assert plots.sensitivity(indices("regression")).get_title(loc="right") == "cross-validated R² = 0.93"


def test_parameters_without_an_index_are_counted_and_of_very_many_the_first_are_shown() -> None:
    table = indices("sobol", 100)
    table.iloc[0] = np.nan
    said = plots.sensitivity(table).get_title(loc="right")
    assert said == "the first 30 of 99 parameters\n1 of 100 parameters has no value"


@pytest.mark.parametrize("sampling", [ep.Saltelli(64), ep.Morris(8), ep.LatinHypercube(64, seed=1)])
def test_what_the_analysis_returns_is_drawn(tmp_path: Path, sampling: object) -> None:
    one = study(tmp_path, {name: uniform(-math.pi, 2 * math.pi) for name in ("x1", "x2", "x3")}, sampling=sampling)
    solved(one, ishigami)
    ax = plots.sensitivity(ep.analysis.sensitivity(one, "y", confidence=0.9))
    assert {text.get_text() for text in ax.get_yticklabels()} == {"x1", "x2", "x3"}
    assert ax.get_legend().get_title().get_text() == "with 90 % intervals"
    ax.figure.canvas.draw()


@pytest.mark.parametrize("sampling", [ep.Saltelli(32), ep.Morris(8)])
def test_how_the_analysis_settles_is_drawn(tmp_path: Path, sampling: object) -> None:
    one = study(tmp_path, {name: uniform(-math.pi, 2 * math.pi) for name in ("x1", "x2", "x3")}, sampling=sampling)
    axes = plots.convergence(ep.analysis.convergence(solved(one, ishigami), "y"))
    assert [ax.get_ylabel() for ax in axes] == ["index of y", *[""] * (len(axes) - 1)]
    axes[0].figure.canvas.draw()


def test_rows_that_were_left_out_are_said(tmp_path: Path) -> None:
    one = study(tmp_path, {"x1": uniform(0, 1), "x2": uniform(0, 1)}, sampling=ep.LatinHypercube(64, seed=1))
    solved(one, lambda row: row["x1"], failed=[3])
    ax = plots.sensitivity(ep.analysis.sensitivity(one, "y", missing="drop"))
    assert "1 of 64 rows are missing, and left out" in ax.get_title(loc="right").replace("\n", " ")


def test_another_table_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected what ep.analysis.sensitivity\(\) returned"):
        plots.sensitivity(results(3))


def test_each_parameter_settles_on_a_line_of_its_own() -> None:
    ax = plots.convergence(growing_sample())
    assert legend(ax) == ["parameter_2", "parameter_1", "parameter_0"]
    assert ax.lines[0].get_xdata().tolist() == [16, 32, 64, 128, 256]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["16", "32", "64", "128", "256"]
    assert ax.get_ylabel() == "total"


def test_each_index_has_a_panel_and_of_many_parameters_seven_are_named() -> None:
    axes = plots.convergence(growing_sample(("total", "first_order"), parameters=20))
    assert [ax.get_title() for ax in axes] == ["total", "first_order"]
    assert axes[0].figure.get_supxlabel() == "grey: 13 more parameters"
    assert len(axes[0].figure.legends[0].get_texts()) == 7


def test_a_wild_interval_of_a_small_sample_does_not_flatten_the_lines() -> None:
    table = growing_sample()
    table.loc[table["size"] == 16, "interval"] = 1000.0
    low, high = plots.convergence(table).get_ylim()
    assert -1 < low < 0 < 2 < high < 3


def test_intervals_hid_the_lines_of_others() -> None:
    ax = plots.convergence(growing_sample())
    assert {type(found).__name__ for found in ax.collections} == {"LineCollection"}, "areas lie over other lines"
    assert max(found.get_zorder() for found in ax.collections) < min(line.get_zorder() for line in ax.lines)
    places = [segment[0][0] for found in ax.collections for segment in found.get_segments()]
    assert len(set(places)) == len(places), "intervals of one sample stand side by side"


def test_intervals_of_unknown_confidence_were_of_95_percent() -> None:
    for ax in (plots.sensitivity(indices("sobol")), plots.convergence(growing_sample())):
        assert ax.get_legend().get_title().get_text() == "with intervals"


def test_a_sample_without_any_index_was_an_error_of_matplotlib() -> None:
    with pytest.raises(InputError, match="no index of this table has a value"):
        plots.convergence(growing_sample().assign(value=np.nan))


def test_an_infinite_index_is_none_and_counted() -> None:
    table = growing_sample()
    table.loc[0, ["value", "interval"]] = np.inf
    ax = plots.convergence(table)
    assert ax.get_title(loc="right") == "1 of 15 indices has no value"
    bars = indices("sobol")
    bars.iloc[0] = np.inf
    assert plots.sensitivity(bars).get_title(loc="right") == "1 of 3 parameters has no value"


def test_another_table_has_no_sizes() -> None:
    with pytest.raises(InputError, match='no column "parameter" and "index"'):
        plots.convergence(results(3))
