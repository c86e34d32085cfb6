"""A heat map shows every variant in its cell, and says no to what it cannot show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import grid, results


def frame() -> pd.DataFrame:
    table = pd.DataFrame({"a": [1, 1, 2, 2], "b": ["x", None, "x", None], "eui": [1.0, 2.0, 3.0, float("nan")]})
    table.attrs["units"] = {"eui": "kWh/m2"}
    return table


def test_each_cell_holds_its_variant() -> None:
    ax = plots.heatmap(frame(), "a", "b", "eui")
    assert ax.images[0].get_array().filled(-1).tolist() == [[1.0, 3.0], [2.0, -1.0]]
    assert sorted(text.get_text() for text in ax.texts) == ["1.000", "2.000", "3.000"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "as in the model"]
    assert ax.figure.axes[1].get_ylabel() == "eui [kWh/m2]"


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match='no column "c"; it has a, b, eui'):
        plots.heatmap(frame(), "a", "c", "eui")


def test_two_variants_in_one_cell_are_refused() -> None:
    with pytest.raises(InputError, match="several variants have the same"):
        plots.heatmap(pd.concat([frame(), frame()]), "a", "b", "eui")


def test_a_map_without_a_single_value_was_an_empty_frame() -> None:
    table = frame()
    table["eui"] = float("nan")
    ax = plots.heatmap(table, "a", "b", "eui")
    assert [text.get_text() for text in ax.texts] == ['no variant has a value of "eui"']
    assert ax.get_title(loc="right") == "4 of 4 variants have no value"
    assert len(ax.figure.axes) == 1, "a colour bar of nothing"


@pytest.mark.parametrize(("across", "up", "by"), [(12, 20, None), (8, 20, "weather"), (3, 2, None)])
def test_the_numbers_of_a_full_heat_map_were_printed_over_one_another(across: int, up: int, by: str | None) -> None:
    table = grid(across, up, panels=2 if by else 1)
    table["eui"] = 12_345.6 + table["eui"]
    axes = np.atleast_1d(plots.heatmap(table, "lpd", "u_value", "eui", by=by))
    axes[0].figure.draw_without_rendering()
    for ax in axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        assert len(boxes) == across * up
        assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_numbers_too_small_to_read_are_left_out() -> None:
    figure = Figure(figsize=(2, 1.5))
    assert len(plots.heatmap(grid(12, 20), "lpd", "u_value", "eui", ax=figure.add_subplot()).texts) == 0


def test_the_parameters_have_their_labels_and_units() -> None:
    table = grid(2, 2)
    table.attrs |= {"parameter_units": {"lpd": "W/m2"}, "labels": {"u_value": "U-factor of the windows"}}
    ax = plots.heatmap(table, "lpd", "u_value", "eui")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("lpd [W/m2]", "U-factor of the windows")


def test_a_third_parameter_has_panels_with_the_same_colours() -> None:
    axes = plots.heatmap(grid(3, 2, panels=3), "lpd", "u_value", "eui", by="weather")
    assert [ax.get_title() for ax in axes] == ["weather = town 0", "weather = town 1", "weather = town 2"]
    assert {ax.images[0].get_clim() for ax in axes} == {(10.0, 14.0)}
    assert len(axes[0].figure.axes) == 4, "one colour bar"
    assert axes[0].figure.get_supxlabel() == ""


def test_a_large_grid_has_no_numbers_and_few_ticks() -> None:
    ax = plots.heatmap(grid(100, 100), "lpd", "u_value", "eui")
    assert len(ax.texts) == 0
    assert 5 <= len(ax.get_xticks()) <= 15
    assert ax.get_xticklabels()[1].get_text() == "10"


def test_a_sample_is_no_grid_and_the_message_says_what_shows_it() -> None:
    with pytest.raises(InputError, match="a heat map needs a grid; scatter_matrix"):
        plots.heatmap(results(1000), "lpd", "u_value", "eui")


def test_levels_as_in_the_model_are_one_row_also_among_numbers() -> None:
    table = grid(2, 2).assign(u_value=[None, 1.5, None, 1.5])
    ax = plots.heatmap(table, "lpd", "u_value", "eui")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["as in the model", "1.5"]


def test_missing_numbers_are_counted() -> None:
    assert plots.heatmap(frame(), "a", "b", "eui").get_title(loc="right") == "1 of 4 variants has no value"
    table = grid(2, 2, panels=2)
    table.loc[:1, "eui"] = float("nan")
    axes = plots.heatmap(table, "lpd", "u_value", "eui", by="weather")
    assert axes[0].figure.get_supxlabel() == "2 of 8 variants have no value"


def test_numbers_of_energies_are_written_in_full() -> None:
    table = grid(1, 2).assign(eui=[123456.7, 12.345])
    assert [text.get_text() for text in plots.heatmap(table, "lpd", "u_value", "eui").texts] == ["123,457", "12.35"]


def test_one_axes_is_no_place_for_several_panels() -> None:
    ax = plots.heatmap(grid(2, 2), "lpd", "u_value", "eui")
    with pytest.raises(InputError, match="this figure has 2 panels, and ax= has room for one"):
        plots.heatmap(grid(2, 2, panels=2), "lpd", "u_value", "eui", by="weather", ax=ax)


def test_levels_that_differ_in_the_eighth_digit_read_the_same() -> None:
    table = grid(3, 2).assign(lpd=[0.12345671, 0.12345671, 0.12345672, 0.12345672, 0.12345673, 0.12345673])
    labels = [label.get_text() for label in plots.heatmap(table, "lpd", "u_value", "eui").get_xticklabels()]
    assert labels == ["0.12345671", "0.12345672", "0.12345673"]


def test_an_infinite_number_is_none_and_counted() -> None:
    table = grid(3, 2)
    table.loc[0, "eui"] = float("inf")
    ax = plots.heatmap(table, "lpd", "u_value", "eui")
    assert ax.get_title(loc="right") == "1 of 6 variants has no value"
    ax.figure.canvas.draw()


def test_prices_as_panels_were_formulas() -> None:
    table = grid(3, 2, panels=2).replace({"weather": {"town 0": "$1_$2", "town 1": "$x$"}})
    axes = plots.heatmap(table.rename(columns={"lpd": "US$ $"}), "US$ $", "u_value", "eui", by="weather")
    axes[0].figure.canvas.draw()
    assert [ax.get_title() for ax in axes] == [r"weather = \$1_\$2", r"weather = \$x\$"]


def test_a_heat_map_of_texts_is_refused() -> None:
    with pytest.raises(InputError, match="\"status\" holds 'done', not numbers"):
        plots.heatmap(grid(2, 2), "lpd", "u_value", "status")


def test_a_name_that_was_mistyped_is_found() -> None:
    with pytest.raises(InputError, match='no column "u_valu"; did you mean "u_value"\\?'):
        plots.heatmap(grid(2, 2), "lpd", "u_valu", "eui")
