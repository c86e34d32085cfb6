"""Monthly end uses add up to what the series say, month by month."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import design_days, series


def heights(ax: object) -> dict[str, list[float]]:
    return {bars.get_label(): [bar.get_height() for bar in bars] for bars in ax.containers}


def monthly(hourly: pd.DataFrame) -> pd.DataFrame:
    """What a monthly meter reports: stamped with the first of the next month."""
    begins = hourly.index - pd.Timedelta(hours=1)
    sums = hourly.groupby(begins.to_period("M").to_timestamp()).sum()
    sums.index = pd.DatetimeIndex(sums.index + pd.DateOffset(months=1), name="time")
    sums.attrs = hourly.attrs
    return sums


def test_hourly_and_monthly_meters_give_the_same_bars() -> None:
    fans = series(2, days=365)
    ax = plots.monthly_end_uses({"fans": fans, "pumps": fans / 2}, 1)
    same = plots.monthly_end_uses({"fans": monthly(fans), "pumps": monthly(fans / 2)}, 1)
    assert [np.allclose(heights(ax)[use], heights(same)[use]) for use in ("fans", "pumps")] == [True, True]
    assert np.isclose(sum(heights(ax)["fans"]), fans[1].sum())
    assert [label.get_text() for label in ax.get_xticklabels()][:3] == ["Jan", "Feb", "Mar"]
    assert len(heights(ax)["fans"]) == 12
    assert (ax.get_ylabel(), ax.get_title(loc="right")) == ("energy [kWh]", "variant 1")


def test_the_largest_is_lowest_and_the_legend_stands_as_the_bars_do() -> None:
    fans = series(1, days=59)
    ax = plots.monthly_end_uses({"pumps": fans / 2, "fans": fans, "nothing": fans * 0})
    assert list(heights(ax)) == ["fans", "pumps"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["pumps", "fans"]
    assert len({bars[0].get_hatch() for bars in ax.containers}) == 2


def test_of_many_end_uses_the_smallest_are_others() -> None:
    fans = series(1, days=31)
    ax = plots.monthly_end_uses({f"use {place}": fans * (place + 1) for place in range(14)})
    assert list(heights(ax))[-1] == "others"
    assert len(ax.containers) == 9
    assert np.isclose(heights(ax)["others"][0], fans[0].sum() * sum(range(1, 7)))


def test_what_is_generated_hangs_below_zero() -> None:
    fans = series(1, days=31)
    ax = plots.monthly_end_uses({"fans": fans, "generators": -fans / 2})
    bottoms = {bars.get_label(): bars[0].get_y() for bars in ax.containers}
    assert bottoms == {"fans": 0.0, "generators": 0.0}
    assert heights(ax)["generators"][0] < 0


def test_a_table_of_months_is_drawn_as_it_is() -> None:
    table = pd.DataFrame({"heating": [3.0, 1.0], "fans": [1.0, np.nan]}, index=["January", "February"])
    ax = plots.monthly_end_uses(table)
    assert heights(ax) == {"heating": [3.0, 1.0], "fans": [1.0, 0.0]}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["January", "February"]


@pytest.mark.parametrize(
    ("uses", "message"),
    [
        ({}, "monthly end uses need series"),
        ({"fans": series(2)}, "say which variant to draw"),
        ({"air": series(1, name="t").pipe(lambda t: t.set_axis(t.index))}, None),
        ({"fans": design_days(1)}, "monthly end uses shows one simulated period"),
        (pd.DataFrame({"use": ["fans"]}), "'use' is not of numbers"),
        (pd.DataFrame(), "it is empty"),
    ],
)
def test_what_has_no_months_says_why(uses: object, message: str | None) -> None:
    if message is None:
        uses["air"].attrs["units"] = {"Zone Mean Air Temperature": "C"}
        message = '"air" is in C: only what is counted can be stacked'
    with pytest.raises(InputError, match=message):
        plots.monthly_end_uses(uses)


def test_two_units_do_not_stack() -> None:
    water = series(1)
    water.attrs["units"] = {"Water": "m3"}
    with pytest.raises(InputError, match='found "fans" in kWh, "water" in m3'):
        plots.monthly_end_uses({"fans": series(1), "water": water})
