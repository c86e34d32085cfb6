"""Samples on real EnergyPlus: drawn values reach the model, what is drawn again is not simulated again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from scipy.stats import uniform

import epstudy as ep
from tests.support.offices import LPD, U_VALUE, quick, until, whole

UNKNOWN = {"lpd": ep.Field(LPD, uniform(4, 8)), "u_value": ep.Field(U_VALUE, uniform(0.8, 2.4))}


def cooling(study: ep.Study) -> pd.Series:
    sizes = study.table("ComponentSizes")
    coils = sizes[sizes["description"] == "Design Size Gross Rated Total Cooling Capacity"]
    return coils.groupby("variant")["value"].sum().rename("cooling_w")


def test_a_longer_sample_simulates_only_the_new_points(store: str) -> None:
    def sampled(sampling: object) -> ep.Study:
        return ep.Study("longer", quick(), UNKNOWN, sampling=sampling, outputs=[ep.ComponentSizes()])

    short = sampled(ep.Sobol(4, seed=11)).run().wait()
    assert short.progress().done - short.progress().cached == 4
    longer = sampled(ep.Sobol(4, seed=11).extended(8)).run().wait()
    assert (longer.progress().done, longer.progress().cached) == (8, 4)
    assert cooling(longer).iloc[:4].tolist() == cooling(short).tolist()
    alone = ep.Study(
        "alone",
        quick(),
        {name: ep.Field(field.targets, ()) for name, field in UNKNOWN.items()},
        sampling=ep.Table(longer.variants.iloc[[6]]),
        outputs=[ep.ComponentSizes()],
    )
    assert alone.run().wait().progress().cached == 1, "a drawn value is a value like any other"
    assert ep.Study.open("longer").results().attrs["sampling"]["seed"] == 11


def test_elementary_effects_of_a_building(store: str) -> None:
    study = ep.Study(
        "effects", quick(), UNKNOWN, sampling=ep.Morris(4, seed=1), outputs=[ep.ComponentSizes()], baseline=True
    )
    study.run().wait()
    with pytest.raises(ep.InputError, match="after design days EnergyPlus knows no energies"):
        ep.analysis.sensitivity(study, "cooling_kwh")
    found = ep.analysis.sensitivity(study, cooling(study))
    assert found.attrs["rows"] == 12
    assert found.loc["lpd", "mu"] == pytest.approx(found.loc["lpd", "mu_star"]), "more light, more cooling, everywhere"
    assert found.loc["lpd", "mu"] > 1000


def test_the_least_energy_is_found_and_the_search_goes_on_where_it_was(store: str) -> None:
    study = ep.Study("least", whole(), {"lpd": ep.Field(LPD, [5.0, 8.0, 11.0])})
    found = study.minimise({"electricity_kwh": "min"}, n=6, batch=3)
    assert len(found) == 6
    assert found.loc[found["best"], "electricity_kwh"].iloc[0] == found["electricity_kwh"].min()
    assert (found.loc[found["best"], "lpd"] == found["lpd"].min()).all()
    again = study.minimise({"electricity_kwh": "min"}, n=6, batch=3)
    assert again["lpd"].tolist() == found["lpd"].tolist()
    tried = ep.Study.open("least.minimised")
    assert tried.progress().cached == len(tried.variants) == 6
    with pytest.raises(ep.InputError, match='no result "electricity" to minimise; did you mean "electricity_kwh"'):
        study.minimise("electricity")
    with pytest.raises(ep.InputError, match="opened from the store"):
        tried.minimise("electricity_kwh")


def test_a_search_that_is_cancelled_stops_and_goes_on_when_called_again(store: str) -> None:
    study = ep.Study("stopped", quick(), UNKNOWN, sampling=ep.Sobol(4, seed=3))
    goal = {"dark": lambda df: df["lpd"]}
    name = "stopped.minimised"

    def cancel() -> None:
        until(lambda: name in ep.studies().index and ep.Study.open(name).progress().done >= 2, 60)
        ep.Study.open(name).cancel()

    with ThreadPoolExecutor(1) as other:
        cancelled = other.submit(cancel)
        found = study.minimise(goal, n=40, batch=20)
        cancelled.result()
    assert len(found) == 20, "no second batch was begun"
    assert 2 <= (found["status"] == "done").sum() < 20
    again = study.minimise(goal, n=20, batch=20)
    assert (again["status"] == "done").all()
    assert again["lpd"].tolist() == found["lpd"].tolist()


def test_a_grid_of_a_building_is_an_array_over_time(store: str) -> None:
    one = ep.Study(
        "array",
        whole(),
        {"lpd": ep.Field(LPD, [5.0, 8.0])},
        outputs=[ep.Meter("Electricity:Facility", "monthly")],
    )
    found = one.run().wait().to_xarray("Electricity:Facility")
    assert dict(found.sizes) == {"lpd": 2, "time": 12}
    total = found["Electricity:Facility"].sum("time")
    assert total.values == pytest.approx(found["electricity_kwh"].values)
    assert float(total.sel(lpd=8.0)) > float(total.sel(lpd=5.0))
