"""A first study end to end: real EnergyPlus, real Celery, real Redis, one DataFrame."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

import epstudy as ep
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.store import Store
from tests.support.offices import CHICAGO, LPD, OFFICE, U_VALUE, quick, tables, whole

BY_HAND = """
import sys
from pyenergyplus.api import EnergyPlusAPI
api = EnergyPlusAPI()
for folder, model, weather in zip(*[iter(sys.argv[1:])] * 3):
    state = api.state_manager.new_state()
    api.runtime.set_console_output_status(state, False)
    assert api.runtime.run_energyplus(state, ["-a", "-d", folder, "-w", weather, model]) == 0
    api.state_manager.delete_state(state)
"""


def run_by_hand(folder: Path, lpd: str, u_value: str) -> Path:
    """The model edited as text, with nothing of epstudy: lights and glazing, and tables in full kWh."""
    text = OFFICE.read_text(encoding="latin-1")
    lights = text.index("  Lights,")
    end = text.index("  ElectricEquipment,")
    text = text[:lights] + text[lights:end].replace("10.7600,", f"{lpd},").replace("10.76,", f"{lpd},") + text[end:]
    glazing = text.index("NonRes Fixed Assembly Window,")
    text = text[:glazing] + text[glazing:].replace("3.23646,", f"{u_value},", 1)
    text = text.replace("    Simple;", "    SimpleAndTabular, JtoKWH, No;", 1)
    assert "SimpleAndTabular, JtoKWH, No;" in text
    assert text.count(f"{lpd},") >= 5
    assert f"{u_value}," in text
    folder.mkdir()
    (folder / "model.idf").write_text(text, encoding="latin-1")
    return folder / "model.idf"


def test_what_epstudy_reports_is_what_energyplus_wrote(store: str, tmp_path: Path) -> None:
    """Two annual variants by hand through the engine's own API: the same end uses to the last digit."""
    points = [("6.25", "1.2"), ("9.5", "2.75")]
    study = ep.Study(
        "by-hand",
        whole(),
        {"lpd": ep.Field(LPD, [float(lpd) for lpd, _ in points]), "u": ep.Field(U_VALUE, [1.2, 2.75])},
    )
    study.run()
    folders = [tmp_path / f"hand{place}" for place in range(2)]
    models = [run_by_hand(folder, *point) for folder, point in zip(folders, points, strict=True)]
    arguments = [str(word) for folder, model in zip(folders, models, strict=True) for word in (folder, model, CHICAGO)]
    subprocess.run([sys.executable, "-c", BY_HAND, *arguments], check=True, cwd=tmp_path)
    results = study.wait().results(strict=True)

    for folder, (lpd, u_value) in zip(folders, points, strict=True):
        row = results[(results["lpd"] == float(lpd)) & (results["u"] == float(u_value))].iloc[0]
        said = tables(folder)
        value = lambda table, name, column: float(said[table, name, column][1])  # noqa: E731, B023
        fuels = [
            column
            for (table, name, column), (unit, _) in said.items()
            if table == "End Uses" and unit == "kWh" and name == "Heating"
        ]
        assert row["heating_kwh"] == math.fsum(value("End Uses", "Heating", fuel) for fuel in fuels)
        for column, name in {
            "cooling_kwh": "Cooling",
            "interior_lighting_kwh": "Interior Lighting",
            "exterior_lighting_kwh": "Exterior Lighting",
            "interior_equipment_kwh": "Interior Equipment",
            "fans_kwh": "Fans",
            "pumps_kwh": "Pumps",
            "water_systems_kwh": "Water Systems",
            "generators_kwh": "Generators",
        }.items():
            assert row[column] == math.fsum(value("End Uses", name, fuel) for fuel in fuels), column
        assert row["site_energy_kwh"] == value("Site and Source Energy", "Total Site Energy", "Total Energy")
        assert row["site_eui_kwh_m2"] == value(
            "Site and Source Energy", "Total Site Energy", "Energy Per Total Building Area"
        )
        assert row["electricity_kwh"] == value("End Uses", "Total End Uses", "Electricity")
        assert row["natural_gas_kwh"] == value("End Uses", "Total End Uses", "Natural Gas")
        assert row["district_heating_kwh"] == 0.0
        assert row["district_cooling_kwh"] == 0.0
        assert row["floor_area_m2"] == value("Building Area", "Total Building Area", "Area")
        heating = "Time Setpoint Not Met During Occupied Heating"
        assert row["unmet_heating_h"] == value("Comfort and Setpoint Not Met Summary", heating, "Facility")
        assert row["electricity_kwh"] + row["natural_gas_kwh"] == pytest.approx(row["site_energy_kwh"], rel=1e-12)
        assert 5_000 < row["peak_electricity_w"] < 50_000
        assert 0 < row["seconds"] < 300
        assert row["warnings"] > 0


def test_running_a_study_again_simulates_nothing_and_a_changed_grid_only_the_new(store: str) -> None:
    def study(*levels: float) -> ep.Study:
        return ep.Study("again", quick(), {"lpd": ep.Field(LPD, levels)})

    first = study(5.125, 5.25).run().wait()
    assert first.progress().cached == 0
    again = study(5.125, 5.25).run().wait()
    assert (again.progress().done, again.progress().cached) == (2, 2)
    more = study(5.25, 5.375, 5.125).run().wait()
    assert (more.progress().done, more.progress().cached) == (3, 2)
    assert list(more.results()["lpd"]) == [5.25, 5.375, 5.125]


def test_the_same_variant_under_another_name_and_label_is_not_simulated_again(store: str) -> None:
    ep.Study("one-name", quick(), {"lpd": ep.Field(LPD, [4.5])}).run().wait()
    other = ep.Study("other-name", quick(), {"light": ep.Field("LIGHTS/*/Watts per floor area", {"low": 4.5})})
    assert other.progress().cached == 1, "known before it is run"
    assert other.run().wait().progress().cached == 1
    assert list(other.results()["light"]) == ["low"]


def test_a_study_that_was_not_run_shows_its_own_numbers_and_nobody_elses(store: str) -> None:
    """A name in the store may stand for another grid: results go by key."""
    ep.Study("shared-name", quick(), {"lpd": ep.Field(LPD, [4.125])}).run().wait()
    other = ep.Study("shared-name", quick(), {"lpd": ep.Field(LPD, [4.25, 4.375])})
    assert list(other.results()["status"]) == ["pending", "pending"]
    with pytest.raises(ep.InputError, match="stands for another grid"):
        other.wait()
    with pytest.raises(ep.InputError, match="was not run yet"):
        ep.Study("never-run", quick(), {"lpd": ep.Field(LPD, [4.25])}).wait()


def test_design_days_give_no_energy_and_say_so_with_nan(store: str) -> None:
    row = ep.Study("design-days", quick(), {"lpd": ep.Field(LPD, [None])}).run().wait().results().iloc[0]
    assert row["status"] == "done"
    assert math.isnan(row["heating_kwh"])
    assert math.isnan(row["site_eui_kwh_m2"])
    assert math.isnan(row["unmet_heating_h"])
    assert row["floor_area_m2"] == pytest.approx(511.16, abs=0.01)


def test_period_model_does_what_the_model_says(store: str) -> None:
    """The reference model has its weather run switched off."""
    engine = ep.EnergyPlus(OFFICE, weather=CHICAGO, period="model")
    row = ep.Study("as-the-model", engine, {"lpd": ep.Field(LPD, [None])}).run().wait().results().iloc[0]
    assert row["status"] == "done"
    assert math.isnan(row["heating_kwh"])


def test_the_table_has_every_scalar_of_the_contract_with_its_unit(store: str) -> None:
    frame = ep.Study("columns", quick(), {"lpd": ep.Field(LPD, [4.75])}).run().wait().results()
    wanted = [
        "site_energy_kwh",
        "site_eui_kwh_m2",
        "electricity_kwh",
        "natural_gas_kwh",
        "district_heating_kwh",
        "district_cooling_kwh",
        "heating_kwh",
        "cooling_kwh",
        "interior_lighting_kwh",
        "exterior_lighting_kwh",
        "interior_equipment_kwh",
        "exterior_equipment_kwh",
        "fans_kwh",
        "pumps_kwh",
        "heat_rejection_kwh",
        "humidification_kwh",
        "heat_recovery_kwh",
        "water_systems_kwh",
        "refrigeration_kwh",
        "generators_kwh",
        "floor_area_m2",
        "unmet_heating_h",
        "unmet_cooling_h",
        "peak_electricity_w",
        "warnings",
        "severe_errors",
        "warmup_converged",
        "seconds",
    ]
    assert [name for name in frame.columns if name in wanted] == wanted
    assert list(frame.columns[:2]) == ["lpd", "status"]
    assert list(frame.attrs["units"]) == list(frame.columns[2:])
    assert frame.attrs["parameter_units"] == {"lpd": "W/m2"}
    assert frame.attrs["units"]["site_eui_kwh_m2"] == "kWh/m2"
    assert frame.index.name == "variant"


def test_a_model_that_crashes_the_engine_is_one_failed_row(store: str) -> None:
    """A schedule that does not exist makes EnergyPlus segfault."""
    levels = {"always": "ALWAYS_ON", "none": "NO_SUCH_SCHEDULE", "model": None}
    study = ep.Study("crash", quick(), {"schedule": ep.Field("Lights/Core_ZN_Lights/schedule_name", levels)})
    with pytest.raises(ep.CheckError, match="NO_SUCH_SCHEDULE"):
        study.run()
    assert study.progress().running == 0, "nothing was queued"
    results = study.run(check=False).wait().results()
    assert list(results["status"]) == ["done", "failed", "done"]
    failures = study.failures()
    assert list(failures.index) == [1]
    failure = failures.iloc[0]
    assert failure["cause"] == "crash"
    assert "CORE_ZN_LIGHTS" in failure["message"]
    assert "NO_SUCH_SCHEDULE" in failure["message"]
    assert failure["attempts"] == 2
    assert failure["schedule"] == "none"
    with pytest.raises(ep.IncompleteError, match="1 failed"):
        study.results(strict=True)
    assert study.run(check=False).wait().progress().failed == 1, "the same error is not simulated again"


def test_a_model_that_the_engine_rejects_says_what_the_engine_said(store: str) -> None:
    study = ep.Study("rejected", quick(), {"lpd": ep.Field(LPD, [4.0, -1.0])})
    results = study.run(check=False).wait().results()
    assert list(results["status"]) == ["done", "failed"]
    failure = study.failures().iloc[0]
    assert failure["cause"] == "simulation"
    assert "watts_per_floor_area" in failure["message"]
    assert failure["attempts"] == 1


def test_a_target_that_the_model_lacks_is_a_failed_row_without_the_check(store: str) -> None:
    study = ep.Study("no-target", quick(), {"x": ep.Field("Lights/Nowhere/watts_per_floor_area", [3.0, None])})
    results = study.run(check=False).wait().results()
    assert list(results["status"]) == ["failed", "done"]
    assert study.failures().iloc[0]["cause"] == "input"
    assert "Nowhere" in study.failures().iloc[0]["message"]


def test_a_run_out_of_time_is_failed_and_runs_with_more_time(store: str) -> None:
    def study(timeout: float | None) -> ep.Study:
        return ep.Study("slow", whole(), {"lpd": ep.Field(LPD, [3.5])}, timeout=timeout)

    slow = study(0.5).run().wait()
    failure = slow.failures().iloc[0]
    assert failure["cause"] == "timeout"
    assert "after 0.5 s" in failure["message"]
    assert study(0.5).run().wait().progress().failed == 1
    assert study(900).run().wait().progress().done == 1


def test_a_study_is_opened_from_its_name(store: str) -> None:
    ep.Study("opened", quick(), {"lpd": ep.Field(LPD, {"a": 4.0, "b": None})}).run().wait()
    study = ep.Study.open("opened")
    assert list(study.variants["lpd"]) == ["a", "b"]
    assert study.results(strict=True)["status"].eq("done").all()
    assert study.run().wait().progress().cached == 2
    assert "opened" in ep.studies().index
    assert ep.studies().loc["opened", "done"] == 2
    with pytest.raises(ep.StudyNotFoundError, match=r"it holds .*opened"):
        ep.Study.open("unknown")


def test_waiting_can_time_out_and_the_study_goes_on(store: str) -> None:
    study = ep.Study("time-out", whole(), {"lpd": ep.Field(LPD, [3.25])}).run()
    with pytest.raises(TimeoutError, match="it goes on"):
        study.wait(timeout=0.2)
    assert study.wait().progress().done == 1


def test_a_study_can_be_awaited(store: str) -> None:
    async def run() -> ep.Study:
        return await ep.Study("awaited", quick(), {"lpd": ep.Field(LPD, [3.0])}).run()

    assert asyncio.run(run()).progress().done == 1


def test_a_study_can_be_cancelled_and_continued(store: str) -> None:
    study = ep.Study("cancelled", whole(), {"lpd": ep.Field(LPD, [2.0, 2.125, 2.25, 2.375, 2.5, 2.625])}).run()
    study.cancel().wait()
    assert study.progress().cancelled == 6
    assert set(study.results()["status"]) == {"cancelled"}
    quick_one = ep.Study("after-cancel", quick(), {"lpd": ep.Field(LPD, [2.75])}).run().wait()
    assert quick_one.progress().done == 1, "the slots are free"
    short = ep.Study("cancelled", whole(), {"lpd": ep.Field(LPD, [2.0, 2.125])}).run().wait()
    assert short.progress().done == 2


def test_failed_variants_can_be_tried_again(store: str) -> None:
    study = ep.Study("retried", quick(), {"lpd": ep.Field(LPD, [2.875, -2.0])}).run(check=False).wait()
    before = study.failures().iloc[0]
    again = study.run(only="failed", check=False).wait()
    assert again.progress().failed == 1
    assert study.retry().wait().progress().failed == 1
    assert study.failures().iloc[0]["message"] == before["message"]
    assert study.progress().done == 1


def test_what_failed_because_of_the_model_is_simulated_again_when_that_is_asked(store: str) -> None:
    """`run(only="failed")` found the held failure and left it at that."""
    study = ep.Study("asked-again", quick(), {"lpd": ep.Field(LPD, [2.9375, 2.96875])})
    crashed = Outcome(State.FAILED, Cause.CRASH, "a machine that was unwell")
    for key in study._own_manifest().keys:
        Store(store).put_outcome(key, crashed)
    assert study.run().wait().progress().failed == 2, "a crash is held"
    assert study.retry(cause="timeout").wait().progress().failed == 2
    assert study.run(only="failed").wait().progress().done == 2


def test_external_files_travel_with_the_model(store: str, tmp_path: Path) -> None:
    """A schedule from a file beside the model: another content is another result."""
    model = tmp_path / "model.idf"
    text = OFFICE.read_text(encoding="latin-1")
    model.write_text(
        text.replace("BLDG_LIGHT_SCH,          !- Schedule Name", "From file,               !- Schedule Name", 5)
        + "\nSchedule:File,\n  From file,,lights.csv,1,0,8760;\n",
        encoding="latin-1",
    )

    def lighting(share: float) -> float:
        (tmp_path / "lights.csv").write_text(f"{share}\n" * 8760)
        engine = ep.EnergyPlus(model, weather=CHICAGO)
        frame = ep.Study("from-file", engine, {"lpd": ep.Field(LPD, [10.0])}).run().wait().results(strict=True)
        return float(frame["interior_lighting_kwh"].iloc[0])

    full, half = lighting(1.0), lighting(0.5)
    assert full == pytest.approx(10.0 * 511.1574 * 8760 / 1000, rel=1e-4)
    assert half == pytest.approx(full / 2, rel=1e-9)


def test_a_result_is_one_small_file_and_the_run_folders_are_gone(store: str) -> None:
    from epstudy.pool.private_pool import runtime_for

    study = ep.Study("one-file", quick(), {"lpd": ep.Field(LPD, [1.5])}).run().wait()
    manifest = json.loads((Path(store) / "studies" / "one-file" / "manifest.json").read_text().splitlines()[1])
    key = manifest["keys"][0]
    files = list((Path(store) / "results" / key[:2]).glob(f"{key}*"))
    assert [file.name for file in files] == [f"{key}.json"]
    assert files[0].stat().st_size < 4096
    assert study.progress().complete
    runs = next(runtime_for(store).folder.glob("scratch-*/runs"))
    assert [one.name for one in runs.iterdir()] == []


def test_scaling_by_one_is_the_untouched_model_and_doubled_lights_are_twice_the_energy(store: str) -> None:
    study = ep.Study("scaled", whole(), {"lights": ep.Scale(LPD, [None, 1.0, 2.0])}).run()
    lighting = study.wait().results(strict=True)["interior_lighting_kwh"]
    assert lighting[1] == lighting[0]
    assert lighting[2] == pytest.approx(2 * lighting[0], rel=1e-9)


def test_savings_against_the_untouched_model(store: str) -> None:
    parameters = {"lights": ep.Scale(LPD, [0.5, 1.0]), "u": ep.Field(U_VALUE, {"triple": 0.8, "double": 1.6})}
    study = ep.Study("savings", whole(), parameters, where=lambda v: v.lights < 1 and v.u == "triple", baseline=True)
    assert len(study.variants) == 2
    assert study.variants.iloc[0].isna().all()
    assert "where= drops 3 of 4 combinations" in study.check().warnings
    frame = study.run().wait().results(strict=True, relative_to="baseline")
    assert frame["interior_lighting_kwh_saving_percent"][1] == pytest.approx(50.0)
    assert frame["site_energy_kwh_saving"][0] == 0.0
    reopened = ep.Study.open("savings").results(relative_to="baseline")
    assert reopened["site_energy_kwh_saving"][1] == frame["site_energy_kwh_saving"][1] > 0
    with pytest.raises(ep.InputError, match="has no baseline"):
        ep.Study("no-savings", whole(), parameters).results(relative_to="baseline")
