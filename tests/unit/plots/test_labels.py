"""Words of a figure: short, and whole where they can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.plots.labels import axis_label, level_text, level_texts, number_text, wrapped
from tests.unit.plots.tables import grid, results


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (None, "as in the model"),
        (float("nan"), "as in the model"),
        (6.0, "6"),
        (0.1 + 0.2, "0.3"),
        (np.int64(12), "12"),
        (True, "True"),
        (np.True_, "True"),
        ("triple", "triple"),
        ("", "''"),
        (123456.0, "123,456"),
    ],
)
def test_levels(level: object, text: str) -> None:
    assert level_text(level) == text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("InteriorEquipment:Electricity", ["InteriorEquipment:", "Electricity"]),
        ("a_rather_long_name_of_a_parameter", ["a_rather_long_name_of_a_", "parameter"]),
        ("a town with a very long name", ["a town with a very long", "name"]),
        ("word " * 40, ["word word word word word", "word word word word word", "word word word word word …"]),
    ],
)
def test_long_texts_are_broken_where_words_end(text: str, lines: list[str]) -> None:
    assert wrapped(text).split("\n") == lines


def test_numbers_are_short() -> None:
    assert [number_text(number) for number in (0.000123456789, 1.5, 99999.9, 1e12)] == [
        "0.000123457",
        "1.5",
        "100,000",
        "1e+12",
    ]


def test_levels_have_as_many_digits_as_tell_them_apart() -> None:
    assert level_texts([10000.1, 10000.2, None]) == ["10,000.1", "10,000.2", "as in the model"]
    assert level_texts([123456789.1, 123456789.2]) == ["123,456,789.1", "123,456,789.2"]
    assert level_texts([0.1 + 0.2, 0.4]) == ["0.3", "0.4"]
    assert level_texts([1 / 3, "a", "a"]) == ["0.333333", "a", "a"]


def test_a_dollar_is_no_formula() -> None:
    assert wrapped(wrapped("5 $ or 6 $")) == r"5 \$ or 6 \$"
    assert axis_label(pd.DataFrame(), "US$") == r"US\$"


def test_a_column_has_its_unit_where_it_has_one() -> None:
    frame = pd.DataFrame({"eui": [1.0], "warnings": [1]})
    frame.attrs["units"] = {"eui": "kWh/m2", "warnings": "1"}
    assert [axis_label(frame, name) for name in ("eui", "warnings", "lpd")] == ["eui [kWh/m2]", "warnings", "lpd"]


def test_a_scalar_is_named_in_words_and_its_unit_once() -> None:
    frame = pd.DataFrame()
    frame.attrs["units"] = {
        "site_eui_kwh_m2": "kWh/m2",
        "floor_area_m2": "m2",
        "heating_kwh": "kWh",
        "heating_kwh_saving": "kWh",
        "heating_kwh_saving_percent": "%",
        "kwh": "kWh",
    }
    assert [axis_label(frame, name) for name in frame.attrs["units"]] == [
        "Site EUI [kWh/m2]",
        "Floor area [m2]",
        "Heating [kWh]",
        "Heating saving [kWh]",
        "Heating saving [%]",
        "kwh [kWh]",
    ]


def test_a_parameter_is_called_by_its_label() -> None:
    frame = pd.DataFrame()
    frame.attrs = {
        "parameter_units": {"lpd": "W/m2", "ft": "W/m2"},
        "labels": {"lpd": "Lighting", "ft": "Lighting [W/ft2]"},
    }
    assert [axis_label(frame, name) for name in ("lpd", "ft")] == ["Lighting [W/m2]", "Lighting [W/ft2]"]


def test_a_new_figure_has_150_dots_an_inch() -> None:
    figures = [
        plots.line(results(5), "lpd", "eui").figure,
        plots.heatmap(grid(2, 2, panels=2), "lpd", "u_value", "eui", by="weather")[0].figure,
        plots.scatter_matrix(results(5), ["lpd", "eui"])[0, 0].figure,
    ]
    assert [figure.dpi for figure in figures] == [150, 150, 150]
