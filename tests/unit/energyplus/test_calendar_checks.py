"""Over which days a run goes, and what check() says where weather file, header and run period disagree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pyenergyplus.dataset import weather_files

from epstudy.engines.energyplus.check.calendar_checks import calendar_warnings, span_warnings
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.annual import annual_days
from epstudy.engines.energyplus.model.epw import read_epw, weather_problems
from epstudy.engines.energyplus.outputs.long_runs import is_long, run_days
from epstudy.engines.energyplus.outputs.scalars import set_period
from tests.support.weather_years import measured

CHICAGO = Path(weather_files["usa_il_chicago"]).read_bytes()


def document(run_period: str = "RunPeriod, Run, 1, 1, , 12, 31, , Sunday;", more: str = "") -> model.Document:
    text = f"Version, 25.2;\nSimulationControl, No, No, No, No, Yes;\n{run_period}\n{more}"
    return model.load(text.encode(), ".idf")


def file(tmp_path: Path, begin: str = "2020-01-01", end: str = "2020-12-31", **options: object) -> bytes:
    return measured(tmp_path / "a.epw", begin, end, **options).read_bytes()  # type: ignore[arg-type]


def warned(content: bytes, period: str = "annual", **options: str) -> str:
    return "\n".join(calendar_warnings(document(**options), period, read_epw(content), "a.epw"))


def test_a_typical_year_leaves_the_run_period_as_it_was() -> None:
    assert annual_days(document(), read_epw(CHICAGO)) == {}
    assert warned(CHICAGO) == ""


@pytest.mark.parametrize(
    ("begin", "end", "days"),
    [
        ("2020-01-01", "2020-12-31", [[2020, 1, 1], [2020, 12, 31]]),
        ("2016-01-01", "2016-12-31", [[2016, 1, 1], [2016, 12, 31]]),
        ("2019-01-01", "2019-12-31", [[2019, 1, 1], [2019, 12, 31]]),
        ("2019-07-01", "2020-06-30", [[2019, 7, 1], [2020, 6, 30]]),
        ("2019-01-01", "2020-12-31", [[2019, 1, 1], [2019, 12, 31]]),
    ],
)
def test_a_measured_year_is_run_over_its_own_days(tmp_path: Path, begin: str, end: str, days: list[list[int]]) -> None:
    content = file(tmp_path, begin, end)
    assert weather_problems(content, "annual") == []
    found = annual_days(document(), read_epw(content))
    assert [found["begin"], found["end"]] == days
    edited = document("RunPeriod, A, 3, 1, 2018, 5, 31, 2018, Sunday, , , , , , Yes;\nRunPeriod, B, 7, 1, , 7, 31;")
    set_period(edited, "annual", found)
    (only,) = edited["RunPeriod"]
    assert [only.begin_year, only.begin_month, only.begin_day_of_month] == days[0]
    assert [only.end_year, only.end_month, only.end_day_of_month] == days[1]
    assert not only.day_of_week_for_start_day
    assert only.treat_weather_as_actual == "No", "EnergyPlus wants years in the header for Yes"


def test_years_may_stand_in_the_header_alone(tmp_path: Path) -> None:
    content = file(tmp_path, "2020-01-01", "2020-12-31", header="years", years=0)
    assert annual_days(document(), read_epw(content)) == {"begin": [2020, 1, 1], "end": [2020, 12, 31]}


def test_a_header_that_promises_a_29_february_makes_no_366th_day(tmp_path: Path) -> None:
    """EnergyPlus took 1 January once more in its place."""
    content = file(tmp_path, without_leap_day=True, leap="Yes")
    days = {"begin": [None, 1, 1], "end": [None, 12, 31], "weekday": "Wednesday"}
    assert annual_days(document(), read_epw(content)) == days
    assert "has no 29 February, although its header says" in warned(content)


@pytest.mark.parametrize(
    ("run_period", "weekday"),
    [
        ("RunPeriod, R, 7, 1, , 7, 31, , Monday;", "Tuesday"),  # of 2013, in which 1 July is a Monday
        ("RunPeriod, R, 3, 1, , 5, 31, , Sunday;", "Thursday"),
        ("RunPeriod, R, 3, 1, 2020, 5, 31, 2020;", "Thursday"),  # 1 March 2020 was a Sunday, 59 days after a Thursday
        ("RunPeriod, R, 7, 1, , 7, 31;", ""),
        ("RunPeriod, R, 7, 1, 2019, 7, 31, 2019, Friday;", ""),
        ("RunPeriod, R, 1, 1, , 3, 31, , Saturday;", ""),
        ("", ""),
    ],
)
def test_a_run_period_of_part_of_a_year_keeps_its_weekday(run_period: str, weekday: str) -> None:
    edited = document(run_period)
    found = annual_days(edited, read_epw(CHICAGO))
    assert found.get("weekday", "") == weekday
    set_period(edited, "annual", found)
    assert (str(edited["RunPeriod"][0].day_of_week_for_start_day) == weekday) or not weekday


def test_a_measured_year_that_is_not_whole_is_told_with_its_dates(tmp_path: Path) -> None:
    (problem,) = weather_problems(file(tmp_path, "2020-01-01", "2020-12-30"), "annual")
    assert (
        problem
        == "has 8760 hourly lines, from 2020-01-01 to 2020-12-30; a year from that day on has 8784, to 2020-12-31"
    )
    assert (
        "has 2160 hourly lines, from 2/1 to 4/30"
        in weather_problems(file(tmp_path, "2020-02-01", "2020-04-30"), "annual")[0]
    )
    assert weather_problems(file(tmp_path, "2020-02-01", "2020-04-30"), "model") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"leap": "No"}, 'has a 29 February, which EnergyPlus leaves out .* write "Yes" there'),
        ({"without_leap_day": True}, "is of 2020 and has no 29 February: EnergyPlus leaves that day out"),
        (
            {"weekday": "Friday"},
            "says in its header that it begins on a Friday; 2020-01-01 is a Wednesday, which counts",
        ),
        (
            {"header": "years", "years": 2016},
            "says in its header that it is of 2020; its lines are of 2016, which counts",
        ),
        ({"end": "2021-12-31"}, "an annual run takes the first year"),
    ],
)
def test_what_is_odd_about_a_measured_year_is_told(tmp_path: Path, options: dict[str, object], said: str) -> None:
    assert warned(file(tmp_path)) == ""
    assert re.search(said, warned(file(tmp_path, **options)))


@pytest.mark.parametrize(
    ("run_period", "said"),
    [
        ("RunPeriod, R, 1, 1, 2020, 12, 31, 2020;", ""),
        ("RunPeriod, R, 1, 1, , 12, 31, , Sunday;", "states no year: EnergyPlus runs it over another year's days"),
        ("RunPeriod, R, 1, 1, 2018, 12, 31, 2018;", "is of 2018, under whose days its weather runs"),
    ],
)
def test_a_models_own_run_period_stays_and_is_told_where_the_file_is_of_another_year(
    tmp_path: Path, run_period: str, said: str
) -> None:
    found = warned(file(tmp_path), "model", run_period=run_period)
    assert said in found
    assert bool(said) == bool(found)


def test_2020_on_a_typical_year_is_told_before_it_runs() -> None:
    spring = "RunPeriod, Spring, 2, 1, 2020, 5, 31, 2020;"
    said = warned(CHICAGO, "model", run_period=spring)
    assert "gives no 29 February, and the model's RunPeriod is of 2020" in said
    assert "a day behind the calendar" in said
    assert warned(CHICAGO, "annual", run_period=spring)
    assert not warned(CHICAGO, "design-days", run_period=spring)
    for fits in ("RunPeriod, R, 3, 1, 2020, 5, 31, 2020;", "RunPeriod, R, 1, 1, 2019, 12, 31, 2019;"):
        assert not warned(CHICAGO, "model", run_period=fits)
    years = "RunPeriod, R, 7, 1, 2019, 6, 30;"
    assert "2020" in warned(CHICAGO, "model", run_period=years), "the end has no year, and is of the next"


def test_days_by_weekday_come_a_day_late_in_a_leap_year(tmp_path: Path) -> None:
    """Thanksgiving of 2020 was a Friday, and summer time began on a Monday."""
    rules = (
        "RunPeriodControl:SpecialDays, Thanks, 4th Thursday in November, 1, Holiday;\n"
        "RunPeriodControl:SpecialDays, Christmas, 12/25, 1, Holiday;\n"
        "RunPeriodControl:DaylightSavingTime, Last Sunday in March, Last Sunday in October;"
    )
    said = warned(file(tmp_path), more=rules)
    assert "a day late in a leap year such as 2020" in said
    assert "Christmas" not in said
    assert '"4th Thursday in November", "Last Sunday in March"' in said
    assert warned(file(tmp_path, "2019-01-01", "2019-12-31"), more=rules) == ""
    assert warned(CHICAGO, more=rules) == ""


def test_scalars_of_two_years_are_of_both_and_the_check_says_so() -> None:
    two = document("RunPeriod, Two, 1, 1, 2018, 12, 31, 2019;")
    assert is_long(two)
    (said,) = span_warnings(two)
    assert said.startswith('has a RunPeriod "Two" of 730 days: energies, intensities and unmet hours are those of all')
    set_period(two, "design-days")
    assert not is_long(two)


@pytest.mark.parametrize(
    ("run_period", "days"),
    [
        ("RunPeriod, R, 1, 1, 2018, 12, 31, 2018;", 365),
        ("RunPeriod, R, 1, 1, 2018, 12, 30, 2019;", 729),
        ("RunPeriod, R, 7, 1, 2018, 6, 30;", 365),
        ("RunPeriod, R, 7, 1, 2019, 7, 31, 2019;", 31),
    ],
)
def test_the_days_of_a_run_period_are_counted_by_its_dates(run_period: str, days: int) -> None:
    (one,) = document(run_period)["RunPeriod"]
    assert run_days(one) == days
    assert span_warnings(document(run_period)) == [] or days > 366


def test_run_periods_with_days_in_common_count_twice() -> None:
    both = "RunPeriod, Year, 1, 1, 2018, 12, 31, 2018;\nRunPeriod, Summer, 7, 1, 2018, 8, 31, 2018;"
    (said,) = span_warnings(document(both))
    assert said == 'has a RunPeriod "Year" and a RunPeriod "Summer" with days in common, whose energies count twice'
    apart = "RunPeriod, Winter, 1, 1, 2018, 3, 31, 2018;\nRunPeriod, Summer, 7, 1, 2018, 8, 31, 2018;"
    assert span_warnings(document(apart)) == []
    assert "ends on 29 February" in span_warnings(document("RunPeriod, R, 2, 1, , 2, 29;"))[0]
