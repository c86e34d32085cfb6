"""What EnergyPlus would end at, or fill in, in a weather file is told with its line or its days; seen with 25.2."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from pyenergyplus.dataset import ref_models, weather_files

import epstudy as ep
from epstudy.engines.energyplus.check.weather_checks import Use, weather_findings

CHICAGO = Path(weather_files["usa_il_chicago"])
OFFICE = Path(ref_models["small_office"])
JULY = 181 * 24  # the hours before it
ANNUAL = Use("annual", (((1, 1), (12, 31)),), 6)
TWO_DAYS = Use("model", (((7, 1), (7, 2)),), 4)
NEW_YEAR = Use("model", (((12, 20), (1, 10)),))
MIDSUMMER = Use("model", (((6, 25), (7, 5)),))
UNKNOWN = Use("model", None)


@cache
def lines() -> tuple[tuple[str, ...], tuple[str, ...]]:
    text = CHICAGO.read_text().splitlines()
    return tuple(text[:8]), tuple(text[8:])


def epw(head: Iterable[str] | None = None, data: Iterable[str] | None = None) -> bytes:
    mine, hours = lines()
    return "\n".join([*(head or mine), *(data or hours), ""]).encode()


def periods(text: str) -> list[str]:
    return [*lines()[0][:7], text]


def edited(column: int, value: str, rows: Iterable[int], data: Iterable[str] | None = None) -> list[str]:
    data = list(data or lines()[1])
    for row in rows:
        fields = data[row].split(",")
        data[row] = ",".join([*fields[:column], value, *fields[column + 1 :]])
    return data


def halves() -> list[str]:
    return [line for hour in lines()[1] for line in (hour, hour)]


def _hour_before(line: str) -> str:
    fields = line.split(",")
    return ",".join([*fields[:3], str(int(fields[3]) - 1), *fields[4:]])


def _id(value: object) -> str:
    return value[:40] if isinstance(value, str) else type(value).__name__


HEAD, DATA = lines()


@pytest.mark.parametrize(
    ("content", "use", "said"),
    [
        *(
            (epw([line for line in HEAD if line != gone]), ANNUAL, f"7 lines of header, without {gone.split(',')[0]};")
            for gone in HEAD[1:7]
        ),
        (epw([*HEAD[:6], "NOTES,hello", *HEAD[6:]]), TWO_DAYS, '9 lines of header, with line 7 "NOTES" besides'),
        (epw([HEAD[0], *HEAD]), TWO_DAYS, '9 lines of header, with line 2 "LOCATION" besides'),
        (epw([*HEAD[:3], "", *HEAD[3:]]), TWO_DAYS, '9 lines of header, with line 4 "" besides'),
        (epw([*HEAD, ""]), ANNUAL, "empty line 9 among its data"),
        (epw(data=[*DATA[:100], "", *DATA[100:]]), TWO_DAYS, "empty line 109 among its data"),
        (epw(data=[*DATA[:8000], "", *DATA[8000:]]), ANNUAL, "empty line 8009 among its data"),
        (epw(data=halves()), ANNUAL, "has 2 lines of data an hour, and its line DATA PERIODS says 1"),
        (epw(periods("DATA PERIODS,1,2,Data,Sunday, 1/ 1,12/31")), ANNUAL, "has 1 lines of data an hour, and"),
        (epw(periods("DATA PERIODS,1,3,Data,Sunday, 1/ 1,12/31"), halves()), TWO_DAYS, "has 2 lines of data an hour"),
        (epw(periods("DATA PERIODS,1,2,Data,Sunday, 1/ 1,12/31"), halves()), TWO_DAYS, "set Timestep to 2"),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 1/ 1, 3/31")), TWO_DAYS, "covers 1/1 to 3/31 by its line DATA"),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 1/ 1, 3/31")), ANNUAL, "covers 1/1 to 3/31 by its line DATA"),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 1/ 1, 6/30")), NEW_YEAR, "covers 1/1 to 6/30 by its line DATA"),
        (epw(periods("DATA PERIODS,2,1,A,Sunday,1/1,6/30,B,Sunday,7/1,12/31")), NEW_YEAR, "covers 1/1 to 6/30 and 7/1"),
        (epw(data=DATA[: 90 * 24]), TWO_DAYS, "has no line of 7/1, and the run from 7/1 to 7/2"),
        (epw(data=DATA[: JULY + 36]), TWO_DAYS, "ends on 7/2 at hour 12, and the run from 7/1 to 7/2 needs 24 hours"),
        (epw(periods("DATA PERIODS,1,1,Data,Sonntag, 1/ 1,12/31")), ANNUAL, 'the weekday "Sonntag"'),
        (epw(periods("DATA PERIODS,1,1,Data,, 1/ 1,12/31")), ANNUAL, 'the weekday ""'),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 1/1,31/12")), ANNUAL, 'the day "31/12" in its line DATA PERIODS'),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday,1,365")), TWO_DAYS, 'the day "1" in its line DATA PERIODS'),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 1/ 1")), TWO_DAYS, "that lacks first or last days"),
        (epw([*HEAD[:4], "HOLIDAYS/DAYLIGHT SAVINGS,No", *HEAD[5:]]), TWO_DAYS, "DAYLIGHT SAVINGS of 2 fields"),
        (epw([*HEAD[:4], "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,2,A,7/4", *HEAD[5:]]), ANNUAL, "(2), and name and day"),
        (epw([HEAD[0].replace("-6.0", "-24.0"), *HEAD[1:]]), ANNUAL, 'the time zone "-24.0"'),
        (epw(data=edited(4, "", [JULY])), TWO_DAYS, f'"" as minute in line {JULY + 9}'),
        (epw(data=[_hour_before(line) for line in DATA]), ANNUAL, "hours from 0 to 23"),
        (epw(data=edited(7, "n/a", [JULY])), TWO_DAYS, f'"n/a" in line {JULY + 9}, column 8; expected a number'),
        (epw(data=edited(16, "", [JULY])), TWO_DAYS, f'"" in line {JULY + 9}, column 17'),
        (epw().replace(b"\n", b"\r"), ANNUAL, "ends its lines with CR alone"),
        (epw().decode().encode("utf-16"), ANNUAL, "is in UTF-16"),
        (b"\xef\xbb\xbf" + epw(), ANNUAL, "byte order mark"),
        (epw().replace(b",", b";"), ANNUAL, "semicolons between its columns"),
        (epw().replace(b",", b"\t"), ANNUAL, "tabs between its columns"),
        (b"PK\x03\x04abc", ANNUAL, "zip archive"),
        (b" ! The following\n SizingPeriod:DesignDay,\n", ANNUAL, "looks like a DDY"),
        (b" -\tStatistics for USA_IL_Chicago\n", ANNUAL, "looks like a STAT file"),
    ],
    ids=_id,
)  # fmt: skip
def test_what_energyplus_ends_at_is_a_problem(content: bytes, use: Use, said: str) -> None:
    found = weather_findings(content, use)
    assert len(found.problems) == 1
    assert said in found.problems[0]


@pytest.mark.parametrize(
    ("content", "use"),
    [
        (epw([*HEAD[:5], HEAD[6], HEAD[5], HEAD[7]]), ANNUAL),
        (epw([HEAD[0], HEAD[2], HEAD[1], *HEAD[3:]]), ANNUAL),
        (epw(data=[*DATA[:8000], "", *DATA[8000:]]), TWO_DAYS),
        (epw() + b"\n\n\x1a", ANNUAL),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 7/ 1, 7/31")), TWO_DAYS),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 7/ 1, 6/30"), [*DATA[JULY:], *DATA[:JULY]]), TWO_DAYS),
        (epw(periods("DATA PERIODS,2,1,A,Sunday, 1/ 1, 6/30,B,Sunday, 7/ 1,12/31")), TWO_DAYS),
        (epw(periods("DATA PERIODS,1,2,Data,Sunday, 1/ 1,12/31"), halves()), UNKNOWN),
        (epw(data=edited(6, "99.9", range(JULY, JULY + 48))), Use("model", (((1, 1), (1, 31)),))),
        (epw(data=edited(30, "999", range(8760))), ANNUAL),
        (epw(data=edited(12, "9999", range(8760))), ANNUAL),
        (epw(data=DATA[: JULY + 48]), TWO_DAYS),
        (epw(), NEW_YEAR),
        (epw(data=edited(4, "0.0", range(8760))), ANNUAL),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday,Jan 1,Dec 31")), TWO_DAYS),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday,1/1/2001,12/31/2001,,")), TWO_DAYS),
        (epw([*HEAD[:4], "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0,,", *HEAD[5:]]), ANNUAL),
        (epw(periods("DATA PERIODS,1,1,Data,Sunday, 7/ 1, 6/30"), [*DATA[JULY:], *DATA[:JULY]]), MIDSUMMER),
        (epw(data=DATA[: JULY + 60]), TWO_DAYS),
        (epw(data=DATA[:1000]), Use("design-days", ())),
        (epw([*HEAD[:5], *HEAD[7:]]), Use("design-days", ())),
    ],
    ids=_id,
)
def test_what_energyplus_runs_as_it_should_gets_no_word(content: bytes, use: Use) -> None:
    assert weather_findings(content, use) == weather_findings(CHICAGO.read_bytes(), Use("design-days", ()))


@pytest.mark.parametrize(
    ("data", "use", "said"),
    [
        (
            edited(6, "99.9", range(JULY, JULY + 744)),
            ANNUAL,
            "has no dry bulb temperature in 744 of 8760 hours (7/1 to 7/31): the code 99.9 for a missing value; "
            "EnergyPlus goes on with the last value before",
        ),
        (edited(6, "99.9", range(1, 8760, 2)), ANNUAL, "in 4380 of 8760 hours (1/1 to 12/31)"),
        (edited(6, "99.9", range(JULY, JULY + 5)), TWO_DAYS, "in 5 of 48 hours (7/1)"),
        (
            edited(21, "999", [*range(24), *range(48, 72), *range(100, 101), *range(240, 241), *range(480, 481)]),
            ANNUAL,
            "has no wind speed in 51 of 8760 hours (1/1, 1/3, 1/5 and 2 more times)",
        ),
        (edited(7, "99.9", range(8760)), ANNUAL, "has no dew point temperature in 8760 of 8760 hours"),
        (edited(9, "999999", range(8760)), ANNUAL, "has no atmospheric pressure"),
        (edited(14, "9999", range(JULY, JULY + 24)), ANNUAL, "has no direct normal radiation in 24 of 8760 hours"),
        (edited(15, "9999", range(24)), ANNUAL, "has no diffuse horizontal radiation"),
        (edited(6, "75.0", range(24)), ANNUAL, "has 75 C as dry bulb temperature in 24 of 8760 hours (1/1); it"),
        (edited(9, "1013", range(24)), ANNUAL, "has 1013 Pa as atmospheric pressure"),
        (edited(8, "150", range(24)), ANNUAL, "has 150 % as"),
        (edited(14, "-5", range(24)), ANNUAL, "has -5 Wh/m2 as"),
        (
            edited(12, "9999", range(24), edited(23, "99", range(12, 48))),
            ANNUAL,
            "neither infrared radiation of the sky nor opaque sky cover in 12 of 8760 hours (1/1): the codes 9999 and "
            "99 for missing values; EnergyPlus goes on with the last value before of the cover",
        ),
    ],
    ids=_id,
)  # fmt: skip
def test_what_energyplus_fills_in_is_a_warning_with_the_days(data: list[str], use: Use, said: str) -> None:
    found = weather_findings(epw(data=data), use)
    assert found.problems == ()
    assert len(found.warnings) == 1
    assert said in found.warnings[0]


def test_half_hours_are_counted_as_hours() -> None:
    head = periods("DATA PERIODS,1,2,Data,Sunday, 1/ 1,12/31")
    data = [line for hour in edited(6, "99.9", range(JULY, JULY + 24)) for line in (hour, hour)]
    [said] = weather_findings(epw(head, data), UNKNOWN).warnings
    assert "in 24 of 8760 hours (7/1)" in said


@pytest.mark.parametrize("name", sorted(weather_files))
def test_the_weather_files_of_the_wheel_get_no_word(name: str) -> None:
    found = weather_findings(Path(weather_files[name]).read_bytes(), ANNUAL)
    assert (found.problems, found.warnings) == ((), ())


def test_a_study_tells_its_own_weather_and_that_of_every_level(tmp_path: Path) -> None:
    july, jan = tmp_path / "july.epw", tmp_path / "jan.epw"
    july.write_bytes(epw(data=edited(6, "99.9", range(JULY, JULY + 744))))
    jan.write_bytes(epw(periods("DATA PERIODS,1,1,Data,Sunday, 1/ 1, 3/31")))
    cities = ep.Weather({"whole": CHICAGO, "gap": july, "part": jan})
    check = ep.EnergyPlus(OFFICE, weather=july).prepare({"city": cities}).check
    assert len(check.problems) == 1
    assert "level 'part'" in check.problems[0]
    assert "covers 1/1 to 3/31" in check.problems[0]
    gaps = [text for text in check.warnings if "has no dry bulb temperature in 744" in text]
    assert len(gaps) == 2
    assert "level 'gap'" in " ".join(gaps)


def test_sixteen_weather_files_are_read_quickly_and_again_at_once() -> None:
    contents = [epw(data=edited(6, f"{place}.5", range(24))) for place in range(4)]
    started = time.process_time()
    for content in contents:
        weather_findings(content, ANNUAL)
    first = time.process_time() - started
    for content in contents:
        weather_findings(content, ANNUAL)
    again = time.process_time() - started - first
    assert first / 4 < 1.0, "16 of them in well under 10 s"
    assert again < first / 2
