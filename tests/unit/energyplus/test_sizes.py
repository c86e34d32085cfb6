"""Of two rows about one size, the one that runs is told."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from epstudy.engines.energyplus.outputs.sizes import what_runs

CAPACITY = "Gross Rated Total Cooling Capacity"


def sizes(*rows: tuple[str, float]) -> pd.DataFrame:
    named = [(0, "Coil", "A", description, value, "W") for description, value in rows]
    return pd.DataFrame(named, columns=["variant", "component_class", "component", "description", "value", "unit"])


@pytest.mark.parametrize(
    ("rows", "value", "designed", "user_specified", "source"),
    [
        ([(f"Design Size {CAPACITY}", 7e3)], 7e3, 7e3, math.nan, "designed"),
        ([(f"Design Size {CAPACITY}", 7e3), (f"User-Specified {CAPACITY}", 5e3)], 5e3, 7e3, 5e3, "user-specified"),
        ([(f"User-Specified {CAPACITY}", 5e3)], 5e3, math.nan, 5e3, "user-specified"),
        ([(f"Initial Design Size {CAPACITY}", 6e3), (f"Design Size {CAPACITY} ", 7e3)], 7e3, 7e3, math.nan, "designed"),
        (
            [(f"Initial Design size {CAPACITY}", 6e3), (f"User-Specified {CAPACITY}", 0.0)],
            *(0.0, 6e3, 0.0, "user-specified"),
        ),
        ([(f"User-Specified(scaled by fractional multiplier) {CAPACITY}", 5e3)], 5e3, math.nan, 5e3, "user-specified"),
        ([(f"User-Specified Design Size {CAPACITY}", 5e3)], 5e3, math.nan, 5e3, "user-specified"),
    ],
)
def test_the_size_that_the_model_fixes_runs_else_the_designed_one(
    rows: list[tuple[str, float]], value: float, designed: float, user_specified: float, source: str
) -> None:
    (row,) = what_runs(sizes(*rows)).to_dict("records")
    assert row["description"] == f"Design Size {CAPACITY}"
    assert (row["value"], row["source"]) == (value, source)
    assert row["designed"] == pytest.approx(designed, nan_ok=True)
    assert row["user_specified"] == pytest.approx(user_specified, nan_ok=True)


def test_what_energyplus_says_in_other_words_stays_as_it_is() -> None:
    frame = what_runs(
        sizes(("Maximum Loop Flow Rate", 1.0), ("Initial Maximum Loop Flow Rate", 2.0), ("Design Size X", 3))
    )
    assert frame["description"].tolist() == [
        "Maximum Loop Flow Rate",
        "Initial Maximum Loop Flow Rate",
        "Design Size X",
    ]
    assert frame["value"].tolist() == [1.0, 2.0, 3.0]
    assert frame["source"].tolist() == ["", "", "designed"]
    assert frame["designed"].isna().tolist() == [True, True, False]


def test_no_row_is_lost_when_a_component_is_sized_twice() -> None:
    rows = [("Design Size X", 1.0), ("User-Specified X", 2.0), ("Design Size X", 3.0), ("User-Specified X", 4.0)]
    frame = what_runs(sizes(*rows))
    assert frame[["designed", "user_specified"]].to_numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]
    two = pd.concat([sizes(rows[0]), sizes(rows[1]).assign(variant=1), sizes(rows[0]).assign(component="B")])
    assert what_runs(two)["value"].tolist() == [1.0, 2.0, 1.0], "of other variants and components"
