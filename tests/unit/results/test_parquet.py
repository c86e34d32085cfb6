"""Series of many variants stand side by side or stacked, aligned by position. On small Parquet files made here."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epstudy.core.errors import InputError
from epstudy.results.day_types import day_types
from epstudy.results.parquet import about, long_series, long_table, wide_series

DAY = 24


def content(columns: Mapping[str, Any], **said: Any) -> bytes:
    """A file as the store holds it."""
    table = pa.table(dict(columns)).replace_schema_metadata({b"epstudy": json.dumps(said).encode()})
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


def series(steps: int = DAY, year: int = 2017, begin: str = "01-01", **keys: float) -> bytes:
    """Hours from 1 January, and for each key a value that is its own all day long."""
    time = np.datetime64(f"{year}-{begin}", "us") + np.arange(1, steps + 1) * np.timedelta64(60, "m")
    columns = {key: np.full(steps, value) for key, value in keys.items()}
    return content({"time": time, **columns}, name="Some Energy", unit="kWh")


def numbered(steps: int, begin: str, days: Mapping[str, str] | None = None, step: str = "h", **said: Any) -> bytes:
    """Steps from a day on, each with the day of the month that it is in as its value."""
    time = np.datetime64(begin, step) + np.arange(1, steps + 1).astype(f"timedelta64[{step}]")
    day = pd.DatetimeIndex(time.astype("datetime64[us]") - np.timedelta64(1, "m")).day.to_numpy().astype(float)
    known = {"day_types": {"RUN": dict(days)}} if days else {}
    return content({"time": time.astype("datetime64[us]"), "a": day}, name="Some Energy", unit="kWh", **known, **said)


def nothing(note: str = "") -> bytes:
    """A variant that did not report it."""
    return content({"time": pa.array([], pa.timestamp("us"))}, **({"note": note} if note else {}))


def test_each_variant_is_a_column_and_each_step_a_row() -> None:
    frame = wide_series({0: series(a=1.0), 7: series(a=2.0)}, "some energy")
    assert frame.shape == (DAY, 2)
    assert list(frame.columns) == [0, 7]
    assert frame.columns.name == "variant"
    assert frame.index.name == "time"
    assert list(frame.index[[0, -1]]) == [pd.Timestamp("2017-01-01 01:00"), pd.Timestamp("2017-01-02")]
    assert frame.sum().to_dict() == {0: 24.0, 7: 48.0}
    assert frame.attrs["units"] == {"Some Energy": "kWh"}


def test_years_do_not_matter_positions_do() -> None:
    frame = wide_series({0: series(a=1.0, year=2017), 1: series(a=2.0, year=2020)}, "e")
    assert not frame.isna().to_numpy().any()
    assert set(frame.index.year) == {2017}


def test_a_variant_that_does_not_use_a_fuel_is_nan() -> None:
    frame = wide_series({0: nothing(), 1: series(a=1.0), 2: nothing("no such meter")}, "gas")
    assert list(frame.columns) == [0, 1, 2]
    assert frame[[0, 2]].isna().to_numpy().all()
    assert frame[1].sum() == 24.0


@pytest.mark.parametrize("show", [wide_series, long_series, long_table])
def test_a_series_that_nobody_has_says_why(show: Any) -> None:
    with pytest.raises(InputError, match=r'no variant has "Elektricity": did you mean "Electricity"?'):
        show({0: nothing(), 1: nothing('did you mean "Electricity"?')}, "Elektricity")
    with pytest.raises(InputError, match='no variant has "e"'):
        show({}, "e")


def test_variants_of_different_days_and_lengths_are_named() -> None:
    files = {0: series(a=1.0), 3: nothing(), 4: series(48, begin="02-01", a=1.0), 5: series(12, begin="03-01", a=1.0)}
    with pytest.raises(InputError, match=r'"e" has 24 steps in variant 0 and 48 in variant 4 \(and 1 more differ'):
        wide_series(files, "e")
    with pytest.raises(InputError, match="not of the same days"):
        wide_series({place: numbered(24 + place, "2017-01-01", frequency="detailed") for place in (0, 1)}, "e")


@pytest.mark.parametrize("step", ["h", "D"])
def test_1_march_stood_beside_29_february(step: str) -> None:
    """Three days about the leap day of 2020 beside those of 2019 and a typical year: each day beside its like."""
    a_day = 24 if step == "h" else 1
    files = {
        0: numbered(2 * a_day, "2019-02-28", step=step),
        1: numbered(3 * a_day, "2020-02-28", step=step),
        2: numbered(2 * a_day, "2017-02-28", step=step),
    }
    frame = wide_series(files, "e")
    assert [stamp.date().isoformat() for stamp in frame.index[::a_day]][-1] == (
        "2020-03-01" if a_day == 24 else "2020-03-02"
    )
    assert frame[1].to_list() == [28.0] * a_day + [29.0] * a_day + [1.0] * a_day
    assert frame[0].equals(frame[2])
    assert frame[0].dropna().to_list() == [28.0] * a_day + [1.0] * a_day
    assert frame[0].isna().to_numpy().nonzero()[0].tolist() == list(range(a_day, 2 * a_day))
    long = long_series(files, "e")
    assert long.groupby("variant").size().to_dict() == {0: 2 * a_day, 1: 3 * a_day, 2: 2 * a_day}
    assert set(long.loc[long["variant"] == 0, "time"].dt.year) == {2019}, "each variant has its own stamps"


def test_months_of_a_leap_year_stand_beside_those_of_another() -> None:
    ends = [np.array([f"{year}-02-01", f"{year}-03-01", f"{year}-04-01"], "datetime64[us]") for year in (2019, 2020)]
    files = {place: content({"time": one, "a": [1.0, 2.0, 3.0]}, frequency="monthly") for place, one in enumerate(ends)}
    frame = wide_series(files, "e")
    assert frame[0].to_list() == frame[1].to_list() == [1.0, 2.0, 3.0]
    assert set(frame.index.year) == {2019}


def test_july_to_june_stands_beside_january_to_december() -> None:
    files = {0: numbered(365, "2018-01-01", step="D"), 1: numbered(365, "2018-07-01", step="D")}
    frame = wide_series(files, "e")
    assert frame[0].equals(frame[1])
    assert frame.index[0] == pd.Timestamp("2018-01-02")


def test_days_carry_what_they_ran_as_through_slices_and_sums() -> None:
    frame = wide_series({0: numbered(72, "2020-12-24", {"2020-12-25": "Holiday"})}, "e")
    assert day_types(frame).to_list() == ["Thursday"] * 24 + ["Holiday"] * 24 + ["Saturday"] * 24
    for part in (frame.loc["2020-12-25 01:00":"2020-12-26 00:00"], frame.iloc[24:48], frame[0].iloc[24:48] * 2):  # type: ignore[misc]
        assert set(day_types(part)) == {"Holiday"}
    days = frame.resample("D", closed="right", label="right").sum()
    assert day_types(days).to_list() == ["Thursday", "Holiday", "Saturday"]
    assert day_types(frame.rename(columns={0: "as built"})).value_counts()["Holiday"] == 24


def test_files_from_before_day_types_have_the_weekdays_of_their_stamps() -> None:
    assert "day_types" not in wide_series({0: series(a=1.0)}, "e").attrs
    assert set(day_types(wide_series({0: series(a=1.0)}, "e"))) == {"Sunday"}


def test_two_years_side_by_side_have_each_its_own_weekdays() -> None:
    frame = wide_series({0: numbered(48, "2019-02-28"), 1: numbered(72, "2020-02-28")}, "e")
    assert day_types(frame, 1).iloc[[0, 24, 48]].to_list() == ["Friday", "Saturday", "Sunday"]
    assert day_types(frame, 0).iloc[[0, 48]].to_list() == ["Thursday", "Friday"]
    assert day_types(frame[0]).iloc[[0, 48]].to_list() == ["Thursday", "Friday"]
    with pytest.raises(InputError, match=r"ran over different weekdays .*; give variant="):
        day_types(frame)
    long = long_series({0: numbered(48, "2019-02-28"), 1: numbered(72, "2020-02-28")}, "e")
    assert day_types(long).to_list() == [
        kind for kind in ("Thursday", "Friday", "Friday", "Saturday", "Sunday") for _ in range(24)
    ]


def test_each_period_has_its_own_days() -> None:
    noon = np.datetime64("2017-07-21T12:00", "us")
    said = {"day_types": {"wet": {"2017-07-21": "SummerDesignDay"}, "dry": {"2017-07-21": "CustomDay1"}}}
    one = content({"environment": ["wet", "dry"], "time": [noon, noon], "a": [1.0, 2.0]}, **said)
    assert day_types(wide_series({0: one, 1: one}, "t")).to_list() == ["SummerDesignDay", "CustomDay1"]


def test_one_key_of_several_must_be_named() -> None:
    files = {0: series(CORE_ZN=1.0, ATTIC=5.0), 1: series(CORE_ZN=2.0, ATTIC=6.0)}
    with pytest.raises(InputError, match=r'one of "CORE_ZN", "ATTIC", a list of them, or "\*"'):
        wide_series(files, "t")
    frame = wide_series(files, "t", "Core_ZN")
    assert list(frame.columns) == [0, 1]
    assert frame.iloc[0].to_list() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("key", "keys"),
    [("*", ["CORE_ZN", "ATTIC"]), (["attic", "core_zn"], ["ATTIC", "CORE_ZN"]), (["Attic"], ["ATTIC"])],
)
def test_several_keys_stand_under_their_variant(key: str | Sequence[str], keys: list[str]) -> None:
    files = {0: series(CORE_ZN=1.0, ATTIC=5.0), 1: series(CORE_ZN=2.0, ATTIC=6.0)}
    frame = wide_series(files, "t", key)
    assert list(frame.columns) == [(variant, one) for variant in (0, 1) for one in keys]
    assert frame.columns.names == ["variant", "key"]
    assert frame[(1, "ATTIC")].unique().tolist() == [6.0]
    assert frame[1].shape == (DAY, len(keys))


@pytest.mark.parametrize("key", ["Attik", ["ATTIC", "Attik"], []])
def test_a_key_that_is_not_there_is_answered_with_those_that_are(key: str | Sequence[str]) -> None:
    with pytest.raises(InputError, match='it has "CORE_ZN", "ATTIC"'):
        wide_series({0: series(CORE_ZN=1.0, ATTIC=5.0)}, "t", key)


def test_a_zone_that_only_some_variants_have_is_nan_in_the_others() -> None:
    frame = wide_series({0: series(a=1.0), 1: series(a=2.0, b=3.0)}, "t", "*")
    assert frame[(0, "b")].isna().all()
    assert frame[(1, "b")].eq(3.0).all()


def test_keys_may_hold_any_sign() -> None:
    keys = {"ZONE.1": 1.0, "ZONE [2]": 2.0, "a:b/c": 3.0}
    frame = wide_series({0: series(**keys)}, "t", "*")
    assert {key: frame[(0, key)].iloc[0] for key in keys} == keys


def test_design_days_are_told_apart_by_their_names() -> None:
    noon = np.datetime64("2017-07-21T12:00", "us")
    one = content({"environment": ["wet", "dry"], "time": [noon, noon], "a": [1.0, 2.0]})
    frame = wide_series({0: one, 1: one}, "t")
    assert frame.index.names == ["environment", "time"]
    assert frame.loc["dry"].iloc[0].to_list() == [2.0, 2.0]
    stacked = long_series({0: one, 1: one}, "t")
    assert list(stacked.columns) == ["variant", "environment", "time", "key", "value"]
    assert stacked.groupby("environment", observed=True)["value"].sum().to_dict() == {"wet": 2.0, "dry": 4.0}


def test_stacked_and_side_by_side_hold_the_same() -> None:
    files = {0: series(a=1.0, b=2.0), 1: nothing(), 4: series(a=3.0, b=4.0)}
    wide = wide_series(files, "t", "*")
    long = long_series(files, "t")
    assert list(long.columns) == ["variant", "time", "key", "value"]
    assert len(long) == wide.size
    again = long.pivot_table(index="time", columns=["variant", "key"], values="value", observed=True, dropna=False)
    assert again[0].equals(wide[0])
    assert again[4].equals(wide[4])
    assert long.loc[long["variant"] == 1, "value"].isna().all()
    assert long.attrs["units"] == {"Some Energy": "kWh"}
    assert set(long_series(files, "t", "b")["key"]) == {"b"}


def test_a_file_may_be_a_path_bytes_or_what_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(series(a=1.0))
    opened = []

    def opener() -> Any:
        opened.append(path.open("rb"))
        return opened[-1]

    frame = wide_series({0: path, 1: str(path), 2: path.read_bytes(), 3: opener}, "t")
    assert frame.nunique(axis="columns").eq(1).all()
    assert opened
    assert all(file.closed for file in opened)


def test_tables_stand_below_one_another_with_their_variant() -> None:
    first = content({"end_use": ["Heating", "Fans"], "value": [1.0, 2.0]})
    other = content({"end_use": ["Heating"], "value": [3.0]})
    empty = content({"end_use": pa.array([], pa.string()), "value": pa.array([], pa.float64())})
    frame = long_table({2: first, 5: empty, 9: other}, "end uses")
    assert list(frame.columns) == ["variant", "end_use", "value"]
    assert frame["variant"].to_list() == [2, 2, 9]
    assert frame["value"].to_list() == [1.0, 2.0, 3.0]
    assert frame.index.to_list() == [0, 1, 2]


def test_a_file_says_what_it_is() -> None:
    assert about(series(a=1.0)) == {"name": "Some Energy", "unit": "kWh"}
    assert about(nothing("no such meter")) == {"note": "no such meter"}


def test_what_is_returned_can_be_changed_and_belongs_to_the_caller() -> None:
    files = {0: series(a=1.0), 1: series(a=2.0)}
    frame = wide_series(files, "t")
    frame.loc[frame.index[0], 0] = 9.0
    assert wide_series(files, "t").iloc[0, 0] == 1.0
    assert frame.iloc[0, 0] == 9.0


def test_many_variants_are_read_into_one_array() -> None:
    """Two hundred variants of a year: nothing is held twice."""
    import tracemalloc

    year = series(8760, a=1.0)
    files = dict.fromkeys(range(200), year)
    wide_series({0: year}, "t")
    tracemalloc.start()
    frame = wide_series(files, "t")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frame.shape == (8760, 200)
    assert peak < 1.2 * frame.to_numpy().nbytes
