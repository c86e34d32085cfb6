"""Whether every building of EnergyPlus' wheel gives through epstudy what EnergyPlus itself writes.

`python -m benchmarks.all_buildings` (six to fifteen minutes) runs each building untouched and with other lighting: the
32 on their design days, eight of them a whole year. Each run is repeated by hand, with nothing of epstudy: the model
edited as text, with the outputs that it asks for itself left in, a process of its own, its SQL file read here. Writes
`build/all_buildings.json` and `docs/buildings.md`; returns 1 when a number differs or a building fails.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import epstudy as ep
from benchmarks.first_study import own_pool

ANNUAL = (
    "ref small_office",
    "ref full_service_restaurant",
    "ref supermarket",
    "ref standalone_retail",
    "ref large_office",
    "ashrae office_small",
    "ashrae office_medium",
    "ashrae restaurant_fast_food",
)
"""The buildings that are run a whole year: furnaces, boilers, chillers, heat pumps, kitchens, cold shelves."""

TOLERANCE = 1e-12
"""Greatest relative difference of what is the same: of joules divided by 3.6e6, the last digit may be another one."""

TARGET, LPD_W_M2 = "Lights/*/watts_per_floor_area", 6.5
LIGHTING = "InteriorLights:Electricity"
METERS = (
    *("Electricity:Facility", "NaturalGas:Facility", LIGHTING, "ExteriorLights:Electricity"),
    *("InteriorEquipment:Electricity", "InteriorEquipment:NaturalGas", "Heating:Electricity", "Heating:NaturalGas"),
    *("Cooling:Electricity", "HeatRejection:Electricity", "Fans:Electricity", "Pumps:Electricity"),
    *("WaterSystems:Electricity", "WaterSystems:NaturalGas", "Humidifier:Electricity", "Refrigeration:Electricity"),
)
TEMPERATURE = "Zone Mean Air Temperature"
ENVELOPE = ("EnvelopeSummary", "Opaque Exterior")
SUMMARY = "AnnualBuildingUtilityPerformanceSummary"
UNMET = "Comfort and Setpoint Not Met Summary"
SATISFIED = "Electric Loads Satisfied"
#: Beginnings of what a size is called, the one that runs last.
_OF_SIZES = ("Initial Design Size ", "Design Size ", "User-Specified ")

SIMULATE = """
import os, sys
from pyenergyplus.api import EnergyPlusAPI
folder, model, weather = sys.argv[1:]
os.chdir(folder)
api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), ["-d", folder, "-w", weather, model]))
"""

SCALARS = {
    "site_energy_kwh": (SUMMARY, "Site and Source Energy", "Total Site Energy", "Total Energy"),
    "site_eui_kwh_m2": (SUMMARY, "Site and Source Energy", "Total Site Energy", "Energy Per Total Building Area"),
    "net_site_energy_kwh": (SUMMARY, "Site and Source Energy", "Net Site Energy", "Total Energy"),
    "net_site_eui_kwh_m2": (SUMMARY, "Site and Source Energy", "Net Site Energy", "Energy Per Total Building Area"),
    "electricity_produced_kwh": (SUMMARY, SATISFIED, "Total On-Site Electric Sources", "Electricity"),
    "electricity_purchased_kwh": (SUMMARY, SATISFIED, "Electricity Coming From Utility", "Electricity"),
    "electricity_sold_kwh": (SUMMARY, SATISFIED, "Surplus Electricity Going To Utility", "Electricity"),
    "net_electricity_kwh": (SUMMARY, SATISFIED, "Net Electricity From Utility", "Electricity"),
    "floor_area_m2": (SUMMARY, "Building Area", "Total Building Area", "Area"),
    "unmet_heating_h": (SUMMARY, UNMET, "Time Setpoint Not Met During Occupied Heating", "Facility"),
    "unmet_cooling_h": (SUMMARY, UNMET, "Time Setpoint Not Met During Occupied Cooling", "Facility"),
    "water_m3": (SUMMARY, "End Uses", "Total End Uses", "Water"),
    "peak_electricity_w": ("DemandEndUseComponentsSummary", "End Uses", "Total End Uses", "Electricity"),
}
"""The scalars that stand in one cell: report, table, row and column."""

Values = dict[tuple[Any, ...], float | str]
"""Everything that is compared, each number or text under what it is."""

Edit = Callable[[bytes, str, float | None], bytes]
"""Makes of a model's content, the period and the lighting (None: its own) the content of an edited model."""


@dataclass(frozen=True, slots=True)
class Case:
    """A building and a period, "design-days" or "annual"."""

    building: str
    model: Path
    weather: Path
    period: Literal["design-days", "annual"]


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a case: both its variants, the untouched one and the one with other lighting, together."""

    building: str
    period: Literal["design-days", "annual"]
    seconds_a_run: float
    warnings: int
    severe_errors: int
    warmup_converged: bool
    values: int
    difference: float
    worst: str
    failed: str = ""

    @property
    def good(self) -> bool:
        """Whether both variants were simulated, and every number was that of EnergyPlus."""
        return not self.failed and self.difference <= TOLERANCE


def main() -> int:
    """Run all buildings, print and write the table; return 0 when all is well."""
    asked = arguments()
    started = time.monotonic()
    rows = []
    print(printed(COLUMNS), flush=True)
    with own_pool():
        for case in cases():
            if asked.only in case.building:
                rows.append(judged(case))
                print(printed(shown(rows[-1])), flush=True)
    good = sum(row.good for row in rows)
    said = {
        "date": datetime.now(UTC).date().isoformat(),
        "energyplus": build(),
        "epstudy": ep.__version__,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "minutes": round((time.monotonic() - started) / 60),
        "rows": [asdict(row) | {"good": row.good} for row in rows],
    }
    asked.file.parent.mkdir(parents=True, exist_ok=True)
    asked.file.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    if not asked.only:
        asked.page.write_text(page(said, rows), encoding="utf-8")
    print(f"{good} of {len(rows)} rows are EnergyPlus' own numbers")
    return 0 if rows and good == len(rows) else 1


def cases() -> list[Case]:
    """Return the 32 buildings on their design days, then the eight over the year."""
    from pyenergyplus.dataset import ashrae_models, ref_models, weather_files

    chicago, denver = (Path(weather_files[name]) for name in ("usa_il_chicago", "usa_co_denver"))
    found = [Case(f"ref {name}", Path(path), chicago, "design-days") for name, path in ref_models.items()]
    found += [Case(f"ashrae {name}", Path(path), denver, "design-days") for name, path in ashrae_models.items()]
    by_name = {case.building: case for case in found}
    years = [Case(name, by_name[name].model, by_name[name].weather, "annual") for name in ANNUAL]
    return [*found, *years]


def judged(case: Case) -> Row:
    """Run a case both ways and compare. What fails is told in the row, and the others go on."""
    try:
        with tempfile.TemporaryDirectory(prefix="epstudy-by-hand-") as folder:
            study = through_epstudy(case)
            folders = by_hand(case, Path(folder))
            return compared(case, study, folders)
    except (ep.EpstudyError, RuntimeError) as error:
        return Row(case.building, case.period, math.nan, 0, 0, False, 0, math.inf, "", f"{error}")


def compared(case: Case, study: ep.Study, folders: Iterable[Path]) -> Row:
    """Compare the variants of a study with the runs by hand in `folders`, which follow the order of the variants."""
    frame = study.results(strict=True)
    worst, count = (0.0, ""), 0
    lighting = []
    for variant, folder in enumerate(folders):
        mine, theirs = reported(study, variant), written(folder)
        count += len(theirs)
        worst = max(worst, furthest(mine, theirs))
        lighting.append(math.fsum(float(value) for what, value in theirs.items() if what[:2] == ("series", LIGHTING)))
    alike = len(set(lighting)) < len(lighting)
    return Row(
        case.building,
        case.period,
        float(frame["seconds"].mean()),
        int(frame["warnings"].sum()),
        int(frame["severe_errors"].sum()),
        bool(frame["warmup_converged"].all()),
        count,
        *worst,
        f"by hand, other lighting changed nothing: {lighting} kWh" if alike else "",
    )


def furthest(mine: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> tuple[float, str]:
    """Return the greatest relative difference and what differs so; infinite where one has what the other has not."""
    only = sorted(map(str, mine.keys() ^ theirs.keys()))
    if only:
        return math.inf, f"{len(only)} values are on one side only, such as {only[0]}"
    if not theirs:
        return math.inf, "there is nothing to compare"
    worst, what = max((difference(mine[what], value), what) for what, value in theirs.items())
    return worst, f"{' '.join(map(str, what))}: {mine[what]}, by hand {theirs[what]}" if worst else ""


def difference(mine: float | str, theirs: float | str) -> float:
    """Return the relative difference of two numbers; of texts, and where one is NaN, 0 or infinity."""
    if mine == theirs or (mine != mine and theirs != theirs):
        return 0.0
    if isinstance(mine, str) or isinstance(theirs, str) or math.isnan(mine) or math.isnan(theirs):
        return math.inf
    return abs(mine - theirs) / max(abs(mine), abs(theirs))


# through epstudy --------------------------------------------------------------------------------------------------


def through_epstudy(case: Case) -> ep.Study:
    """Return a study of the untouched building (variant 0) and of the one with other lighting (variant 1), finished."""
    outputs = [
        ep.EndUses(),
        ep.ComponentSizes(),
        ep.Table(*ENVELOPE),
        ep.Variable(TEMPERATURE, "*", "daily"),
        *(ep.Meter(name, "hourly") for name in METERS),
    ]
    study = ep.Study(
        re.sub(r"\W+", "-", f"{case.building} {case.period}"),
        ep.EnergyPlus(case.model, weather=case.weather, period=case.period),
        {"lpd": ep.Field(TARGET, [LPD_W_M2])},
        baseline=True,
        outputs=outputs,
    )
    return study.run().wait()


def reported(study: ep.Study, variant: int) -> Values:
    """Return what epstudy says of a variant."""
    frame = study.results().loc[:, "site_energy_kwh":"warmup_converged"]
    values: Values = {("scalar", name): float(frame[name].iloc[variant]) for name in frame}
    for row in _rows_of(study, variant, "EndUses"):
        values["end use", row["end_use"], row["fuel"], row["unit"]] = row["value"]
    for place, row in enumerate(_rows_of(study, variant, "ComponentSizes")):
        values["size", place, row["component_class"], row["component"], row["description"], row["unit"]] = row["value"]
    for row in _rows_of(study, variant, *ENVELOPE):
        values["table", row["row"], row["column"], row["unit"]] = (
            row["text"] if math.isnan(row["value"]) else row["value"]
        )
    for name in (*METERS, TEMPERATURE):
        for key, series in _series(study, variant, name).items():
            values |= {("series", name, key, place): value for place, value in enumerate(series)}
    return values


def _rows_of(study: ep.Study, variant: int, *table: str) -> list[dict[str, Any]]:
    frame = study.table(*table)
    return frame[frame["variant"] == variant].to_dict("records")  # type: ignore[return-value]


def _series(study: ep.Study, variant: int, name: str) -> dict[str, list[float]]:
    """The values by key, a meter having none; nothing where the building has no such meter."""
    try:
        frame = study.timeseries(name, key="*", variants=[variant])
    except ep.InputError as error:
        if f'no variant has "{name}"' not in str(error):
            raise
        return {}
    return {"" if ":" in name else key: frame[variant, key].to_list() for key in frame[variant]}


# by hand ----------------------------------------------------------------------------------------------------------


def edited_text(content: bytes, period: str, lpd: float | None) -> bytes:
    """Edit an IDF as text, field by field: the period, the lighting, and what is to be written besides."""
    bare = re.sub(r"!.*", "", content.decode("latin-1"))
    objects = [[field.strip() for field in text.split(",")] for text in bare.split(";")]
    kept, has_period = [], False
    for fields in objects:
        match fields[0].casefold():
            case "lights" if lpd is not None:
                fields[6] = f"{lpd}"
            case "simulationcontrol":
                fields[4], fields[5] = ("No", "Yes") if period == "annual" else ("Yes", "No")
            case "runperiod" if period == "annual":
                if has_period:
                    continue  # the 90.1 models have January, April and July
                fields[2:4], fields[5:7], has_period = ["1", "1"], ["12", "31"], True
            case "output:table:summaryreports" if not fields[1].startswith("All"):
                fields.append("DemandEndUseComponentsSummary")
            case "output:sqlite" | "":
                continue
        kept.append(fields)
    kept += [
        ["Output:SQLite", "SimpleAndTabular", "JtoKWH", "No"],
        ["Output:Variable", "*", TEMPERATURE, "Daily"],
        *(["Output:Meter", name, "Hourly"] for name in METERS),
    ]
    return "".join(",\n  ".join(fields) + ";\n\n" for fields in kept).encode("latin-1")


def by_hand(case: Case, top: Path, edit: Edit = edited_text) -> list[Path]:
    """Run the untouched building and the one with other lighting, side by side, each in a process; return the folders.

    Raises
    ------
    RuntimeError
        When EnergyPlus does not return 0.
    """
    folders, processes = [], []
    for name, lpd in (("untouched", None), ("lighting", LPD_W_M2)):
        folder = top / name
        folder.mkdir()
        model = folder / f"in{case.model.suffix}"
        model.write_bytes(edit(case.model.read_bytes(), case.period, lpd))
        with (folder / "console.txt").open("wb") as console:
            command = [sys.executable, "-c", SIMULATE, str(folder), str(model), str(case.weather)]
            processes.append(subprocess.Popen(command, stdout=console, stderr=console))
        folders.append(folder)
    codes = [process.wait() for process in processes]
    if any(codes):
        raise RuntimeError(f"by hand, EnergyPlus returned {codes}")
    return folders


def written(folder: Path) -> Values:
    """Return what EnergyPlus wrote: the same values as `reported`, from its own files alone."""
    with closing(sqlite3.connect(folder / "eplusout.sql")) as sql:
        whole_year = sql.execute("SELECT 1 FROM EnvironmentPeriods WHERE EnvironmentType = 3").fetchone() is not None
        values: Values = dict(_scalars(sql, folder, whole_year=whole_year))
        for (use, fuel), (unit, text) in _cells(sql, SUMMARY, "End Uses").items():
            if use != "Total End Uses":
                values["end use", use, fuel, unit] = float(text) if whole_year else math.nan
        for (row, column), (unit, text) in _cells(sql, *ENVELOPE).items():
            values["table", row, column, unit] = _number(text)
        values |= _sizes(sql)
        values |= _all_series(sql)
    return values


def _sizes(sql: sqlite3.Connection) -> Values:
    """What runs of each component: of the rows about a quantity the user-specified one, else the one designed last."""
    found: dict[tuple[Any, ...], dict[int, float]] = {}
    times: Counter[tuple[str, ...]] = Counter()
    rows = sql.execute("SELECT CompType, CompName, Description, IFNULL(Units, ''), Value FROM ComponentSizes")
    for component_class, component, description, unit, value in rows:
        said = description.strip()
        beginning = next((one for one in _OF_SIZES if said.startswith(one)), "")
        what = f"Design Size {said.removeprefix(beginning).strip()}" if beginning else said
        times[component_class, component, said, unit] += 1
        time = times[component_class, component, said, unit]
        worth = _OF_SIZES.index(beginning) if beginning else 0
        found.setdefault((component_class, component, what, unit, time), {})[worth] = value
    return {("size", place, *key[:-1]): values[max(values)] for place, (key, values) in enumerate(found.items())}


def _scalars(sql: sqlite3.Connection, folder: Path, *, whole_year: bool) -> Values:
    """The scalars of the contract, from the tables, the counts of `eplusout.end` and the text of `eplusout.err`."""
    energies: dict[str, dict[str, float]] = {}
    for (use, fuel), (unit, text) in _cells(sql, SUMMARY, "End Uses").items():
        if unit == "kWh":
            energies.setdefault(use, {})[fuel] = float(text)
    total = energies.pop("Total End Uses")
    numbers = {f"{use.casefold().replace(' ', '_')}_kwh": math.fsum(row.values()) for use, row in energies.items()}
    fuels = {re.sub("^(District Heating) .*", r"\1", fuel) for fuel in total}
    for carrier in fuels:
        of_it = [energy for fuel, energy in total.items() if fuel.startswith(carrier)]
        numbers[f"{carrier.casefold().replace(' ', '_')}_kwh"] = math.fsum(of_it)
    for name, (report, table, row, column) in SCALARS.items():
        numbers[name] = float(_cells(sql, report, table)[row, column][1])
    if not whole_year:  # EnergyPlus fills these tables with zeros
        numbers = {name: number if name == "floor_area_m2" else math.nan for name, number in numbers.items()}
    return {("scalar", name): number for name, number in (numbers | _counts(folder)).items()}


def _counts(folder: Path) -> dict[str, float]:
    """The engine's counts, less the warnings about outputs that only the model itself asks for."""
    counts = re.findall(r"(\d+) (Warning|Severe)", (folder / "eplusout.end").read_text(encoding="latin-1"))
    found = {kind: float(count) for count, kind in counts}
    messages = (folder / "eplusout.err").read_text(encoding="latin-1")
    of_outputs = re.findall(r"\*\* Warning \*\* (?:Output:|DXFOut:|Processing Monthly).*", messages)
    unknown = [f'="{meter.upper()}" - not found' for meter in METERS]
    of_both = {text for text in of_outputs if any(words in text for words in unknown)}
    return {
        "warnings": found["Warning"] - len(of_outputs) + len(of_both),
        "severe_errors": found["Severe"],
        "warmup_converged": float("CheckWarmupConvergence" not in messages),
    }


def _cells(sql: sqlite3.Connection, report: str, table: str) -> dict[tuple[str, str], tuple[str, str]]:
    """The cells of a table, without those of blank rows: (row, column) -> (unit, text)."""
    query = (
        "SELECT RowName, ColumnName, Units, Value FROM TabularDataWithStrings "
        "WHERE ReportName = ? AND TableName = ? AND ReportForString = 'Entire Facility' AND TRIM(RowName) <> ''"
    )
    rows = sql.execute(query, (report, table))
    return {(row, column): (unit.strip(), text.strip()) for row, column, unit, text in rows}


def _all_series(sql: sqlite3.Connection) -> Values:
    """Meters and zone temperatures, value by value; energies in kWh."""
    values: Values = {}
    columns = "ReportDataDictionaryIndex, Name, ReportingFrequency, IFNULL(KeyValue, ''), Units"
    series = sql.execute(f"SELECT {columns} FROM ReportDataDictionary").fetchall()
    for index, name, frequency, key, unit in series:
        if (name, frequency) == (TEMPERATURE, "Daily") or (name in METERS and frequency == "Hourly"):
            rows = sql.execute(
                "SELECT Value FROM ReportData JOIN Time USING (TimeIndex) WHERE ReportDataDictionaryIndex = ? "
                "AND IFNULL(WarmupFlag, 0) = 0 ORDER BY TimeIndex",
                (index,),
            )
            for place, (value,) in enumerate(rows):
                values["series", name, key, place] = value / 3.6e6 if unit == "J" else value
    return values


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


# the table --------------------------------------------------------------------------------------------------------

COLUMNS = ("building", "period", "s a run", "warnings", "severe", "warm-up", "values", "greatest difference")

PAGE = """# Every building of the wheel, through epstudy and by hand

Written by `python -m benchmarks.all_buildings` on {date} with EnergyPlus {energyplus} and epstudy {epstudy}, on
{machine}, in {minutes} minutes, two simulations at a time. {good} of {all} rows are EnergyPlus' own numbers.

The wheel ships 16 reference buildings of the DOE ("ref", run with Chicago) and 16 of ASHRAE 90.1-2019 ("ashrae", with
Denver). Each is run as it is and with {lpd} W/m2 of lighting in every zone, as the two variants of an `ep.Study`: all
on their design days, eight over the year. Each variant is then run again with nothing of epstudy: the model is edited
as text and keeps the outputs that it asks for itself, EnergyPlus runs through its own API in a process of its own, and
its SQL file is read by other code than epstudy's. Compared are

- all scalars of `results()` but `seconds`; after design days the energies must be NaN, for EnergyPlus fills their
  tables with zeros. The warnings about outputs that only the model itself asks for are left out of the count;
- `EndUses()`, every end use by every fuel; `ComponentSizes()`, every size in EnergyPlus' order; the table
  "{table}", number by number and text by text;
- {meters} hourly meters, of the whole and of the end uses, and the daily temperature of every zone, step by step.

"Values" are so many for both variants; a value that one side lacks counts as an infinite difference. A row is good when
the greatest relative difference is at most {tolerance:g}, and lighting energy by hand is not the same in both. Warnings
and severe errors are those of both variants together; "no" under warm-up: EnergyPlus said that some zone did not
converge, which is no failure.

| {head} |
|---|---|--:|--:|--:|---|--:|--:|
{rows}
"""


def page(said: Mapping[str, Any], rows: list[Row]) -> str:
    """Return the page for the docs."""
    return PAGE.format(
        **{**said, "rows": "\n".join(f"| {' | '.join(shown(row))} |" for row in rows)},
        good=sum(row.good for row in rows),
        all=len(rows),
        lpd=LPD_W_M2,
        table=", ".join(ENVELOPE),
        meters=len(METERS),
        tolerance=TOLERANCE,
        head=" | ".join(COLUMNS),
    )


def shown(row: Row) -> list[str]:
    """Return a row as the texts of its columns; why it is not good stands in the last one."""
    return [
        row.building,
        row.period,
        f"{row.seconds_a_run:.1f}",
        f"{row.warnings}",
        f"{row.severe_errors}",
        "yes" if row.warmup_converged else "no",
        f"{row.values}",
        f"{row.difference:.1g}" if row.good else " ".join(f"{row.difference:.3g} {row.worst} {row.failed}".split()),
    ]


def printed(texts: Iterable[str]) -> str:
    """Return a line of the table for a terminal."""
    widths = (32, 12, 8, 9, 7, 8, 7, 0)
    return "".join(
        text.ljust(width) if place < 2 else f"{text:>{width}}  "
        for place, (text, width) in enumerate(zip(texts, widths, strict=True))
    )


def build() -> str:
    """Return the version and build of the engine, as its library says them."""
    code = "from pyenergyplus.api import EnergyPlusAPI as A; print(A().functional.ep_version())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return said.split("\\")[0].strip()  # then an escaped "(No OpenGL)"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Run every building of EnergyPlus' wheel through epstudy and by hand.")
    parser.add_argument("file", type=Path, nargs="?", default=Path("build/all_buildings.json"), help="what to write")
    parser.add_argument("--page", type=Path, default=Path("docs/buildings.md"), help="the page to write")
    parser.add_argument("--only", default="", help="the buildings with this in their name; then no page is written")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
