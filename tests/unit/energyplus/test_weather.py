"""Weather files are read as they are, and a model that gets another one moves to its place, with its design days."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import idfkit
import pytest
from pyenergyplus.dataset import ashrae_models, ref_models, weather_files

from epstudy.core.canonical import plain
from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model import epw, model, site
from epstudy.engines.energyplus.model.site import standard_pressure_pa

OFFICE = Path(ref_models["small_office"]).read_bytes()
DENVER_OFFICE = Path(ashrae_models["office_small"]).read_bytes()
CHICAGO = Path(weather_files["usa_il_chicago"]).read_bytes()
DENVER = Path(weather_files["usa_co_denver"]).read_bytes()
PHOENIX = Path(weather_files["usa_az_phoenix"]).read_bytes()
BOULDER = Path(weather_files["usa_co_boulder"]).read_bytes()

#: Headers as they are published: the southern half of the world, ASHRAE 2009; and ASHRAE 2021 with its one more number.
SANTIAGO = (
    "DESIGN CONDITIONS,1,Climate Design Data 2009 ASHRAE Handbook,,Heating,7,-1.1,0,-2.7,3.2,4.1,-1.4,3.6,4.4,8.3,9.6,"
    "6.5,10.7,0.9,30,Cooling,1,17.2,31.8,18,30.7,17.8,29.7,17.5,19.5,29,18.8,28.4,18.3,27.9,5.7,200,15.8,11.9,23.8,"
    "14.9,11.2,23,14.1,10.6,22,57.5,29.2,55.3,28.4,53.3,28,1149,Extremes,8.4,7.4,6.5,27.1,-3.5,34.5,1.3,1.1,-4.4,35.3,"
    "-5.2,35.9,-5.9,36.6,-6.8,37.4"
)
MUNICH = (
    "DESIGN CONDITIONS,1,2021 ASHRAE Handbook -- Fundamentals - Chapter 14 Climatic Design Information,,Heating,2,"
    "-11.9,-9.2,-15.1,1.1,-10.4,-12.8,1.3,-7.9,10.3,9.2,9.2,7.1,1.8,90,0.476,Cooling,7,8.8,29.5,19.0,27.7,18.1,26.1,17.5,19.7,"
    "27.4,18.9,26.1,18.2,24.4,2.6,270,17.2,13.1,21.6,16.4,12.5,21.1,15.8,11.9,20.8,58.6,27.5,55.9,26.3,53.3,24.5,22.7,"
    "Extremes,7.8,6.4,5.3,-13.4,33.1,4.3,2.0,-16.5,34.6,-19.0,35.8,-21.4,36.9,-24.5,38.4"
)

DDY_TOP = """ ! The following Location and Design Day data are produced as possible from the indicated data source.
 ! Wind Speeds follow the indicated design conditions rather than traditional values (6.7 m/s heating, 3.35 m/s cooling)
 ! No special attempts at re-creating or determining missing data parts (e.g. Wind speed or direction)
 ! are done.  Therefore, you should look at the data and fill in any incorrect values as you desire.

 Site:Location,
  Chicago Ohare Intl Ap_IL_USA Design_Conditions,     !- Location Name
      41.98,     !- Latitude {N+ S-}
     -87.92,     !- Longitude {W- E+}
      -6.00,     !- Time Zone Relative to GMT {GMT+/-}
     201.00;     !- Elevation {m}

 !  WMO=725300 Time Zone=NAC (GMT-06:00) Central Time (US & Canada)
 !  Data Source=ASHRAE 2009 Annual Design Conditions
 RunPeriodControl:DaylightSavingTime,
   2nd Sunday in March,    !- StartDate
   2nd Sunday in November;    !- EndDate

 ! Using Design Conditions from "Climate Design Data 2009 ASHRAE Handbook"
 ! Chicago Ohare Intl Ap_IL_USA Extreme Annual Wind Speeds, 1%=11.1m/s, 2.5%=9.4m/s, 5%=8.6m/s
 ! Chicago Ohare Intl Ap_IL_USA Extreme Annual Temperatures, Max Drybulb=-23.7°C Min Drybulb=35.9°C
"""

DDY_DAY = """
 SizingPeriod:DesignDay,
  {name},     !- Name
          {month},      !- Month
         21,      !- Day of Month
  {day_type},!- Day Type
       {dry_bulb},      !- Maximum Dry-Bulb Temperature {{C}}
       {range},      !- Daily Dry-Bulb Temperature Range {{C}}
 DefaultMultipliers, !- Dry-Bulb Temperature Range Modifier Type
           ,      !- Dry-Bulb Temperature Range Modifier Schedule Name
    {humidity},      !- Humidity Condition Type
       {wet_bulb},      !- Wetbulb or Dewpoint at Maximum Dry-Bulb {{C}}
           ,      !- Humidity Indicating Day Schedule Name
           ,      !- Humidity Ratio at Maximum Dry-Bulb {{kgWater/kgDryAir}}
     {enthalpy},      !- Enthalpy at Maximum Dry-Bulb {{J/kg}}
           ,      !- Daily Wet-Bulb Temperature Range {{deltaC}}
     98934.,      !- Barometric Pressure {{Pa}}
        {wind},      !- Wind Speed {{m/s}} design conditions vs. traditional 6.71 m/s (15 mph)
        {direction},      !- Wind Direction {{Degrees; N=0, S=180}}
         No,      !- Rain {{Yes/No}}
         No,      !- Snow on ground {{Yes/No}}
         No,      !- Daylight Savings Time Indicator
  {sun}
"""

CLEAR_SKY = """ASHRAEClearSky, !- Solar Model Indicator
           ,      !- Beam Solar Day Schedule Name
           ,      !- Diffuse Solar Day Schedule Name
           ,      !- ASHRAE Clear Sky Optical Depth for Beam Irradiance (taub)
           ,      !- ASHRAE Clear Sky Optical Depth for Diffuse Irradiance (taud)
       0.00;      !- Clearness {0.0 to 1.1}"""
TAU = """ASHRAETau, !- Solar Model Indicator
           ,      !- Beam Solar Day Schedule Name
           ,      !- Diffuse Solar Day Schedule Name
      0.455,      !- ASHRAE Clear Sky Optical Depth for Beam Irradiance (taub)
      2.050;      !- ASHRAE Clear Sky Optical Depth for Diffuse Irradiance (taud)"""

COLD = {"month": 1, "day_type": "WinterDesignDay", "range": "0.0", "wind": "4.9", "direction": 270, "sun": CLEAR_SKY}
HOT = {"month": 7, "day_type": "SummerDesignDay", "range": "10.5", "wind": "5.2", "direction": 230, "sun": TAU}


def day(kind: str, dry_bulb: float, wet_bulb: float | str, season: dict[str, Any], **other: Any) -> str:
    fields: dict[str, Any] = {
        "humidity": "Wetbulb",
        "enthalpy": "",
        "dry_bulb": dry_bulb,
        "wet_bulb": wet_bulb,
        **season,
    }
    fields["name"] = f"Chicago Ohare Intl Ap {kind}"
    return DDY_DAY.format(**fields | other)


STANDARD_DAYS = [
    day("Ann Htg 99.6% Condns DB", -20.0, -20.0, COLD),
    day("Ann Htg 99% Condns DB", -16.6, -16.6, COLD),
    day("Ann Hum_n 99.6% Condns DP=>MCDB", -19.2, -25.7, COLD, humidity="Dewpoint"),
    day("Ann Hum_n 99% Condns DP=>MCDB", -15.7, -22.1, COLD, humidity="Dewpoint"),
    day("Ann Htg Wind 99.6% Condns WS=>MCDB", -3.5, -3.5, COLD, wind="12.4"),
    day("Ann Htg Wind 99% Condns WS=>MCDB", -3.2, -3.2, COLD, wind="11.4"),
    day("Ann Clg .4% Condns DB=>MWB", 33.3, 23.7, HOT),
    day("Ann Clg 1% Condns DB=>MWB", 31.6, 23.0, HOT),
    day("Ann Clg 2% Condns DB=>MWB", 30.1, 22.1, HOT),
    day("Ann Clg .4% Condns WB=>MDB", 31.2, 25.5, HOT),
    day("Ann Clg 1% Condns WB=>MDB", 29.6, 24.5, HOT),
    day("Ann Clg 2% Condns WB=>MDB", 28.1, 23.5, HOT),
    day("Ann Clg .4% Condns DP=>MDB", 28.9, 23.8, HOT, humidity="Dewpoint"),
    day("Ann Clg 1% Condns DP=>MDB", 27.7, 22.9, HOT, humidity="Dewpoint"),
    day("Ann Clg 2% Condns DP=>MDB", 26.5, 21.9, HOT, humidity="Dewpoint"),
    day("Ann Clg .4% Condns Enth=>MDB", 31.4, "", HOT, humidity="Enthalpy", enthalpy="79200."),
    day("Ann Clg 1% Condns Enth=>MDB", 29.6, "", HOT, humidity="Enthalpy", enthalpy="75100."),
    day("Ann Clg 2% Condns Enth=>MDB", 28.2, "", HOT, humidity="Enthalpy", enthalpy="70900."),
    day("August .4% Condns DB=>MCWB", 32.8, 23.6, HOT, month=8),
]
OWN_DAYS = [day("coldest night of 1985", -32.8, -32.8, COLD), day("heat wave of 1995", 41.1, 26.7, HOT)]


def ddy(days: list[str], top: str = DDY_TOP, encoding: str = "latin-1") -> bytes:
    return (top + "".join(days)).replace("\n", "\r\n").encode(encoding)


CHICAGO_DDY = ddy(STANDARD_DAYS)


def office() -> model.Document:
    return model.load(OFFICE, ".idf")


def lines(content: bytes = CHICAGO) -> list[str]:
    return list(_lines(content))


@cache
def _lines(content: bytes) -> tuple[str, ...]:
    return tuple(content.decode("latin-1").splitlines())


def epw_of(changed: list[str]) -> bytes:
    return "\r\n".join(changed).encode("latin-1")


def with_header(conditions: str, content: bytes = CHICAGO) -> bytes:
    first, _, *rest = lines(content)
    return epw_of([first, conditions, *rest])


def header_site(content: bytes) -> site.Site:
    place = site.site_from_header(epw.read_epw(content))
    assert place is not None
    return place


def days_of(place: site.Site) -> list[tuple[str, dict[str, Any]]]:
    return [(name, fields) for object_class, name, fields in place.objects if object_class == "SizingPeriod:DesignDay"]


def moved(document: model.Document, content: bytes) -> model.Document:
    site.apply_site(document, header_site(content), epw.read_epw(content))
    return document


# reading --------------------------------------------------------------------------------------------------------


def test_a_weather_file_tells_its_place_and_its_year() -> None:
    read = epw.read_epw(CHICAGO)
    assert read.place == "Chicago Ohare Intl Ap, IL, USA"
    assert (read.latitude, read.longitude, read.time_zone_h, read.elevation_m) == (41.98, -87.92, -6.0, 201.0)
    assert (read.hours, read.records_per_hour, read.data_periods) == (8760, 1, 1)
    assert (read.first, read.last) == ((1986, 1, 1), (1981, 12, 31)), "a typical year is made of several"
    assert not read.leap_year_observed
    assert [depth for depth, _ in read.ground_temperatures_c] == [0.5, 2.0, 4.0]
    assert read.ground_temperatures_c[0][1][:2] == (-1.89, -3.06)


def test_the_mean_temperatures_are_those_of_the_lines() -> None:
    read = epw.read_epw(CHICAGO)
    hours = [float(line.split(",")[6]) for line in lines()[8:]]
    assert read.annual_dry_bulb_c == pytest.approx(sum(hours) / 8760)
    assert read.monthly_dry_bulb_c[0] == pytest.approx(sum(hours[: 31 * 24]) / (31 * 24))
    assert sum(read.monthly_dry_bulb_c) / 12 == pytest.approx(read.annual_dry_bulb_c, abs=0.1)


def test_missing_temperatures_are_left_out_of_the_means() -> None:
    changed = lines()
    for place in range(8, 8 + 10):
        changed[place] = ",".join([*changed[place].split(",")[:6], "99.9", *changed[place].split(",")[7:]])
    january = [float(line.split(",")[6]) for line in lines()[18 : 8 + 31 * 24]]
    assert epw.read_epw(epw_of(changed)).monthly_dry_bulb_c[0] == pytest.approx(sum(january) / len(january))


@pytest.mark.parametrize("name", sorted(set(weather_files) - {"usa_co_boulder"}))
def test_the_design_conditions_in_the_header_are_read(name: str) -> None:
    content = Path(weather_files[name]).read_bytes()
    design = epw.read_epw(content).design
    assert design is not None
    assert design.source == "Climate Design Data 2009 ASHRAE Handbook"
    dry_bulbs = [float(line.split(",")[6]) for line in lines(content)[8:]]
    assert design.heating_dry_bulb == pytest.approx(sorted(dry_bulbs)[35], abs=6), "0.4 % of the hours are colder"
    assert design.cooling_dry_bulb == pytest.approx(sorted(dry_bulbs)[-35], abs=4)
    assert design.cooling_wet_bulb < design.humid_wet_bulb < design.humid_dry_bulb < design.cooling_dry_bulb


def test_the_one_file_without_design_conditions_says_so() -> None:
    read = epw.read_epw(BOULDER)
    assert read.design is None
    assert read.without_design == "has no design conditions in its header; give a DDY"
    assert site.site_from_header(read) is None


def test_the_edition_of_2021_has_one_more_number_and_none_moves() -> None:
    design = epw.read_epw(with_header(MUNICH)).design
    assert design is not None
    assert (design.heating_dry_bulb, design.heating_wind_speed, design.heating_wind_direction) == (-11.9, 1.8, 90)
    assert (design.cooling_dry_bulb, design.cooling_wet_bulb, design.daily_range) == (29.5, 19.0, 8.8)
    assert (design.humid_dry_bulb, design.humid_wet_bulb) == (27.4, 19.7)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Cooling,7,10.5,33.3,23.7,31.6", "Cooling,7,10.5,23.7,33.3,31.6", "not in ASHRAE's order"),
        ("Heating,1,-20,-16.6", "Heating,-20,-16.6,1", "not in ASHRAE's order"),
        ("Heating,1,-20", "Heating,1,N/A", 'cannot be read: expected 15 numbers after "Heating", found 1, N/A'),
        ("Cooling,7,", "Kühlung,7,", "has no design conditions"),
    ],
)
def test_design_conditions_in_another_order_are_not_guessed(old: str, new: str, said: str) -> None:
    conditions = lines()[1]
    assert old in conditions
    read = epw.read_epw(with_header(conditions.replace(old, new)))
    assert read.design is None
    assert said in read.without_design
    assert epw.weather_problems(with_header(conditions.replace(old, new)), "annual") == [], "it runs all the same"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no EPW file: its first line does not begin with LOCATION"),
        (b"<html>404</html>", "is no EPW file"),
        (epw_of(lines()[:7]), "is no whole EPW file: no line DATA PERIODS ends its header"),
        (epw_of(lines()[:8]), "has no line of data after its header"),
        (
            epw_of([lines()[0].replace("41.98", "41°58'"), *lines()[1:]]),
            "has a LOCATION that cannot be read; expected city",
        ),
        (
            epw_of([*lines()[:7], "DATA PERIODS,1,0,Data,Sunday,1/1,12/31", *lines()[8:]]),
            "has a DATA PERIODS that cannot",
        ),
        (epw_of([*lines()[:100], "1986,1,4", *lines()[101:]]), "has 3 columns in line 101; expected the 35"),
        (epw_of([*lines()[:100], lines()[100].replace("1986", "MCMLXXXVI")]), "has a line 101 that cannot be read"),
        (epw_of([*lines()[:100], lines()[100].replace(",99,", ",nan,"), "", "\x1a"]), None),
    ],
)
def test_what_is_no_weather_file_says_what_is_wrong_and_where(content: bytes, said: str | None) -> None:
    if said is None:
        assert epw.read_epw(content).records == 93, "a column that is not looked at, and an end of file of DOS"
        return
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        epw.read_epw(content)
    for period in ("annual", "design-days", "model"):
        assert said in epw.weather_problems(content, period)[0]


# problems -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(weather_files))
def test_the_weather_files_of_the_wheel_have_no_problem(name: str) -> None:
    assert epw.weather_problems(Path(weather_files[name]).read_bytes(), "annual") == []


def test_a_year_that_was_cut_off_is_too_short_for_an_annual_run_only() -> None:
    short = epw_of(lines()[:100])
    assert epw.weather_problems(short, "annual") == ["has 92 hourly lines, from 1/1 to 1/4; a year has 8760"]
    assert epw.weather_problems(short, "design-days") == []
    assert epw.weather_problems(short, "model") == []


def test_a_year_from_july_to_june_is_no_calendar_year() -> None:
    july = 8 + 181 * 24
    turned = epw_of([*lines()[:8], *lines()[july:], *lines()[8:july]])
    assert epw.weather_problems(turned, "annual") == [
        "begins on 7/1; an annual run needs the days from 1/1 to 12/31 in their order"
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ([*lines()[:508], *lines()[509:]], "line 509 is 1/21 hour 22, expected 1/21 hour 21"),
        ([*lines()[:508], *lines()[507:]], "line 509 is 1/21 hour 20, expected 1/21 hour 21"),
        ([*lines()[: 8 + 240], *lines()[8 + 264 :]], "line 249 is 1/12 hour 1, expected 1/11 hour 1"),
    ],
)
def test_an_hour_or_a_day_that_lacks_or_comes_twice_is_found_with_its_line(changed: list[str], said: str) -> None:
    assert f"is not continuous: {said}" in epw.weather_problems(epw_of(changed), "annual")
    assert epw.weather_problems(epw_of(changed), "design-days") == []


def test_a_leap_year_is_continuous() -> None:
    february = 8 + 59 * 24
    leap_day = [line.replace(",2,28,", ",2,29,", 1) for line in lines()[february - 24 : february]]
    content = epw_of([*lines()[:february], *leap_day, *lines()[february:]])
    assert epw.weather_problems(content, "annual") == []
    assert epw.read_epw(content).hours == 8784


def test_four_records_an_hour_make_the_same_year() -> None:
    head = [*lines()[:7], "DATA PERIODS,1,4,Data,Sunday, 1/ 1,12/31"]
    quarters = [line for hour in lines()[8:] for line in [hour] * 4]
    assert epw.weather_problems(epw_of([*head, *quarters]), "annual") == []
    read = epw.read_epw(epw_of([*head, *quarters]))
    assert (read.records_per_hour, read.hours) == (4, 8760)
    assert read.annual_dry_bulb_c == pytest.approx(epw.read_epw(CHICAGO).annual_dry_bulb_c)
    assert "has 2190 hours of data" in epw.weather_problems(epw_of([*head, *lines()[8:]]), "annual")[0]


@pytest.mark.parametrize(
    ("column", "code", "said"),
    [
        (6, "99.9", "has no dry bulb temperature: every value is the code for a missing one, 99.9 or more"),
        (8, "999", "has no relative humidity"),
        (14, "9999", "has no direct normal radiation"),
        (15, "9999", "has no diffuse horizontal radiation"),
    ],
)
def test_a_column_that_holds_nothing_is_no_weather(column: int, code: str, said: str) -> None:
    rows = [line.split(",") for line in lines()[8:]]
    empty = epw_of([*lines()[:8], *(",".join([*row[:column], code, *row[column + 1 :]]) for row in rows)])
    assert len(epw.weather_problems(empty, "annual")) == 1
    assert said in epw.weather_problems(empty, "annual")[0]


# the header's design days ---------------------------------------------------------------------------------------


def test_the_header_of_chicago_gives_its_design_days() -> None:
    place = header_site(CHICAGO)
    (place, name, where), *days = place.objects
    assert (place, name) == ("Site:Location", "Chicago Ohare Intl Ap_IL_USA")
    assert where == {"latitude": 41.98, "longitude": -87.92, "time_zone": -6.0, "elevation": 201.0}
    assert [name for _, name, _ in days] == [
        "Chicago Ohare Intl Ap Ann Htg 99.6% Condns DB",
        "Chicago Ohare Intl Ap Ann Clg .4% Condns DB=>MWB",
        "Chicago Ohare Intl Ap Ann Clg .4% Condns WB=>MDB",
    ]
    cold, hot, humid = (fields for _, _, fields in days)
    assert (cold["month"], cold["maximum_dry_bulb_temperature"], cold["daily_dry_bulb_temperature_range"]) == (
        1,
        -20,
        0,
    )
    assert cold["wetbulb_or_dewpoint_at_maximum_dry_bulb"] == cold["maximum_dry_bulb_temperature"]
    assert (cold["wind_speed"], cold["wind_direction"], cold["sky_clearness"]) == (4.9, 270, 0)
    assert (hot["month"], hot["maximum_dry_bulb_temperature"], hot["daily_dry_bulb_temperature_range"]) == (
        7,
        33.3,
        10.5,
    )
    assert (hot["wetbulb_or_dewpoint_at_maximum_dry_bulb"], hot["wind_speed"], hot["wind_direction"]) == (
        23.7,
        5.2,
        230,
    )
    assert (humid["maximum_dry_bulb_temperature"], humid["wetbulb_or_dewpoint_at_maximum_dry_bulb"]) == (31.2, 25.5)


def test_in_the_southern_half_of_the_world_winter_is_in_july() -> None:
    days = dict(days_of(header_site(with_header(SANTIAGO))))
    months = {fields["day_type"]: fields["month"] for fields in days.values()}
    assert months == {"WinterDesignDay": 7, "SummerDesignDay": 1}


def test_the_pressure_is_that_of_the_elevation() -> None:
    assert standard_pressure_pa(0) == 101_325
    assert round(standard_pressure_pa(190)) == 99_063, "as in the reference models of Chicago"
    assert standard_pressure_pa(1726) == pytest.approx(82_237, abs=50), "as in the 90.1 models of Denver"
    for content in (CHICAGO, DENVER):
        expected = round(standard_pressure_pa(epw.read_epw(content).elevation_m))
        assert {fields["barometric_pressure"] for _, fields in days_of(header_site(content))} == {expected}


def test_a_city_may_be_called_what_ends_a_field_of_an_idf() -> None:
    place = header_site(epw_of([lines()[0].replace("Chicago Ohare Intl Ap", "Springfield; the 3rd!"), *lines()[1:]]))
    document = office()
    site.apply_site(document, place)
    back = model.load(model.write(document, ".idf"), ".idf")
    assert back["Site:Location"][0].name == "Springfield the 3rd _IL_USA"


# design days of a DDY -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_a_ddy_gives_heating_and_cooling_by_dry_and_by_wet_bulb(encoding: str) -> None:
    place = site.site_from_ddy(ddy(STANDARD_DAYS, encoding=encoding))
    assert place.source == "ddy"
    assert place.objects[0][1] == "Chicago Ohare Intl Ap_IL_USA Design_Conditions"
    assert [name.removeprefix("Chicago Ohare Intl Ap Ann ") for name, _ in days_of(place)] == [
        "Htg 99.6% Condns DB",
        "Clg .4% Condns DB=>MWB",
        "Clg .4% Condns WB=>MDB",
    ]
    assert len(place.objects) == 4, "one location and three days: no daylight saving time"
    assert place.notes == ("3 sizing periods of the DDY, 16 left out",)


def test_a_ddy_brings_its_optical_depths() -> None:
    _, (_, hot), _ = days_of(site.site_from_ddy(CHICAGO_DDY))
    assert hot["solar_model_indicator"] == "ASHRAETau"
    assert hot["ashrae_clear_sky_optical_depth_for_beam_irradiance_taub_"] == 0.455
    assert hot["ashrae_clear_sky_optical_depth_for_diffuse_irradiance_taud_"] == 2.05


def test_header_and_ddy_of_one_station_say_the_same() -> None:
    of_header, of_ddy = days_of(header_site(CHICAGO)), days_of(site.site_from_ddy(CHICAGO_DDY))
    same = ("month", "day_of_month", "day_type", "maximum_dry_bulb_temperature", "daily_dry_bulb_temperature_range")
    same += ("wetbulb_or_dewpoint_at_maximum_dry_bulb", "wind_speed", "wind_direction")
    for (name, fields), (other_name, other) in zip(of_header, of_ddy, strict=True):
        assert name == other_name
        assert {field: fields[field] for field in same} == {field: other[field] for field in same}
        assert fields["barometric_pressure"] == pytest.approx(other["barometric_pressure"], rel=1e-3)


def test_a_ddy_of_the_users_own_days_is_taken_whole() -> None:
    period = "\n SizingPeriod:WeatherFileDays, hottest week, 7,13,7,19, SummerDesignDay, No, No;\n"
    place = site.site_from_ddy(ddy([*OWN_DAYS, period]))
    assert [(one, name.partition("Ap ")[2]) for one, name, _ in place.objects[1:3]] == [
        ("SizingPeriod:DesignDay", "coldest night of 1985"),
        ("SizingPeriod:DesignDay", "heat wave of 1995"),
    ]
    assert place.objects[3][:2] == ("SizingPeriod:WeatherFileDays", "hottest week")
    one_percent = [one for one in STANDARD_DAYS if "99%" in one or "1%" in one]
    assert len(days_of(site.site_from_ddy(ddy(one_percent)))) == len(one_percent)


def test_days_of_the_users_own_are_taken_beside_the_standard_ones() -> None:
    names = [name for name, _ in days_of(site.site_from_ddy(ddy([*STANDARD_DAYS, *OWN_DAYS])))]
    assert len(names) == 5
    assert names[-1].endswith("heat wave of 1995")


def test_a_ddy_may_state_a_version_and_hold_whatever_else() -> None:
    more = "\n Version, 8.3;\n FrobnicatedObject, 1, 2;\n Schedule:File,a,,x.csv,1,0;\n"
    assert site.site_from_ddy(ddy([more, *STANDARD_DAYS])) == site.site_from_ddy(CHICAGO_DDY)


PRE_7 = DDY_TOP + (
    " SizingPeriod:DesignDay, Chicago, -20.6, 0.0, -20.6, 99063., 4.9, 270, 0.00, 0, 0, 21, 1, WinterDesignDay, 0;\n"
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds 0 Site:Location objects; expected one"),
        (b"<html><body>404: not found; sorry</body></html>", "holds 0 Site:Location objects"),
        (ddy([DDY_TOP, *STANDARD_DAYS]), "holds 2 Site:Location objects"),
        (ddy([]), "holds no design day"),
        (ddy([STANDARD_DAYS[0][:-80]]), "holds no design day"),
        (
            ddy([STANDARD_DAYS[0], STANDARD_DAYS[0]]),
            'two sizing periods of the name "Chicago Ohare Intl Ap Ann Htg 99.6%',
        ),
        (
            ddy([day("Ann Htg 99.6% Condns DB", -20, -20, COLD, wind="N")]),
            "would refuse: wind_speed is 'N': Expected number",
        ),
        (PRE_7.encode(), "would refuse: .*; expected the fields of EnergyPlus 8 and later"),
        (
            ddy([OWN_DAYS[0].replace("0.00;", "0.00, 25, , 1, 2, 3;")]),
            r"cannot be read: .*3 extra field\(s\).*expected at most 27, got 30.*coldest night of 1985",
        ),
    ],
)
def test_what_is_no_ddy_says_what_is_wrong(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        site.site_from_ddy(content)


def test_a_day_that_is_not_taken_may_be_broken() -> None:
    """OneBuilding writes N where a station has no wind, and EnergyPlus refuses the whole file."""
    broken = day("August 2% Condns DB=>MCWB", 30.1, 22.1, HOT, wind="N")
    assert len(site.site_from_ddy(ddy([*STANDARD_DAYS, broken, broken])).objects) == 4


# moving a model -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".idf", ".epJSON"])
@pytest.mark.parametrize("place", [header_site(PHOENIX), site.site_from_ddy(CHICAGO_DDY)], ids=["header", "ddy"])
def test_a_moved_model_is_written_with_its_new_place(place: site.Site, suffix: str) -> None:
    content = OFFICE if suffix == ".idf" else idfkit.write_epjson(office()).encode()
    document = model.load(content, suffix)
    before = {issue.message for issue in idfkit.validate_document(document).errors}
    site.apply_site(document, place)
    back = model.load(model.write(document, suffix), suffix)
    assert {issue.message for issue in idfkit.validate_document(back).errors} <= before
    (_, city, where), *_ = place.objects
    assert [one.name for one in back["Site:Location"]] == [city]
    assert back["Site:Location"][0].latitude == where["latitude"]
    for one, (name, fields) in zip(back["SizingPeriod:DesignDay"], days_of(place), strict=True):
        assert one.name == name
        there = {field: value for field, value in one.data.items() if value not in ("", None)}
        assert _folded(there) == _folded(fields)


def _folded(fields: dict[str, Any]) -> dict[str, Any]:
    """EnergyPlus takes Wetbulb for WetBulb."""
    return {field: value.casefold() if isinstance(value, str) else value for field, value in fields.items()}


def test_nothing_else_in_the_text_changes() -> None:
    document = office()
    site.apply_site(document, header_site(PHOENIX))
    before, after = (_statements(text) for text in (OFFICE, model.write(document, ".idf")))
    assert {text.split(",")[0] for text in before ^ after} == {"Site:Location", "SizingPeriod:DesignDay"}
    assert len(before - after) == 3
    assert len(after - before) == 4


def _statements(content: bytes) -> set[str]:
    rows = [line.partition("!")[0].strip() for line in content.decode("latin-1").splitlines()]
    return {"".join(part.split()) for part in "".join(rows).split(";")}


def test_the_same_weather_twice_changes_nothing_more() -> None:
    of_ddy = site.site_from_ddy(ddy([*OWN_DAYS, "SizingPeriod:WeatherFileDays,week,7,13,7,19,SummerDesignDay,No,No;"]))
    for place in (header_site(PHOENIX), of_ddy):
        document = office()
        site.apply_site(document, place, epw.read_epw(PHOENIX))
        once = model.write(document, ".idf")
        site.apply_site(document, place, epw.read_epw(PHOENIX))
        assert model.write(document, ".idf") == once


def test_a_site_survives_being_plain_json() -> None:
    place = header_site(CHICAGO)
    there = site.Site(**json.loads(json.dumps(plain(asdict(place)))))
    documents = [office(), office()]
    for document, one in zip(documents, (place, there), strict=True):
        site.apply_site(document, one)
    assert model.write(documents[0], ".idf") == model.write(documents[1], ".idf")


def test_the_water_mains_follow_the_weather() -> None:
    document = moved(office(), CHICAGO)
    mains = document["Site:WaterMainsTemperature"][0]
    assert mains.annual_average_outdoor_air_temperature == 9.99, "as EnergyPlus computes from this file"
    assert mains.maximum_difference_in_monthly_average_outdoor_air_temperatures == 28.78
    for method in ("Schedule", "CorrelationFromWeatherFile"):
        document = office()
        document["Site:WaterMainsTemperature"][0].calculation_method = method
        moved(document, PHOENIX)
        assert document["Site:WaterMainsTemperature"][0].annual_average_outdoor_air_temperature == 9.69


def test_denver_gives_the_model_of_denver_its_own_ground_and_water() -> None:
    """The authors of the 90.1 models computed these from the same weather file."""
    theirs, ours = model.load(DENVER_OFFICE, ".idf"), moved(model.load(DENVER_OFFICE, ".idf"), DENVER)
    name = "Site:GroundTemperature:FCfactorMethod"
    for field in theirs.schema.get_all_field_names(name):
        assert getattr(ours[name][0], field) == pytest.approx(getattr(theirs[name][0], field), abs=0.05)
    mains, own = (one["Site:WaterMainsTemperature"][0] for one in (ours, theirs))
    for field in (
        "annual_average_outdoor_air_temperature",
        "maximum_difference_in_monthly_average_outdoor_air_temperatures",
    ):
        assert getattr(mains, field) == pytest.approx(getattr(own, field), abs=0.1)
    for one, other in zip(ours["SizingPeriod:DesignDay"], theirs["SizingPeriod:DesignDay"], strict=False):
        assert one.maximum_dry_bulb_temperature == other.maximum_dry_bulb_temperature
        assert one.wetbulb_or_dewpoint_at_maximum_dry_bulb == other.wetbulb_or_dewpoint_at_maximum_dry_bulb


def test_a_month_without_weather_leaves_ground_and_water_alone() -> None:
    short = epw.read_epw(epw_of(lines(PHOENIX)[:1000]))
    assert math.isnan(short.annual_dry_bulb_c)
    document = office()
    site.apply_site(document, header_site(PHOENIX), short)
    assert document["Site:WaterMainsTemperature"][0].annual_average_outdoor_air_temperature == 9.69


def test_the_ground_under_the_building_stays_and_is_told() -> None:
    document = office()
    before = dict(document["Site:GroundTemperature:BuildingSurface"][0].data)
    assert site.left_behind(document) == [
        "the ground temperatures under the building (Site:GroundTemperature:BuildingSurface)",
        "daylight saving time (RunPeriodControl:DaylightSavingTime)",
        "the holidays (RunPeriodControl:SpecialDays)",
    ]
    moved(document, PHOENIX)
    assert dict(document["Site:GroundTemperature:BuildingSurface"][0].data) == before
    assert "Site:GroundTemperature" not in str(site.left_behind(model.load(DENVER_OFFICE, ".idf")))


def test_schedules_of_the_old_place_are_told() -> None:
    document = office()
    document["Site:WaterMainsTemperature"][0].calculation_method = "Schedule"
    document.add("WeatherProperty:SkyTemperature", "", calculation_type="ScheduleValue", schedule_name="ALWAYS_ON")
    document.add("SizingPeriod:WeatherFileDays", "hot week", **WEEK)
    told = " ".join(site.left_behind(document))
    for one in (
        "the schedule of the water mains",
        "the schedule of the sky temperature",
        "the dates of sizing periods",
    ):
        assert one in told


WEEK = {"begin_month": 7, "begin_day_of_month": 13, "end_month": 7, "end_day_of_month": 19}


def test_what_named_an_old_design_day_goes_with_it() -> None:
    """EnergyPlus ends with a fatal error on a sky temperature of an environment that is not there."""
    document = office()
    old = document["SizingPeriod:DesignDay"][0].name
    for name in (old.upper(), "Annual"):
        document.add("WeatherProperty:SkyTemperature", name, calculation_type="Brunt")
    moved(document, PHOENIX)
    assert [one.name for one in document["WeatherProperty:SkyTemperature"]] == ["Annual"]


def test_periods_of_the_weather_file_stay_for_they_move_with_it() -> None:
    document = office()
    document.add("SizingPeriod:WeatherFileDays", "hot week", **WEEK)
    document.add("SizingPeriod:WeatherFileConditionType", "summer", period_selection="SummerExtreme")
    moved(document, PHOENIX)
    assert [one.name for one in document["SizingPeriod:WeatherFileDays"]] == ["hot week"]
    assert [one.name for one in document["SizingPeriod:WeatherFileConditionType"]] == ["summer"]


def test_a_model_without_design_days_gets_none_but_those_of_a_ddy() -> None:
    document = office()
    model.remove_all(document, "SizingPeriod:DesignDay")
    moved(document, PHOENIX)
    assert [*model.objects_of(document, "SizingPeriod:DesignDay")] == []
    assert document["Site:Location"][0].latitude == 33.45
    site.apply_site(document, site.site_from_ddy(CHICAGO_DDY))
    assert len(document["SizingPeriod:DesignDay"]) == 3


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_two_days_of_a_ddy_that_energyplus_tells_apart_were_one(encoding: str) -> None:
    names = ("Straße", "STRASSE", "Été", "Étè")
    days = [day("", -20.0 - place, -25.0, COLD, name=name) for place, name in enumerate(names)]
    document = office()
    site.apply_site(document, site.site_from_ddy(ddy(days, encoding=encoding)))
    written = model.load(model.write(document, ".idf"), ".idf")["SizingPeriod:DesignDay"]
    assert [(one.name, one.maximum_dry_bulb_temperature) for one in written] == [
        (name, -20.0 - place) for place, name in enumerate(names)
    ]


def test_a_design_day_with_a_schedule_needs_it_in_the_model() -> None:
    own = OWN_DAYS[1].replace("DefaultMultipliers", "MultiplierSchedule", 1)
    own = own.replace(
        "           ,      !- Dry-Bulb Temperature Range", "  Swing,      !- Dry-Bulb Temperature Range", 1
    )
    place = site.site_from_ddy(ddy([OWN_DAYS[0], own]))
    document = office()
    with pytest.raises(
        InputError, match=r'heat wave of 1995" refers to the schedule "Swing", which the model does not'
    ):
        site.apply_site(document, place)
    assert len(document["SizingPeriod:DesignDay"]) == 2, "the model is as it was"
    document.add("Schedule:Day:Interval", "SWING", data=[{"time": "Until: 24:00", "value_until_time": 0.5}])
    site.apply_site(document, place)
    assert document["SizingPeriod:DesignDay"][1].dry_bulb_temperature_range_modifier_day_schedule_name == "Swing"


def test_a_ddy_of_another_city_is_noticed() -> None:
    place = site.site_from_ddy(CHICAGO_DDY)
    assert site.far_apart(place, epw.read_epw(CHICAGO)) == ""
    told = site.far_apart(place, epw.read_epw(PHOENIX))
    assert told.startswith(
        "design days of Chicago Ohare Intl Ap_IL_USA Design_Conditions are used with weather of Phoenix"
    )
    distance_km = float(told.split(", ")[-1].removesuffix(" km away"))
    assert distance_km == pytest.approx(2319, rel=0.01), "from airport to airport"
