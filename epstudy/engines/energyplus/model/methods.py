"""Which field of an object counts, where another field says by which method EnergyPlus calculates.

Of `People` with the method "People/Area" only `people_per_floor_area` counts; another value of `number_of_people`
changes nothing, and EnergyPlus does not say so. The source is the Input Output Reference 25.2, class by class; methods
that it leaves open are not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ModelObject = Any


@dataclass(frozen=True, slots=True)
class Method:
    """The field that says the method, what a blank means, and for each method (in small letters) what it uses.

    A field of `uses` that the chosen method does not list is not in use. Methods that are not in `uses` are left open.
    """

    field: str
    blank: str
    uses: Mapping[str, tuple[str, ...]]

    def ignores(self, one: ModelObject, field: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the method of an object that does not use `field`, and what it uses; None where it does or may."""
        if not any(field in used for used in self.uses.values()):
            return None
        said = str(one.data.get(self.field) or self.blank)
        used = self.uses.get(said.casefold())
        return None if used is None or field in used else (said, used)


def methods_of(object_class: str) -> tuple[Method, ...]:
    """Return the methods of a class; none for most."""
    return _METHODS.get(object_class, ())


def _one(field: str, blank: str, **uses: str) -> Method:
    """A method whose choices use one field each; "watts__area" is the choice Watts/Area, "" uses none of them."""
    return Method(field, blank, {_choice(name): (used,) if used else () for name, used in uses.items()})


def _choice(name: str) -> str:
    return name.replace("__", "/").replace("_", " ")


_LEVEL = "design_level_calculation_method"
_FLOW = "design_flow_rate_calculation_method"
_GAINS = _one(
    _LEVEL,
    "EquipmentLevel",
    equipmentlevel="design_level",
    watts__area="watts_per_floor_area",
    watts__person="watts_per_person",
)
_FUEL_GAINS = Method(
    _LEVEL,
    "EquipmentLevel",
    {
        "equipmentlevel": ("design_level",),
        **dict.fromkeys(("watts/area", "power/area"), ("power_per_floor_area",)),
        **dict.fromkeys(("watts/person", "power/person"), ("power_per_person",)),
    },
)
_ZONE_FLOW = _one(
    _FLOW,
    "Flow/Zone",
    flow__zone="design_flow_rate",
    flow__area="flow_rate_per_floor_area",
    flow__person="flow_rate_per_person",
    airchanges__hour="air_changes_per_hour",
)
_OUTDOOR_AIR = ("outdoor_air_flow_per_person", "outdoor_air_flow_per_zone_floor_area", "outdoor_air_flow_per_zone")
_TEMPLATE_AIR = (
    "outdoor_air_flow_rate_per_person",
    "outdoor_air_flow_rate_per_zone_floor_area",
    "outdoor_air_flow_rate_per_zone",
)


def _outdoor_air(blank: str, fields: tuple[str, ...], **more: tuple[str, ...]) -> Method:
    person, area, zone = fields
    return Method(
        "outdoor_air_method",
        blank,
        {
            "flow/person": (person,),
            "flow/area": (area,),
            "flow/zone": (zone,),
            "sum": fields + more.get("both", ()),
            "maximum": fields + more.get("both", ()),
            **{_choice(name): used for name, used in more.items() if name != "both"},
        },
    )


def _supply_temperature(season: str, **more: str) -> Method:
    """The supply air of a zone while sizing, by its temperature or by its difference from the room's."""
    start = f"zone_{season}_design_supply_air_temperature"
    return _one(
        f"{start}_input_method",
        "SupplyAirTemperature",
        supplyairtemperature=start,
        temperaturedifference=f"{start}_difference",
        **more,
    )


def _capacity(season: str, **more: str) -> Method:
    design = f"{season}_design_capacity"
    return _one(
        f"{design}_method",
        f"{season.capitalize()}DesignCapacity",
        **more,
        **{
            f"{season}designcapacity": design,
            "capacityperfloorarea": f"{design}_per_floor_area",
            f"fractionofautosized{season}capacity": f"fraction_of_autosized_{design}",
        },
    )


def _performance(nominal: str, ua: tuple[str, ...], capacity: tuple[str, ...], blank: str) -> Method:
    return Method(
        "performance_input_method",
        blank,
        {"ufactortimesareaanddesignwaterflowrate": ua, nominal: capacity},
    )


_PUMP = _one(
    "design_power_sizing_method",
    "PowerPerFlowPerPressure",
    powerperflow="design_electric_power_per_unit_flow_rate",
    powerperflowperpressure="design_shaft_power_per_unit_flow_rate_per_unit_head",
)
_MINIMUM_FLOW = _one(
    "zone_minimum_air_flow_input_method",
    "Constant",
    constant="constant_minimum_air_flow_fraction",
    fixedflowrate="fixed_minimum_air_flow_rate",
    scheduled="minimum_air_flow_fraction_schedule_name",
)

_METHODS: Mapping[str, tuple[Method, ...]] = {
    "Lights": (
        _one(
            _LEVEL,
            "LightingLevel",
            lightinglevel="lighting_level",
            watts__area="watts_per_floor_area",
            watts__person="watts_per_person",
        ),
    ),
    "ElectricEquipment": (_GAINS,),
    **dict.fromkeys(("GasEquipment", "HotWaterEquipment", "SteamEquipment", "OtherEquipment"), (_FUEL_GAINS,)),
    "ElectricEquipment:ITE:AirCooled": (
        _one(
            "design_power_input_calculation_method",
            "Watts/Unit",
            watts__unit="watts_per_unit",
            watts__area="watts_per_floor_area",
        ),
    ),
    "People": (
        _one(
            "number_of_people_calculation_method",
            "People",
            people="number_of_people",
            people__area="people_per_floor_area",
            area__person="floor_area_per_person",
        ),
    ),
    "ZoneInfiltration:DesignFlowRate": (
        Method(
            _FLOW,
            "Flow/Zone",
            {
                "flow/zone": ("design_flow_rate",),
                "flow/area": ("flow_rate_per_floor_area",),
                **dict.fromkeys(
                    ("flow/exteriorarea", "flow/exteriorwallarea"), ("flow_rate_per_exterior_surface_area",)
                ),
                "airchanges/hour": ("air_changes_per_hour",),
            },
        ),
    ),
    **dict.fromkeys(("ZoneVentilation:DesignFlowRate", "ZoneMixing", "ZoneCrossMixing"), (_ZONE_FLOW,)),
    "DesignSpecification:OutdoorAir": (
        _outdoor_air(
            "Flow/Person",
            _OUTDOOR_AIR,
            airchanges__hour=("outdoor_air_flow_air_changes_per_hour",),
            both=("outdoor_air_flow_air_changes_per_hour",),
        ),
    ),
    "HVACTemplate:Zone:IdealLoadsAirSystem": (_outdoor_air("None", _TEMPLATE_AIR, none=(), detailedspecification=()),),
    "Sizing:Zone": (_supply_temperature("cooling"), _supply_temperature("heating")),
    "Sizing:System": (_capacity("cooling", none=""), _capacity("heating", none="")),
    **dict.fromkeys(("AirTerminal:SingleDuct:VAV:Reheat", "AirTerminal:SingleDuct:VAV:NoReheat"), (_MINIMUM_FLOW,)),
    "Fan:VariableVolume": (
        _one(
            "fan_power_minimum_flow_rate_input_method",
            "Fraction",
            fraction="fan_power_minimum_flow_fraction",
            fixedflowrate="fan_power_minimum_air_flow_rate",
        ),
    ),
    "Fan:SystemModel": (
        _one(
            "design_power_sizing_method",
            "PowerPerFlowPerPressure",
            powerperflow="electric_power_per_unit_flow_rate",
            powerperflowperpressure="electric_power_per_unit_flow_rate_per_unit_pressure",
            totalefficiencyandpressure="fan_total_efficiency",
        ),
    ),
    **dict.fromkeys(
        ("Pump:VariableSpeed", "Pump:ConstantSpeed", "HeaderedPumps:ConstantSpeed", "HeaderedPumps:VariableSpeed"),
        (_PUMP,),
    ),
    "Coil:Heating:Water": (
        _performance(
            "nominalcapacity",
            ("u_factor_times_area_value", "maximum_water_flow_rate"),
            ("rated_capacity",),
            "UFactorTimesAreaAndDesignWaterFlowRate",
        ),
    ),
    "ZoneHVAC:Baseboard:Convective:Electric": (_capacity("heating"),),
    "ZoneHVAC:Baseboard:RadiantConvective:Electric": (_capacity("heating"),),
    "ZoneHVAC:LowTemperatureRadiant:Electric": (_capacity("heating"),),
    "ZoneHVAC:HighTemperatureRadiant": (_capacity("heating"),),
    "Site:WaterMainsTemperature": (
        Method(
            "calculation_method",
            "CorrelationFromWeatherFile",
            {
                "schedule": ("temperature_schedule_name",),
                "correlation": (
                    "annual_average_outdoor_air_temperature",
                    "maximum_difference_in_monthly_average_outdoor_air_temperatures",
                ),
                "correlationfromweatherfile": (),
            },
        ),
    ),
    "Construction:AirBoundary": (
        Method(
            "air_exchange_method",
            "None",
            {
                "none": (),
                "simplemixing": ("simple_mixing_air_changes_per_hour", "simple_mixing_schedule_name"),
            },
        ),
    ),
    "WaterHeater:Mixed": (
        Method(
            "ambient_temperature_indicator",
            "",
            {
                "schedule": ("ambient_temperature_schedule_name",),
                "zone": ("ambient_temperature_zone_name",),
                "outdoors": ("ambient_temperature_outdoor_air_node_name",),
            },
        ),
    ),
    "WaterHeater:Stratified": (
        Method(
            "ambient_temperature_indicator",
            "",
            {
                "schedule": ("ambient_temperature_schedule_name",),
                "zone": ("ambient_temperature_zone_name",),
                "outdoors": ("ambient_temperature_outdoor_air_node_name",),
            },
        ),
    ),
}


def known_fields() -> Iterator[tuple[str, str, str, str]]:
    """Yield class, field of the method, method and field of everything above, for the test against the schema."""
    for object_class, methods in _METHODS.items():
        for method in methods:
            for choice, used in method.uses.items():
                for field in used or ("",):
                    yield object_class, method.field, choice, field
