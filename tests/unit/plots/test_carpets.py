"""A stamp ends its interval: the mean day and the carpet put each value where it belongs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import design_days, series


def test_a_mean_stands_in_the_middle_of_its_hour() -> None:
    ax = plots.load_profile(series(1, days=7))
    assert ax.lines[0].get_xdata().tolist() == [hour + 0.5 for hour in range(24)]
    means = ax.lines[0].get_ydata()
    assert np.allclose(means[[7, 8, 17, 18]], [1, (5 * 9 + 2) / 7, (5 * 9 + 2) / 7, 1])
    assert ax.get_ylabel() == "Fans:Electricity [kWh]"


def test_working_days_and_weekends_have_panels() -> None:
    working, weekend = plots.load_profile(series(2, days=14), by="weekday")
    assert (working.get_title(), weekend.get_title()) == ("Monday to Friday", "Saturday and Sunday")
    assert working.lines[0].get_ydata()[12] == 9.0
    assert weekend.lines[0].get_ydata()[12] == 1.0
    assert [text.get_text() for text in working.figure.legends[0].get_texts()] == ["variant 0", "variant 1"]


def test_the_saturdays_of_energyplus_were_taken_for_sundays() -> None:
    """2020 without its 29 February: from 1 March on a day that the calendar calls Sunday ran as a Saturday."""
    table = series(1, days=14, begin="2020-03-02")  # busy by the calendar's Monday to Friday
    dates = pd.date_range("2020-03-02", periods=14)
    shifted = {str(date.date()): (date - pd.Timedelta(days=1)).day_name() for date in dates}
    table.attrs["day_types"] = [{"variants": None, "environment": None, "days": shifted}]
    working, weekend = plots.load_profile(table, by="weekday")
    assert np.isclose(working.lines[0].get_ydata()[12], (4 * 9 + 1) / 5), "Tuesday to Saturday of the calendar"
    assert np.isclose(weekend.lines[0].get_ydata()[12], (9 + 1) / 2), "Sunday and Monday of the calendar"


def test_holidays_are_neither_weekdays_nor_weekend() -> None:
    table = series(1, days=14)
    days = {"2017-01-02": "Holiday", "2017-01-07": "CustomDay1"}
    table.attrs["day_types"] = [{"variants": None, "environment": None, "days": days}]
    axes = plots.load_profile(table, by="weekday")
    assert [ax.get_title() for ax in axes] == ["Monday to Friday", "Saturday and Sunday", "CustomDay1", "Holiday"]
    assert [ax.lines[0].get_ydata()[12] for ax in axes] == [9.0, 1.0, 1.0, 9.0]


def test_variants_of_two_years_have_each_its_own_weekend() -> None:
    table = series(2, days=14)
    table[1] = np.roll(series(1, days=14)[0].to_numpy(), 24)  # a year that begins a weekday earlier
    days = {
        str(date.date()): (date - pd.Timedelta(days=1)).day_name() for date in pd.date_range("2017-01-01", periods=14)
    }
    table.attrs["day_types"] = [
        {"variants": [0], "environment": None, "days": {}},
        {"variants": [1], "environment": None, "days": days},
    ]
    working, weekend = plots.load_profile(table, by="weekday")
    assert [line.get_ydata()[12] for line in working.lines] == [9.0, 9.0]
    assert [line.get_ydata()[12] for line in weekend.lines] == [1.0, 1.0]
    with pytest.raises(InputError, match="which variant the column 'b' is cannot be told"):
        plots.load_profile(table.rename(columns={1: "b"}), by="weekday")


def test_a_29_february_of_other_variants_leaves_no_gap() -> None:
    table = series(2, days=60, begin="2020-02-01")
    table.loc["2020-02-29 01:00":"2020-03-01 00:00", 0] = np.nan  # type: ignore[misc]
    table.attrs["units"] = {"Fans:Electricity": "kWh"}
    months = plots.monthly_end_uses({"fans": table}, 0)
    assert months.get_title(loc="right") == "variant 0", "no month is in part"
    assert np.isclose(months.containers[0][0].get_height(), table[0].iloc[: 28 * 24].sum())
    assert np.isclose(
        plots.monthly_end_uses({"fans": table}, 1).containers[0][0].get_height(), table[1].iloc[: 29 * 24].sum()
    )
    plots.band(table[[0]])
    assert plots.carpet(table, 0).images[0].get_array().shape[1] == 60


def test_seasons_have_panels_as_far_as_they_were_simulated() -> None:
    titles = [ax.get_title() for ax in plots.load_profile(series(1, days=90), by="season")]
    assert titles == ["December to February", "March to May"]


def test_design_days_have_panels() -> None:
    axes = plots.load_profile(design_days(2))
    assert [ax.get_title() for ax in axes] == ["Chicago winter", "Chicago summer"]


def test_more_than_eight_variants_are_a_band() -> None:
    table = series(30)
    table[3] = np.nan
    ax = plots.load_profile(table)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["median of 29 variants", "half of them", "nine in ten of them"]
    assert ax.get_title(loc="right") == "1 of 30 series has no value"


def test_columns_are_called_as_they_are_named() -> None:
    table = series(2).rename(columns={0: "24 °C", 1: "26 °C"})
    assert [text.get_text() for text in plots.load_profile(table).get_legend().get_texts()] == ["24 °C", "26 °C"]
    pairs = pd.concat({0: series(1)[0], 1: series(1)[0]}, axis=1)
    pairs.columns = pd.MultiIndex.from_tuples([(0, "Core_ZN"), (1, "Core_ZN")], names=["variant", "key"])
    said = [text.get_text() for text in plots.load_profile(pairs).get_legend().get_texts()]
    assert said == ["variant 0, Core_ZN", "variant 1, Core_ZN"]


def test_a_mean_over_variants_was_called_variant_0() -> None:
    mean = series(3).mean(axis=1)
    assert plots.carpet(mean).get_title(loc="right") == ""
    assert plots.load_profile(mean).get_legend() is None
    assert plots.carpet(series(3)[2]).get_title(loc="right") == "variant 2"


def test_energies_in_other_steps_say_how_long_these_are() -> None:
    ax = plots.load_profile(series(1, steps_a_day=96))
    assert ax.get_ylabel() == "Fans:Electricity [kWh in 15 minutes]"
    assert len(ax.lines[0].get_xdata()) == 96


def test_the_last_hour_of_a_day_is_in_the_column_of_that_day() -> None:
    table = series(1, days=2)
    table.iloc[23, 0] = 99.0  # stamped 2017-01-02 00:00
    ax = plots.carpet(table)
    cells = ax.images[0].get_array()
    assert cells.shape == (24, 2)
    assert cells[23, 0] == 99.0
    assert ax.figure.axes[1].get_ylabel() == "Fans:Electricity [kWh]"


@pytest.mark.parametrize(("steps_a_day", "days"), [(24, 365), (96, 365), (144, 30)])
def test_a_carpet_holds_every_step(steps_a_day: int, days: int) -> None:
    ax = plots.carpet(series(3, days=days, steps_a_day=steps_a_day), 2)
    cells = ax.images[0].get_array()
    assert cells.shape == (steps_a_day, days)
    assert cells.count() == steps_a_day * days
    assert ax.get_title(loc="right") == "variant 2"
    ax.figure.canvas.draw()


def test_a_gap_stays_white() -> None:
    table = series(1, days=4).drop(series(1, days=4).index[24:48])
    assert plots.carpet(table).images[0].get_array().count() == 72


def test_a_variant_is_chosen_by_its_index_or_with_its_key() -> None:
    table = series(4)
    table.columns = pd.MultiIndex.from_product([[0, 1], ["Core_ZN", "Attic"]], names=["variant", "key"])
    assert plots.carpet(table, (1, "Attic")).get_title(loc="right") == "variant 1, Attic"
    with pytest.raises(InputError, match="variant=1 is several columns"):
        plots.carpet(table, 1)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (series(3), {}, "say which variant to draw, variant=; it has 0, 1, 2"),
        (series(3), {"variant": 7}, "variant=7 is no column of this series; it has 0, 1, 2"),
        (series(2).assign(**{"1": np.nan}), {"variant": "1"}, "1 has no values in this series"),
        (design_days(1), {}, r'one simulated period; .* choose one, series.loc\["Chicago winter"\]'),
        (series(1).reset_index(drop=True), {}, r"give what study.timeseries\(\) returned"),
        (series(1, steps_a_day=1), {}, "needs steps of less than a day; those of this series have a day"),
    ],
)
def test_what_cannot_be_a_carpet_says_why(table: pd.DataFrame, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.carpet(table, **options)


def test_steps_of_different_lengths_are_refused() -> None:
    table = series(1, days=1, steps_a_day=96)
    with pytest.raises(InputError, match=r"ask for the output .hourly. or .timestep."):
        plots.load_profile(table.drop(table.index[1::3]))


def test_an_unknown_way_to_part_days_is_refused() -> None:
    with pytest.raises(InputError, match='by="month" is no way to part days'):
        plots.load_profile(series(1), by="month")


def test_a_series_of_failed_variants_has_nothing_to_show() -> None:
    with pytest.raises(InputError, match="no variant of this series has values"):
        plots.load_profile(series(2) * np.nan)
