"""Constructions are swapped where a target says, named by their content, on both sides of a surface."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import idfkit
import pytest
from pyenergyplus.dataset import ashrae_models, ref_models

from epstudy.core.canonical import canonical
from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.constructions import (
    apply_construction,
    construction_edits,
    construction_problems,
    find_surfaces,
)
from epstudy.engines.energyplus.model.materials import resolve_layer
from epstudy.engines.energyplus.model.surfaces import read_target, surfaces_of
from epstudy.engines.energyplus.parameters import Construction

OFFICE = Path(ref_models["small_office"]).read_bytes()
DENVER = Path(ashrae_models["office_small"]).read_bytes()
WOOL = {"name": "Mineral wool", "thickness": 0.1, "conductivity": 0.035, "density": 30, "specific_heat": 1400}
GLASS = {"u_factor": 1.2, "solar_heat_gain_coefficient": 0.4}

#: Two rooms of every simple geometry class of EnergyPlus; Wall:Underground and Floor:Adiabatic are the cellar's.
BOX = b"""
Version,25.2;
SimulationControl,No,No,No,Yes,No;
Building,Box,0,City,0.04,0.4,FullExterior,25,6;
Timestep,4;
GlobalGeometryRules,UpperLeftCorner,Counterclockwise,Relative,Relative,Relative;
Site:Location,Chicago,41.98,-87.92,-6,201;
SizingPeriod:DesignDay,Cold,1,21,WinterDesignDay,-20,0,,,Wetbulb,-20,,,,,99063,4.9,270,No,No,No,ASHRAEClearSky,,,,,0;
Output:Table:SummaryReports,EnvelopeSummary;
Material,Brick,Rough,0.1,0.9,1900,790;
Material,Board,Smooth,0.0127,0.16,785,830;
WindowMaterial:SimpleGlazingSystem,Pane,3,0.5;
Construction,Brick wall,Brick,Board;
Construction,Partition,Board,Board;
Construction,Glazing,Pane;
Zone,West; Zone,East;
Wall:Exterior,W south,Brick wall,West,,180,90,0,0,0,5,3;
Wall:Adiabatic,W north,Brick wall,West,,0,90,5,5,0,5,3;
Wall:Underground,W west,Brick wall,West,,270,90,0,5,0,5,3;
Wall:Interzone,W east,Partition,West,,E west,90,90,5,0,0,5,3;
Ceiling:Adiabatic,W top,Partition,West,,0,0,0,0,3,5,5;
Floor:GroundContact,W bottom,Brick wall,West,,0,180,0,5,0,5,5;
Wall:Exterior,E south,Brick wall,East,,180,90,5,0,0,5,3;
Wall:Exterior,E north,Brick wall,East,,0,90,10,5,0,5,3;
Wall:Exterior,E east,Brick wall,East,,90,90,10,0,0,5,3;
Wall:Interzone,E west,Partition,East,,W east,270,90,5,5,0,5,3;
Roof,E top,Brick wall,East,,0,0,5,0,3,5,5;
Floor:Adiabatic,E bottom,Brick wall,East,,0,180,5,5,0,5,5;
Window,W window,Glazing,W south,,1,1,1,2,1;
Window,Skylight,Glazing,E top,,1,1,1,2,1;
Door,E door,Brick wall,E north,1,1,0,1,2;
GlazedDoor,E glass door,Glazing,E east,,1,1,0,1,2;
Window:Interzone,W pane,Glazing,W east,E pane,1,1,1,1,1;
Window:Interzone,E pane,Glazing,E west,W pane,1,3,1,1,1;
Door:Interzone,W hatch,Partition,W east,E hatch,1,3,1,1,1;
Door:Interzone,E hatch,Partition,E west,W hatch,1,1,1,1,1;
"""


@pytest.fixture(scope="module")
def office() -> model.Document:
    return model.load(OFFICE, ".idf")


@pytest.fixture(scope="module")
def denver() -> model.Document:
    return model.load(DENVER, ".idf")


def swapped(document: model.Document, targets: Any, layers: Any) -> model.Document:
    """A copy of a model as one level of a parameter makes it."""
    edited = document.copy()
    parameter = Construction(targets, {"level": layers})
    for edit in construction_edits(document, parameter.targets, parameter.levels[0].value):
        apply_construction(edited, edit)
    return edited


def problems(document: model.Document, targets: Any, layers: Any) -> str:
    parameter = Construction(targets, {"level": layers})
    before = model.write(document, ".idf")
    said = construction_problems(document, parameter.targets, parameter.levels[0].value)
    assert model.write(document, ".idf") == before, "a check leaves the model as it is"
    return "\n".join(said)


def layers_of(document: model.Document, surface: str) -> list[str]:
    """The layers of a surface, from outside to inside."""
    one = next(each.one for each in surfaces_of(document) if each.one.name == surface)
    construction = document["Construction"][one.construction_name]
    return [value for value in construction.data.values() if value]


def constructions(document: model.Document) -> dict[str, str]:
    return {one.one.name: one.one.construction_name for one in surfaces_of(document)}


def material(document: model.Document, surface: str, layer: int) -> dict[str, Any]:
    name = layers_of(document, surface)[layer]
    classes = [one for one in document if "Material" in one]
    found = [one.data for object_class in classes for one in document[object_class] if one.name == name]
    assert len(found) == 1
    return dict(found[0])


# targets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("walls", "walls/outdoors"),
        ("Wall", "walls/outdoors"),
        ("exterior walls", "walls/outdoors"),
        ("Wall:Outdoors", "walls/outdoors"),
        ("WALLS / OutDoors", "walls/outdoors"),
        ("interior walls", "walls/surface"),
        ("Wall:Interzone", "walls/surface"),
        ("walls/*", "walls/*"),
        ("all walls", "walls/*"),
        ("walls/adiabatic", "walls/adiabatic"),
        ("underground walls", "walls/ground"),
        ("roof", "roofs/outdoors"),
        ("floors", "floors/ground+outdoors"),
        ("ground floors", "floors/ground"),
        ("floors/outdoors+ground", "floors/ground+outdoors"),
        ("floors/OtherSideCoefficients", "floors/othersidecoefficients"),
        ("Ceilings", "ceilings/*"),
        ("ceilings/surface", "ceilings/surface"),
        ("Windows", "windows/outdoors"),
        ("skylight", "skylights/outdoors"),
        ("doors", "doors/outdoors"),
        ("glass doors", "glass doors/outdoors"),
        ("GlazedDoor", "glass doors/outdoors"),
        ("IEAD*", "Construction/iead*"),
        ("construction/IEAD Roof", "Construction/iead roof"),
        ("Construction/Exterior Wall", "Construction/exterior wall"),
        ("wall*", "Construction/wall*"),
        ("walls and roofs", "Construction/walls and roofs"),
    ],
)
def test_a_target_reads_as_a_surface_type_or_as_the_name_of_constructions(text: str, means: str) -> None:
    assert read_target(text).canonical == means


def test_every_geometry_class_counts() -> None:
    """Each of the 20 surfaces of the box is named by exactly one type and boundary."""
    box = model.load(BOX, ".idf")
    named = {
        "walls/outdoors": "W south, E south, E north, E east",
        "walls/adiabatic": "W north",
        "walls/ground": "W west",
        "walls/surface": "W east, E west",
        "ceilings/adiabatic": "W top",
        "floors/ground": "W bottom",
        "floors/adiabatic": "E bottom",
        "roofs/outdoors": "E top",
        "windows/outdoors": "W window, Skylight",
        "windows/surface": "W pane, E pane",
        "doors/outdoors": "E door",
        "doors/surface": "W hatch, E hatch",
        "glass doors/outdoors": "E glass door",
    }
    for target, names in named.items():
        found = find_surfaces(box, target)
        assert [one.name for one in found.objects] == names.split(", "), target
        assert str(found).startswith(f"{target}: {len(found.objects)} surface")
    assert sum(len(names.split(", ")) for names in named.values()) == len(surfaces_of(box)) == 20
    assert [one.name for one in find_surfaces(box, "skylights").objects] == ["Skylight"]


def test_detailed_classes_are_of_the_type_that_energyplus_gives_them() -> None:
    text = b"Version,25.2;"
    for name, object_class, boundary in (
        ("a", "Wall:Detailed", "Outdoors"),
        ("b", "RoofCeiling:Detailed", "Outdoors"),
        ("c", "RoofCeiling:Detailed", "Adiabatic"),
        ("d", "Floor:Detailed", "Ground"),
        ("e", "Floor:Detailed", "Foundation"),
    ):
        text += f"{object_class},{name},C,Z,,{boundary},,NoSun,NoWind,,4,0,0,0,1,0,0,1,1,0,0,1,0;".encode()
    kinds = {one.one.name: f"{one.kind}/{one.boundary}" for one in surfaces_of(model.load(text, ".idf"))}
    assert kinds == {
        "a": "walls/outdoors",
        "b": "roofs/outdoors",
        "c": "ceilings/adiabatic",
        "d": "floors/ground",
        "e": "floors/foundation",
    }


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("walls", "walls/outdoors: 4 surfaces (now Mass Non-res Ext Wall)"),
        ("floors", "floors/ground+outdoors: 9 surfaces (now Attic Non-res Floor, ext-slab)"),
        ("glass doors", "glass doors/outdoors: 1 surface (now Window Non-res Fixed)"),
        ("Construction/Mass*", "Construction/Mass*: 1 construction (Mass Non-res Ext Wall), 4 surfaces"),
        ("int-walls", "Construction/int-walls: 1 construction (int-walls), 16 surfaces"),
    ],
)
def test_a_check_shows_what_a_target_touches(office: model.Document, target: str, text: str) -> None:
    assert str(find_surfaces(office, target)) == text


def test_the_other_sides_of_surfaces_are_touched_too(office: model.Document) -> None:
    found = find_surfaces(office, "ceilings/surface")
    assert len(found.objects) == 5
    assert len(found.surfaces) == 10
    assert "Attic_floor_core" in {one.one.name for one in found.surfaces}


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            "walls/adiabatic",
            r'"walls/adiabatic" names no surface of the model; its surfaces are .*walls/outdoors \(4\)',
        ),
        ("IEAD*", '"IEAD.*" names no construction of the model; it has Mass Non-res Ext Wall, Attic Non-res Floor'),
        ("ext-slob", 'did you mean "ext-slab"'),
        ("walls/outdors", "walls by type may stand with outdoors, ground, surface"),
    ],
)
def test_a_target_that_names_nothing_says_what_there_is(office: model.Document, target: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        find_surfaces(office, target)
    assert problems(office, target, [WOOL]) == str(raised.value), "a check says it in the same words"


def test_an_f_factor_floor_has_no_layers_to_swap(denver: model.Document) -> None:
    with pytest.raises(
        InputError, match='is the Construction:FfactorGroundFloor "Core_ZN_floor_Ffactor", which has no'
    ):
        find_surfaces(denver, "Core_ZN_floor_Ffactor")


def test_windows_that_a_control_shades_keep_their_shaded_construction(office: model.Document) -> None:
    document = office.copy()
    window = document["FenestrationSurface:Detailed"][0]
    document.add(
        "WindowShadingControl",
        "Blinds",
        zone_name="Core_ZN",
        shading_type="InteriorBlind",
        construction_with_shading_name="Window Non-res Fixed",
        fenestration_surfaces=[{"fenestration_surface_name": window.name}],
        validate=False,
    )
    assert str(find_surfaces(document, "windows")).endswith(
        "when shaded, 1 of them keep the construction that their WindowShadingControl names"
    )


# parameters -----------------------------------------------------------------------------------------------------


def test_the_levels_of_a_parameter_are_plain_json_in_the_order_of_the_layers() -> None:
    parameter = Construction(
        ["walls", "Window"],
        {
            "as built": None,
            "named": "Heavy wall",
            "listed": ["Brick", WOOL],
            "dict": {"Brick": None, "Mineral wool": {"Thickness": 0.1, "roughness": None}},
            "set": {"Wall": ["Brick"], "windows": GLASS},
        },
    )
    assert [level.label for level in parameter.levels] == ["as built", "named", "listed", "dict", "set"]
    assert [level.value for level in parameter.levels] == [
        None,
        "Heavy wall",
        ["Brick", WOOL],
        ["Brick", {"name": "Mineral wool", "thickness": 0.1}],
        {"walls/outdoors": ["Brick"], "windows/outdoors": [GLASS]},
    ]
    assert parameter.kind == "construction"
    assert parameter.targets == ("walls", "Window")
    assert repr(parameter) == "Construction(['walls', 'Window'], ['as built', 'named', 'listed', 'dict', 'set'])"
    assert [level.value for level in Construction("walls", [None, "Heavy wall"]).levels] == [None, "Heavy wall"]


@pytest.mark.parametrize(
    ("targets", "levels", "said"),
    [
        ("", {}, "a target is empty"),
        ([], {}, "expected a surface type"),
        (["walls", "Wall:Outdoors"], {}, "name the same twice"),
        ("walls", [["Brick"]], "give layers as a dict"),
        ("walls", {"a": []}, "level 'a': the layers are"),
        ("walls", {"a": {}}, "level 'a': the layers are"),
        ("walls", {"a": 3}, "expected the name of a construction, a list of layers"),
        ("walls", {"a": [3]}, "a layer is 3"),
        ("walls", {"a": ["Brick", {"name": "b", "thickness": float("nan")}]}, "finite"),
        ("walls", {"a": [{"name": "b", "thickness": [1]}]}, "thickness of a layer is"),
        ("walls", {"a": [{"name": "b", "Thickness": 1, "thickness": 2}]}, "given twice"),
        ("walls", {"a": {"Brick": 3, "Wool": {}}}, "expected|a layer"),
        ("walls", {"a": {"roofs": ["Brick"]}}, "'roofs' cannot be a key here.*walls/outdoors"),
        (["walls", "roofs"], {"a": {"walls": ["Brick"], "floors": ["Brick"]}}, "'floors' cannot be a key here"),
        ("walls", {"a": {"walls": ["Brick"], "Wall": ["Wood"]}}, "each once"),
    ],
)
def test_what_no_model_could_have_is_refused_at_once(targets: Any, levels: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Construction(targets, levels)


def test_naming_the_parameter_loads_no_library_for_models() -> None:
    code = (
        "import sys, epstudy.engines.energyplus.parameters\n"
        "print([name for name in ('idfkit', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_two_spellings_of_one_thing_are_one_edit(office: model.Document) -> None:
    edits = partial(construction_edits, office)
    one = edits(["Wall"], ["1IN STUCCO", {"name": "Wool", "roughness": "ROUGH", "thickness": 0.1}])
    other = edits(["walls/outdoors"], ["1in Stucco", {"roughness": "Rough", "thickness": 0.1, "name": "Wool"}])
    assert canonical(one) == canonical(other)
    assert edits(["walls"], "INT-walls") == [{"construct": "walls/outdoors", "layers": "int-walls"}]
    assert edits(["walls"], [{"name": "Brick"}]) == edits(["walls"], ["brick"])
    assert edits(["walls", "roofs"], None) == []
    named = {"roofs/outdoors": ["Brick"], "walls/outdoors": None}
    assert edits(["walls", "roof"], named) == [{"construct": "roofs/outdoors", "layers": ["brick"]}]


#: EnergyPlus takes them for six materials: it folds A to Z and nothing else.
ALIKE = ("naïve", "NAÏVE", "Straße", "STRASSE", "ſ", "s")


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_with_a_letter_beyond_ascii_meant_another_material_or_construction(name: str) -> None:
    text = "Version,25.2;\n" + "".join(
        f"Material:NoMass,{each},Rough,{place}.5;\nConstruction,{each},{each};\n" for place, each in enumerate(ALIKE)
    )
    document = model.load(text.encode(), ".idf")
    here = next(place for place, each in enumerate(ALIKE) if each == name)
    [material] = construction_edits(document, ["walls"], [name])[0]["layers"]
    assert resolve_layer(document, material).name == name
    assert swapped(document, "Construction/*", name).changes() == {"Construction": len(ALIKE) - 1}
    changed = swapped(document, f"Construction/{name}", ["s" if name != "s" else "ſ"])
    assert [one.name for one in changed["Construction"] if one.outside_layer != one.name] == [name]
    match = model.find(document, f"Material:NoMass/{name}/thermal_resistance")
    assert match.values() == model.find(document, match.canonical).values() == [here + 0.5]


def test_the_keys_of_names_beyond_ascii_that_are_alone_are_those_of_before() -> None:
    text = "Version,25.2;\nMaterial:NoMass,Dämmung Größe,Rough,2;\nConstruction,AUSSENWAND Ä,Dämmung Größe;\n"
    document = model.load(text.encode(), ".idf")
    [edit] = construction_edits(document, ["Construction/Aussenwand Ä"], ["Dämmung GRÖSSE"])
    assert edit == {"construct": "Construction/aussenwand ä", "layers": ["dämmung grösse"]}
    assert model.find(document, "Material:NoMass/Dämmung Größe/roughness").canonical.split("/")[1] == "dämmung grösse"
    assert resolve_layer(document, "dämmung grösse").name == "Dämmung Größe"


# layers ---------------------------------------------------------------------------------------------------------


def test_walls_get_the_layers_from_outside_to_inside(office: model.Document) -> None:
    document = swapped(office, "walls", ["1IN STUCCO", WOOL, "1/2in gypsum"])
    assert layers_of(document, "Perimeter_ZN_1_wall_south") == ["1IN Stucco", "Mineral wool e9ecce", "1/2IN Gypsum"]
    assert material(document, "Perimeter_ZN_1_wall_south", 1) == {
        "roughness": "MediumRough",
        "thickness": 0.1,
        "conductivity": 0.035,
        "density": 30,
        "specific_heat": 1400,
    }
    before, after = constructions(office), constructions(document)
    assert {name for name in before if before[name] != after[name]} == {
        f"Perimeter_ZN_{place}_wall_{side}"
        for place, side in zip((1, 2, 3, 4), ("south", "east", "north", "west"), strict=True)
    }
    assert set(after.values()) - set(before.values()) == {"1IN Stucco + Mineral wool e9ecce + 1/2IN Gypsum f604d0"}


def test_names_come_from_the_content_and_from_nothing_else(office: model.Document, denver: model.Document) -> None:
    """The same on every machine, whatever else is in the model; pinned, for they are in every result's model."""
    for document in (office, denver):
        edited = swapped(document, "walls", [WOOL])
        assert layers_of(edited, "Perimeter_ZN_1_wall_south") == ["Mineral wool e9ecce"]
    thicker = swapped(office, "walls", [{**WOOL, "thickness": 0.2}])
    assert layers_of(thicker, "Perimeter_ZN_1_wall_south") == ["Mineral wool 4c2a4c"]


def test_applied_twice_is_applied_once(office: model.Document) -> None:
    once = swapped(office, ["walls", "walls/surface"], ["1IN STUCCO", WOOL])
    assert model.write(swapped(once, ["walls", "walls/surface"], ["1IN STUCCO", WOOL]), ".idf") == model.write(
        once, ".idf"
    )


def test_the_order_of_two_parameters_does_not_change_the_objects(office: model.Document) -> None:
    one = swapped(swapped(office, "walls", [WOOL]), "roofs", [WOOL, "1IN STUCCO"])
    other = swapped(swapped(office, "roofs", [WOOL, "1IN STUCCO"]), "walls", [WOOL])
    assert constructions(one) == constructions(other)


def test_a_material_of_the_model_is_used_where_it_is_the_same(office: model.Document) -> None:
    same = {"name": "1in stucco", "thickness": 0.0253, "conductivity": 0.6918, "roughness": "smooth"}
    document = swapped(office, "walls", [same])
    assert layers_of(document, "Perimeter_ZN_1_wall_south") == ["1IN Stucco"]
    assert len(document["Material"]) == len(office["Material"])


def test_a_name_of_the_model_brings_the_properties_that_are_not_given(office: model.Document) -> None:
    document = swapped(office, "walls", {"Mass NonRes Wall Insulation": {"thickness": 0.2}, "1/2IN Gypsum": None})
    changed = material(document, "Perimeter_ZN_1_wall_south", 0)
    before = dict(office["Material"]["Mass NonRes Wall Insulation"].data)
    assert changed == {**before, "thickness": 0.2}
    assert before["thickness"] != 0.2, "the model's own is not touched"


def test_nothing_of_the_model_is_ever_replaced(office: model.Document) -> None:
    """Somebody else's material may have the very name that ours would get."""
    document = office.copy()
    other = {**WOOL, "conductivity": 0.9, "roughness": "Rough"}
    del other["name"]
    document.add("Material", "MINERAL WOOL E9ECCE", **other)
    edited = swapped(document, "walls", [WOOL])
    assert edited["Material"]["Mineral wool e9ecce"].conductivity == 0.9
    name = layers_of(edited, "Perimeter_ZN_1_wall_south")[0]
    assert name.startswith("Mineral wool e9ecce")
    assert len(name) > len("Mineral wool e9ecce")
    assert edited["Material"][name].conductivity == 0.035


@pytest.mark.parametrize(
    ("target", "properties", "object_class"),
    [
        ("walls", {"thickness": 0.1, "conductivity": 0.035, "density": 30, "specific_heat": 1400}, "Material"),
        ("walls", {"thermal_resistance": 2}, "Material:NoMass"),
        ("walls", {"class": "material:airgap", "thermal_resistance": 0.2}, "Material:AirGap"),
        ("roofs", {"height_of_plants": 0.2, "leaf_area_index": 1}, "Material:RoofVegetation"),
        ("windows", GLASS, "WindowMaterial:SimpleGlazingSystem"),
        ("windows", {"gas_type": "ARGON", "thickness": 0.012}, "WindowMaterial:Gas"),
        (
            "windows",
            {"thickness": 0.003, "solar_transmittance_at_normal_incidence": 0.8, "conductivity": 0.9},
            "WindowMaterial:Glazing",
        ),
    ],
)
def test_the_class_of_a_layer_follows_from_its_properties(
    office: model.Document, target: str, properties: dict[str, Any], object_class: str
) -> None:
    document = swapped(office, target, [{"name": "New", **properties}])
    new = [one for one in document[object_class] if one.name.startswith("New ")]
    assert len(new) == 1
    given = {name: value for name, value in properties.items() if name != "class"}
    assert {name: new[0].data[name] for name in given} == {
        **given,
        **({"gas_type": "Argon"} if "gas_type" in given else {}),
    }


@pytest.mark.parametrize(
    ("target", "layers", "said"),
    [
        ("walls", ["Mud"], 'the model has no material "Mud"; it has .*a new one needs its properties'),
        ("walls", ["1IN Stuco"], 'did you mean "1IN Stucco"'),
        ("walls", "Mass Wall", 'the model has no construction "Mass Wall"; did you mean'),
        ("walls", [{**WOOL, "lambda": 1}], '"lambda" is no property of Material; it has roughness, thickness'),
        ("walls", [{**WOOL, "conductivty": 1}], 'did you mean "conductivity"'),
        ("walls", [{**WOOL, "class": "Matrial"}], '"Matrial" is no class of materials; did you mean "Material"'),
        ("walls", [{**WOOL, "class": "Schedule:File"}], "is no class of materials"),
        ("walls", [{**WOOL, "thickness": -1}], "thickness: Value -1 must be greater than 0.0 m"),
        ("walls", [{**WOOL, "thickness": "thin"}], "thickness: Expected number, got str"),
        ("walls", [{**WOOL, "roughness": "bumpy"}], "not in allowed values"),
        ("walls", [{**WOOL, "specific_heat": 5}], "specific_heat: Value 5 is below minimum 100.0 J/kg-K"),
        ("walls", [{"name": "x", "thickness": 1, "conductivity": 1}], "Required field 'density' is missing, Required"),
        ("walls", [{"name": "x", "thickness": 1, "conductivity": 1}], "has thermal_resistance instead"),
        ("walls", [{**WOOL, "name": "Wool, thick"}], "holds a sign that ends a field"),
        ("walls", ["1IN Stucco"] * 11, "there are 11 layers; a Construction holds 10"),
        ("walls", ["1IN Stucco", GLASS], "opaque layers and window layers cannot be in one construction"),
        ("walls", GLASS, "walls/outdoors: opaque layers are needed here"),
        ("walls", "Window Non-res Fixed", 'opaque layers are needed here, those of "Window Non-res Fixed" belong'),
        ("windows", ["1IN Stucco"], "windows/outdoors: window layers are needed here, 1IN Stucco are opaque"),
        ("Mass*", GLASS, "Mass Non-res Ext Wall: opaque layers are needed here"),
        ("*", ["1IN Stucco"], "Window Non-res Fixed: window layers are needed here"),
        ("walls/adiabatic", ["1IN Stucco"], "names no surface of the model"),
    ],
)
def test_what_a_model_cannot_have_is_a_problem(office: model.Document, target: str, layers: Any, said: str) -> None:
    found = problems(office, target, layers)
    assert re.search(said, found), found
    document = office.copy()
    before = model.write(document, ".idf")
    parameter = Construction(target, {"level": layers})
    with pytest.raises(InputError, match=f"(?i){said}"):
        apply_construction(document, construction_edits(document, parameter.targets, parameter.levels[0].value)[0])
    assert model.write(document, ".idf") == before, "nothing is done by halves"


def test_all_problems_of_a_level_come_at_once(office: model.Document) -> None:
    said = problems(office, ["walls", "roofs"], {"walls": ["Mud", {**WOOL, "thickness": -1}], "roofs": "Thatch"})
    assert len(said.splitlines()) == 3
    assert (
        problems(office, ["walls", "roofs", "windows"], {"walls": [WOOL], "roof": ["1IN Stucco"], "windows": GLASS})
        == ""
    )
    assert problems(office, "walls", None) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("floors/surface", "ceilings"), ("walls/*", "walls"), ("mass*", "walls"), ("walls", "Construction/mass*")],
)
def test_two_targets_of_one_level_that_contradict_each_other(office: model.Document, one: str, other: str) -> None:
    """Which of the two wins would be an accident; what says the same twice is no problem."""
    said = problems(office, [one, other], {one: ["1IN Stucco", WOOL], other: ["1IN Stucco", "1/2IN Gypsum"]})
    if one == "walls":
        assert said == "", "the walls have left that construction: nothing of theirs is overridden"
    else:
        assert f"{read_target(one).canonical} and {read_target(other).canonical} both set the layers of " in said
    mirrored = {"floors/surface": [WOOL, "1IN Stucco"], "ceilings": ["1IN Stucco", WOOL]}
    assert problems(office, list(mirrored), mirrored) == ""


def test_floors_with_an_f_factor_take_no_layers(denver: model.Document) -> None:
    said = problems(denver, "floors/ground", [WOOL])
    assert "4 surfaces of floors/ground (Perimeter_ZN_1_floor, " in said
    assert 'have the boundary GroundFCfactorMethod, which takes no layers; set "Construction:FfactorGroundFloor' in said
    assert problems(denver, "floors/ground", "Perimeter_ZN_1_floor_Ffactor") == ""
    assert problems(denver, "floors/adiabatic", [WOOL]) == "", "the core's floor has one without that boundary"


def test_air_boundaries_are_for_surfaces_between_zones(office: model.Document) -> None:
    document = office.copy()
    document.add("Construction:AirBoundary", "Open", air_exchange_method="None")
    assert "may only be between zones" in problems(document, "walls", "open")
    assert set(constructions(swapped(document, "interior walls", "open")).values()) >= {"Open"}


# constructions by name ------------------------------------------------------------------------------------------


def test_a_construction_by_name_gets_the_layers_itself(office: model.Document) -> None:
    document = swapped(office, "mass*", ["1IN Stucco", WOOL])
    assert constructions(document) == constructions(office)
    assert layers_of(document, "Perimeter_ZN_1_wall_south") == ["1IN Stucco", "Mineral wool e9ecce"]
    back = model.load(model.write(document, ".idf"), ".idf")
    assert layers_of(back, "Perimeter_ZN_1_wall_south") == ["1IN Stucco", "Mineral wool e9ecce"]


def test_layers_that_are_gone_leave_no_blanks_behind(office: model.Document) -> None:
    """EnergyPlus takes a blank last layer for a layer and ends with a Severe."""
    before = model.write(office, ".idf").decode("latin-1")
    text = model.write(swapped(office, "mass*", ["1IN Stucco", WOOL]), ".idf").decode("latin-1")
    assert "1IN Stucco,              !- Outside Layer\n    Mineral wool e9ecce;         !- Layer 2\n\n" in text
    assert text.startswith(before[: before.index("    8IN Concrete HW,         !- Layer 2")])
    one = model.load(
        b"Version,25.2;\nConstruction,A,b,c,d;  ! last\nConstruction,B,\n x, y, ! two\n z; ! end\n", ".idf"
    )
    for construction in one["Construction"]:
        construction.layer_2 = construction.layer_3 = ""
    assert model.write(one, ".idf") == b"Version,25.2;\nConstruction,A,b;  ! last\nConstruction,B,\n x;  ! two\n"


def test_a_construction_can_get_the_layers_of_another(office: model.Document) -> None:
    document = swapped(office, "Construction/mass*", "attic non-res floor")
    assert layers_of(document, "Perimeter_ZN_1_wall_south") == layers_of(office, "Attic_floor_core")
    document = swapped(office, "walls", "attic non-res floor")
    assert constructions(document)["Perimeter_ZN_1_wall_south"] == "Attic Non-res Floor"


# both sides -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["walls/surface", "ceilings/surface", "floors/surface", "int-walls", "Attic*Floor"])
def test_the_other_side_is_the_mirror_image(office: model.Document, target: str) -> None:
    document = swapped(office, target, ["1IN Stucco", WOOL, "1/2IN Gypsum"])
    pairs = [(one.one.name, one.partner) for one in surfaces_of(document) if one.partner]
    assert len(pairs) == 26
    seen = 0
    for one, other in pairs:
        assert layers_of(document, one) == layers_of(document, other)[::-1]
        seen += "Mineral wool e9ecce" in layers_of(document, one)
    assert seen == (16 if "wall" in target else 10)


def test_the_side_that_is_named_has_the_layers_as_given(office: model.Document) -> None:
    layers = ["1IN Stucco", "1/2IN Gypsum"]
    ceilings = swapped(office, "ceilings", layers)
    assert layers_of(ceilings, "Core_ZN_ceiling") == layers
    assert layers_of(ceilings, "Attic_floor_core") == layers[::-1]
    floors = swapped(office, "floors/surface", layers)
    assert layers_of(floors, "Attic_floor_core") == layers
    walls = swapped(office, "walls/surface", layers)
    assert layers_of(walls, "Core_ZN_wall_east") == layers, "where both are named, the first of the model"
    assert layers_of(walls, "Perimeter_ZN_2_wall_west") == layers[::-1]


def test_symmetric_layers_are_one_construction_on_both_sides(office: model.Document) -> None:
    document = swapped(office, "walls/surface", ["1/2IN Gypsum", WOOL, "1/2IN Gypsum"])
    assert len(document["Construction"]) == len(office["Construction"]) + 1
    assert len({constructions(document)[one.one.name] for one in surfaces_of(document) if "int" in one.one.name}) <= 1


def test_a_mirror_image_that_the_model_has_stays(denver: model.Document) -> None:
    """Naming what the model has already changes nothing, though its two sides are two constructions."""
    assert constructions(denver)["Core_ZN_ceiling"] != constructions(denver)["Attic_floor_core"]
    same = swapped(denver, "ceilings", constructions(denver)["Core_ZN_ceiling"])
    assert model.write(same, ".idf") == model.write(denver, ".idf")


def test_glass_between_rooms_turns_its_front_to_the_back() -> None:
    box = model.load(BOX, ".idf")
    low_e = {
        "name": "Low-e",
        "thickness": 0.004,
        "solar_transmittance_at_normal_incidence": 0.6,
        "front_side_infrared_hemispherical_emissivity": 0.84,
        "back_side_infrared_hemispherical_emissivity": 0.1,
    }
    clear = {"name": "Clear", "thickness": 0.004, "solar_transmittance_at_normal_incidence": 0.8}
    document = swapped(box, "windows/surface", [low_e, {"name": "Air", "gas_type": "Air", "thickness": 0.01}, clear])
    one, other = layers_of(document, "W pane"), layers_of(document, "E pane")
    assert one[1:] == other[:2][::-1]
    glass, turned = material(document, "W pane", 0), material(document, "E pane", 2)
    assert glass["back_side_infrared_hemispherical_emissivity"] == 0.1
    assert turned["front_side_infrared_hemispherical_emissivity"] == 0.1
    assert turned["back_side_infrared_hemispherical_emissivity"] == 0.84


def test_simple_geometry_has_two_sides_too() -> None:
    box = model.load(BOX, ".idf")
    document = swapped(box, ["interior walls", "doors/surface"], ["Brick", "Board"])
    assert layers_of(document, "W east") == layers_of(document, "W hatch") == ["Brick", "Board"]
    assert layers_of(document, "E west") == layers_of(document, "E hatch") == ["Board", "Brick"]


# both formats ---------------------------------------------------------------------------------------------------


def test_an_epjson_model_gets_the_same_objects_as_its_idf(office: model.Document) -> None:
    text = idfkit.write_epjson(office).encode()
    levels = {
        "walls": ["1IN Stucco", WOOL],
        "windows": GLASS,
        "mass*": ["1IN Stucco"],
        "ceilings": [WOOL, "1IN Stucco"],
    }
    one = swapped(office, list(levels), levels)
    other = swapped(model.load(text, ".epjson"), list(levels), levels)
    written = json.loads(model.write(other, ".epjson"))
    assert written == json.loads(idfkit.write_epjson(model.load(model.write(one, ".idf"), ".idf")))
    assert written["Construction"]["Mass Non-res Ext Wall"] == {"outside_layer": "1IN Stucco"}
    assert written["Construction"].keys() > json.loads(text)["Construction"].keys()
