"""What is to be said of the calendar of a run: where weather file, its header and the model's run periods disagree.

Everything here was seen of EnergyPlus 25.2: it goes by the years of a RunPeriod, never by those of the weather file; it
leaves a 29 February out when the header does not observe leap years, and goes on with the weekdays.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterator
from itertools import pairwise
from operator import itemgetter

from epstudy.engines.energyplus.model.annual import begins, lacks_leap_day, leap_days, weekday, whole_year
from epstudy.engines.energyplus.model.epw import Epw
from epstudy.engines.energyplus.model.model import Document, ModelObject, objects_of
from epstudy.engines.energyplus.outputs.long_runs import run_days, runs_weather

_YEAR = 366
_BEHIND = "goes on with the weekdays, so that from 1 March they are a day behind the calendar"
_BY_WEEKDAY = (
    ("RunPeriodControl:SpecialDays", ("start_date",)),
    ("RunPeriodControl:DaylightSavingTime", ("start_date", "end_date")),
)


def calendar_warnings(document: Document, period: str, epw: Epw, name: str) -> list[str]:
    """Return what a user should know of the days that will be run; nothing for design days.

    `name` is what the weather file is called.
    """
    if period == "design-days":
        return []
    file = f"the weather file {name}"
    if period == "annual":
        texts = _of_measured_year(epw) if epw.measured else []
        said = [f"{file} {text}" for text in [*texts, *_of_header(epw)]]
        first = next(iter(objects_of(document, "RunPeriod")), None)
        if epw.measured and first is not None and begins(first)[0] not in (0, epw.first[0]):
            said.append(
                f"{file} is of {epw.first[0]}, and the RunPeriod of the model states {begins(first)[0]}: an annual run "
                'goes by the file; use period="model" for the model\'s own'
            )
        if not epw.measured and first is not None:
            said += [f"{file} {text}" for text in _of_leap_year(first, begins(first)[0], epw, annual=True)]
        year = epw.first[0] if epw.measured and not lacks_leap_day(epw) else 0
        return said + _late_days(document, year if epw.leap_day and epw.leap_year_observed else 0)
    if not runs_weather(document):
        return []
    periods = list(objects_of(document, "RunPeriod"))
    said = [f"{file} {text}" for one in periods for text in _of_run_period(one, epw)]
    leap = next((begins(one)[0] for one in periods if calendar.isleap(begins(one)[0] or 1)), 0)
    return [*said, *_late_days(document, leap if epw.leap_year_observed else 0)]


def span_warnings(document: Document) -> list[str]:
    """Return what a user should know of the results of a model's own run periods; each text follows its name."""
    if not runs_weather(document):
        return []
    periods = list(objects_of(document, "RunPeriod"))
    said = [
        f"has a {_named(one)} of {run_days(one)} days: energies, intensities and unmet hours are those of all of them, "
        "not of a year"
        for one in periods
        if begins(one)[0] and run_days(one) > _YEAR
    ]
    said += [
        f"has a {_named(one)} that states no year and ends on 29 February: EnergyPlus runs on to that of a leap year; "
        "state begin and end year"
        for one in periods
        if not begins(one)[0] and run_days(one) > _YEAR
    ]
    spans = (
        sorted(((begins(one), one) for one in periods), key=itemgetter(0))
        if all(begins(one)[0] for one in periods)
        else []
    )
    for (begin, one), (after, other) in pairwise(spans):
        if (_date(*after) - _date(*begin)).days < run_days(one):
            said.append(f"has a {_named(one)} and a {_named(other)} with days in common, whose energies count twice")
    return said


def _of_measured_year(epw: Epw) -> Iterator[str]:
    begin, end = whole_year(epw)
    if lacks_leap_day(epw):
        observed = ", although its header says that leap years are observed" if epw.leap_year_observed else ""
        yield f"is of {begin.year} and has no 29 February{observed}: EnergyPlus leaves that day out and {_BEHIND}"
    elif epw.leap_day and not epw.leap_year_observed:
        yield (
            f"has a 29 February, which EnergyPlus leaves out and {_BEHIND}: its line HOLIDAYS/DAYLIGHT SAVINGS says "
            'that leap years are not observed; write "Yes" there for all days of the year'
        )
    if epw.last > (end.year, end.month, end.day):
        yield (
            f"is of {begin} to {datetime.date(*epw.last)}, and an annual run takes the first year; for another, or "
            'all of them, state the years in the model\'s RunPeriod and use period="model"'
        )


def _of_header(epw: Epw) -> Iterator[str]:
    """What its header says of the days, and EnergyPlus does not go by."""
    if not epw.measured:
        return
    first = datetime.date(*epw.first)
    if epw.start_weekday in calendar.day_name and epw.start_weekday != weekday(first):
        yield f"says in its header that it begins on a {epw.start_weekday}; {first} is a {weekday(first)}, which counts"
    if epw.header_years and epw.header_years[0] != first.year:
        yield f"says in its header that it is of {epw.header_years[0]}; its lines are of {first.year}, which counts"


def _of_run_period(one: ModelObject, epw: Epw) -> Iterator[str]:
    year = begins(one)[0]
    if epw.measured and not year:
        leap = ", and leaves 29 February out" if epw.leap_day else ""
        yield (
            f"is of {_years(epw)}, and the model's {_named(one)} states no year: EnergyPlus runs it over another "
            f'year\'s days{leap}; state begin and end year, or use period="annual"'
        )
    elif epw.measured and not epw.first[0] <= year <= epw.last[0]:
        yield f"is of {_years(epw)}, and the model's {_named(one)} is of {year}, under whose days its weather runs"
    elif year:
        yield from _of_leap_year(one, year, epw, annual=False)


def _of_leap_year(one: ModelObject, year: int, epw: Epw, *, annual: bool) -> Iterator[str]:
    """A run period over a 29 February that the file has not, or that its header hides."""
    if not year or (epw.leap_day and epw.leap_year_observed):
        return
    begin = datetime.date(year, 1, 1)
    end = datetime.date(year, 12, 31)
    if not annual:
        begin = _date(*begins(one))
        last = int(one.end_year or 0) or year + ((one.end_month or 12) < (one.begin_month or 1))
        end = _date(last, int(one.end_month or 12), int(one.end_day_of_month or 31))
    found = list(leap_days(begin, end))
    if not found:
        return
    more = f", and as its header observes leap years it takes {len(found)} more at the end" * epw.leap_year_observed
    yield (
        f"gives no 29 February, and the model's RunPeriod is of {found[0].year}: EnergyPlus leaves that day out{more} "
        f"and {_BEHIND}; figures by weekday go by EnergyPlus' own days"
    )


def _late_days(document: Document, leap_year: int) -> list[str]:
    """Days by weekday, "Last Sunday in March", come a day late in a leap year (seen with 25.2 in 2020)."""
    found = [
        f'"{getattr(one, field)}"'
        for object_class, fields in _BY_WEEKDAY
        for one in objects_of(document, object_class)
        for field in fields
        if " in " in str(getattr(one, field)).casefold() and _after_february(str(getattr(one, field)))
    ]
    if not leap_year or not found:
        return []
    return [
        f"EnergyPlus puts days that are given by their weekday a day late in a leap year such as {leap_year}: "
        f"{', '.join(dict.fromkeys(found))} of the model; give their dates"
    ]


def _after_february(text: str) -> bool:
    return not any(month in text.casefold() for month in ("january", "february"))


def _named(one: ModelObject) -> str:
    return f'RunPeriod "{one.name}"' if one.name else "RunPeriod"


def _years(epw: Epw) -> str:
    years = sorted({epw.first[0], epw.last[0]})
    return " to ".join(map(str, years))


def _date(year: int, month: int, day: int) -> datetime.date:
    """A date of a model, the nearest where it has none such."""
    return datetime.date(year, month, min(day, calendar.monthrange(year, month)[1]))
