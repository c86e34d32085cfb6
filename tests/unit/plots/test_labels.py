"""Words of a figure: short, and whole where they can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from epstudy.plots.labels import axis_label, level_text, number_text, wrapped


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


def test_a_column_has_its_unit_where_it_has_one() -> None:
    frame = pd.DataFrame({"eui": [1.0], "warnings": [1]})
    frame.attrs["units"] = {"eui": "kWh/m2", "warnings": "1"}
    assert [axis_label(frame, name) for name in ("eui", "warnings", "lpd")] == ["eui [kWh/m2]", "warnings", "lpd"]
