"""What is asked of EnergyPlus, the files that may be kept, and the scalars that are read from what it wrote.

Scalars come from its own tables in the SQL file, as full doubles in kWh, addressed by report, table, row and column
name (the columns differ between versions), with the unit checked in every row.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from epstudy.core.canonical import canonical, digest
from epstudy.core.errors import EngineError, InputError
from epstudy.engines.energyplus.model.annual import set_full_year
from epstudy.engines.energyplus.model.model import Document, ModelObject, objects_of, remove_all
from epstudy.engines.energyplus.outputs import long_runs
from epstudy.engines.energyplus.outputs.long_runs import WholeRun, whole_run
from epstudy.engines.energyplus.outputs.requests import (
    Meter,
    Request,
    Table,
    Variable,
    as_request,
    makes,
    nearest,
    own_reports,
    own_tables,
    report_id,
    report_names,
    written_key,
    written_meter,
)

#: The end uses of EnergyPlus: column of the results, and row of its table "End Uses".
END_USES = {
    "heating_kwh": "Heating",
    "cooling_kwh": "Cooling",
    "interior_lighting_kwh": "Interior Lighting",
    "exterior_lighting_kwh": "Exterior Lighting",
    "interior_equipment_kwh": "Interior Equipment",
    "exterior_equipment_kwh": "Exterior Equipment",
    "fans_kwh": "Fans",
    "pumps_kwh": "Pumps",
    "heat_rejection_kwh": "Heat Rejection",
    "humidification_kwh": "Humidification",
    "heat_recovery_kwh": "Heat Recovery",
    "water_systems_kwh": "Water Systems",
    "refrigeration_kwh": "Refrigeration",
    "generators_kwh": "Generators",
}

#: Energy by carrier: column of the results, and the columns of "End Uses" whose "Total End Uses" are added. Each column
#: of 25.2 is in one of them, so they add up to the site energy; "District Heating" stood for both before 23.2.
CARRIERS = {
    "electricity_kwh": ("Electricity",),
    "natural_gas_kwh": ("Natural Gas",),
    "district_heating_kwh": ("District Heating Water", "District Heating Steam", "District Heating"),
    "district_cooling_kwh": ("District Cooling",),
    "gasoline_kwh": ("Gasoline",),
    "diesel_kwh": ("Diesel",),
    "coal_kwh": ("Coal",),
    "fuel_oil_no_1_kwh": ("Fuel Oil No 1",),
    "fuel_oil_no_2_kwh": ("Fuel Oil No 2",),
    "propane_kwh": ("Propane",),
    "other_fuel_1_kwh": ("Other Fuel 1",),
    "other_fuel_2_kwh": ("Other Fuel 2",),
}

#: Electricity made on the site, and bought and sold: column of the results, and row of "Electric Loads Satisfied".
#: Produced + purchased - sold is the electricity that the building uses.
ON_SITE = {
    "electricity_produced_kwh": "Total On-Site Electric Sources",
    "electricity_purchased_kwh": "Electricity Coming From Utility",
    "electricity_sold_kwh": "Surplus Electricity Going To Utility",
    "net_electricity_kwh": "Net Electricity From Utility",
}

#: Every scalar of a result, in the order of the columns, with its unit.
METRICS: dict[str, str] = {
    "site_energy_kwh": "kWh",
    "site_eui_kwh_m2": "kWh/m2",
    "net_site_energy_kwh": "kWh",
    "net_site_eui_kwh_m2": "kWh/m2",
    **dict.fromkeys(CARRIERS, "kWh"),
    **dict.fromkeys(ON_SITE, "kWh"),
    **dict.fromkeys(END_USES, "kWh"),
    "water_m3": "m3",
    "floor_area_m2": "m2",
    "unmet_heating_h": "h",
    "unmet_cooling_h": "h",
    "peak_electricity_w": "W",
    "warnings": "1",
    "severe_errors": "1",
    "warmup_converged": "1",
    "seconds": "s",
}

WEATHER_RUN_PERIOD = 3  # EnvironmentPeriods.EnvironmentType in the SQL file, Output Details and Examples, 25.2

_SUMMARY = "AnnualBuildingUtilityPerformanceSummary"
_DEMAND = "DemandEndUseComponentsSummary"

UNASKED = (
    "Output:Variable",
    "Output:Meter",
    "Output:Meter:MeterFileOnly",
    "Output:Meter:Cumulative",
    "Output:Meter:Cumulative:MeterFileOnly",
    "Output:Table:Monthly",
    "Output:Table:Annual",
    "Output:Table:TimeBins",
    "Output:Table:SummaryReports",
    "Output:Table:ReportPeriod",
    "Output:Surfaces:List",
    "Output:Surfaces:Drawing",
    "Output:Constructions",
    "Output:DaylightFactors",
    "Output:EnergyManagementSystem",
    "Output:EnvironmentalImpactFactors",
    "Output:VariableDictionary",
    "Output:JSON",
    "Output:SQLite",
    "OutputControl:Files",
    "OutputControl:Timestamp",
)


#: Reports that EnergyPlus 25.2 writes only together with another one, by their `report_id`.
_ONLY_WITH = {
    "tariffreport": "EconomicResultSummary",
    "facilitycomponentloadsummary": "AirLoopComponentLoadSummary",
}

_DICTIONARY = ("Output:VariableDictionary", {"key_field": "regular", "sort_option": "Name"})

#: Reported with months and longer periods: their rows in the SQL file do not say on which day a period ended.
_CLOCK = (
    "Output:Variable",
    {
        "key_value": "Environment",
        "variable_name": "Site Outdoor Air Drybulb Temperature",
        "reporting_frequency": "Daily",
    },
)
_LONG = ("monthly", "runperiod", "annual")

_SPELLED = {"runperiod": "RunPeriod"}


_TABLE_STYLE, _MAP_STYLE = "OutputControl:Table:Style", "OutputControl:IlluminanceMap:Style"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a run: its name, the field of OutputControl:Files and the objects that make EnergyPlus write it."""

    name: str
    switch: str = ""
    objects: tuple[tuple[str, Mapping[str, str]], ...] = ()


KeptName = Literal[
    "model",
    "console",
    "err",
    "end",
    "sql",
    "html",
    "csv",
    "eso",
    "mtr",
    "eio",
    "rdd",
    "mdd",
    "mtd",
    "edd",
    "audit",
    "bnd",
    "dxf",
    "wrl",
    "sln",
    "shd",
    "zsz",
    "ssz",
]

#: The files that a user may keep, by the word for them. `eso`, `mtr` and `csv` hold the series that were asked for,
#: and are not written when there are none; `dxf`, `wrl`, `sln` need surfaces, `zsz` and `ssz` a sizing run, `map` an
#: Output:IlluminanceMap, `dfs` daylighting controls, `screen` a screen.
KEPT_FILES: dict[str, KeptFile] = {
    "model": KeptFile("in"),
    "console": KeptFile("console.txt"),
    "err": KeptFile("eplusout.err"),
    "end": KeptFile("eplusout.end", "output_end"),
    "sql": KeptFile("eplusout.sql", "output_sqlite"),
    "html": KeptFile(
        "eplustbl.htm",
        "output_tabular",
        ((_TABLE_STYLE, {"column_separator": "HTML", "unit_conversion": "JtoKWH"}),),
    ),
    "csv": KeptFile("eplusout.csv", "output_csv"),
    "eso": KeptFile("eplusout.eso", "output_eso"),
    "mtr": KeptFile("eplusout.mtr", "output_mtr"),
    "eio": KeptFile("eplusout.eio", "output_eio"),
    "rdd": KeptFile("eplusout.rdd", "output_rdd", (_DICTIONARY,)),
    "mdd": KeptFile("eplusout.mdd", "output_mdd", (_DICTIONARY,)),
    "mtd": KeptFile("eplusout.mtd", "output_mtd"),
    "edd": KeptFile(
        "eplusout.edd",
        "output_edd",
        (
            (
                "Output:EnergyManagementSystem",
                {
                    "actuator_availability_dictionary_reporting": "Verbose",
                    "internal_variable_availability_dictionary_reporting": "Verbose",
                },
            ),
        ),
    ),
    "audit": KeptFile("eplusout.audit", "output_audit"),
    "bnd": KeptFile("eplusout.bnd", "output_bnd"),
    "dxf": KeptFile("eplusout.dxf", "output_dxf", (("Output:Surfaces:Drawing", {"report_type": "DXF"}),)),
    "wrl": KeptFile("eplusout.wrl", "output_wrl", (("Output:Surfaces:Drawing", {"report_type": "VRML"}),)),
    "sln": KeptFile("eplusout.sln", "output_sln", (("Output:Surfaces:List", {"report_type": "Lines"}),)),
    "shd": KeptFile("eplusout.shd", "output_shd"),
    "zsz": KeptFile("epluszsz.csv", "output_zone_sizing"),
    "ssz": KeptFile("eplusssz.csv", "output_system_sizing"),
    "map": KeptFile("eplusmap.csv", "", ((_MAP_STYLE, {"column_separator": "Comma"}),)),
    "dfs": KeptFile(
        "eplusout.dfs", "output_dfs", (("Output:DaylightFactors", {"reporting_days": "AllShadowCalculationDays"}),)
    ),
    "screen": KeptFile("eplusscreen.csv", "output_screen"),
    "json": KeptFile("eplusout.json", "output_json", (("Output:JSON", {"option_type": "TimeSeriesAndTabular"}),)),
}


def ask(document: Document, requests: Iterable[Request | Mapping[str, Any]] = (), keep: Sequence[str] = ()) -> None:
    """Leave of the model's output requests only what the scalars, the requests and the kept files need, in place.

    For the scalars alone EnergyPlus writes 3 files instead of 17. Requests may be given as their JSON. With series it
    writes its lists of variables and meters too, so that a name that it does not know can be answered with the nearest.

    Raises
    ------
    InputError
        When `keep_problems` finds any.
    """
    asked = [as_request(one) for one in requests]
    problems = keep_problems(keep, asked)
    if problems:
        raise InputError(problems[0])
    kept = [KEPT_FILES[_word(name)] for name in keep]
    series = [one for one in asked if isinstance(one, Meter | Variable)]
    reports = _reports(document, asked)
    tables = _asked_tables(document, asked)
    for one in [*objects_of(document, *UNASKED)]:
        if not any(one is table for table in tables):
            document.removeidfobject(one)
    document.add(
        "Output:SQLite",
        option_type="SimpleAndTabular",
        unit_conversion_for_tabular_data="JtoKWH",
        format_numeric_values_for_tabular_data="No",
    )
    document.add("Output:Table:SummaryReports", reports=[{"report_name": name} for name in reports])
    wanted = {"output_sqlite", "output_end", *(one.switch for one in kept)}
    if series:
        wanted |= {"output_rdd", "output_mdd"}
    files = [name for name in document.schema.get_all_field_names("OutputControl:Files") if name != "name"]
    document.add("OutputControl:Files", **{name: "Yes" if name in wanted else "No" for name in files})
    needed = [*_objects(series), *_binned(tables), *(one for file in kept for one in file.objects)]
    needed += long_runs.OBJECTS if long_runs.is_long(document) else ()
    for style in (_TABLE_STYLE, _MAP_STYLE):
        if any(object_class == style for object_class, _ in needed):
            remove_all(document, style)
    once = {(object_class, *fields.items()): (object_class, fields) for object_class, fields in needed}
    for object_class, fields in once.values():
        document.add(object_class, **fields)


def asked_digest(requests: Iterable[Request]) -> str:
    """Return eight hexadecimal digits that name what the requests add to the model.

    The files of two runs hold the same where these are the same: end uses and component sizes add nothing.
    """
    asked = list(requests)
    reports = sorted(
        {report_id(one.report) for one in asked if isinstance(one, Table)} - {report_id(_SUMMARY), report_id(_DEMAND)}
    )
    series = [one for one in asked if isinstance(one, Meter | Variable)]
    objects = sorted({canonical([name, dict(fields)]) for name, fields in _objects(series)})
    return digest({"reports": reports, "objects": objects})[:8]


def keep_problems(keep: Sequence[str], requests: Iterable[Request | Mapping[str, Any]] = ()) -> list[str]:
    """Return what is wrong with what a user gives as `keep=`, by itself and together with the requests."""
    if isinstance(keep, str):
        return [f'keep is the text "{keep}"; give a tuple of names, such as ("{keep}",)']
    problems = [
        f"keep holds {name!r}, which is no file that can be kept{nearest(str(name), KEPT_FILES)}; "
        f"there are {', '.join(KEPT_FILES)}"
        for name in keep
        if _word(name) not in KEPT_FILES
    ]
    if "csv" in map(_word, keep) and any(
        getattr(one, "frequency", "") == "annual" for one in map(as_request, requests)
    ):
        # https://github.com/NatLabRockies/EnergyPlus/issues/11186, seen with 25.2.0
        problems.append('keep holds "csv" and a series is annual, on which EnergyPlus crashes; ask for "runperiod"')
    return problems


def kept_files(keep: Sequence[str], suffix: str) -> list[str]:
    """Return the names of the files to keep, one for each known word or name; `suffix` is that of the model."""
    names = [KEPT_FILES[_word(name)].name for name in keep if _word(name) in KEPT_FILES]
    return [f"in{suffix}" if name == "in" else name for name in names]


def _word(name: Any) -> Any:
    """The word for a file that may be kept, which may be given by its name too."""
    return next((word for word, file in KEPT_FILES.items() if name == file.name), name)


def _asked_tables(document: Document, asked: Iterable[Request]) -> list[ModelObject]:
    """The model's own tables that are asked for; all of them where one is that neither EnergyPlus nor the model names.

    So is what a report period makes, whose reports have names that only a run tells.
    """
    own = own_tables(document)
    reports = [one.report for one in asked if isinstance(one, Table)]
    if not own or not reports:
        return []
    known = report_names(document)
    unknown = [one for one in reports if report_id(one) not in known and not any(makes(table, one) for table in own)]
    return own if unknown else [table for table in own if any(makes(table, one) for one in reports)]


def _reports(document: Document, asked: Iterable[Request]) -> list[str]:
    """The summary reports to write, each once, those of the scalars first; without those of the model's own tables."""
    names = [_SUMMARY, _DEMAND]
    known = report_names(document)
    own = own_reports(document).keys() - known.keys()
    tables = [report_id(one.report) for one in asked if isinstance(one, Table) and report_id(one.report) not in own]
    tables = [table for table in tables if table in known or not own]
    for table in tables:
        names += [known.get(table, table), *([_ONLY_WITH[table]] if table in _ONLY_WITH else [])]
    return list(dict.fromkeys(names))


def _objects(series: Iterable[Meter | Variable]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What makes EnergyPlus report the series, as classes with their fields; some may come twice."""
    for one in series:
        frequency = _SPELLED.get(one.frequency, one.frequency.capitalize())
        if isinstance(one, Meter):
            yield "Output:Meter", {"key_name": written_meter(one.name), "reporting_frequency": frequency}
        else:
            for key in one.key:  # all keys is the one letter "*"
                named = {"key_value": written_key(key), "variable_name": one.name}
                yield "Output:Variable", {**named, "reporting_frequency": frequency}
        if one.frequency in _LONG:
            yield _CLOCK
        yield _DICTIONARY


def _binned(tables: Iterable[ModelObject]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What makes EnergyPlus write the tables of time bins: it only sorts what is reported, at whatever frequency."""
    for one in tables:
        if one.obj_type == "Output:Table:TimeBins":
            name = str(one.variable_name)
            if ":" in name:
                yield "Output:Meter", {"key_name": name, "reporting_frequency": "RunPeriod"}
            else:
                key = str(one.key_value or "*")
                yield (
                    "Output:Variable",
                    {"key_value": key, "variable_name": name, "reporting_frequency": "RunPeriod"},
                )


def set_period(document: Document, period: str, days: Mapping[str, Any] | None = None) -> None:
    """Make the model run the weather year or its design days, in place; "model" leaves it as it is.

    `days` are those of an annual run that are not 1 January to 31 December by the first RunPeriod's options; see
    `annual.annual_days`.
    """
    if period == "model":
        return
    annual = period == "annual"
    if not list(objects_of(document, "SimulationControl")):
        document.add("SimulationControl")
    for control in objects_of(document, "SimulationControl"):
        control.run_simulation_for_weather_file_run_periods = "Yes" if annual else "No"
        control.run_simulation_for_sizing_periods = "No" if annual else "Yes"
    if annual:
        set_full_year(document, days)


def harvest(folder: Path) -> dict[str, float]:
    """Return the scalars of the run in `folder`, without warnings, errors and seconds.

    An energy, an unmet hour or a peak is NaN when no weather period was simulated: after design days EnergyPlus
    fills its tables with zeros. A carrier or an end use that the building does not have is 0. All are of the whole run,
    whatever its length: of several run periods, and of two years, the sum.

    Raises
    ------
    EngineError
        When a table lacks a row or column, or has it in another unit, than EnergyPlus 25.2 writes.
    """
    with open_sql(folder / "eplusout.sql") as sql:
        area = _Table(sql, _SUMMARY, "Building Area").value("Total Building Area", "Area", "m2")
        if not simulated_weather(sql):
            nothing = {name: math.nan for name in METRICS if name not in ("warnings", "severe_errors", "seconds")}
            return {**nothing, "floor_area_m2": area}
        whole = whole_run(sql)
        if whole is not None:
            return {**_energy_of_whole_run(sql, whole, area), **_comfort_of_whole_run(whole), "floor_area_m2": area}
        return {**_energy(sql), **_comfort(sql), "floor_area_m2": area}


@contextlib.contextmanager
def open_sql(path: Path) -> Iterator[sqlite3.Connection]:
    """Open EnergyPlus' SQL file for reading.

    Raises
    ------
    EngineError
        When it is not there, or is none, also while it is read.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as sql:
            yield sql
    except sqlite3.Error as error:
        raise EngineError(f"{path.name} of EnergyPlus cannot be read: {error}") from error


def simulated_weather(sql: sqlite3.Connection) -> bool:
    """Say whether a weather period was simulated, and not only design days."""
    count = sql.execute(
        "SELECT COUNT(*) FROM EnvironmentPeriods WHERE EnvironmentType = ?", (WEATHER_RUN_PERIOD,)
    ).fetchone()[0]
    return bool(count)


def _energy(sql: sqlite3.Connection) -> dict[str, float]:
    uses = _Table(sql, _SUMMARY, "End Uses")
    site = _Table(sql, _SUMMARY, "Site and Source Energy")
    satisfied = _Table(sql, _SUMMARY, "Electric Loads Satisfied")
    fuels = uses.columns("kWh")  # every carrier, and not the column of water in m3
    return {
        "site_energy_kwh": site.value("Total Site Energy", "Total Energy", "kWh"),
        "site_eui_kwh_m2": site.value("Total Site Energy", "Energy Per Total Building Area", "kWh/m2"),
        "net_site_energy_kwh": site.value("Net Site Energy", "Total Energy", "kWh"),
        "net_site_eui_kwh_m2": site.value("Net Site Energy", "Energy Per Total Building Area", "kWh/m2"),
        **{
            name: math.fsum(uses.value("Total End Uses", column, "kWh") for column in columns if column in fuels)
            for name, columns in CARRIERS.items()
        },
        **{name: satisfied.value(row, "Electricity", "kWh") for name, row in ON_SITE.items()},
        **{name: math.fsum(uses.value(row, column, "kWh") for column in fuels) for name, row in END_USES.items()},
        "water_m3": math.fsum(uses.value("Total End Uses", column, "m3") for column in uses.columns("m3")),
    }


def _energy_of_whole_run(sql: sqlite3.Connection, whole: WholeRun, area: float) -> dict[str, float]:
    """The same numbers as `_energy`, from meters."""
    fuels = _Table(sql, _SUMMARY, "End Uses").columns("kWh")
    site = math.fsum(whole.end_use("Total End Uses", column) for column in fuels)
    net = site - whole.meter("Electricity:Facility") + whole.meter("ElectricityNet:Facility")
    return {
        "site_energy_kwh": site,
        "site_eui_kwh_m2": site / area if area else math.nan,
        "net_site_energy_kwh": net,
        "net_site_eui_kwh_m2": net / area if area else math.nan,
        **{
            name: math.fsum(whole.end_use("Total End Uses", column) for column in columns)
            for name, columns in CARRIERS.items()
        },
        "electricity_produced_kwh": whole.meter("ElectricityProduced:Facility"),
        "electricity_purchased_kwh": whole.meter("ElectricityPurchased:Facility"),
        "electricity_sold_kwh": whole.meter("ElectricitySurplusSold:Facility"),
        "net_electricity_kwh": whole.meter("ElectricityNet:Facility"),
        **{name: math.fsum(whole.end_use(row, column) for column in fuels) for name, row in END_USES.items()},
    }


def _comfort_of_whole_run(whole: WholeRun) -> dict[str, float]:
    return {
        "unmet_heating_h": whole.unmet_heating_h,
        "unmet_cooling_h": whole.unmet_cooling_h,
        "peak_electricity_w": whole.peak_electricity_w,
    }


def _comfort(sql: sqlite3.Connection) -> dict[str, float]:
    unmet = _Table(sql, _SUMMARY, "Comfort and Setpoint Not Met Summary")
    demand = _Table(sql, _DEMAND, "End Uses")
    return {
        "unmet_heating_h": unmet.value("Time Setpoint Not Met During Occupied Heating", "Facility", "Hours"),
        "unmet_cooling_h": unmet.value("Time Setpoint Not Met During Occupied Cooling", "Facility", "Hours"),
        "peak_electricity_w": demand.value("Total End Uses", "Electricity", "W"),
    }


class _Table:
    """One table of one report, by the names of its rows and columns."""

    def __init__(self, sql: sqlite3.Connection, report: str, table: str) -> None:
        self._name = f"{report}, {table}"
        self._cells: dict[tuple[str, str], tuple[str, str]] = {
            (row, column): (unit, text)
            for row, column, unit, text in sql.execute(
                "SELECT RowName, ColumnName, Units, Value FROM TabularDataWithStrings "
                "WHERE ReportName = ? AND TableName = ? AND ReportForString = 'Entire Facility'",
                (report, table),
            )
        }

    def columns(self, unit: str) -> list[str]:
        return list(dict.fromkeys(column for (_, column), (found, _) in self._cells.items() if found == unit))

    def value(self, row: str, column: str, unit: str) -> float:
        cell: Any = self._cells.get((row, column))
        if cell is None:
            raise EngineError(f'EnergyPlus wrote no "{row}" / "{column}" in its table {self._name}')
        found, text = cell
        if found != unit:
            raise EngineError(f'{self._name}: "{row}" / "{column}" is in {found!r}; expected {unit!r}')
        return float(text) if text.strip() else math.nan
