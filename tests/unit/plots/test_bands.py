"""The band holds the variants that it says, step by step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import design_days, series


def labels(ax: object) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_median_and_the_bands() -> None:
    table = series(101, days=1)
    ax = plots.band(table)
    assert np.allclose(ax.lines[0].get_ydata(), table[50])
    edges = {found.get_label(): found.get_paths()[0].vertices[:, 1] for found in ax.collections}
    assert np.isclose(edges["nine in ten of them"].min(), table[5].min())
    assert np.isclose(edges["half of them"].max(), table[75].max())


def test_few_variants_have_a_band_from_the_lowest_to_the_highest() -> None:
    table = series(4)
    table[0] = np.nan
    ax = plots.band(table)
    assert labels(ax) == ["median of 3 variants", "from lowest to highest"]
    assert ax.get_title(loc="right") == "1 of 4 series has no value"


def test_a_year_of_hours_is_taken_by_days_energies_summed() -> None:
    table = series(3, days=365)
    ax = plots.band(table)
    assert len(ax.lines[0].get_xdata()) == 365
    assert np.allclose(ax.lines[0].get_ydata()[1], table[1].iloc[24:48].sum())
    assert ax.get_ylabel() == "Fans:Electricity [kWh in a day]"


def test_a_year_of_temperatures_is_averaged_by_days() -> None:
    table = series(3, days=365)
    table.attrs["units"] = {"Zone Mean Air Temperature": "C"}
    ax = plots.band(table)
    assert np.allclose(ax.lines[0].get_ydata()[1], table[1].iloc[24:48].mean())
    assert ax.get_ylabel() == "Zone Mean Air Temperature [C]"


def test_months_stand_where_they_begin_and_end() -> None:
    stamps = pd.date_range("2017-02-01", periods=12, freq="MS", name="time")
    table = pd.DataFrame({0: np.arange(12.0), 1: np.arange(12.0)}, index=stamps)
    table.attrs["units"] = {"Fans:Electricity": "kWh"}
    ax = plots.band(table)
    assert ax.lines[0].get_xdata()[0] == np.datetime64("2017-01-16")
    assert ax.get_ylabel() == "Fans:Electricity [kWh in a month]"


def test_a_slice_by_days_began_with_a_day_of_one_hour() -> None:
    ax = plots.band(series(3, days=365).loc["2017-06":"2017-08"])
    assert ax.get_title(loc="right") == "without 31 May and 31 Aug, of which there is a part"
    assert len(ax.lines[0].get_xdata()) == 91
    assert ax.lines[0].get_xdata()[0] == np.datetime64("2017-06-01T12:00")


def test_ten_variants_with_three_keys_were_thirty_variants() -> None:
    table = series(30)
    table.columns = pd.MultiIndex.from_product([range(10), ["Attic", "Core_ZN", "Cellar"]], names=["variant", "key"])
    assert labels(plots.band(table))[0] == "median of 30 series"
    assert plots.load_profile(table).get_legend().get_texts()[0].get_text() == "median of 30 series"


def test_design_days_have_panels_with_axes_of_their_own() -> None:
    axes = plots.band(design_days(30))
    assert [ax.get_title() for ax in axes] == ["Chicago winter", "Chicago summer"]
    assert axes[0].get_xlim() != axes[1].get_xlim()


def test_infinite_values_of_a_series_were_warnings_of_numpy() -> None:
    table = series(3)
    table.iloc[5, 1] = np.inf
    with pytest.raises(InputError, match="1 of 3 columns of this series have infinite values"):
        plots.band(table)


def test_a_table_without_stamps_is_refused() -> None:
    with pytest.raises(InputError, match="a series has a row a time step"):
        plots.band(pd.DataFrame({"a": [1.0, 2.0]}))
