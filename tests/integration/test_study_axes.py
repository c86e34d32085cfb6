"""Every way to vary a model, through a study: weather, constructions, and the user's own functions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pyenergyplus.dataset import weather_files

import epstudy as ep
from tests.support.offices import CHICAGO, LPD, OFFICE, quick

MIAMI = Path(weather_files["usa_fl_miami"])

OVERHANG_M = 0.5


def widen(depth: float) -> float:
    return depth + OVERHANG_M


def overhangs(model: Any, depth: float) -> None:
    """A measure with a helper and a value of this very module, which no worker can import."""
    for window in model["FenestrationSurface:Detailed"]:
        model.add(
            "Shading:Overhang",
            f"Overhang {window.name}",
            {
                "window_or_door_name": window.name,
                "height_above_window_or_door": 0.1,
                "tilt_angle_from_window_door": 90,
                "left_extension_from_window_door_width": 0,
                "right_extension_from_window_door_width": 0,
                "depth": widen(depth),
            },
        )


def fails(model: Any, value: float) -> None:
    raise ValueError(f"no {value} here")


def nothing(model: Any, value: float) -> None:
    """Forgets to change anything."""


def cooling_size(study: ep.Study) -> list[float]:
    sizes = study.table("ComponentSizes")
    coils = sizes[sizes["component_class"].str.contains("Coil:Cooling") & (sizes["unit"] == "W")]
    return [float(one) for one in coils.groupby("variant")["value"].sum()]


def test_weather_is_an_axis_and_the_sizing_moves_along(store: str) -> None:
    study = ep.Study(
        "climates",
        quick(),
        {"climate": ep.Weather({"as it is": None, "Miami": MIAMI}), "lpd": ep.Field(LPD, [8.11])},
        outputs=[ep.ComponentSizes(), ep.Table("InputVerificationandResultsSummary", "General")],
    )
    check = study.check()
    assert check.ok
    assert "Site:Location and 2 SizingPeriod:DesignDays" in check.touches["climate"]
    assert any("the ground temperatures under the building" in text for text in check.warnings)
    frame = study.run().wait().results(strict=True)
    assert list(frame["climate"]) == ["as it is", "Miami"]
    assert list(frame["climate_sizing"]) == [
        "the model's own design days",
        "design conditions in the header of the EPW",
    ]
    assert frame.attrs["engine"] == "25.2.0-cf7368216c"
    own, miami = cooling_size(study)
    assert miami > own * 1.05
    general = study.table("InputVerificationandResultsSummary", "General")
    weather = general[general["row"] == "Weather File"].set_index("variant")["text"]
    assert "Chicago" in weather[0]
    assert "Miami" in weather[1]


def test_a_ddy_beside_the_epw_is_taken_and_another_one_is_another_result(store: str, tmp_path: Path) -> None:
    shutil.copy(MIAMI, tmp_path / "miami.epw")
    level = {"climate": ep.Weather([tmp_path / "miami.epw"])}
    study = ep.Study("ddy", quick(), level)
    assert study.variants["climate"][0] == "miami"
    header = study.why(0).attrs["key"]
    ddy = tmp_path / "miami.ddy"
    ddy.write_text(DDY)
    beside = ep.Study("ddy", quick(), level)
    assert beside.why(0).attrs["key"] != header
    frame = beside.run().wait().results(strict=True)
    assert list(frame["climate_sizing"]) == ["design days of miami.ddy"]
    given = ep.Study("ddy", quick(), {"climate": ep.Weather({"x": (tmp_path / "miami.epw", ddy)})})
    assert given.why(0).attrs["key"] == beside.why(0).attrs["key"], "the same files, however they were found"


def test_a_ddy_on_the_engine_replaces_the_models_design_days(store: str, tmp_path: Path) -> None:
    ddy = tmp_path / "miami.ddy"
    ddy.write_text(DDY)
    engine = ep.EnergyPlus(OFFICE, weather=MIAMI, period="design-days", ddy=ddy)
    study = ep.Study("ddy-engine", engine, {"lpd": ep.Field(LPD, [8.12])}, outputs=ep.ComponentSizes())
    other = ep.Study("ddy-none", quick(), {"lpd": ep.Field(LPD, [8.12])}, outputs=ep.ComponentSizes())
    assert cooling_size(study.run().wait())[0] != cooling_size(other.run().wait())[0]
    gone = ep.EnergyPlus(OFFICE, weather=MIAMI, ddy=tmp_path / "gone.ddy")
    assert "there is no design-day file" in str(ep.Study("x", gone, {"lpd": ep.Field(LPD, [1])}).check())


def test_weather_without_design_conditions_warns_that_sizing_stays(tmp_path: Path) -> None:
    lines = CHICAGO.read_text(encoding="latin-1").splitlines()
    lines[1] = "DESIGN CONDITIONS,0"
    (tmp_path / "bare.epw").write_text("\n".join(lines), encoding="latin-1")
    study = ep.Study("bare", quick(), {"climate": ep.Weather([tmp_path / "bare.epw"])})
    assert "sizing stays with the model's own design days" in str(study.check())


def test_a_construction_set_is_an_axis(store: str) -> None:
    wool = {"thickness": 0.2, "conductivity": 0.035, "density": 30, "specific_heat": 1400}
    study = ep.Study(
        "sets",
        quick(),
        {
            "envelope": ep.Construction(
                ["walls", "windows"],
                {
                    "as it is": None,
                    "passive": {
                        "walls": [{"name": "Wool", **wool}, {"name": "Board", "thermal_resistance": 0.1}],
                        "windows": [{"name": "Triple", "u_factor": 0.8, "solar_heat_gain_coefficient": 0.5}],
                    },
                },
            )
        },
        outputs=[ep.Table("EnvelopeSummary", "Exterior Fenestration"), ep.ComponentSizes()],
    )
    check = study.check()
    assert check.ok, check
    assert "walls/outdoors" in check.touches["envelope"]
    frame = study.run().wait().results(strict=True)
    assert list(frame["envelope"]) == ["as it is", "passive"]
    windows = study.table("EnvelopeSummary", "Exterior Fenestration")
    glass = windows[windows["column"] == "Glass U-Factor"].groupby("variant")["value"].min()
    assert glass[1] == pytest.approx(0.8, abs=0.05), "the windows; the glass door stays"
    assert glass[0] > 2


def test_a_function_of_the_notebook_is_a_measure(store: str) -> None:
    study = ep.Study(
        "overhangs", quick(), {"depth": ep.Measure(overhangs, [None, 0.5, 1.5])}, outputs=ep.ComponentSizes()
    )
    check = study.check()
    assert check.ok, check
    assert "Shading:Overhang" in check.touches["depth"]
    study.run().wait().results(strict=True)
    none, small, large = cooling_size(study)
    assert large < small < none, "shade spares cooling"
    assert ep.Study.open("overhangs").progress().complete


def test_another_value_in_a_helper_is_another_result(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"depth": ep.Measure(overhangs, [0.6])}
    before = ep.Study("helper", quick(), parameters).why(0).attrs["key"]
    monkeypatch.setitem(globals(), "OVERHANG_M", 0.75)
    assert ep.Study("helper", quick(), parameters).why(0).attrs["key"] != before
    monkeypatch.undo()
    assert ep.Study("renamed", quick(), parameters).why(0).attrs["key"] == before
    lpd = {"lpd": ep.Field(LPD, [8.14])}
    one = ep.Study("first", quick(), {**lpd, **parameters}).why(0).attrs["key"]
    assert one == ep.Study("last", quick(), {**parameters, **lpd}).why(0).attrs["key"], "it runs last anyway"


def test_what_a_measure_does_wrong_is_found_before_anything_is_queued(store: str) -> None:
    check = ep.Study("fails", quick(), {"m": ep.Measure(fails, [1.0])}).check()
    assert 'measure "fails" fails for 1.0: ValueError: no 1.0 here' in str(check)
    check = ep.Study("nothing", quick(), {"m": ep.Measure(nothing, [1.0, 2.0])}).check()
    assert 'parameter "m" changes nothing in the model at 1.0, 2.0' in str(check)
    check = ep.Study("lambda", quick(), {"m": ep.Measure(lambda model, value: None, [1.0])}).check()
    assert not check.ok
    assert "def" in str(check)


def test_a_field_that_is_not_in_use_is_told(store: str) -> None:
    check = ep.Study("unused", quick(), {"w": ep.Field("Lights/*/lighting_level", [100.0, 200.0])}).check()
    assert check.ok
    assert 'changes nothing in 5 of 5 Lights objects: by their design_level_calculation_method "Watts/Area"' in str(
        check
    )
    assert "watts_per_floor_area" in str(check)


def test_variants_that_equal_each_other_are_told(store: str) -> None:
    parameters = {"lpd": ep.Field(LPD, [8.13, 8.13]), "f": ep.Scale("People/*/floor_area_per_person", [1.0])}
    assert "1 of 2 variants equal another one" in str(ep.Study("twice", quick(), parameters).check())


def test_labels_are_for_the_eye_and_nothing_is_written_beside_the_notebook(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = ["a.b/c", "../..", "über 8,14 W/m²", ""]
    field = ep.Field(LPD, {label: 8.141 + place / 1000 for place, label in enumerate(labels)})
    frame = ep.Study("labels", quick(), {"lpd": field}).run().wait().results(strict=True)
    assert list(frame["lpd"]) == labels
    assert list(tmp_path.iterdir()) == []


DDY = """! a small DDY
Site:Location,
 Miami Intl Ap_FL_USA Design_Conditions,     !- Location Name
      25.82,     !- Latitude {N+ S-}
     -80.30,     !- Longitude {W- E+}
      -5.00,     !- Time Zone Relative to GMT {GMT+/-}
       4.00;     !- Elevation {m}

SizingPeriod:DesignDay,
 Miami Intl Ap Ann Htg 99.6% Condns DB,     !- Name
          1,      !- Month
         21,      !- Day of Month
  WinterDesignDay,!- Day Type
        8.7,      !- Maximum Dry-Bulb Temperature {C}
        0.0,      !- Daily Dry-Bulb Temperature Range {C}
 DefaultMultipliers, !- Dry-Bulb Temperature Range Modifier Type
           ,      !- Dry-Bulb Temperature Range Modifier Schedule Name
    Wetbulb,      !- Humidity Condition Type
        8.7,      !- Wetbulb at Maximum Dry-Bulb {C}
           ,      !- Humidity Indicating Day Schedule Name
           ,      !- Humidity Ratio at Maximum Dry-Bulb {kgWater/kgDryAir}
           ,      !- Enthalpy at Maximum Dry-Bulb {J/kg}
           ,      !- Daily Wet-Bulb Temperature Range {deltaC}
    101277.,      !- Barometric Pressure {Pa}
        3.8,      !- Wind Speed {m/s}
        340,      !- Wind Direction {Degrees}
         No,      !- Rain {Yes/No}
         No,      !- Snow on ground {Yes/No}
         No,      !- Daylight Savings Time Indicator
  ASHRAEClearSky, !- Solar Model Indicator
           ,      !- Beam Solar Day Schedule Name
           ,      !- Diffuse Solar Day Schedule Name
           ,      !- ASHRAE Clear Sky Optical Depth for Beam Irradiance (taub)
           ,      !- ASHRAE Clear Sky Optical Depth for Diffuse Irradiance (taud)
       0.00;      !- Clearness {0.0 to 1.1}

SizingPeriod:DesignDay,
 Miami Intl Ap Ann Clg .4% Condns DB=>MWB,     !- Name
          7,      !- Month
         21,      !- Day of Month
  SummerDesignDay,!- Day Type
       33.2,      !- Maximum Dry-Bulb Temperature {C}
        6.7,      !- Daily Dry-Bulb Temperature Range {C}
 DefaultMultipliers, !- Dry-Bulb Temperature Range Modifier Type
           ,      !- Dry-Bulb Temperature Range Modifier Schedule Name
    Wetbulb,      !- Humidity Condition Type
       25.3,      !- Wetbulb at Maximum Dry-Bulb {C}
           ,      !- Humidity Indicating Day Schedule Name
           ,      !- Humidity Ratio at Maximum Dry-Bulb {kgWater/kgDryAir}
           ,      !- Enthalpy at Maximum Dry-Bulb {J/kg}
           ,      !- Daily Wet-Bulb Temperature Range {deltaC}
    101277.,      !- Barometric Pressure {Pa}
        4.5,      !- Wind Speed {m/s}
        140,      !- Wind Direction {Degrees}
         No,      !- Rain {Yes/No}
         No,      !- Snow on ground {Yes/No}
         No,      !- Daylight Savings Time Indicator
  ASHRAETau,      !- Solar Model Indicator
           ,      !- Beam Solar Day Schedule Name
           ,      !- Diffuse Solar Day Schedule Name
      0.480,      !- ASHRAE Clear Sky Optical Depth for Beam Irradiance (taub)
      2.100;      !- ASHRAE Clear Sky Optical Depth for Diffuse Irradiance (taud)
"""
