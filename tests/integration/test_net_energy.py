"""What a building makes of its own, buys and sells, and every fuel that it burns: the balance is EnergyPlus' own."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import epstudy as ep
from epstudy.engines.energyplus.outputs.scalars import CARRIERS, METRICS
from epstudy.store import Store
from epstudy.store.results import result_file, seal_outcome
from tests.support.shoebox import shoebox

FUELS = {
    "Electricity": "electricity_kwh",
    "NaturalGas": "natural_gas_kwh",
    "Gasoline": "gasoline_kwh",
    "Diesel": "diesel_kwh",
    "Coal": "coal_kwh",
    "FuelOilNo1": "fuel_oil_no_1_kwh",
    "FuelOilNo2": "fuel_oil_no_2_kwh",
    "Propane": "propane_kwh",
    "OtherFuel1": "other_fuel_1_kwh",
    "OtherFuel2": "other_fuel_2_kwh",
    "DistrictHeatingWater": "district_heating_kwh",
    "DistrictHeatingSteam": "district_heating_kwh",
    "DistrictCooling": "district_cooling_kwh",
}
HOURS = 7 * 24
WATTS = {fuel: 100.0 + 10 * place for place, fuel in enumerate(FUELS)}
EVERY_FUEL = "".join(
    f"  OtherEquipment, Eq {fuel}, {fuel}, Box, Always, EquipmentLevel, {watts}, , , 0, 0, 1;\n"
    for fuel, watts in WATTS.items()
)
TAP = "  WaterUse:Equipment, Tap, , 0.0001, Always;\n"
SUN = """
  Generator:PVWatts, Panels, 5, 500, Standard, FixedRoofMounted, 0.14, TiltAzimuth, 20, 180;
  ElectricLoadCenter:Generators, Sources, Panels, Generator:PVWatts, 4000, , ;
  ElectricLoadCenter:Inverter:PVWatts, Inverter, 1.1, 0.96;
  ElectricLoadCenter:Storage:Simple, Battery, , , 0, 0.8, 0.8, 7200000, 2000, 1000, 3600000;
  ElectricLoadCenter:Distribution, Center, Sources, Baseload, 0, , , DirectCurrentWithInverterDCStorage, Inverter,
    Battery;
"""
TURBINE = """
  Curve:Biquadratic, Flat In Two, 1, 0, 0, 0, 0, 0, -50, 100, -50, 10000;
  Curve:Quadratic, Flat, 1, 0, 0, 0, 1;
  Generator:MicroTurbine, Turbine, 2000, 100, 2000, 0.27, 25, 0.0073, , Flat In Two, Flat, Flat, Propane, 50000;
  ElectricLoadCenter:Generators, Sources, Turbine, Generator:MicroTurbine, 2000, Always, ;
  ElectricLoadCenter:Distribution, Center, Sources, Baseload, 0, , , AlternatingCurrent;
"""
METERS = {
    "electricity_produced_kwh": "ElectricityProduced:Facility",
    "electricity_purchased_kwh": "ElectricityPurchased:Facility",
    "electricity_sold_kwh": "ElectricitySurplusSold:Facility",
    "net_electricity_kwh": "ElectricityNet:Facility",
}


def balanced(row: pd.Series) -> None:
    bought = row["electricity_purchased_kwh"] - row["electricity_sold_kwh"]
    assert bought == pytest.approx(row["net_electricity_kwh"], abs=1e-9)
    assert bought + row["electricity_produced_kwh"] == pytest.approx(row["electricity_kwh"], rel=1e-9)
    net = row["site_energy_kwh"] - row["electricity_produced_kwh"]
    assert net == pytest.approx(row["net_site_energy_kwh"], rel=1e-9)
    assert net / row["floor_area_m2"] == pytest.approx(row["net_site_eui_kwh_m2"], rel=1e-9)
    assert math.fsum(row[list(CARRIERS)]) == pytest.approx(row["site_energy_kwh"], rel=1e-12)


def test_the_size_of_the_panels_moves_what_is_made_and_sold(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = ep.Study(
        "panels",
        shoebox(tmp_path / "in.idf", EVERY_FUEL + TAP + SUN),
        {"dc": ep.Field("Generator:PVWatts/*/dc_system_capacity", [500.0, 16000.0])},
        outputs=[*map(ep.Meter, METERS.values())],
        keep=("sql",),
    )
    frame = study.run().wait().results(strict=True)
    assert "same numbers" not in capsys.readouterr().out
    for index, row in frame.iterrows():
        balanced(row)
        for name, meter in METERS.items():
            assert study.timeseries(meter)[index].sum() == pytest.approx(row[name], rel=1e-9, abs=1e-9), name
        with sqlite3.connect(study.fetch(int(str(index)), "sql")) as sql:
            (net,) = sql.execute(
                "SELECT Value FROM TabularDataWithStrings WHERE TableName = 'Site and Source Energy' "
                "AND RowName = 'Net Site Energy' AND ColumnName = 'Total Energy'"
            ).fetchone()
        assert row["net_site_energy_kwh"] == float(net)
        for fuel in FUELS.keys() - {"Electricity", "DistrictHeatingWater", "DistrictHeatingSteam", "DistrictCooling"}:
            assert row[FUELS[fuel]] == pytest.approx(WATTS[fuel] * HOURS / 1000, rel=1e-9), fuel
        heat = WATTS["DistrictHeatingWater"] + WATTS["DistrictHeatingSteam"]
        assert row["district_heating_kwh"] == pytest.approx(heat * HOURS / 1000, rel=1e-9)
    assert frame["electricity_sold_kwh"][0] < frame["electricity_sold_kwh"][1]
    assert frame["electricity_purchased_kwh"][0] > frame["electricity_purchased_kwh"][1] > 0, "the nights"
    assert frame["net_site_energy_kwh"][1] < frame["net_site_energy_kwh"][0]
    assert frame["site_energy_kwh"][0] == frame["site_energy_kwh"][1]
    compared = study.results(relative_to=0)
    assert compared["net_site_energy_kwh_saving"][1] > 0
    assert "electricity_produced_kwh_saving" not in compared, "more of it is no loss"


def test_a_generator_burns_its_fuel_and_sells(store: str, tmp_path: Path) -> None:
    study = ep.Study(
        "turbine",
        shoebox(tmp_path / "in.idf", TURBINE),
        {"power": ep.Field("Generator:MicroTurbine/*/reference_electrical_power_output", [2000.0])},
    )
    row = study.run().wait().results(strict=True).iloc[0]
    balanced(row)
    assert row["propane_kwh"] == row["generators_kwh"] > 3 * row["electricity_produced_kwh"]
    assert row["electricity_sold_kwh"] > 0 == row["electricity_purchased_kwh"]
    assert row["diesel_kwh"] == 0


def test_what_a_building_does_not_have_is_zero_and_after_design_days_nothing_is_known(
    store: str, tmp_path: Path
) -> None:
    levels = {"lpd": ep.Field("Lights/*/watts_per_floor_area", [5.0])}
    row = ep.Study("no-panels", shoebox(tmp_path / "in.idf"), levels).run().wait().results(strict=True).iloc[0]
    balanced(row)
    assert row["electricity_produced_kwh"] == row["electricity_sold_kwh"] == row["coal_kwh"] == 0
    assert row["net_site_energy_kwh"] == pytest.approx(row["site_energy_kwh"], rel=1e-12)
    days = ep.Study("no-panels-days", shoebox(tmp_path / "in.idf", period="design-days"), levels).run().wait()
    frame = days.results(strict=True)
    assert frame[[*CARRIERS, *METERS, "net_site_energy_kwh", "net_site_eui_kwh_m2"]].isna().all(axis=None)


def test_results_of_an_earlier_version_are_told_and_not_simulated_again(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = {"lpd": ep.Field("Lights/*/watts_per_floor_area", [6.0, 7.0])}
    study = ep.Study("earlier", shoebox(tmp_path / "in.idf"), levels).run().wait()
    whole = study.results(strict=True)
    kept, key = Store(store), study.why(0).attrs["key"]
    outcome = kept.outcome(key)
    assert outcome is not None
    before = {name: value for name, value in outcome.metrics.items() if name in METRICS and "net_" not in name}
    kept._files.replace(result_file(key), seal_outcome(key, replace(outcome, metrics=before)))
    capsys.readouterr()

    again = ep.Study("earlier", shoebox(tmp_path / "in.idf"), levels).run().wait()
    assert again.progress().cached == 2
    said = capsys.readouterr().out
    assert "1 of 2 results are of an earlier epstudy, which did not read net_site_energy_kwh" in said
    frame = again.results(strict=True)
    assert list(frame.columns) == list(whole.columns)
    assert frame["net_site_energy_kwh"].isna().tolist() == [True, False]
    assert frame["site_energy_kwh"].equals(whole["site_energy_kwh"])

    more = ep.Study("earlier", shoebox(tmp_path / "in.idf"), levels, outputs=ep.Meter("Electricity:Facility"))
    assert more.run().wait().results(strict=True)["net_site_energy_kwh"].equals(whole["net_site_energy_kwh"])
    assert more.results()["seconds"][0] == whole["seconds"][0], "what stood there stays"
