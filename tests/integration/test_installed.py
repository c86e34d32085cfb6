"""An EnergyPlus in a folder of its own, and HVACTemplate models expanded by its program and simulated."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import idfkit
import psutil
import pyenergyplus
import pytest

from epstudy.core.errors import EngineError, InputError
from epstudy.engines.energyplus.installation import (
    Installation,
    find_installation,
    find_installations,
    python_path,
    read_installation,
)
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.external import find_external_files, rewrite
from epstudy.engines.energyplus.model.templates import expand, template_idd
from tests.support.offices import CHICAGO, OFFICE

WHEEL = Path(next(iter(pyenergyplus.__path__))).parent
HERE = find_installation()

SIMULATE = """
import sys
from pyenergyplus.api import EnergyPlusAPI
api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), sys.argv[1:]))
"""


def simulate(folder: Path, content: bytes, path: Iterable[str] = (), *, good: bool = True) -> Path:
    """Run the design days of a model in a process of its own; return the folder with what EnergyPlus wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "in.idf").write_bytes(content)
    command = [sys.executable, "-c", SIMULATE, "-D", "-w", str(CHICAGO), "-d", str(folder), str(folder / "in.idf")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    errors = errors_of(folder)
    assert (ended.returncode == 0) is good, errors[:2000]
    assert ("EnergyPlus Completed Successfully" in errors) is good
    return folder


def errors_of(folder: Path) -> str:
    return (folder / "eplusout.err").read_text(encoding="latin-1")


# An installed EnergyPlus ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("usr") / "local" / "EnergyPlus-25-2-0")


def install(folder: Path) -> Path:
    """Make a folder such as an installer leaves, of the wheel's own files."""
    (folder / "pyenergyplus").mkdir(parents=True)
    for source in (WHEEL / "pyenergyplus").glob("*.py"):
        shutil.copy(source, folder / "pyenergyplus")  # it looks for the library beside where it really is
    library = next(
        path for path in WHEEL.iterdir() if path.name.lower() in ("libenergyplusapi.so", "energyplusapi.dll")
    )
    (folder / library.name).symlink_to(library)
    for program in (path for path in WHEEL.glob("ExpandObjects*") if path.is_file()):
        shutil.copy(program, folder)
    (folder / "Energy+.idd").write_bytes(template_idd((25, 2, 0)))
    launcher = folder / "energyplus"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}" exec {sys.executable} -c \'{SIMULATE}\' "$@"\n')
    launcher.chmod(0o755)
    return folder


def test_an_installed_energyplus_is_asked_what_it_is(installed: Path) -> None:
    found = read_installation(installed)
    assert found == read_installation(installed / "energyplus")
    assert found.build == HERE.build, "the wheel's text about itself is what its library says"
    assert found.folder == installed
    assert found.idd == installed / "Energy+.idd"
    assert found.expand_objects == installed / "ExpandObjects"
    assert not found.python_plugins


def test_asking_it_loads_no_library_into_this_process(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(installed, tmp_path / "copy", symlinks=False)
    read_installation(tmp_path / "copy")
    assert not [one.path for one in psutil.Process().memory_maps() if str(tmp_path) in one.path]


def test_it_is_asked_again_when_another_is_put_in_its_place(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "EnergyPlus"
    shutil.copytree(installed, folder, symlinks=True)
    assert read_installation(folder).build == HERE.build
    library = folder / "libenergyplusapi.so"
    library.unlink()
    library.write_bytes(b"no library")
    with pytest.raises(EngineError, match=r"libenergyplusapi.so cannot be loaded: OSError: .*"):
        read_installation(folder)


def test_it_is_found_by_its_variable_on_path_and_in_the_usual_folders(installed: Path, tmp_path: Path) -> None:
    link = tmp_path / "bin" / "energyplus"
    link.parent.mkdir()
    link.symlink_to(installed / "energyplus")
    here = read_installation(installed)
    for found in (
        find_installations(installed, usual=[]),
        find_installations(environment={"ENERGYPLUS_DIR": str(installed)}, usual=[]),
        find_installations(environment={"PATH": str(link.parent)}, usual=[]),
        find_installations(usual=[installed]),
        find_installations(installed, {"ENERGYPLUS_DIR": str(installed), "PATH": str(installed)}, usual=[installed]),
    ):
        assert found == [here, HERE], "each once, the wheel last"
    assert find_installation(wanted=installed) == here
    assert find_installation(HERE.build, environment={"ENERGYPLUS_DIR": str(installed)}) == here
    with pytest.raises(EngineError, match=f"EnergyPlus 9.6 is not here; there is {HERE.build} \\({installed}\\)"):
        find_installation(version=(9, 6), wanted=installed)


def test_a_process_with_its_path_simulates_with_it(installed: Path, tmp_path: Path) -> None:
    path = [*python_path(read_installation(installed)), str(Path(__file__).parents[2])]
    code = "from epstudy.engines.energyplus.installation import find_installation as f; print(f().folder)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    said = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert said.strip() == str(installed)
    simulate(tmp_path, OFFICE.read_bytes(), path)


def test_the_wheel_refuses_plugins_as_is_said_of_it(tmp_path: Path) -> None:
    assert not HERE.python_plugins
    plugin = b"\nPythonPlugin:Instance,Mine,Yes,mine,Mine;\n"
    run = simulate(tmp_path, OFFICE.read_bytes() + plugin, good=False)
    assert "**  Fatal  ** Python Plugin instance found, but this build of EnergyPlus is not compiled" in errors_of(run)


# Files of a model -------------------------------------------------------------------------------------------------


def test_energyplus_reads_every_file_where_it_was_put(tmp_path: Path) -> None:
    """Also where a model written on Windows, or on another machine, says something else."""
    home, run = tmp_path / "home", tmp_path / "run"
    (home / "sub").mkdir(parents=True)
    for path in (home / "s.csv", home / "sub" / "T.csv", home / "eplusout.csv", tmp_path / "outside.csv"):
        path.write_text("0.5\n" * 8760)
    said = ["S.CSV", r"Sub\t.csv", "sub/../s.csv", "eplusout.csv", str(tmp_path / "outside.csv"), "../outside.csv"]
    objects = "".join(f"Schedule:File,File {number},,{path},1,0,8760;\n" for number, path in enumerate(said))
    document = model.load(OFFICE.read_bytes() + b"\n" + objects.encode(), ".idf")
    found = find_external_files(document, home, trusted=True)
    assert found.problems == []
    for name, stored in found.staged.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes(found.contents[stored])
    rewrite(document, found.rewrites)
    simulate(run, model.write(document, ".idf"))


# HVACTemplate -----------------------------------------------------------------------------------------------------

ZONES = ("Core_ZN", "Perimeter_ZN_1", "Perimeter_ZN_2", "Perimeter_ZN_3", "Perimeter_ZN_4")
THERMOSTAT = "HVACTemplate:Thermostat,All,HTGSETP_SCH,,CLGSETP_SCH,;\n"
HOT = """
HVACTemplate:Plant:HotWaterLoop,Hot;
HVACTemplate:Plant:Boiler,Boiler,HotWaterBoiler,autosize,0.8,NaturalGas;
"""
COLD = """
HVACTemplate:Plant:ChilledWaterLoop,Cold;
HVACTemplate:Plant:Chiller,Chiller,ElectricReciprocatingChiller,autosize,3.2,WaterCooled;
HVACTemplate:Plant:Tower,Tower,SingleSpeed;
"""

#: Groups of the 25.2 schema that make up heating, cooling and water; templates take their place.
HVAC = (
    "|Air Distribution|Coils|Controllers|Economics|Fans|HVAC Design Objects|Node-Branch Management|Pumps|"
    "Plant-Condenser Control|Plant-Condenser Loops|Setpoint Managers|System Availability Managers|Water Systems|"
    "Water Heaters and Thermal Storage|Zone HVAC Air Loop Terminal Units|Zone HVAC Controls and Thermostats|"
    "Zone HVAC Equipment Connections|"
)


def template(object_class: str, **fields: object) -> str:
    """An object of a template class, with these fields and blanks for the others."""
    names = idfkit.get_schema((25, 2, 0)).get_object_schema(object_class)["legacy_idd"]["fields"]
    assert set(fields) <= set(names)
    return f"{object_class},{','.join(str(fields.get(name, '')) for name in names)};\n"


def each_zone(object_class: str, **fields: str) -> str:
    said = [{name: value.format(zone=zone) for name, value in fields.items()} for zone in ZONES]
    return "".join(template(object_class, zone_name=zone, **one) for zone, one in zip(ZONES, said, strict=True))


def unitary(object_class: str, **fields: str) -> str:
    own = "".join(
        template(object_class, name=f"Air {zone}", control_zone_or_thermostat_location_name=zone, **fields)
        for zone in ZONES
    )
    zones = each_zone(
        "HVACTemplate:Zone:Unitary", template_unitary_system_name="Air {zone}", template_thermostat_name="All"
    )
    return own + zones


def vav(heating: str, reheat: str) -> str:
    zones = each_zone(
        "HVACTemplate:Zone:VAV",
        template_vav_system_name="AHU",
        template_thermostat_name="All",
        reheat_coil_type=reheat,
    )
    return template("HVACTemplate:System:VAV", name="AHU", heating_coil_type=heating) + zones


SYSTEMS = {
    "ideal loads": each_zone("HVACTemplate:Zone:IdealLoadsAirSystem", template_thermostat_name="All"),
    "PTAC": each_zone("HVACTemplate:Zone:PTAC", template_thermostat_name="All"),
    "unitary systems": unitary("HVACTemplate:System:UnitarySystem"),
    "furnaces": unitary("HVACTemplate:System:Unitary", heating_coil_type="Gas"),
    "VAV with a plant": vav("HotWater", "HotWater") + HOT + COLD,
    "VRF": template("HVACTemplate:System:VRF", name="VRF", zone_name_for_master_thermostat_location="Core_ZN")
    + each_zone("HVACTemplate:Zone:VRF", template_vrf_system_name="VRF", template_thermostat_name="All"),
    "dual duct": template("HVACTemplate:System:DualDuct", name="AHU")
    + each_zone("HVACTemplate:Zone:DualDuct", template_dual_duct_system_name="AHU", template_thermostat_name="All")
    + HOT
    + COLD,
}


@pytest.fixture(scope="module")
def shell() -> str:
    return bare_office()


def templated(system: str) -> bytes:
    """The small office with these templates in the place of its systems."""
    return (bare_office() + system).encode("latin-1")


def bare_office() -> str:
    """The small office without any system, with the thermostats of its schedules."""
    document = model.load(OFFICE.read_bytes(), ".idf")
    model.remove_all(document, *[name for name in list(document) if f"|{document.schema.get_group(name)}|" in HVAC])
    return model.write(document, ".idf").decode("latin-1") + THERMOSTAT


def loads(folder: Path) -> dict[tuple[str, str], float]:
    """The design load of each zone, heating and cooling, in W, as EnergyPlus calculated it."""
    with sqlite3.connect(folder / "eplusout.sql") as sql:
        rows = sql.execute("SELECT ZoneName, LoadType, CalcDesLoad FROM ZoneSizes").fetchall()
    return {(zone.upper(), kind): load for zone, kind, load in rows}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], float]:
    """The zones' loads in the office with the systems that it came with."""
    return loads(simulate(tmp_path_factory.mktemp("reference"), OFFICE.read_bytes()))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_template_model_runs_and_its_zones_have_the_loads_they_had(
    shell: str, reference: dict[tuple[str, str], float], tmp_path: Path, name: str
) -> None:
    """A zone's load is the building's, whatever system meets it. Only the air that a system brings differs a little."""
    expanded = expand((shell + SYSTEMS[name]).encode("latin-1"), HERE, tmp_path)
    assert list(tmp_path.iterdir()) == [], "what it worked with is gone"
    found = loads(simulate(tmp_path / "run", expanded))
    if name != "ideal loads":  # which needs no sizing
        assert len(found) == 10
        assert found == pytest.approx(reference, rel=5e-3)


def test_the_ground_stays_as_warm_as_it_was(shell: str, tmp_path: Path) -> None:
    """ExpandObjects takes Site:GroundTemperature:BuildingSurface away and writes it again."""
    before = model.load(shell.encode("latin-1"), ".idf")["Site:GroundTemperature:BuildingSurface"][0]
    expanded = model.load(expand((shell + SYSTEMS["PTAC"]).encode("latin-1"), HERE, tmp_path), ".idf")
    (after,) = expanded["Site:GroundTemperature:BuildingSurface"]
    assert after.data == before.data


def written(expanded: bytes) -> bytes:
    """What EnergyPlus reads of it: no comments."""
    return b"\n".join(line.partition(b"!")[0].rstrip() for line in expanded.splitlines())


def test_the_writing_of_a_model_does_not_matter(tmp_path: Path) -> None:
    """ExpandObjects by itself sees one object a line, passes over short templates and reads 1e-05 as 0."""
    tidy = (
        "Version,25.2;\nZone,Süd  1;\nHVACTemplate:Thermostat,\n  All, !- Name\n  ,\n  20.0,\n  ,\n  24.0;\n"
        + template(
            "HVACTemplate:Zone:PTAC",
            zone_name="Süd  1",
            template_thermostat_name="All",
            cooling_coil_gross_rated_cooling_cop=3,
        )
        + template(
            "HVACTemplate:Zone:BaseboardHeat",
            zone_name="N",
            template_thermostat_name="All",
            baseboard_heating_capacity="1E-05",
            baseboard_heating_type="Electric",
        )
    )
    loose = (
        "Version,25.2; Zone,Süd  1; hvactemplate:THERMOSTAT,All,,20.0,,24.0; ! one line\r\n"
        f"HVACTemplate:Zone:PTAC,Süd  1,All{19 * ','}  ,3;HVACTemplate:Zone:BaseboardHeat,N,All,,Electric,,1e-05;"
    )
    for encoding in ("utf-8", "latin-1"):
        one = expand(tidy.encode(encoding), HERE, tmp_path)
        other = expand(loose.encode(encoding), HERE, tmp_path)
        assert written(one) == written(other)
        assert "  Süd  1 PTAC".encode(encoding) in one


def test_an_epjson_is_expanded_as_its_idf_is(shell: str, tmp_path: Path) -> None:
    text = (shell + SYSTEMS["VAV with a plant"]).encode("latin-1")
    document = model.load(text, ".idf")
    one = model.load(expand(text, HERE, tmp_path), ".idf")
    other = model.load(expand(model.write(document, ".epjson"), HERE, tmp_path), ".idf")
    assert {name: len(one[name]) for name in one} == {name: len(other[name]) for name in other}
    assert [each.data for each in one["Sizing:Zone"]] == [each.data for each in other["Sizing:Zone"]]


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        (
            each_zone("HVACTemplate:Zone:BaseboardHeat", template_thermostat_name="All"),
            "Both a HVACTemplate:Plant:HotWaterLoop and a HVACTemplate:Plant:Boiler are needed when using hot water "
            "baseboards.$",
        ),
        (unitary("HVACTemplate:System:Unitary", heating_coil_type="Coal"), "Coil Type field: Coal.*and 3 more"),
        ("HVACTemplate:Zone:Igloo,Core_ZN;", "made nothing of the model: No expanded file generated."),
    ],
)
def test_a_refusal_is_in_the_programs_own_words(tmp_path: Path, objects: str, said: str) -> None:
    thermostat = THERMOSTAT if "Igloo" not in objects else ""
    with pytest.raises(InputError, match=f"ExpandObjects .*{said}"):
        expand(f"Version,25.2;\n{thermostat}{objects}".encode(), HERE, tmp_path)


def test_a_model_without_templates_is_as_it_was(tmp_path: Path) -> None:
    assert expand(OFFICE.read_bytes(), Installation("25.2.0"), tmp_path) == OFFICE.read_bytes()


def test_what_the_program_warns_of_is_among_energyplus_warnings(shell: str, tmp_path: Path) -> None:
    content = shell + vav(heating="None", reheat="Electric") + COLD
    errors = errors_of(simulate(tmp_path / "run", expand(content.encode("latin-1"), HERE, tmp_path)))
    assert '"ExpandObjects" has the following Warning conditions' in errors
    assert 'In HVACTemplate:System:VAV "AHU" there is no Heating Coil' in errors


def test_the_idd_of_an_installation_is_the_one_that_counts(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(installed, folder, symlinks=True)
    field = "\\field Cooling Coil Gross Rated Cooling COP\n    \\minimum"
    assert field in template_idd((25, 2, 0)).decode()
    (folder / "Energy+.idd").write_text(template_idd((25, 2, 0)).decode().replace(f"{field}> 0.0", f"{field} 5"))
    objects = THERMOSTAT + template(
        "HVACTemplate:Zone:PTAC", zone_name="Z", template_thermostat_name="All", cooling_coil_gross_rated_cooling_cop=3
    )
    content = f"Version,25.2;\nZone,Z;\n{objects}".encode()
    said = "! The value 3 is less than the minimum value expected of 5.0"
    assert said in expand(content, read_installation(folder), tmp_path).decode()
    assert said not in expand(content, read_installation(installed), tmp_path).decode()


def test_many_at_once_in_one_folder_do_not_mix(tmp_path: Path) -> None:
    def one(number: int) -> bool:
        name = f"Zone number {number}"
        text = f"Version,25.2;\nZone,{name};\n{THERMOSTAT}HVACTemplate:Zone:IdealLoadsAirSystem,{name},All;\n"
        return expand(text.encode(), HERE, tmp_path).count(f"{name} Ideal Loads Air System,".encode()) == 2

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(40)))
    assert list(tmp_path.iterdir()) == []


def program(folder: Path, text: str) -> Installation:
    """Something in the place of ExpandObjects."""
    made = folder / "ExpandObjects"
    made.write_text(text)
    made.chmod(0o755 if text.startswith("#!") else 0o644)
    return Installation("25.2.0", None, made)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("no program", EngineError, "ExpandObjects cannot be started: Permission denied"),
        ("#!/bin/sh\ntouch expanded.idf; kill -SEGV $$", InputError, "crashed on the model: it ended with code -11"),
        ("#!/bin/sh\necho $$ >../pid; exec sleep 60", EngineError, "was still running after 0.5 s, and was killed"),
    ],
)
def test_a_program_that_does_not_do_its_work(tmp_path: Path, text: str, error: type[Exception], said: str) -> None:
    started = time.monotonic()
    with pytest.raises(error, match=said):
        expand(f"Version,25.2;\n{THERMOSTAT}".encode(), program(tmp_path, text), tmp_path, timeout_s=0.5)
    assert time.monotonic() - started < 5
    assert not any(psutil.pid_exists(int(pid.read_text())) for pid in tmp_path.glob("pid"))
