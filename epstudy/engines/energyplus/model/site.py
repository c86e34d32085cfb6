"""The place of a model: its location and the days it is sized for, taken from a DDY or from the header of an EPW.

With another weather file a model keeps its own location and design days, so its coils stay sized for the old city.
`apply_site` swaps them, and what else follows from the air temperatures; `left_behind` says what it leaves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import idfkit
from idfkit import validate_object

from epstudy.core.canonical import folded
from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model.epjson import new_object
from epstudy.engines.energyplus.model.model import Document, ModelObject, load, objects_of, remove_all, text_of

if TYPE_CHECKING:
    from epstudy.engines.energyplus.model.epw import Epw

_LOCATION = "Site:Location"
_DAY = "SizingPeriod:DesignDay"
_WEATHER_PERIODS = ("SizingPeriod:WeatherFileDays", "SizingPeriod:WeatherFileConditionType")
_NEAR_KM = 100  # stations of one city; the next climate is further
_SCHEMA = b"25.2"  # a DDY states no version; the fields of these classes have kept their order since EnergyPlus 8

#: Names of the days that the Weather Converter and OneBuilding write: "… Ann Clg .4% Condns DB=>MWB".
_NAMED_BY_RULE = re.compile(r"%\s+Condns\b", re.IGNORECASE)
_HEATING = re.compile(r"\bHtg\s+99\.6%\s+Condns\s+DB", re.IGNORECASE)
_COOLING = re.compile(r"\bClg\s+0?\.4%\s+Condns\s+DB=>", re.IGNORECASE)
_HUMID = re.compile(r"\bClg\s+0?\.4%\s+Condns\s+WB=>", re.IGNORECASE)

#: What `apply_site` leaves as it is, though it belongs to a place.
_STAYS = (
    ("Site:GroundTemperature:BuildingSurface", "the ground temperatures under the building"),
    ("Site:GroundTemperature:Shallow", "the ground temperatures near the surface"),
    ("Site:GroundTemperature:Deep", "the deep ground temperatures"),
    ("Site:GroundTemperature:Undisturbed:FiniteDifference", "the undisturbed ground temperatures"),
    ("Site:GroundTemperature:Undisturbed:KusudaAchenbach", "the undisturbed ground temperatures"),
    ("Site:GroundTemperature:Undisturbed:Xing", "the undisturbed ground temperatures"),
    ("Site:GroundReflectance", "the ground reflectance"),
    ("Site:Precipitation", "the precipitation"),
    ("RoofIrrigation", "the irrigation"),
    ("Site:WeatherStation", "the weather station"),
    ("Site:HeightVariation", "the wind and temperature profiles"),
    ("Site:VariableLocation", "the moving location"),
    ("Site:SolarAndVisibleSpectrum", "the solar spectrum"),
    ("SizingPeriod:WeatherFileDays", "the dates of sizing periods in the weather file"),
    ("RunPeriodControl:DaylightSavingTime", "daylight saving time"),
    ("RunPeriodControl:SpecialDays", "the holidays"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """One Site:Location and the sizing periods of a place, as plain JSON.

    `source` is "ddy" or "header". Each of `objects` is class, name and fields, under their names in EnergyPlus'
    schema. `notes` say what was taken and what was not.
    """

    source: str
    objects: tuple[tuple[str, str, dict[str, Any]], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Statement:
    """One object of a DDY, as it stands there without comments."""

    text: bytes

    @property
    def name(self) -> str:
        return self._field(1)

    def is_a(self, object_class: str) -> bool:
        return self._field(0).casefold() == object_class.casefold()

    def _field(self, place: int) -> str:
        fields = self.text.split(b",", 2)
        return text_of(fields[place].strip()) if place < len(fields) else ""


def site_from_header(epw: Epw) -> Site | None:
    """Return location and three design days from the header of a weather file; None when it has no design conditions.

    The days are those that `site_from_ddy` takes of a DDY: heating 99.6 %, cooling 0.4 % by dry bulb and by wet bulb;
    on the 21st of the coldest and the hottest month, at the standard pressure of the elevation. The header has no
    optical depths, so the sun is ASHRAE's older clear sky, with clearness 0 in winter and 1 in summer.
    """
    design = epw.design
    if design is None:
        return None
    name = _for_idf(epw.city)
    winter = {
        "month": design.coldest_month,
        "day_type": "WinterDesignDay",
        "wind_speed": design.heating_wind_speed,
        "wind_direction": design.heating_wind_direction,
        "sky_clearness": 0.0,
    }
    summer = {
        "month": design.hottest_month,
        "day_type": "SummerDesignDay",
        "wind_speed": design.cooling_wind_speed,
        "wind_direction": design.cooling_wind_direction,
        "sky_clearness": 1.0,
    }
    cold, hot, humid = design.heating_dry_bulb, design.cooling_dry_bulb, design.humid_dry_bulb
    pressure = round(standard_pressure_pa(epw.elevation_m))
    objects = (
        (_LOCATION, _for_idf("_".join(filter(None, (epw.city, epw.region, epw.country)))), _location(epw)),
        (_DAY, f"{name} Ann Htg 99.6% Condns DB", winter | _air(cold, cold, 0.0, pressure)),
        (
            _DAY,
            f"{name} Ann Clg .4% Condns DB=>MWB",
            summer | _air(hot, design.cooling_wet_bulb, design.daily_range, pressure),
        ),
        (
            _DAY,
            f"{name} Ann Clg .4% Condns WB=>MDB",
            summer | _air(humid, design.humid_wet_bulb, design.daily_range, pressure),
        ),
    )
    return Site("header", objects, (f"design days made of {design.source}, with ASHRAE's older clear sky",))


def site_from_ddy(content: bytes) -> Site:
    """Return location and sizing periods of a DDY.

    Of the days that the Weather Converter and OneBuilding write, it takes heating 99.6 % and cooling 0.4 % by dry bulb
    and by wet bulb, as OpenStudio's measure ChangeBuildingLocation does (less its twelve monthly days); days with names
    of any other kind are the user's own and taken too. A DDY without the first two is taken whole.

    Raises
    ------
    InputError
        When it holds not one Site:Location, no sizing period, or one that EnergyPlus would refuse; the text follows
        "the design-day file … ".
    """
    found = _statements(content)
    locations = [one for one in found if one.is_a(_LOCATION)]
    if len(locations) != 1:
        raise InputError(f"holds {len(locations)} {_LOCATION} objects; expected one, and the design days of that place")
    periods = [one for one in found if one not in locations]
    chosen = _standard_days([one for one in periods if one.is_a(_DAY)]) or periods
    if not chosen:
        raise InputError(f"holds no design day; expected {_DAY} objects")
    names = [folded(one.name) for one in chosen]
    twice = [one.name for one in chosen if names.count(folded(one.name)) > 1]
    if twice:
        raise InputError(f'holds two sizing periods of the name "{twice[0]}"; rename one')
    left = len(periods) - len(chosen)
    notes = (f"{len(chosen)} sizing periods of the DDY" + (f", {left} left out" if left else ""),)
    return Site("ddy", tuple(_objects([*locations, *chosen])), notes)


def apply_site(document: Document, site: Site, epw: Epw | None = None) -> None:
    """Replace the location and all design days of a model, in place; with `epw`, what follows from its temperatures.

    - Design conditions of a header stand in for the model's own design days: a model that has none, because its sizes
      are fixed or because it is sized in periods of the weather file, gets none. Those of a DDY were asked for.
    - SizingPeriod:WeatherFileConditionType and SizingPeriod:WeatherFileDays stay: they are periods of whatever weather
      file the model runs with. One of a DDY replaces that of its name.
    - Day schedules of the old design days stay; a WeatherProperty:SkyTemperature of one goes with it.

    Raises
    ------
    InputError
        When a design day refers to a schedule that the model does not have, or does not fit the model's version.
    """
    before = {folded(one.name) for one in objects_of(document, _DAY)}
    wanted = [one for one in site.objects if one[0] == _LOCATION or site.source == "ddy" or before]
    for object_class, name, fields in wanted:
        _check_schedules(document, object_class, name, fields)
    names = {folded(name) for object_class, name, _ in wanted if object_class != _LOCATION}
    remove_all(document, _LOCATION, _DAY)
    _remove(document, objects_of(document, *_WEATHER_PERIODS), names)
    _remove(document, objects_of(document, "WeatherProperty:SkyTemperature"), before - names)
    for object_class, name, fields in wanted:
        try:
            document.add(object_class, name, _whole(fields))
        except idfkit.DuplicateObjectError:  # EnergyPlus tells "Straße" from "STRASSE"
            document.take(new_object(document.schema, object_class, name, _whole(fields)))
        except idfkit.IdfKitError as error:
            raise InputError(f'{object_class} "{name}" does not fit the model: {error}') from error
    if epw is not None:
        apply_climate(document, epw)


def apply_climate(document: Document, epw: Epw) -> None:
    """Recompute, in place, what a model states of the outdoor air over the year; nothing if a month has no values.

    The water mains by correlation get the annual mean dry bulb and the difference between the warmest and the coldest
    month, as EnergyPlus' own CorrelationFromWeatherFile; the ground of the F- and C-factor method gets the monthly
    means, three months late (Input Output Reference 25.2 and the schema's
    memo on Site:GroundTemperature:FCfactorMethod).
    """
    months = epw.monthly_dry_bulb_c
    if not all(map(math.isfinite, months)):
        return
    for mains in objects_of(document, "Site:WaterMainsTemperature"):
        if str(mains.calculation_method).casefold() == "correlation":
            mains.annual_average_outdoor_air_temperature = round(epw.annual_dry_bulb_c, 2)
            mains.maximum_difference_in_monthly_average_outdoor_air_temperatures = round(max(months) - min(months), 2)
    for ground in objects_of(document, "Site:GroundTemperature:FCfactorMethod"):
        fields = document.schema.get_all_field_names("Site:GroundTemperature:FCfactorMethod")
        for place, field in enumerate(fields):
            setattr(ground, field, round(months[place - 3], 2))


def left_behind(document: Document) -> list[str]:
    """Return what a model has of its old place and `apply_site` leaves, each as "the holidays (RunPeriodControl:…)".

    Nothing replaces it: the undisturbed ground temperatures of an EPW are no ground under a building (Input Output
    Reference 25.2, Site:GroundTemperature:BuildingSurface), and holidays are the building's, not the weather's.
    """
    found = [f"{words} ({name})" for name, words in _STAYS if any(objects_of(document, name))]
    mains = objects_of(document, "Site:WaterMainsTemperature")
    if any(str(one.calculation_method).casefold() == "schedule" for one in mains):
        found.append("the schedule of the water mains (Site:WaterMainsTemperature)")
    days = {folded(one.name) for one in objects_of(document, _DAY)}
    skies = objects_of(document, "WeatherProperty:SkyTemperature")
    if any(one.schedule_name and folded(one.name) not in days for one in skies):
        found.append("the schedule of the sky temperature (WeatherProperty:SkyTemperature)")
    return found


def far_apart(site: Site, epw: Epw) -> str:
    """Return how far the site is from the weather file's place when that is more than 100 km, as for a wrong DDY."""
    name, place = next((name, fields) for object_class, name, fields in site.objects if object_class == _LOCATION)
    here, there = (place.get("latitude", 0.0), place.get("longitude", 0.0)), (epw.latitude, epw.longitude)
    distance_km = _distance_km(here, there)
    if distance_km <= _NEAR_KM:
        return ""
    return f"design days of {name} are used with weather of {epw.place}, {distance_km:.0f} km away"


def standard_pressure_pa(elevation_m: float) -> float:
    """Return the pressure of the standard atmosphere (ASHRAE Fundamentals 2017, chapter 1, equation 3)."""
    return float(101_325 * (1 - 2.25577e-5 * elevation_m) ** 5.2559)


def _distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along a great circle, from latitude and longitude in degrees (haversine formula)."""
    (latitude, longitude), (other_latitude, other_longitude) = (
        tuple(map(math.radians, place)) for place in (one, other)
    )
    half = (
        math.sin((other_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other_latitude) * math.sin((other_longitude - longitude) / 2) ** 2
    )
    return 2 * 6371 * math.asin(math.sqrt(half))


def _location(epw: Epw) -> dict[str, Any]:
    return {
        "latitude": epw.latitude,
        "longitude": epw.longitude,
        "time_zone": epw.time_zone_h,
        "elevation": epw.elevation_m,
    }


def _air(dry_bulb: float, wet_bulb: float, daily_range: float, pressure_pa: int) -> dict[str, Any]:
    return {
        "day_of_month": 21,
        "maximum_dry_bulb_temperature": dry_bulb,
        "daily_dry_bulb_temperature_range": daily_range,
        "humidity_condition_type": "WetBulb",
        "wetbulb_or_dewpoint_at_maximum_dry_bulb": wet_bulb,
        "barometric_pressure": pressure_pa,
        "rain_indicator": "No",
        "snow_indicator": "No",
        "daylight_saving_time_indicator": "No",
        "solar_model_indicator": "ASHRAEClearSky",
    }


def _for_idf(text: str) -> str:
    return re.sub(r"[,;!\s]+", " ", text).strip() or "Weather file"


def _statements(content: bytes) -> list[_Statement]:
    """The location and the sizing periods in a DDY; whatever else it holds is not looked at."""
    texts = re.sub(rb"!.*", b"", content).split(b";")[:-1]  # one that lacks its semicolon was cut off
    found = [_Statement(text.strip()) for text in texts]
    return [one for one in found if any(one.is_a(name) for name in (_LOCATION, _DAY, *_WEATHER_PERIODS))]


def _standard_days(days: list[_Statement]) -> list[_Statement]:
    """The annual days to size for, and the user's own, in the file's order; empty when heating or cooling lacks."""
    if not all(any(pattern.search(one.name) for one in days) for pattern in (_HEATING, _COOLING)):
        return []
    return [
        one
        for one in days
        if any(pattern.search(one.name) for pattern in (_HEATING, _COOLING, _HUMID))
        or not _NAMED_BY_RULE.search(one.name)
    ]


def _objects(statements: list[_Statement]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Class, name and fields of each, after a look whether EnergyPlus would take it."""
    try:
        document = load(b";\n".join([b"Version," + _SCHEMA, *(one.text for one in statements), b""]), ".idf")
    except InputError as error:
        reason = re.sub(r"^.*?: (line \d+: )?", "", str(error))  # its lines are not those of the DDY
        raise InputError(f"cannot be read: {reason}") from error
    for one in objects_of(document, _LOCATION, _DAY, *_WEATHER_PERIODS):
        wrong = validate_object(one, document.schema)
        if wrong:
            field, said = wrong[0].field, wrong[0].message
            raise InputError(
                f'has a {one.obj_type} "{one.name}" that EnergyPlus would refuse: {field} is '
                f"{one.data.get(field, '')!r}: {said}; expected the fields of EnergyPlus 8 and later"
            )
        yield one.obj_type, one.name, {field: value for field, value in one.data.items() if value not in ("", None)}


def _check_schedules(document: Document, object_class: str, name: str, fields: dict[str, Any]) -> None:
    """Refuse a day whose schedules are not in the model; EnergyPlus ends with a fatal error then."""
    schema = document.schema
    for field, value in fields.items():
        if not schema.is_reference_field(object_class, field):
            continue
        lists = schema.get_field_object_list(object_class, field) or []
        classes = {one for each in lists for one in schema.get_types_providing_reference(each)}
        if folded(str(value)) not in {folded(one.name) for one in objects_of(document, *sorted(classes))}:
            raise InputError(
                f'{object_class} "{name}" refers to the schedule "{value}", which the model does not have; add it there'
            )


def _whole(fields: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers without a point, which an integer field such as the month needs."""
    return {
        field: int(value) if isinstance(value, float) and value.is_integer() else value
        for field, value in fields.items()
    }


def _remove(document: Document, objects: Iterable[ModelObject] | Iterator[ModelObject], names: set[str]) -> None:
    for one in list(objects):
        if folded(one.name) in names:
            document.removeidfobject(one)
