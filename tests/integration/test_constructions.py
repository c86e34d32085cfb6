"""What EnergyPlus makes of swapped constructions: U-values of a hand calculation, loads that follow, pairs that fit."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import idfkit
import pytest

from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.constructions import apply_construction, construction_edits
from epstudy.engines.energyplus.parameters import Construction
from tests.support.offices import CHICAGO, OFFICE
from tests.unit.energyplus.test_constructions import BOX

WOOL = {"name": "Mineral wool", "thickness": 0.1, "conductivity": 0.035, "density": 30, "specific_heat": 1400}
BOARD = {"name": "Board", "thickness": 0.02, "conductivity": 0.2, "density": 800, "specific_heat": 1000}
STUCCO_M2K_W = 0.0253 / 0.6918  # of the office: thickness by conductivity

RUN = """
import sys
from pyenergyplus.api import EnergyPlusAPI
api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), sys.argv[1:]))
"""


@dataclass(frozen=True)
class Ran:
    """One run by hand: its exit code, and the lines of `.err` that are Severe or Fatal."""

    folder: Path
    code: int
    severe: list[str]

    def envelope(self, table: str, column: str) -> dict[str, float]:
        """A column of a table of the envelope report, by surface in capitals."""
        rows = self._sql(
            "SELECT RowName, Value FROM TabularDataWithStrings WHERE ReportName = 'EnvelopeSummary' "
            "AND TableName = ? AND ColumnName = ?",
            (table, column),
        )
        return {row: float(value) for row, value in rows}

    def heating_w(self) -> float:
        """The heating load of the coldest design day, over all zones, in W."""
        return sum(load for (load,) in self._sql("SELECT CalcDesLoad FROM ZoneSizes WHERE LoadType = 'Heating'", ()))

    def _sql(self, query: str, values: tuple[str, ...]) -> list[Any]:
        with sqlite3.connect(self.folder / "eplusout.sql") as sql:
            found = sql.execute(query, values).fetchall()
        assert found
        return found


@pytest.fixture(scope="module")
def office() -> model.Document:
    """The small office, ready for its design days."""
    return ready(OFFICE.read_bytes())


def ready(content: bytes, suffix: str = ".idf") -> model.Document:
    """A model that runs its design days and writes its tables with all digits."""
    document = model.load(content, suffix)
    control = document["SimulationControl"][0]
    control.run_simulation_for_sizing_periods = "Yes"
    control.run_simulation_for_weather_file_run_periods = "No"
    model.remove_all(document, "Output:Variable", "Output:Meter", "Output:Table:SummaryReports", "Output:SQLite")
    document.add("Output:Table:SummaryReports", "", reports=[{"report_name": "EnvelopeSummary"}])
    document.add(
        "Output:SQLite",
        "",
        option_type="SimpleAndTabular",
        unit_conversion_for_tabular_data="None",
        format_numeric_values_for_tabular_data="No",
    )
    return document


def run(document: model.Document, folder: Path, suffix: str = ".idf") -> Ran:
    folder.mkdir()
    path = folder / f"in{suffix}"
    path.write_bytes(model.write(document, suffix))
    command = [sys.executable, "-c", RUN, "-d", str(folder), "-w", str(CHICAGO), str(path)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = (folder / "eplusout.err").read_text(encoding="latin-1").splitlines()
    return Ran(folder, done.returncode, [line for line in lines if "** Severe" in line or "**  Fatal" in line])


def swapped(document: model.Document, targets: Any, layers: Any) -> model.Document:
    edited = document.copy()
    parameter = Construction(targets, {"level": layers})
    for edit in construction_edits(document, parameter.targets, parameter.levels[0].value):
        apply_construction(edited, edit)
    return edited


def test_the_u_value_is_that_of_a_hand_calculation_in_both_formats(office: model.Document, tmp_path: Path) -> None:
    """ISO 6946: one over the sum of thickness by conductivity; without the films, which EnergyPlus adds itself."""
    levels = {
        "walls": ["1IN Stucco", WOOL, {"name": "Fleece", "thermal_resistance": 0.25}],
        "Construction/Attic Non-res Roof": [BOARD, {**WOOL, "thickness": 0.24}],
        "windows": {"name": "Triple", "u_factor": 0.9, "solar_heat_gain_coefficient": 0.5},
    }
    other = ready(idfkit.write_epjson(office).encode(), ".epjson")
    one = run(swapped(office, list(levels), levels), tmp_path / "idf")
    two = run(swapped(other, list(levels), levels), tmp_path / "epjson", ".epJSON")
    for ran in (one, two):
        assert (ran.code, ran.severe) == (0, [])
        opaque = ran.envelope("Opaque Exterior", "U-Factor no Film")
        wall = 1 / (STUCCO_M2K_W + 0.1 / 0.035 + 0.25)
        roof = 1 / (0.02 / 0.2 + 0.24 / 0.035)
        for side in ("SOUTH", "EAST", "NORTH", "WEST"):
            place = ("SOUTH", "EAST", "NORTH", "WEST").index(side) + 1
            assert opaque[f"PERIMETER_ZN_{place}_WALL_{side}"] == pytest.approx(wall, rel=1e-9)
            assert opaque[f"ATTIC_ROOF_{side}"] == pytest.approx(roof, rel=1e-9)
        glass = ran.envelope("Exterior Fenestration", "Glass U-Factor")
        assert glass["PERIMETER_ZN_1_WALL_SOUTH_WINDOW_1"] == pytest.approx(0.9, rel=0.01)
    assert one.heating_w() == pytest.approx(two.heating_w(), rel=1e-9)


def test_thicker_insulation_never_raises_heating(office: model.Document, tmp_path: Path) -> None:
    loads = []
    for thickness in (0.05, 0.1, 0.3):
        document = swapped(office, ["walls", "roofs"], ["1IN Stucco", {**WOOL, "thickness": thickness}, BOARD])
        loads.append(run(document, tmp_path / str(thickness)).heating_w())
    assert loads == sorted(loads, reverse=True)
    assert loads[0] > 1.02 * loads[-1]


def test_what_is_between_zones_matches_on_both_sides(office: model.Document, tmp_path: Path) -> None:
    """Layers that are not symmetric, on 16 walls and 10 floors and ceilings; swapped on one side only it is fatal."""
    levels = {"interior walls": [BOARD, WOOL, "1IN Stucco"], "ceilings": [WOOL, BOARD]}
    document = swapped(office, list(levels), levels)
    assert (run(document, tmp_path / "both").code, run(document, tmp_path / "again").severe) == (0, [])
    ceiling = next(one for one in document["BuildingSurface:Detailed"] if one.name == "Core_ZN_ceiling")
    ceiling.construction_name = "Attic Non-res Floor"
    broken = run(document, tmp_path / "one side")
    assert broken.code == 1
    assert "does not have the same number of layers" in broken.severe[0]


def test_fewer_layers_by_name_and_a_construction_set_run(office: model.Document, tmp_path: Path) -> None:
    passive = {
        "walls": ["1IN Stucco", {**WOOL, "thickness": 0.3}, "1/2IN Gypsum"],
        "roofs": ["Roof Membrane", {**WOOL, "thickness": 0.4}, "Metal Decking"],
        "floors/ground": [{**WOOL, "thickness": 0.2}, "HW CONCRETE"],
        "windows": {"u_factor": 0.8, "solar_heat_gain_coefficient": 0.5},
        "glass doors": {"u_factor": 0.8, "solar_heat_gain_coefficient": 0.5},
        "int-walls": ["1/2IN Gypsum"],
    }
    built = run(office, tmp_path / "as built")
    better = run(swapped(office, list(passive), passive), tmp_path / "passive")
    assert (better.code, better.severe) == (0, [])
    assert better.heating_w() < 0.7 * built.heating_w()


def test_simple_geometry_and_glass_between_rooms_run(tmp_path: Path) -> None:
    low_e = {
        "name": "Low-e",
        "thickness": 0.004,
        "solar_transmittance_at_normal_incidence": 0.6,
        "front_side_solar_reflectance_at_normal_incidence": 0.1,
        "back_side_solar_reflectance_at_normal_incidence": 0.2,
        "visible_transmittance_at_normal_incidence": 0.7,
        "front_side_visible_reflectance_at_normal_incidence": 0.05,
        "back_side_visible_reflectance_at_normal_incidence": 0.06,
        "front_side_infrared_hemispherical_emissivity": 0.84,
        "back_side_infrared_hemispherical_emissivity": 0.1,
        "conductivity": 0.9,
    }
    levels = {
        "walls": ["Brick", WOOL],
        "interior walls": ["Brick", "Board"],
        "doors/surface": ["Board", WOOL],
        "windows/surface": [
            low_e,
            {"name": "Argon", "gas_type": "Argon", "thickness": 0.012},
            {**low_e, "thickness": 0.006},
        ],
        "floors/*": [WOOL, "Brick"],
        "roofs": ["Board"],
        "skylights": {"u_factor": 1.5, "solar_heat_gain_coefficient": 0.3},
    }
    ran = run(swapped(ready(BOX), list(levels), levels), tmp_path / "box")
    assert (ran.code, ran.severe) == (0, [])
    walls = ran.envelope("Opaque Exterior", "U-Factor no Film")
    assert walls["W SOUTH"] == pytest.approx(1 / (0.1 / 0.9 + 0.1 / 0.035), rel=1e-9)
    assert walls["E TOP"] == pytest.approx(0.16 / 0.0127, rel=1e-9)
