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
    assert ax.get_title(loc="right") == "1 of 4 bars has no value"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["January", "February"]


def ticks(ax: object) -> list[str]:
    return [label.get_text() for label in ax.get_xticklabels()]


def test_two_years_were_twelve_bars_that_added_both_januaries() -> None:
    fans = series(1, days=730)
    ax = plots.monthly_end_uses({"fans": fans})
    assert len(heights(ax)["fans"]) == 24
    assert [ticks(ax)[place] for place in (0, 12)] == ["Jan 2017", "Jan 2018"]
    assert np.isclose(heights(ax)["fans"][0], fans[0].iloc[: 31 * 24].sum())


@pytest.mark.parametrize("rule", ["ME", "MS"])
@pytest.mark.parametrize("name", ["time", None])
@pytest.mark.parametrize("of_series", [True, False])
def test_months_of_resample_were_drawn_a_month_too_early(rule: str, name: str | None, of_series: bool) -> None:
    table = series(1, days=365).resample(rule).sum().rename_axis(name)
    with pytest.raises(InputError, match=r'table\.index = table\.index\.strftime\("%b"\)'):
        plots.monthly_end_uses({"fans": table} if of_series else table)


def test_series_of_different_months_were_in_the_order_of_the_alphabet() -> None:
    fans = series(1, days=365)
    with pytest.raises(InputError, match='found "fans" from 2017-01 to 2017-12, "pumps" from 2017-01 to 2017-03'):
        plots.monthly_end_uses({"fans": fans, "pumps": fans.iloc[: 90 * 24]})


def test_a_month_without_a_value_was_zero_and_nothing_said_so() -> None:
    fans = series(1, days=59)
    fans.iloc[40 * 24, 0] = np.nan
    ax = plots.monthly_end_uses({"fans": fans, "pumps": series(1, days=59)})
    assert heights(ax)["fans"][1] == 0.0
    assert ax.get_title(loc="right").splitlines() == ["variant 0", "1 of 4 bars has no value"]


def test_an_infinite_month_was_a_warning_of_numpy() -> None:
    table = pd.DataFrame({"heating": [3.0, np.inf]}, index=["January", "February"])
    assert plots.monthly_end_uses(table).get_title(loc="right") == "1 of 2 bars has no value"


def test_a_variant_that_has_no_such_use_was_refused() -> None:
    gas, fans = series(2, days=31), series(2, days=31)
    gas[1] = np.nan
    ax = plots.monthly_end_uses({"gas": gas, "fans": fans}, 1)
    assert list(heights(ax)) == ["fans"]
    assert ax.get_title(loc="right") == "variant 1"


def test_a_variant_without_any_values_is_refused() -> None:
    fans = series(2, days=31)
    fans[1] = np.nan
    with pytest.raises(InputError, match="variant 1 has no values in any of these series"):
        plots.monthly_end_uses({"fans": fans, "pumps": fans}, 1)


def test_a_slice_by_days_had_a_month_of_one_hour() -> None:
    summer = series(1, days=365).loc["2017-06":"2017-08"]
    ax = plots.monthly_end_uses({"fans": summer})
    assert ticks(ax) == ["May", "Jun", "Jul", "Aug"]
    said = ax.get_title(loc="right").splitlines()
    assert said == ["variant 0", "in part: May (1 of 744 steps), Aug (743 of 744 steps)"]


def test_a_part_of_a_month_is_said_of_whichever_series_has_it() -> None:
    fans = series(1, days=31)
    ax = plots.monthly_end_uses({"fans": fans, "pumps": fans.iloc[:700], "heat": fans.iloc[:700]})
    assert ax.get_title(loc="right").splitlines() == ["variant 0", "in part: Jan (700 of 744 steps)"]


def test_a_sum_over_zones_was_called_variant_0() -> None:
    assert plots.monthly_end_uses({"fans": series(3, days=31).sum(axis=1)}).get_title(loc="right") == ""


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
