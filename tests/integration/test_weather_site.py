"""EnergyPlus sizes a model for the place of its weather file: on design days, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import idfkit
import pytest
from pyenergyplus.dataset import weather_files

from epstudy.engines.energyplus.model import epw, model, site
from tests.support.offices import OFFICE
from tests.unit.energyplus.test_weather import CHICAGO_DDY

WITH_CONDITIONS = sorted(set(weather_files) - {"usa_co_boulder"})

#: Runs one folder after the other; EnergyPlus may end this process, never the one of the tests.
RUN_ALL = """
import json, os, sys
from pyenergyplus.api import EnergyPlusAPI

api = EnergyPlusAPI()
for folder, name, weather in json.load(sys.stdin):
    os.chdir(folder)
    state = api.state_manager.new_state()
    api.runtime.run_energyplus(state, ["-d", folder, "-w", weather, name])
    api.state_manager.delete_state(state)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What EnergyPlus wrote of one run."""

    folder: Path

    @property
    def end(self) -> str:
        return (self.folder / "eplusout.end").read_text()

    def rows(self, name: str) -> list[list[str]]:
        """The rows of one kind in its .eio, without their first field."""
        text = (self.folder / "eplusout.eio").read_text(encoding="latin-1")
        fields = [[field.strip() for field in line.split(",")] for line in text.splitlines()]
        return [row for first, *row in fields if first == name]

    def coils_w(self, coil: str) -> float:
        """The capacity of all coils of a class together, in W; a run of an epJSON calls it by the field's name."""
        sizes = [
            row
            for row in self.rows("Component Sizing Information")
            if row[0] == coil and "capacity" in row[2].casefold()
        ]
        assert sizes
        return sum(float(row[3]) for row in sizes)

    @property
    def cooling_w(self) -> float:
        return self.coils_w("Coil:Cooling:DX:SingleSpeed")

    @property
    def heating_w(self) -> float:
        return self.coils_w("Coil:Heating:Fuel")

    def zone_heating_w(self) -> float:
        """The design heating load of all zones together, in W."""
        return sum(float(row[2]) for row in self.rows("Zone Sizing Information") if row[1] == "Heating")


def office() -> model.Document:
    """The small office without its output requests: sizes come anyway, and sooner."""
    document = model.load(OFFICE.read_bytes(), ".idf")
    model.remove_all(document, *[name for name in document if name.startswith("Output")])
    return document


def at(name: str, document: model.Document) -> model.Document:
    """The model at the place of a weather file of the wheel."""
    header = epw.read_epw(Path(weather_files[name]).read_bytes())
    place = site.site_from_header(header)
    assert place is not None
    site.apply_site(document, place, header)
    return document


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Every run of this module, one after the other: the office of Chicago at 15 places, and some ways to get there."""
    models = {name: (at(name, office()), name, ".idf") for name in WITH_CONDITIONS}
    models["its own days"] = (office(), "usa_il_chicago", ".idf")
    of_ddy = office()
    site.apply_site(of_ddy, site.site_from_ddy(CHICAGO_DDY))
    models["days of the DDY"] = (of_ddy, "usa_il_chicago", ".idf")
    as_epjson = model.load(idfkit.write_epjson(office()).encode(), ".epJSON")
    models["epJSON"] = (at("usa_az_phoenix", as_epjson), "usa_az_phoenix", ".epJSON")
    theirs = office()
    theirs["Site:WaterMainsTemperature"][0].calculation_method = "CorrelationFromWeatherFile"
    models["EnergyPlus' own means"] = (theirs, "usa_az_phoenix", ".idf")

    orders, made = [], {}
    for place, (title, (document, name, suffix)) in enumerate(models.items()):
        folder = tmp_path_factory.mktemp(f"run-{place}-")
        (folder / f"in{suffix}").write_bytes(model.write(document, suffix))
        orders.append([str(folder), f"in{suffix}", str(weather_files[name])])
        made[title] = Run(folder)
    subprocess.run(
        [sys.executable, "-c", RUN_ALL],
        input=json.dumps(orders),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
        check=True,
        timeout=600,
    )
    return made


@pytest.mark.parametrize("name", WITH_CONDITIONS)
def test_the_design_days_of_every_header_run(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    assert "EnergyPlus Completed Successfully" in run.end
    assert "0 Severe Errors" in run.end
    header = epw.read_epw(Path(weather_files[name]).read_bytes())
    days = [row for row in run.rows("Environment") if row[1] == "SizingPeriod:DesignDay"]
    assert len(days) == 3
    assert all(row[0].startswith(" ".join(header.city.upper().split())) for row in days)
    (row,) = run.rows("Site:Location")
    of_epw = [header.latitude, header.longitude, header.time_zone_h, header.elevation_m]
    assert [float(field) for field in row[1:5]] == of_epw


def test_a_hot_place_gets_more_cooling_and_less_heating(runs: dict[str, Run]) -> None:
    chicago = runs["usa_il_chicago"]
    for hot in ("usa_fl_miami", "usa_az_phoenix", "usa_nv_las_vegas"):
        assert runs[hot].cooling_w > 1.05 * chicago.cooling_w
        assert runs[hot].heating_w < chicago.heating_w
    assert runs["usa_fl_miami"].heating_w < 0.9 * chicago.heating_w
    assert runs["usa_ca_san_francisco"].cooling_w < 0.9 * chicago.cooling_w


def test_the_heating_load_grows_with_the_cold(runs: dict[str, Run]) -> None:
    """Three places at once: the wind differs too, so neighbours may change places."""
    designs = {name: epw.read_epw(Path(weather_files[name]).read_bytes()).design for name in WITH_CONDITIONS}
    by_cold = sorted(WITH_CONDITIONS, key=lambda name: getattr(designs[name], "heating_dry_bulb", 0.0))
    loads = [runs[name].zone_heating_w() for name in by_cold]
    assert all(sum(loads[start : start + 3]) > sum(loads[start + 3 : start + 6]) for start in range(0, 10, 3))


def test_the_header_of_chicago_gives_about_the_sizes_of_the_models_own_days(runs: dict[str, Run]) -> None:
    """They are those of another edition of ASHRAE (heating at -20.6 C) and the wet-bulb day alone."""
    own, ours = runs["its own days"], runs["usa_il_chicago"]
    assert ours.cooling_w == pytest.approx(own.cooling_w, rel=0.04)
    assert ours.heating_w == pytest.approx(own.heating_w, rel=0.04)
    assert ours.zone_heating_w() == pytest.approx(own.zone_heating_w(), rel=0.04)


def test_header_and_ddy_of_chicago_differ_by_the_suns_model_alone(runs: dict[str, Run]) -> None:
    of_ddy, of_header = runs["days of the DDY"], runs["usa_il_chicago"]
    assert [row[-1] for row in of_ddy.rows("Environment:Design Day Misc")] == [
        "ASHRAEClearSky",
        "ASHRAETau",
        "ASHRAETau",
    ]
    assert {row[-1] for row in of_header.rows("Environment:Design Day Misc")} == {"ASHRAEClearSky"}
    assert of_ddy.zone_heating_w() == pytest.approx(of_header.zone_heating_w(), rel=0.001)
    assert of_ddy.cooling_w == pytest.approx(of_header.cooling_w, rel=0.02)


def test_an_epjson_model_is_sized_as_the_idf(runs: dict[str, Run]) -> None:
    assert "EnergyPlus Completed Successfully" in runs["epJSON"].end
    assert runs["epJSON"].cooling_w == pytest.approx(runs["usa_az_phoenix"].cooling_w, rel=1e-6)
    assert runs["epJSON"].heating_w == pytest.approx(runs["usa_az_phoenix"].heating_w, rel=1e-6)


def test_the_water_mains_get_the_means_that_energyplus_computes(runs: dict[str, Run]) -> None:
    (theirs,) = runs["EnergyPlus' own means"].rows("Site Water Mains Temperature Information")
    (ours,) = runs["usa_az_phoenix"].rows("Site Water Mains Temperature Information")
    assert (theirs[0], ours[0].upper()) == ("CorrelationFromWeatherFile", "CORRELATION")
    assert ours[2:4] == theirs[2:4]
