"""Equal inputs have equal digests on every machine."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from epstudy.core.canonical import canonical, digest
from epstudy.core.errors import InputError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (-0.0, 0.0),
        (np.float64(0.1), 0.1),
        (np.int64(3), 3.0),
        (np.array(2.5), 2.5),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1.0}),
        ((1, 2), [1.0, 2.0]),
        (1e3, 1000),
    ],
)
def test_the_same_number_has_one_text(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (False, 0), ("1", 1), (None, 0), ("", None), (0.1, 0.1 + 1e-17 * 8)]
)
def test_different_values_have_different_texts(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_true_from_numpy_is_true_and_not_one() -> None:
    assert canonical(np.bool_(True)) == "true"


def test_an_integer_that_no_float_holds_stays_exact() -> None:
    assert canonical(2**53 + 1) == str(2**53 + 1)
    assert canonical(10**400) == str(10**400)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, np.float64("nan"), pd.NaT, object(), {1: 2}, {"a": math.nan}]
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        canonical(value)


def test_digests_are_pinned() -> None:
    assert digest({"b": [1, 2.5, True, None], "a": "é"}) == PINNED


PINNED = "6fecc7d79f66f3877ddf161f0890264a49f0b08b7361ce0b723c8226d7b6d5dc"
