"""Everything wrong with a study is found before it runs, all at once, by name and with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyenergyplus.dataset import ashrae_models, ref_models, weather_files

import epstudy as ep
from epstudy.core.contracts import Prepared

OFFICE = Path(ref_models["small_office"])
CHICAGO = Path(weather_files["usa_il_chicago"])
LPD = "Lights/*/watts_per_floor_area"


def prepare(engine: ep.EnergyPlus, **parameters: ep.Field) -> Prepared:
    return engine.prepare(parameters or {"lpd": ep.Field(LPD, [6.0])})


def problems(engine: ep.EnergyPlus, **parameters: ep.Field) -> str:
    return "\n".join(prepare(engine, **parameters).check.problems)


def office(**options: object) -> ep.EnergyPlus:
    return ep.EnergyPlus(OFFICE, weather=CHICAGO, **options)


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = OFFICE.read_text(encoding="latin-1")
    assert old in text
    path = tmp_path / "model.idf"
    path.write_text(text.replace(old, new), encoding="latin-1")
    return path


def test_a_good_study_has_no_problem_and_says_what_it_touches() -> None:
    check = prepare(office(), lpd=ep.Field(LPD, [6.0, None]), u=ep.Field("Lights/Core*/fraction_radiant", [0.5])).check
    assert check.ok
    assert check.touches == {"lpd": "Lights/*: 5 objects", "u": "Lights/Core*: 1 object"}
    assert "Lights/*: 5 objects" in str(check)


def test_the_unit_of_a_parameter_is_that_of_its_field() -> None:
    watts = "Lights/*/lighting_level"
    assert prepare(
        office(),
        lpd=ep.Field(LPD, [6.0, None]),
        labelled=ep.Field("Lights/*/fraction_radiant", {"much": 0.5}),
        named=ep.Field("ElectricEquipment/*/watts_per_floor_area", {"much": 20.0}),
        scaled=ep.Scale("People/*/people_per_floor_area", [0.5]),
        two=ep.Field([watts, "ZoneInfiltration:DesignFlowRate/*/design_flow_rate"], [1.0]),
    ).units == {"lpd": "W/m2"}


def test_no_such_model_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "office.idf").touch()
    found = prepare(ep.EnergyPlus(tmp_path / "ofice.idf", weather=CHICAGO))
    assert found.recipe is None
    assert "there is no model" in found.check.problems[0]
    assert "its folder has office.idf" in found.check.problems[0]


def test_no_such_weather() -> None:
    assert "there is no weather file nowhere.epw" in problems(ep.EnergyPlus(OFFICE, weather="nowhere.epw"))


def test_an_annual_run_needs_weather() -> None:
    assert "has no weather file for its annual run; give weather=" in problems(ep.EnergyPlus(OFFICE))
    assert problems(ep.EnergyPlus(OFFICE, period="design-days")) == ""


@pytest.mark.parametrize(
    ("content", "said"), [(b"hello", "is no EPW file"), (b"", "is no EPW file"), (None, "has 92 hourly")]
)
def test_a_weather_file_that_is_none_or_cut_off(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "w.epw"
    path.write_bytes(content if content is not None else b"\n".join(CHICAGO.read_bytes().splitlines()[:100]))
    assert said in problems(ep.EnergyPlus(OFFICE, weather=path))


def test_part_of_a_year_is_enough_for_design_days_and_for_what_the_model_says(tmp_path: Path) -> None:
    path = tmp_path / "w.epw"
    path.write_bytes(b"\n".join(CHICAGO.read_bytes().splitlines()[:1000]))
    for period in ("design-days", "model"):
        assert problems(ep.EnergyPlus(OFFICE, weather=path, period=period)) == ""


def test_a_model_that_asks_for_its_weather_run_needs_weather() -> None:
    denver = ashrae_models["office_small"]
    assert "has no weather file for the weather run" in problems(ep.EnergyPlus(denver, period="model"))
    assert problems(ep.EnergyPlus(OFFICE, period="model")) == "", "its weather run is switched off"


def test_a_model_of_another_version(tmp_path: Path) -> None:
    path = changed(tmp_path, "25.2", "9.2")
    assert "is of EnergyPlus version 9.2, the engine is 25.2.0" in problems(ep.EnergyPlus(path, weather=CHICAGO))


def test_a_model_of_a_newer_version_is_not_to_be_upgraded(tmp_path: Path) -> None:
    path = changed(tmp_path, "25.2", "26.1")
    said = problems(ep.EnergyPlus(path, weather=CHICAGO))
    assert "is of EnergyPlus version 26.1, the engine is 25.2.0" in said
    assert "Install EnergyPlus 26.1 and name its folder, installation=..., or ask for the model in version 25.2" in said
    assert "Upgrade" not in said


def test_a_model_without_a_version_is_taken_for_the_engines(tmp_path: Path) -> None:
    path = changed(tmp_path, "Version,25.2;", "")
    check = prepare(ep.EnergyPlus(path, weather=CHICAGO)).check
    assert check.ok, str(check)
    assert "states no version; EnergyPlus takes it for one of its own, 25.2" in str(check)


PARAMETRIC = "Parametric:SetValueForRun, $level, 5, 10; Parametric:RunControl, Runs, Yes, Yes;\n"


def test_parametric_objects_are_told_with_what_to_do(tmp_path: Path) -> None:
    path = changed(tmp_path, "Version,25.2;", "Version,25.2;\n" + PARAMETRIC)
    said = problems(ep.EnergyPlus(path, weather=CHICAGO))
    assert "uses Parametric:RunControl, Parametric:SetValueForRun, which EnergyPlus does not simulate" in said
    assert "vary the field here, with ep.Field" in said


def test_jeplus_tags_are_told_unless_a_parameter_puts_a_value_in_their_place(tmp_path: Path) -> None:
    before, lights, after = OFFICE.read_text("latin-1").partition("  Lights,\n")
    text = before + lights + after.replace("Core_ZN_Lights", "@@name@@", 1).replace("10.76", "@@lpd@@", 1)
    assert "@@lpd@@" in text
    (tmp_path / "tags.idf").write_text(text.replace("@@name@@", "Core_ZN_Lights"), encoding="latin-1")
    engine = ep.EnergyPlus(tmp_path / "tags.idf", weather=CHICAGO, period="design-days")
    multiplier = ep.Field("Zone/*/multiplier", [1])
    said = problems(engine, m=multiplier)
    assert 'holds the jEPlus tag "@@lpd@@" in Lights/Core_ZN_Lights/watts_per_floor_area, which' in said
    assert 'vary it: ep.Field("Lights/Core_ZN_Lights/watts_per_floor_area", [...])' in said
    assert problems(engine, lpd=ep.Field(LPD, [6.0, 8.0])) == ""
    assert "@@lpd@@" in problems(engine, lpd=ep.Field(LPD, [None, 8.0])), "the model's own value is a tag"
    (tmp_path / "named.idf").write_text(text.replace("@@lpd@@", "10"), encoding="latin-1")
    assert "Put a name there" in problems(ep.EnergyPlus(tmp_path / "named.idf", weather=CHICAGO))


def test_a_model_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "model.idf").write_text("this is not a model")
    assert "it ends in 'this is not a model', which is no object" in problems(
        ep.EnergyPlus(tmp_path / "model.idf", weather=CHICAGO)
    )
    (tmp_path / "model.idf").write_text("Version,25.2;\nLights,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v;")
    assert "is no model that can be read" in problems(ep.EnergyPlus(tmp_path / "model.idf", weather=CHICAGO))
    assert "expected a file that ends in .idf or .epJSON" in problems(ep.EnergyPlus("model.osm", weather=CHICAGO))


@pytest.mark.parametrize(
    ("target", "levels", "said"),
    [
        (LPD, [6.0, -1.0], 'parameter "p": level -1.0: Lights "Core_ZN_Lights", watts_per_floor_area: Value -1'),
        (LPD, ["much"], "Expected number, got str"),
        (LPD, [True], "Expected number, got bool"),
        ("Lights/*/schedule_name", ["NOPE"], "Reference to non-existent object 'NOPE'"),
        ("RunPeriod/*/end_month", [1], 'is decided by period="annual"'),
        ("SimulationControl/*/run_simulation_for_sizing_periods", ["No"], 'is decided by period="annual"'),
        ("Output:Variable/*/reporting_frequency", ["Hourly"], "is an output request"),
        ("Lights/*/end_use_subcategory", ["a, b"], "ends a field"),
        ("SimulationControl/*/do_zone_sizing_calculation", ["Perhaps"], "not in allowed values"),
        ("Lihgts/*/schedule_name", ["x"], 'did you mean "Lights"?'),
    ],
)
def test_a_level_or_target_that_cannot_be(target: str, levels: list[object], said: str) -> None:
    assert said in problems(office(), p=ep.Field(target, levels))


def test_all_problems_come_at_once() -> None:
    found = prepare(
        ep.EnergyPlus(OFFICE),
        a=ep.Field("Light/*/x", [1]),
        b=ep.Field(LPD, [-1, "much"]),
        c=ep.Field("Lights/*/nope", [1]),
    ).check
    assert len(found.problems) == 5


def test_what_the_model_itself_breaks_in_the_schema_is_not_the_users_problem() -> None:
    """The reference model has a PlantLoop with AUTOSIZE, which the schema refuses and the engine takes."""
    assert problems(office(), p=ep.Field("Lights/*/schedule_name", ["BLDG_LIGHT_SCH"])) == ""


def test_two_parameters_on_one_field_are_refused() -> None:
    said = problems(office(), a=ep.Field(LPD, [6.0]), b=ep.Field("Lights/Core*/watts_per_floor_area", [7.0]))
    assert 'parameters "a" and "b" both set watts_per_floor_area of 1 Lights objects' in said


def test_an_object_that_two_targets_of_one_scale_name_is_not_scaled_twice() -> None:
    said = problems(office(), a=ep.Scale([LPD, "lights/Core*/Watts per Floor Area"], [0.5]))
    assert 'two targets of parameter "a" both name watts_per_floor_area of 1 Lights objects' in said


def test_a_level_given_twice_is_a_warning() -> None:
    check = prepare(office(), p=ep.Field(LPD, [6, 6.0])).check
    assert check.ok
    assert "more than once" in check.warnings[0]


def test_templates_are_expanded_and_ground_preprocessors_are_told(tmp_path: Path) -> None:
    path = tmp_path / "model.idf"
    path.write_bytes(OFFICE.read_bytes() + b"\nHVACTemplate:Thermostat,\n  All,,20,,26;\n")
    assert problems(ep.EnergyPlus(path, weather=CHICAGO)) == ""
    path.write_bytes(OFFICE.read_bytes() + b"\nGroundHeatTransfer:Control,\n  Ground,Yes,Yes;\n")
    assert "GroundHeatTransfer:Control, which needs the Slab and Basement preprocessors" in problems(
        ep.EnergyPlus(path, weather=CHICAGO)
    )


def test_design_days_need_design_days(tmp_path: Path) -> None:
    from epstudy.engines.energyplus.model import model

    document = model.load(OFFICE.read_bytes(), ".idf")
    model.remove_all(document, "SizingPeriod:DesignDay")
    assert "has no SizingPeriod object" in problems(ep.EnergyPlus(document, period="design-days"))


SCHEDULE = b"\nSchedule:File,\n  From file,,%s,1,0,8760;\n"


def test_external_files_are_part_of_the_recipe_by_content(tmp_path: Path) -> None:
    path = tmp_path / "model.idf"
    path.write_bytes(OFFICE.read_bytes() + SCHEDULE % b"data/s.csv")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "s.csv").write_text("1\n" * 8760)
    engine = ep.EnergyPlus(path, weather=CHICAGO)
    one = prepare(engine)
    (tmp_path / "data" / "s.csv").write_text("0\n" * 8760)
    other = prepare(engine)
    assert one.check.ok
    assert one.recipe is not None
    assert other.recipe is not None
    assert list(one.recipe["external"]) == ["data/s.csv"]
    assert one.recipe["external"] != other.recipe["external"]
    assert one.recipe["model"] == other.recipe["model"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"missing.csv", "does not exist"),
        (b"../s.csv", "outside the model's folder"),
        (b"/etc/passwd", "outside"),
    ],
)
def test_external_files_that_are_missing_or_elsewhere(tmp_path: Path, name: bytes, said: str) -> None:
    path = tmp_path / "model.idf"
    path.write_bytes(OFFICE.read_bytes() + SCHEDULE % name)
    assert said in problems(ep.EnergyPlus(path, weather=CHICAGO))


def test_a_level_that_is_a_file_is_refused_because_its_content_is_not_in_the_key(tmp_path: Path) -> None:
    path = tmp_path / "model.idf"
    path.write_bytes(OFFICE.read_bytes() + SCHEDULE % b"s.csv")
    (tmp_path / "s.csv").write_text("1\n" * 8760)
    said = problems(ep.EnergyPlus(path, weather=CHICAGO), p=ep.Field("Schedule:File/*/file_name", ["s.csv"]))
    assert "names a file" in said


def test_spelling_and_order_of_a_target_do_not_change_the_edits() -> None:
    one = prepare(office(), p=ep.Field(LPD, [6])).edits["p"]
    other = prepare(office(), p=ep.Field("LIGHTS/*/Watts Per Floor Area", [6.0])).edits["p"]
    assert one == other


def test_scaling_is_checked_from_what_the_model_has() -> None:
    good = prepare(office(), p=ep.Scale("Lights/*/fraction_radiant", [0.5, 1.0, None, 1.4])).check
    assert good.ok
    assert good.touches == {"p": "Lights/*: 5 objects"}
    assert "is above maximum 1.0" in problems(office(), p=ep.Scale("Lights/*/fraction_radiant", [0.5, 1.5]))
    assert "there is no number to scale" in problems(office(), p=ep.Scale("Lights/*/lighting_level", [2.0]))
    with pytest.raises(ep.InputError, match="expected a number"):
        ep.Scale(LPD, ["double"])


def test_a_factor_of_one_edits_nothing() -> None:
    edits = prepare(office(), p=ep.Scale(LPD, [1, 1.0, None, 2])).edits["p"]
    assert edits == ((), (), (), ({"scale": LPD, "by": 2.0},))


def test_none_edits_nothing() -> None:
    assert prepare(office(), p=ep.Field(LPD, [None])).edits["p"] == ((),)


@pytest.mark.parametrize("options", [{"period": "weekly"}, {"weather": 3}])
def test_impossible_arguments_are_refused_at_once(options: dict[str, object]) -> None:
    with pytest.raises(ep.InputError):
        ep.EnergyPlus(OFFICE, **options)


def test_an_idfkit_document_is_a_model() -> None:
    import idfkit

    document = idfkit.load_idf(str(OFFICE))
    assert prepare(ep.EnergyPlus(document, weather=CHICAGO)).check.ok
    with pytest.raises(ep.InputError, match="expected the path"):
        ep.EnergyPlus(3)


def test_two_weather_files_of_one_name_need_labels(tmp_path: Path) -> None:
    paths = []
    for place, name in (("usa_il_chicago", "a"), ("usa_fl_miami", "b")):
        (tmp_path / name).mkdir()
        paths.append(tmp_path / name / "city.epw")
        paths[-1].write_bytes(Path(weather_files[place]).read_bytes())
    said = problems(office(), climate=ep.Weather(paths))
    assert 'has two levels that are both called "city"; give a dict {label: value}' in said


def test_levels_of_a_measure_may_be_lists_and_repeat() -> None:
    check = prepare(office(), pair=ep.Measure("idfkit.geometry:set_wwr", [[0.2, 0.3], [0.2, 0.3]])).check
    assert "has the same level more than once: [0.2, 0.3]" in "\n".join(check.warnings)


def test_one_climate_at_a_time_and_its_own_place() -> None:
    miami = ep.Weather([weather_files["usa_fl_miami"]])
    assert 'parameters "a", "b" are all weather' in problems(office(), a=miami, b=ep.Weather([CHICAGO]))
    elevation = ep.Field("Site:Location/*/elevation", [10.0])
    assert 'sets elevation of Site:Location, which parameter "a" replaces' in problems(office(), a=miami, e=elevation)


def test_a_construction_and_a_field_on_the_same_surfaces() -> None:
    walls = ep.Construction("walls", {"x": [{"name": "Wool", "thermal_resistance": 3.0}]})
    field = ep.Field("BuildingSurface:Detailed/*_wall_*/construction_name", ["Mass Non-res Ext Wall"])
    assert 'parameters "a" and "b" both set construction_name of 4' in problems(office(), a=walls, b=field)
    layer = ep.Field("Construction/Mass Non-res Ext Wall/outside_layer", ["1IN Stucco"])
    named = ep.Construction("Construction/Mass Non-res Ext Wall", {"x": [{"name": "Wool", "thermal_resistance": 3.0}]})
    assert "both set outside_layer of 1 Construction objects" in problems(office(), a=named, b=layer)
    assert "both give 4 surfaces their construction" in problems(office(), a=walls, b=named)


def test_what_is_wrong_with_several_levels_for_one_reason_is_told_once() -> None:
    said = prepare(office(), s=ep.Field("Schedule:Compact/CLGSETP_SCH/field_17", [22.0, 24.0, 26.0])).check.problems
    assert len(said) == 1
    assert "level 22.0 (and 2 more): Schedule:Compact" in said[0]
    said = prepare(office(), lpd=ep.Field(LPD, [-1.0, -2.0, 5.0, "x"])).check.problems
    assert [text.partition(":")[0] for text in said] == ['parameter "lpd"'] * 2
    assert "level -1.0 (and 1 more)" in said[0]
