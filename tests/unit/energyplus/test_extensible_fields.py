"""A target names a field of one item as the IDF editor does, and an edit of it changes that text and nothing else."""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path
from typing import Any

import idfkit
import pytest
from pyenergyplus.dataset import ashrae_models, ref_models

from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.fields import field_names, find_place

OFFICE = Path(ref_models["small_office"]).read_bytes()
DENVER = Path(ashrae_models["office_small"]).read_bytes()
MORE = b"""
Schedule:Day:Interval,
  Day with steps,          !- Name
  Fraction,                !- Schedule Type Limits Name
  No,                      !- Interpolate to Timestep
  08:00, 0.10,             !- Time 1 {hh:mm}
  18:00,                   !- Time 2 {hh:mm}
  1.000,                   !- Value Until Time 2
  24:00,                   !- Time 3 {hh:mm}
  0;                       !- Value Until Time 3
Table:Lookup, Curve, List, None, 1, , , Dimensionless, , , , 0.1, 0.2, 0.3, 0.4;
Site:SpectrumData, Spectrum, Solar, 0.1, 1, 0.2, 2, 0.3, 3, 0.4, 4;
MaterialProperty:GlazingSpectralData, Glass, 0.1, 1, 2, 3, 0.2, 1, 2, 3, 0.3, 1, 2, 3, 0.4, 1, 2, 3, 0.5, 5, 6, 7;
"""


@pytest.fixture(scope="module")
def office() -> model.Document:
    return model.load(OFFICE + MORE, ".idf")


def edited(office: model.Document, *edits: dict[str, Any]) -> model.Document:
    document = office.copy()
    model.apply_edits(document, edits)
    return document


def changes(before: model.Document, after: model.Document) -> tuple[str, str]:
    """The characters that differ between two IDF texts: what was there, and what is."""
    one, other = (model.write(document, ".idf").decode("latin-1") for document in (before, after))
    start = _same(one, other)
    end = _same(one[start:][::-1], other[start:][::-1])
    return one[start : len(one) - end], other[start : len(other) - end]


def _same(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("Schedule:Compact/BLDG_LIGHT_SCH/field_4", 0.05),
        ("Schedule:Compact/BLDG_LIGHT_SCH/Field 1", "Through: 12/31"),
        ("Construction/Mass*/outside_layer", "1IN Stucco"),
        ("Construction/Mass Non-res Ext Wall/Layer 2", "8IN Concrete HW"),
        ("BuildingSurface:Detailed/Attic_floor_core/vertex_2_x_coordinate", 22.69),
        ("buildingsurface:detailed/attic_floor_core/Vertex 2 X-coordinate", 22.69),
        ("BuildingSurface:Detailed/Attic_floor_core/vertex_x_coordinate_2", 22.69),
        ("FenestrationSurface:Detailed/Perimeter_ZN_1_wall_south_Window_1/vertex_1_z_coordinate", 2.424),
        ("Schedule:Day:Interval/Day with steps/time_3", "24:00"),
        ("Schedule:Day:Interval/Day with steps/value_until_time_2", 1.0),
        ("Table:Lookup/Curve/output_value_4", 0.4),
        ("ZoneHVAC:EquipmentList/Core_ZN Equipment/zone_equipment_1_cooling_sequence", 1),
        ("ZoneHVAC:EquipmentList/Core_ZN Equipment/Zone Equipment 1 Object Type", "ZoneHVAC:AirDistributionUnit"),
        ("Site:SpectrumData/Spectrum/wavelength_1", 0.2),
        ("Site:SpectrumData/Spectrum/wavelength_3", 0.3),
        ("MaterialProperty:GlazingSpectralData/Glass/transmittance_4", 1),
        ("MaterialProperty:GlazingSpectralData/Glass/transmittance_5", 5),
    ],
)
def test_a_field_of_an_item_is_named_as_the_idf_editor_counts(
    office: model.Document, target: str, value: object
) -> None:
    assert model.find(office, target).values() == [value]


@pytest.mark.parametrize(
    ("target", "to", "changed"),
    [
        ("Construction/Mass*/layer_2", "Metal Siding", ("8IN Concrete HW", "Metal Siding")),
        ("Schedule:Compact/BLDG_LIGHT_SCH/field_6", 0.125, ("", "25")),
        ("Schedule:Compact/BLDG_LIGHT_SCH/field_5", "Until: 06:00", ("7", "6")),
        ("BuildingSurface:Detailed/Attic_floor_core/vertex_2_z_coordinate", 4, ("3.0500", "4")),
        ("Schedule:Day:Interval/Day with steps/value_until_time_3", 7, ("0", "7")),
        ("Schedule:Day:Interval/Day with steps/time_1", "09:00", ("8", "9")),
        ("Table:Lookup/Curve/output_value_2", 0.25, ("", "5")),
        ("SizingPeriod:DesignDay/*99.6*/ASHRAE clear sky optical depth for beam irradiance (taub)", 0.3, ("", "0.3")),
        ("SizingPeriod:DesignDay/*99.6*/ashrae_clear_sky_optical_depth_for_beam_irradiance_taub_", 0.3, ("", "0.3")),
        ("Lights/Core_ZN_Lights/watts_per_floor_area", 11, ("0.76", "1")),
    ],
)
def test_an_edit_changes_its_own_text_and_not_another_character(
    office: model.Document, target: str, to: object, changed: tuple[str, str]
) -> None:
    after = edited(office, {"set": target, "to": to})
    assert changes(office, after) == changed
    assert model.find(model.load(model.write(after, ".idf"), ".idf"), target).values() == [to]


def test_setting_what_is_there_changes_nothing(office: model.Document) -> None:
    after = edited(
        office,
        {"set": "Schedule:Compact/BLDG_LIGHT_SCH/field_4", "to": 0.05},
        {"set": "Schedule:Day:Interval/Day with steps/value_until_time_2", "to": 1},
        {"set": "BuildingSurface:Detailed/Attic_floor_core/vertex_1_x_coordinate", "to": 5},
    )
    assert model.write(after, ".idf") == model.write(office, ".idf")


def test_an_edit_taken_back_leaves_the_text_as_it_was(office: model.Document) -> None:
    document = office.copy()
    edits = ["Material/*/conductivity", "BuildingSurface:Detailed/*/vertex_3_x_coordinate", "Lights/*/fraction_radiant"]
    for target in edits:
        match = model.find(document, target)
        before = match.values()
        for values in ([0.123] * len(before), before):
            for one, value in zip(match.objects, values, strict=True):
                match.write(one, value)
    assert next(iter(document["Lights"])).source_text is None, "it was written anew"
    assert model.write(document, ".idf") == model.write(office, ".idf")


def test_objects_that_share_a_line_stay_themselves() -> None:
    """idfkit gives the line to the first of them and writes the others once more, which EnergyPlus refuses."""
    text = b"Version,25.2;\nZone,West,0; Zone,East,0; ! ours; not, theirs\nZone,North,0;  Timestep,4;\nZone,South,0;\n"
    document = model.load(text, ".idf")
    assert model.write(document, ".idf").split() == text.split()
    model.apply_edits(document, [{"set": "Zone/East/direction_of_relative_north", "to": 90}])
    again = model.load(model.write(document, ".idf"), ".idf")
    assert {one.name: one.direction_of_relative_north for one in again["Zone"]} == {
        "West": 0,
        "East": 90,
        "North": 0,
        "South": 0,
    }
    assert model.write(document, ".idf").split() == text.replace(b"East,0", b"East,90").split()


def test_every_value_of_an_edited_object_is_what_idfkit_would_write(office: model.Document) -> None:
    """The text that is kept must say of every field what the document says, whatever its spaces and comments."""
    document = office.copy()
    for object_class in ("BuildingSurface:Detailed", "Schedule:Compact", "Lights", "Coil:Cooling:DX:SingleSpeed"):
        for one in document[object_class]:
            one.name = f"{one.name} again"
    ours = idfkit.write_epjson(model.load(model.write(document, ".idf"), ".idf"))
    theirs = idfkit.write_epjson(model.load(idfkit.write_idf(document).encode("latin-1"), ".idf"))
    assert json.loads(ours) == json.loads(theirs)


def test_a_field_beyond_the_last_that_was_written_is_added(office: model.Document) -> None:
    after = edited(office, {"set": "Table:Lookup/Curve/external_file_starting_row_number", "to": 3})
    assert model.load(model.write(after, ".idf"), ".idf")["Table:Lookup"][0].external_file_starting_row_number == 3
    short = model.load(b"Version,25.2;\nMaterial,Brick,Rough,0.1,0.9,1900,790; ! as built\n", ".idf")
    model.apply_edits(short, [{"set": "Material/Brick/visible_absorptance", "to": 0.6}])
    text = model.write(short, ".idf").decode()
    assert "! as built" in text
    assert model.load(text.encode(), ".idf")["Material"][0].visible_absorptance == 0.6


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            "Schedule:Compact/BLDG_LIGHT_SCH/field_99",
            r'"BLDG_LIGHT_SCH" has 40 fields \(field_1 to field_40\); there is no field_99',
        ),
        ("Schedule:Compact/BLDG_LIGHT_SCH/field_0", "there is no field_0"),
        ("Schedule:Compact/*/field_30", "there is no field_30, and [0-9]+ more have no such item either"),
        (
            "BuildingSurface:Detailed/Attic_floor_core/vertex_5_x_coordinate",
            r"has 4 groups \(vertex_1_x_coordinate to vertex_4_x_coordinate\); there is no vertex_5_x_coordinate",
        ),
        ("BuildingSurface:Detailed/*/vertex_1_w_coordinate", 'did you mean "vertex_1_[xyz]_coordinate"'),
        ("Schedule:Compact/*/field", 'names no field of Schedule:Compact: "field" stands for many.*as in "field_1"'),
        ("Schedule:Compact/*/feld_3", 'did you mean "field_1"'),
        ("Site:SpectrumData/Spectrum/wavelength_2", r"\(wavelength_3 to wavelength_4\); there is no wavelength_2"),
        ("Construction/*/layer_11", 'names no field of Construction: "layer_11"; did you mean "layer_10"'),
    ],
)
def test_an_item_that_is_not_there_is_told_with_how_many_there_are(
    office: model.Document, target: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        model.find(office, target)


def test_two_spellings_of_an_item_are_one_key(office: model.Document) -> None:
    spelled = ("vertex_2_z_coordinate", "Vertex 2 Z-coordinate", "vertex_z_coordinate_2")
    assert {model.find(office, f"BuildingSurface:Detailed/*/{name}").canonical for name in spelled} == {
        "BuildingSurface:Detailed/*/vertex_2_z_coordinate"
    }


@pytest.mark.parametrize("text", [18.3, "18.3", " 18.30 "])
def test_a_schedule_value_is_scaled_also_where_the_model_holds_a_text(text: object) -> None:
    items = [{"field": item} for item in ("Through: 12/31", "For: AllDays", "Until: 24:00", text)]
    content = {
        "Version": {"Version 1": {"version_identifier": "25.2"}},
        "Schedule:Compact": {"Setpoint": {"data": items}},
    }
    document = model.load(json.dumps(content).encode(), ".epjson")
    model.apply_edits(document, [{"scale": "Schedule:Compact/Setpoint/field_4", "by": 2}])
    again = json.loads(model.write(document, ".epjson"))
    assert again["Schedule:Compact"]["Setpoint"]["data"] == [*items[:3], {"field": 36.6}]


def test_scaling_what_is_no_number_says_what_is_there(office: model.Document) -> None:
    with pytest.raises(InputError, match="has 'Until: 07:00' in field_5: there is no number to scale"):
        edited(office, {"scale": "Schedule:Compact/BLDG_LIGHT_SCH/field_5", "by": 2})
    for text in ("nan", "inf", "autosize"):
        document = edited(office, {"set": "Schedule:Day:Interval/Day with steps/time_1", "to": text})
        with pytest.raises(InputError, match=f"has '{text}' in time_1"):
            model.apply_edits(document, [{"scale": "Schedule:Day:Interval/Day with steps/time_1", "by": 2}])


@pytest.mark.parametrize(("field", "level"), [("field_5", 0.5), ("field_6", "Until: 08:00"), ("field_1", 3)])
def test_a_level_that_would_shift_a_schedule_is_refused(office: model.Document, field: str, level: object) -> None:
    with pytest.raises(InputError, match=f"in {field}, the level .*; count the fields as the IDF editor does"):
        edited(office, {"set": f"Schedule:Compact/BLDG_LIGHT_SCH/{field}", "to": level})


def test_the_same_edits_reach_an_epjson_model() -> None:
    """Through the schema of epJSON, which keeps the items in a list, the numbers are those of the IDF."""
    idf = model.load(OFFICE + MORE, ".idf")
    json_text = idfkit.write_epjson(idf).encode()
    other = model.load(json_text, ".epjson")
    edits = [
        {"set": "Schedule:Compact/BLDG_LIGHT_SCH/field_6", "to": 0.15},
        {"scale": "BuildingSurface:Detailed/*/vertex_1_x_coordinate", "by": 2},
        {"set": "SizingPeriod:DesignDay/*99.6*/ashrae_clear_sky_optical_depth_for_beam_irradiance_taub_", "to": 0.3},
        {"set": "MaterialProperty:GlazingSpectralData/Glass/wavelength_2", "to": 0.25},
        {"set": "Site:SpectrumData/Spectrum/spectrum_4", "to": 5},
    ]
    for document in (idf, other):
        model.apply_edits(document, edits)
    written = json.loads(model.write(other, ".epjson"))
    assert written == json.loads(idfkit.write_epjson(idf))
    assert written["MaterialProperty:GlazingSpectralData"]["Glass"]["wavelength_2"] == 0.25
    assert written["Site:SpectrumData"]["Spectrum"]["extensions"][1] == {"wavelength": 0.4, "spectrum": 5}
    before = json.loads(json_text)
    assert before["Schedule:Compact"]["BLDG_LIGHT_SCH"]["data"][5] == {"field": 0.1}
    changed = [name for name in before if before[name] != written[name]]
    assert sorted(changed) == [
        "BuildingSurface:Detailed",
        "MaterialProperty:GlazingSpectralData",
        "Schedule:Compact",
        "Site:SpectrumData",
        "SizingPeriod:DesignDay",
    ]


def test_an_item_that_names_an_object_is_known_to_refer(office: model.Document) -> None:
    """So that check() looks for the object in the whole model."""
    equipment = "ZoneHVAC:EquipmentList/Core_ZN Equipment/zone_equipment_1_name"
    assert model.find(office, equipment).refers
    assert not model.find(office, "Schedule:Compact/*/field_1").refers
    dangling = idfkit.validate_document(edited(office, {"set": equipment, "to": "NOPE"})).errors
    assert "Reference to non-existent object 'NOPE'" in {issue.message for issue in dangling}


def test_the_schema_refuses_a_value_of_an_item_in_its_own_words() -> None:
    document = model.load(b"Version,25.2;\nFan:SystemModel,Fan" + b"," * 22 + b"0.5,0.5,1.0,1.0;\n", ".idf")
    for value, said in ((0.7, []), (1.5, ["Value 1.5 is above maximum 1.0"]), ("much", ["Expected number, got str"])):
        match = model.find(document, "Fan:SystemModel/Fan/speed_1_flow_fraction")
        model.set_field(match, value)
        assert [text for _, text in match.refusals()] == said
    assert match.units is None


def test_every_field_of_every_class_can_be_named() -> None:
    """All 25.2 classes: each name of the schema finds its own field, each flat name its slot, and no two the same."""
    schema = idfkit.get_schema((25, 2, 0))
    count = 0
    for object_class in schema.object_types:
        names = field_names(schema, object_class)
        found = [find_place(schema, object_class, name) for name in names]
        assert [place.name for place in found if place] == names, object_class
        assert len({(place.wrapper, place.slot or place.name, place.index) for place in found if place}) == len(names)
        count += sum(bool(place and place.wrapper) for place in found)
    assert count > 200
