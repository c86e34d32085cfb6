"""Whether every building of EnergyPlus' wheel gives through epstudy what EnergyPlus itself writes.

`python -m benchmarks.all_buildings` (ten to fifteen minutes) runs each building untouched and with other lighting: the
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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import epstudy as ep
from benchmarks.first_study import private_pool

ANNUAL = (
    "ref small_office",
    "ref full_service_restaurant",
    "ref supermarket",
    "ref warehouse",
    "ashrae restaurant_fast_food",
    "ashrae retail_standalone",
    "ashrae office_medium",
    "ashrae school_primary",
)
"""The buildings that are run a whole year: among them are gas, refrigeration, boilers, chillers and heat pumps."""

TOLERANCE = 1e-12
"""Greatest relative difference: epstudy divides joules by 3.6e6 as this does, EnergyPlus' own tables are in kWh."""

TARGET, LPD_W_M2 = "Lights/*/watts_per_floor_area", 6.5
LIGHTING = "InteriorLights:Electricity"
METERS = (
    "Electricity:Facility",
    "NaturalGas:Facility",
    LIGHTING,
    "InteriorEquipment:Electricity",
    "InteriorEquipment:NaturalGas",
    "ExteriorLights:Electricity",
    "Heating:Electricity",
    "Heating:NaturalGas",
    "Cooling:Electricity",
    "Fans:Electricity",
    "Pumps:Electricity",
    "HeatRejection:Electricity",
    "Humidifier:Electricity",
    "WaterSystems:Electricity",
    "WaterSystems:NaturalGas",
    "Refrigeration:Electricity",
)
TEMPERATURE = "Zone Mean Air Temperature"
ENVELOPE = ("EnvelopeSummary", "Opaque Exterior")
SUMMARY = "AnnualBuildingUtilityPerformanceSummary"

SIMULATE = """
import os, sys
from pyenergyplus.api import EnergyPlusAPI
folder, model, weather = sys.argv[1:]
os.chdir(folder)
api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), ["-d", folder, "-w", weather, model]))
"""

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
    period: str


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a case: both its variants, the untouched one and the one with other lighting, together."""

    building: str
    period: str
    seconds: float
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
    arguments = _arguments()
    started = time.monotonic()
    rows = []
    print(_line("building", "period", "s", "warnings", "severe", "warm", "values", "difference"), flush=True)
    with private_pool():
        for case in cases():
            if arguments.only in case.building:
                rows.append(judged(case))
                print(_printed(rows[-1]), flush=True)
    bad = [row for row in rows if not row.good]
    said = {
        "date": datetime.now(UTC).date().isoformat(),
        "energyplus": build(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "minutes": round((time.monotonic() - started) / 60, 1),
        "rows": [asdict(row) | {"good": row.good} for row in rows],
    }
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    arguments.file.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    if arguments.page:
        arguments.page.write_text(page(said, rows), encoding="utf-8")
    print(f"{len(rows) - len(bad)} of {len(rows)} are EnergyPlus' own numbers")
    return 1 if bad or not rows else 0


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
        lighting.append(math.fsum(float(value) for what, value in theirs.items() if what[:2] == ("meter", LIGHTING)))
    alike = len(set(lighting)) < len(lighting)
    return Row(
        case.building,
        case.period,
        float(frame["seconds"].sum()),
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
    return max((difference(mine[what], value), f"{what}") for what, value in theirs.items())


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
    frame = study.results()
    values: Values = {
        ("scalar", name): float(frame[name].iloc[variant])
        for name in scalar_names(frame)
    }
    for row in _rows_of(study.table("EndUses"), variant):
        values["end use", row["end_use"], row["fuel"], row["unit"]] = row["value"]
    for place, row in enumerate(_rows_of(study.table("ComponentSizes"), variant)):
        values["size", place, row["component_class"], row["component"], row["description"], row["unit"]] = row["value"]
    for row in _rows_of(study.table(*ENVELOPE), variant):
        values["table", row["row_number"], row["row"], row["column"]] = row["text"] or row["value"]
    for meter in METERS:
        for place, value in enumerate(_series(study, variant, meter)):
            values["meter", meter, place] = value
    temperatures = study.timeseries(TEMPERATURE, key="*", variants=[variant])[variant]
    for zone in temperatures:
        for place, value in enumerate(temperatures[zone]):
            values["temperature", zone, place] = float(value)
    return values
