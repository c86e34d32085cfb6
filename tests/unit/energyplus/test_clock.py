"""The ends of intervals, as they are read from EnergyPlus' SQL file."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from epstudy.engines.energyplus.outputs.series import read_clock

HOUR, DAY, MONTH, RUN_PERIOD = 1, 2, 3, 4


def test_months_end_with_their_last_simulated_day() -> None:
    steps = [
        (1, 1, HOUR, 2017, 1, 31, 1, 0, 60),
        (2, 1, DAY, 2017, 1, 31, 24, 0, 1440),
        (3, 1, MONTH, 2017, 1, 31, 24, 0, 44640),
        (4, 1, DAY, 2017, 2, 14, 24, 0, 1440),
        (5, 1, MONTH, 2017, 2, 14, 24, 0, 20160),
        (6, 1, RUN_PERIOD, 2017, 2, 14, 24, 0, 21600),
    ]
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.execute("CREATE TABLE EnvironmentPeriods (EnvironmentPeriodIndex, EnvironmentName, EnvironmentType)")
        sql.execute("INSERT INTO EnvironmentPeriods VALUES (1, 'WINTER', 3)")
        sql.execute(
            "CREATE TABLE Time (TimeIndex, EnvironmentPeriodIndex, IntervalType, Year, Month, Day, Hour, Minute, "
            "Interval, WarmupFlag, DayType)"
        )
        sql.executemany("INSERT INTO Time VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')", steps)
        clock = read_clock(sql)
    assert [str(end) for end in clock.end] == [
        "2017-01-31T01:00",
        "2017-02-01T00:00",
        "2017-02-01T00:00",
        "2017-02-15T00:00",
        "2017-02-15T00:00",
        "2017-02-15T00:00",
    ]
    assert clock.plain
