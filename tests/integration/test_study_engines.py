"""A study with an installed EnergyPlus, with templates, and with files and code from outside the model's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import epstudy as ep
from epstudy.engines.energyplus.outputs.scalars import harvest
from tests.integration.test_installed import SYSTEMS, install, templated
from tests.support.offices import CHICAGO, LPD, OFFICE, processes_of, quick

ABSOLUTE = "\nSchedule:File,From file,,{path},1,0,8760;\n"


def test_an_installed_energyplus_is_used_and_gives_the_wheels_numbers(store: str, tmp_path: Path) -> None:
    folder = install(tmp_path / "EnergyPlus-25-2-0")
    engine = ep.EnergyPlus(OFFICE, weather=CHICAGO, period="design-days", installation=folder)
    study = ep.Study("installed", engine, {"lpd": ep.Field(LPD, [2.21])})
    assert study.check().ok
    row = study.run().wait().results(strict=True).iloc[0]
    warm = [one for one in processes_of(store) if "energyplus.run.process" in " ".join(one.cmdline())]
    assert any(one.environ().get("PYTHONPATH", "").startswith(str(folder)) for one in warm), "it ran, and not the wheel"
    other = ep.Study("wheel", quick(), {"lpd": ep.Field(LPD, [2.21])})
    assert other.why(0).attrs["key"] == study.why(0).attrs["key"], "the same build is the same engine"
    assert row["floor_area_m2"] == pytest.approx(511.16, abs=0.01)


def test_a_folder_that_is_no_energyplus_is_told(tmp_path: Path) -> None:
    engine = ep.EnergyPlus(OFFICE, weather=CHICAGO, installation=tmp_path)
    check = ep.Study("none", engine, {"lpd": ep.Field(LPD, [1.0])}).check()
    assert "is no EnergyPlus that can be used" in str(check)


def test_a_model_of_templates_is_varied_expanded_and_exported(store: str, tmp_path: Path) -> None:
    (tmp_path / "templates.idf").write_bytes(templated(SYSTEMS["PTAC"]))
    engine = ep.EnergyPlus(tmp_path / "templates.idf", weather=CHICAGO, period="design-days")
    study = ep.Study(
        "templates",
        engine,
        {"cop": ep.Field("HVACTemplate:Zone:PTAC/*/cooling_coil_gross_rated_cooling_cop", [2.5, 4.0])},
        outputs=ep.ComponentSizes(),
        keep=("model",),
    )
    check = study.check()
    assert check.ok, check
    assert "5 objects" in check.touches["cop"]
    assert list(study.run().wait().results()["status"]) == ["done", "done"]
    assert "Coil:Cooling:DX:SingleSpeed" in study.fetch(1, "model").read_text(encoding="latin-1")
    folder = study.export(1, tmp_path / "row")
    subprocess.run([sys.executable, "-I", "run.py"], cwd=folder, check=True, capture_output=True)
    assert harvest(folder / "out")["floor_area_m2"] == pytest.approx(study.results()["floor_area_m2"][1], rel=1e-12)


def test_a_file_elsewhere_needs_trust_and_is_part_of_the_key(store: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "share.csv"
    elsewhere.parent.mkdir()
    elsewhere.write_text("0.5\n" * 8760)
    text = OFFICE.read_text(encoding="latin-1")
    text = text.replace("BLDG_LIGHT_SCH,          !- Schedule Name", "From file,  !- Schedule Name")
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "m.idf"
    path.write_text(text + ABSOLUTE.format(path=elsewhere), encoding="latin-1")
    parameters = {"lpd": ep.Field(LPD, [2.22])}

    refused = ep.Study("elsewhere", ep.EnergyPlus(path, weather=CHICAGO, period="design-days"), parameters)
    assert "trusted=True" in str(refused.check())
    engine = ep.EnergyPlus(path, weather=CHICAGO, period="design-days", trusted=True)
    study = ep.Study("elsewhere", engine, parameters, keep=("model",))
    assert study.check().ok
    assert list(study.run().wait().results()["status"]) == ["done"]
    assert str(elsewhere) not in study.fetch(0, "model").read_text(encoding="latin-1")
    before = study.why(0).attrs["key"]
    elsewhere.write_text("0.6\n" * 8760)
    assert ep.Study("elsewhere", engine, parameters).why(0).attrs["key"] != before


def test_python_plugins_need_trust_and_an_energyplus_with_python(tmp_path: Path) -> None:
    plugin = "\nPythonPlugin:SearchPaths,Paths,Yes,Yes,No;\nPythonPlugin:Instance,Plugin,No,my_plugin,MyPlugin;\n"
    path = tmp_path / "m.idf"
    path.write_text(OFFICE.read_text(encoding="latin-1") + plugin, encoding="latin-1")
    (tmp_path / "my_plugin.py").write_text("class MyPlugin:\n    pass\n")
    parameters = {"lpd": ep.Field(LPD, [2.23])}
    refused = ep.Study("plugin", ep.EnergyPlus(path, weather=CHICAGO), parameters).check()
    assert "trusted=True" in str(refused)
    trusted = ep.Study("plugin", ep.EnergyPlus(path, weather=CHICAGO, trusted=True), parameters).check()
    assert "needs an EnergyPlus built with Python" in str(trusted)
