"""Laws of physics and of bookkeeping, on one study of a shop over the year.

The untouched shop, and beside it shops in which one thing is changed: insulation, lights, cooling or windows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyenergyplus.dataset import ref_models

import epstudy as ep
from tests.support.offices import CHICAGO, LPD, U_VALUE, quick

THICKNESS = "Material/*insulation/thickness"
OWN_U_VALUE = 3.23646
COP = "Coil:Cooling:DX:SingleSpeed/*/gross_rated_cooling_cop"

#: Hourly meters of everything, and the scalar that each adds up to.
METERS = {
    "Electricity:Facility": "electricity_kwh",
    "NaturalGas:Facility": "natural_gas_kwh",
    "InteriorLights:Electricity": "interior_lighting_kwh",
    "Fans:Electricity": "fans_kwh",
}
END_USES = [
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
]
CARRIERS = {
    "Electricity": "electricity_kwh",
    "Natural Gas": "natural_gas_kwh",
    "District Cooling": "district_cooling_kwh",
}


def one_at_a_time(v: Any) -> bool:
    """Keeps the untouched shop, and those in which a single parameter is changed."""
    return sum(label is not None for label in v.values()) <= 1


@pytest.fixture(scope="module")
def study(session_store: str) -> ep.Study:
    """Seven shops over the year in six simulations, each half as long as that of the small office."""
    one = ep.Study(
        "laws",
        ep.EnergyPlus(ref_models["standalone_retail"], weather=CHICAGO),
        {
            "insulation": ep.Scale(THICKNESS, [None, 0.5, 2.0]),
            "lights": ep.Scale(LPD, [None, 1.0, 2.0]),
            "cop": ep.Scale(COP, [None, 1.5]),
            "u_value": ep.Field(U_VALUE, [None, OWN_U_VALUE]),
        },
        where=one_at_a_time,
        outputs=[ep.EndUses(), *map(ep.Meter, METERS)],
        store=session_store,
    )
    one.run().wait().results(strict=True)
    return one


@pytest.fixture(scope="module")
def frame(study: ep.Study) -> pd.DataFrame:
    return study.results()


def of(frame: pd.DataFrame, **changed: float) -> int:
    """The variant in which this is changed, and nothing else; the untouched one without arguments."""
    wanted = {name: changed.get(name) for name in ("insulation", "lights", "cop", "u_value")}
    alike = [frame[name].isna() if level is None else frame[name] == level for name, level in wanted.items()]
    (variant,) = frame.index[np.logical_and.reduce(alike)]
    return int(variant)


def keys(parameters: Mapping[str, Any]) -> list[str]:
    """The key of each variant of a study of these parameters; nothing is run."""
    one = ep.Study("keys", quick(), parameters)
    return [str(one.why(variant).attrs["key"]) for variant in one.variants.index]


# physics ----------------------------------------------------------------------------------------------------------


def test_thicker_insulation_never_raises_heating(frame: pd.DataFrame) -> None:
    thin, own, thick = of(frame, insulation=0.5), of(frame), of(frame, insulation=2.0)
    for energy in ("heating_kwh", "natural_gas_kwh"):
        assert frame[energy][thin] > 1.02 * frame[energy][own] > 1.02 * frame[energy][thick] > 0, energy


def test_doubled_lights_take_twice_the_energy_in_every_hour(study: ep.Study, frame: pd.DataFrame) -> None:
    own, doubled = of(frame), of(frame, lights=2.0)
    lighting = frame["interior_lighting_kwh"]
    assert lighting[own] > 1000
    assert lighting[doubled] == pytest.approx(2 * lighting[own], rel=1e-9)
    hours = study.timeseries("InteriorLights:Electricity")
    assert hours[doubled].to_numpy() == pytest.approx(2 * hours[own].to_numpy(), rel=1e-9)


def test_the_heat_of_more_lights_spares_heating_and_costs_cooling(frame: pd.DataFrame) -> None:
    own, doubled = of(frame), of(frame, lights=2.0)
    assert frame["heating_kwh"][doubled] < frame["heating_kwh"][own]
    assert frame["cooling_kwh"][doubled] > frame["cooling_kwh"][own]
    for unmoved in ("exterior_lighting_kwh", "interior_equipment_kwh", "floor_area_m2"):
        assert frame[unmoved][doubled] == pytest.approx(frame[unmoved][own], rel=1e-9), unmoved


def test_a_higher_cop_never_raises_the_electricity_of_cooling(frame: pd.DataFrame) -> None:
    own, better = of(frame), of(frame, cop=1.5)
    cooling = frame["cooling_electricity_kwh"]
    assert cooling[own] > cooling[better] > cooling[own] / 1.5 * 0.99
    assert frame["heating_kwh"][better] == pytest.approx(frame["heating_kwh"][own], rel=1e-9)


def test_the_peak_is_no_less_than_any_hour_and_no_hour_is_negative(study: ep.Study, frame: pd.DataFrame) -> None:
    hours = study.timeseries("Electricity:Facility")
    assert (frame["peak_electricity_w"] >= 1000 * hours.max() * (1 - 1e-9)).all()
    assert (hours >= 0).all(axis=None)
    assert (study.timeseries("NaturalGas:Facility") >= 0).all(axis=None)


# bookkeeping ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("meter", "scalar"), METERS.items())
def test_the_hours_of_a_meter_add_up_to_the_scalar(
    study: ep.Study, frame: pd.DataFrame, meter: str, scalar: str
) -> None:
    hours = study.timeseries(meter)
    assert hours.shape == (8760, 7)
    for variant in frame.index:
        assert math.fsum(hours[variant]) == pytest.approx(frame[scalar][variant], rel=1e-9)


def test_the_sum_of_the_fuels_is_the_total(study: ep.Study, frame: pd.DataFrame) -> None:
    uses = study.table("EndUses")
    energies = uses[uses["unit"] == "kWh"]
    for variant, of_it in energies.groupby("variant"):
        assert math.fsum(of_it["value"]) == pytest.approx(frame["site_energy_kwh"][variant], rel=1e-12)
        for fuel, scalar in CARRIERS.items():
            total = math.fsum(of_it.loc[of_it["fuel"] == fuel, "value"])
            assert total == pytest.approx(frame[scalar][variant], rel=1e-12), fuel
    assert energies["variant"].nunique() == 7
    fuels = frame[["electricity_kwh", "natural_gas_kwh", "district_heating_kwh", "district_cooling_kwh"]]
    assert fuels.sum(axis=1).to_numpy() == pytest.approx(frame["site_energy_kwh"].to_numpy(), rel=1e-12)
    assert (fuels[["electricity_kwh", "natural_gas_kwh"]] > 1000).all(axis=None), "two fuels, or there is no sum"


def test_the_sum_of_the_end_uses_is_the_total(frame: pd.DataFrame) -> None:
    total = frame[END_USES].sum(axis=1).to_numpy()
    assert total == pytest.approx(frame["site_energy_kwh"].to_numpy(), rel=1e-12)
    per_area = (frame["site_energy_kwh"] / frame["floor_area_m2"]).to_numpy()
    assert per_area == pytest.approx(frame["site_eui_kwh_m2"].to_numpy(), rel=1e-12)


@pytest.mark.parametrize(("changed", "simulated"), [({"lights": 1.0}, False), ({"u_value": OWN_U_VALUE}, True)])
def test_what_changes_nothing_gives_the_very_numbers_of_the_untouched_model(
    study: ep.Study, frame: pd.DataFrame, changed: dict[str, float], *, simulated: bool
) -> None:
    """Scaled by one it is the same model; set to what it has, it is edited and simulated."""
    own, other = of(frame), of(frame, **changed)
    assert own != other
    assert (study.why(own).attrs["key"] != study.why(other).attrs["key"]) is simulated
    numbers = [name for name in frame.attrs["units"] if name != "seconds"]
    assert frame.loc[other, numbers].to_dict() == frame.loc[own, numbers].to_dict()
    for meter in METERS:
        hours = study.timeseries(meter)
        assert hours[other].equals(hours[own])


def test_everything_else_that_is_changed_changes_the_total(frame: pd.DataFrame) -> None:
    assert frame["site_energy_kwh"].nunique() == 5


# keys -------------------------------------------------------------------------------------------------------------


def test_order_and_names_of_parameters_are_no_part_of_a_result(store: str) -> None:
    lights, glazing = ep.Field(LPD, [6.0, 8.0]), ep.Field(U_VALUE, [1.2, 2.0])
    first = keys({"lights": lights, "glazing": glazing})
    assert len(set(first)) == 4
    renamed = keys({"a": lights, "b": glazing})
    assert renamed == first
    turned = keys({"glazing": glazing, "lights": lights})
    assert turned == [first[0], first[2], first[1], first[3]], "the last parameter changes fastest"
    labelled = {"low": 6.0, "high": 8.0}
    assert keys({"lights": ep.Field("LIGHTS/*/Watts per floor area", labelled), "glazing": glazing}) == first


def test_a_level_of_none_is_the_untouched_model_whatever_the_parameter(store: str) -> None:
    untouched = keys({"lights": ep.Field(LPD, [None])})
    parameters = {
        "lights": ep.Scale(LPD, [None]),
        "insulation": ep.Scale(THICKNESS, [None]),
        "envelope": ep.Construction("walls", {"as it is": None}),
        "climate": ep.Weather([None]),
    }
    assert keys(parameters) == untouched
    baseline = ep.Study("keys", quick(), {"lights": ep.Field(LPD, [6.0])}, baseline=True)
    assert baseline.why(0).attrs["key"] == untouched[0]
    assert baseline.why(1).attrs["key"] != untouched[0]
