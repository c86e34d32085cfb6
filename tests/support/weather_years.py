"""Weather files as they are measured: the typical year of Chicago under the dates of actual years."""

from __future__ import annotations

import datetime
from pathlib import Path

from tests.support.shoebox import CHICAGO

_DAY = datetime.timedelta(days=1)


def measured(
    path: Path,
    begin: str,
    end: str,
    *,
    leap: str | None = None,
    weekday: str | None = None,
    header: str = "",
    years: int | None = None,
    without_leap_day: bool = False,
) -> Path:
    """Write a file of the days from one date to another, with 28 February in the place of the 29th.

    `leap` is what its header says of leap years, `weekday` of its first day, `header` of the years of its period;
    `years` stands in every line in place of the year.
    """
    lines = CHICAGO.read_text().splitlines()
    head, typical = lines[:8], {}
    for line in lines[8:]:
        fields = line.split(",")
        typical.setdefault((int(fields[1]), int(fields[2])), []).append(fields)
    first, last = datetime.date.fromisoformat(begin), datetime.date.fromisoformat(end)
    dates = [first + place * _DAY for place in range((last - first).days + 1)]
    dates = [date for date in dates if not (without_leap_day and (date.month, date.day) == (2, 29))]
    has_leap_day = any((date.month, date.day) == (2, 29) for date in dates)
    head[4] = f"HOLIDAYS/DAYLIGHT SAVINGS,{leap or ('Yes' if has_leap_day else 'No')},0,0,0"
    period = [f"{date.month:2}/{date.day:2}" + (f"/{date.year}" if header == "years" else "") for date in (first, last)]
    head[7] = f"DATA PERIODS,1,1,Data,{weekday or first.strftime('%A')},{','.join(period)}"
    data = [
        ",".join([str(date.year if years is None else years), str(date.month), str(date.day), *fields[3:]])
        for date in dates
        for fields in typical[(date.month, 28 if (date.month, date.day) == (2, 29) else date.day)]
    ]
    path.write_text("\n".join([*head, *data]) + "\n")
    return path
