"""What a method of calculation uses is said in the schema's own names, and told of fields that it does not use."""

from __future__ import annotations

import idfkit
import pytest

from epstudy.engines.energyplus.check.checks import unused
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.methods import known_fields, methods_of

SCHEMA = idfkit.get_schema((25, 2, 0))


def test_every_class_field_and_method_is_in_the_schema() -> None:
    for object_class, method, choice, field in known_fields():
        names = SCHEMA.get_all_field_names(object_class)
        choices = [str(one).casefold() for one in (SCHEMA.get_field_schema(object_class, method) or {})["enum"]]
        assert choice in choices, (object_class, method)
        assert not field or field in names, (object_class, field)


def test_a_blank_means_what_the_schema_says() -> None:
    for object_class in {name for name, *_ in known_fields()}:
        for method in methods_of(object_class):
            default = SCHEMA.get_field_default(object_class, method.field) or ""
            assert method.blank.casefold() == str(default).casefold(), object_class


@pytest.mark.parametrize(
    ("said", "target", "counts"),
    [
        ("People, P, Z, S, People/Area, 5, 0.1;", "People/*/number_of_people", "people_per_floor_area"),
        ("People, P, Z, S, , 5;", "People/*/people_per_floor_area", "number_of_people"),
        ("ElectricEquipment, E, Z, S, Watts/Person;", "ElectricEquipment/*/design_level", "watts_per_person"),
        ("GasEquipment, E, Z, S, Watts/Area;", "GasEquipment/*/design_level", "power_per_floor_area"),
        (
            "ZoneInfiltration:DesignFlowRate, I, Z, S, AirChanges/Hour;",
            "ZoneInfiltration:DesignFlowRate/*/flow_rate_per_exterior_surface_area",
            "air_changes_per_hour",
        ),
        (
            "ZoneVentilation:DesignFlowRate, V, Z, S, Flow/Person;",
            "ZoneVentilation:DesignFlowRate/*/air_changes_per_hour",
            "flow_rate_per_person",
        ),
        (
            "DesignSpecification:OutdoorAir, O, Flow/Zone;",
            "DesignSpecification:OutdoorAir/*/outdoor_air_flow_per_person",
            "outdoor_air_flow_per_zone",
        ),
        (
            "WaterHeater:Mixed, W,,,,,,,,,,,,,,,,,,, Zone;",
            "WaterHeater:Mixed/*/ambient_temperature_schedule_name",
            "ambient_temperature_zone_name",
        ),
    ],
)
def test_a_field_that_the_method_does_not_use_is_told(said: str, target: str, counts: str) -> None:
    document = model.load(f"Version, 25.2;\n{said}\n".encode(), ".idf")
    (text,) = unused(model.find(document, target))
    assert "changes nothing in 1 of 1" in text
    assert f"another field counts, {counts}" in text


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("DesignSpecification:OutdoorAir, O, Sum;", "DesignSpecification:OutdoorAir/*/outdoor_air_flow_per_person"),
        ("People, P, Z, S, People/Area;", "People/*/people_per_floor_area"),
        ("People, P, Z, S, People/Area;", "People/*/fraction_radiant"),
        ("Zone, Z;", "Zone/*/multiplier"),
    ],
)
def test_a_field_that_is_in_use_is_not(said: str, target: str) -> None:
    document = model.load(f"Version, 25.2;\n{said}\n".encode(), ".idf")
    assert unused(model.find(document, target)) == []
