"""Parameters say what they set, and refuse what they cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import epstudy as ep
from epstudy.core.errors import InputError
from epstudy.core.parameter import Field, split_target

TARGET = "Lights/*/watts_per_floor_area"


@pytest.mark.parametrize(
    "levels", [[6.0, 8.0], (6, 8), np.array([6.0, 8.0]), pd.Series([6, 8]), range(6, 9, 2), pd.Index([6.0, 8.0])]
)
def test_levels_come_from_whatever_holds_numbers(levels: object) -> None:
    assert [level.value for level in Field(TARGET, levels).levels] == [6.0, 8.0]


def test_whole_numbers_stay_whole_as_labels() -> None:
    labels = [level.label for level in Field(TARGET, [6, 8.5, np.int64(9)]).levels]
    assert labels == [6, 8.5, 9]
    assert [type(label) for label in labels] == [int, float, int]


def test_a_dict_gives_labels_to_values() -> None:
    field = Field("Lights/*/schedule_name", {"always": "ALWAYS_ON", "as is": None})
    assert [(level.label, level.value) for level in field.levels] == [("always", "ALWAYS_ON"), ("as is", None)]


def test_none_is_a_level() -> None:
    assert [level.value for level in Field(TARGET, [None, 6]).levels] == [None, 6.0]


@pytest.mark.parametrize("levels", [np.zeros((2, 2)), np.array(3.0), pd.DataFrame({"a": [1], "b": [2]})])
def test_levels_are_one_column(levels: object) -> None:
    with pytest.raises(InputError, match="levels are"):
        Field(TARGET, levels)


@pytest.mark.parametrize("levels", ["abc", 5, {1, 2}, [math.nan], [math.inf], [object()], [np.float64("nan")]])
def test_impossible_levels_are_refused(levels: object) -> None:
    with pytest.raises(InputError):
        Field(TARGET, levels)


@pytest.mark.parametrize(
    "target", ["Lights", "Lights/x", "//", "Lights//y", "", [], ["Lights/*/x", "nope"], [3], 5, None]
)
def test_a_target_has_three_parts(target: object) -> None:
    with pytest.raises(InputError, match=r"target|Field needs"):
        Field(target, [1.0])


def test_object_names_may_hold_slashes() -> None:
    assert split_target("Material/1/2IN Gypsum/conductivity") == ("Material", "1/2IN Gypsum", "conductivity")


def test_a_parameter_is_a_frozen_value() -> None:
    assert Field(TARGET, [1.0]) == Field(TARGET, [1])
    with pytest.raises(AttributeError):
        Field(TARGET, [1.0]).levels = ()


@pytest.mark.parametrize(
    "make",
    [
        lambda label: ep.Field("Lights/*/watts_per_floor_area", [1.0], label=label),
        lambda label: ep.Scale("Lights/*/watts_per_floor_area", [1.0], label=label),
        lambda label: ep.Weather(["a.epw"], label=label),
        lambda label: ep.Construction("walls", ["Brick"], label=label),
        lambda label: ep.Measure("package.module:name", [1.0], label=label),
    ],
)
def test_every_parameter_can_have_a_label(make: Callable[[Any], Any]) -> None:
    assert make(" Lighting ").label == "Lighting"
    assert make(None).label is None
    with pytest.raises(InputError, match="label is 3; expected a text"):
        make(3)
