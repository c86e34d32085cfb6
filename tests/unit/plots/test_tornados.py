"""A tornado shows one change at a time, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import changed_alone, grid, results


def bars(ax: object) -> dict[str, tuple[float, float]]:
    """The lowest and the highest end of the bar of each parameter."""
    found: dict[str, list[float]] = {}
    names = [label.get_text() for label in ax.get_yticklabels()]
    for patch in ax.patches:
        ends = found.setdefault(names[round(patch.get_y() + patch.get_height() / 2)], [])
        ends += [patch.get_x(), patch.get_x() + patch.get_width()]
    return {name: (min(ends), max(ends)) for name, ends in found.items()}


def test_each_bar_reaches_from_the_lowest_to_the_highest_and_the_widest_is_on_top() -> None:
    ax = plots.tornado(changed_alone(), "eui")
    assert bars(ax) == {"terrain": (50.0, 51.0), "glazing": (46.0, 50.0), "lpd": (44.0, 57.0)}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["terrain", "glazing", "lpd"]
    assert {text.get_text() for text in ax.texts} == {"6", "12", "triple", "Country"}
    assert ax.get_xlabel() == "eui [kWh/m2]"
    assert ax.get_title(loc="right") == "baseline: variant 0, 50"


def test_any_variant_can_be_the_baseline() -> None:
    table = grid(3, 3)
    middle = int(np.flatnonzero((table["lpd"] == 1) & (table["u_value"] == 1))[0])
    assert bars(plots.tornado(table, "eui", baseline=middle)) == {"lpd": (10.0, 12.0), "u_value": (10.0, 12.0)}


def test_the_levels_of_the_baseline_are_named() -> None:
    table = grid(3, 3)
    table.attrs["parameter_units"] = {"lpd": "W/m2"}
    middle = int(np.flatnonzero((table["lpd"] == 1) & (table["u_value"] == 2))[0])
    ax = plots.tornado(table, "eui", baseline=middle)
    right = ax.figure.axes[1]
    named = dict(zip(*([label.get_text() for label in one.get_yticklabels()] for one in (ax, right)), strict=True))
    assert named == {"lpd [W/m2]": "1", "u_value": "2"}


def test_results_relative_to_a_variant_know_their_baseline() -> None:
    table = changed_alone()
    table.attrs["relative_to"] = 1
    assert "variant 1" in plots.tornado(table, "eui").get_title(loc="right")


def test_the_baseline_of_the_study_is_known() -> None:
    table = changed_alone()
    table.attrs["baseline"] = 1
    assert "variant 1" in plots.tornado(table, "eui").get_title(loc="right")


def test_results_say_which_columns_are_parameters() -> None:
    table = changed_alone()[["eui", "glazing", "lpd", "terrain"]]
    table.attrs["parameters"] = ["lpd", "glazing", "terrain"]
    assert list(bars(plots.tornado(table, "eui"))) == ["terrain", "glazing", "lpd"]


def test_failed_variants_are_counted_among_those_that_count() -> None:
    table = changed_alone()
    table.loc[[2, 6], "eui"] = np.nan
    ax = plots.tornado(table, "eui")
    assert bars(ax)["lpd"] == (44.0, 50.0)
    assert ax.get_title(loc="right").splitlines()[1] == "1 of 5 variants has no value"


def test_an_infinite_result_was_an_error_of_matplotlib() -> None:
    table = changed_alone()
    table.loc[2, "eui"] = np.inf
    ax = plots.tornado(table, "eui")
    assert bars(ax)["lpd"] == (44.0, 50.0)
    assert ax.get_title(loc="right").splitlines()[1] == "1 of 5 variants has no value"
    table.loc[0, "eui"] = np.inf
    with pytest.raises(InputError, match='the baseline, has no "eui"'):
        plots.tornado(table, "eui")


def test_many_parameters_and_variants() -> None:
    count = 100
    table = pd.DataFrame({f"parameter_{place}": [None] * (count * count + 1) for place in range(count)}, dtype=object)
    for place in range(count):
        table.iloc[1 + place * count : 1 + (place + 1) * count, place] = [float(level) for level in range(count)]
    table["status"] = "done"
    table["eui"] = 50 + np.random.default_rng(3).normal(0, 1, len(table))
    ax = plots.tornado(table, "eui")
    assert len(bars(ax)) == 30
    assert "the widest 30 of 100 parameters" in ax.get_title(loc="right")
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda table: table, {"baseline": 99}, "baseline=99 is no variant of this table; it has 0 to 6"),
        (lambda table: table.drop(index=0), {}, "in no variant is every parameter as in the model; .* baseline=0"),
        (lambda table: table.loc[[0, 6]], {}, "no variant differs from variant 0 in one parameter only"),
        (lambda table: table.assign(eui=[np.nan, *table["eui"][1:]]), {}, 'the baseline, has no "eui"'),
        (lambda table: table.drop(columns="status"), {}, 'no column "status", before which the parameters stand'),
    ],
)
def test_what_has_no_single_changes_says_what_to_do(change: object, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.tornado(change(changed_alone()), "eui", **options)


def test_a_sample_has_no_single_changes() -> None:
    with pytest.raises(InputError, match=r"make the study with ep\.Study"):
        plots.tornado(results(50), "eui", baseline=0)
