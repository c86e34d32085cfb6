"""The results have one row a variant, whatever became of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.plots.labels import axis_label
from epstudy.results.effects import without_effect
from epstudy.results.failures import failures_frame
from epstudy.results.rows import results_frame
from epstudy.results.savings import with_savings
from epstudy.results.states import stored_states
from epstudy.store import Store

KEYS = tuple(f"{place}" * 64 for place in "01234")
METRICS = {"heating_kwh": "kWh", "warnings": "1"}
AXIS = Axis("lpd", "field", ("x",), (6, 8, None, 10, 12), (6.0, 8.0, None, 10.0, 12.0), ((),) * 5)
MANIFEST = Manifest("s", "energyplus", {}, (AXIS,), tuple((i,) for i in range(5)), KEYS, METRICS)
OUTCOMES = {
    KEYS[0]: Outcome(State.DONE, metrics={"heating_kwh": 1.5, "warnings": 2.0}),
    KEYS[1]: Outcome(State.FAILED, Cause.SIMULATION, "no such schedule", attempts=1, worker="w"),
    KEYS[2]: Outcome(State.FAILED, Cause.LOST, "gone"),
}


def test_every_variant_has_a_row_with_typed_columns() -> None:
    frame = results_frame(MANIFEST, OUTCOMES, ["done", "failed", "running", "pending", "done"])
    assert list(frame.columns) == ["lpd", "status", "heating_kwh", "warnings"]
    assert frame.index.name == "variant"
    assert list(frame["status"]) == ["done", "failed", "running", "pending", "pending"]
    assert frame["heating_kwh"].iloc[0] == 1.5
    assert frame["heating_kwh"].iloc[1:].isna().all()
    assert frame.attrs["units"] == METRICS


def test_a_hundred_metrics_and_more_were_warnings_of_pandas() -> None:
    metrics = {f"metric_{number}": "kWh" for number in range(250)}
    outcomes = {KEYS[0]: Outcome(State.DONE, metrics=dict.fromkeys(metrics, 1.5) | {"added": 2.0})}
    frame = results_frame(replace(MANIFEST, metrics=metrics), outcomes, [])
    assert list(frame.columns) == ["lpd", "status", *metrics, "added"]
    assert frame.loc[0, "metric_249"] == 1.5
    assert frame.loc[1:, "metric_249"].isna().all()
    assert frame.rename(columns={"metric_0": "first"}).attrs["units"]["first"] == "kWh"


def labelled() -> pd.DataFrame:
    axis = replace(AXIS, unit="W/m2", label="Lighting power density")
    return results_frame(replace(MANIFEST, axes=(axis,)), OUTCOMES, [])


def test_a_parameter_has_its_unit_and_label() -> None:
    frame = labelled()
    assert frame.attrs["units"] == METRICS
    assert frame.attrs["parameter_units"] == {"lpd": "W/m2"}
    assert frame.attrs["labels"] == {"lpd": "Lighting power density"}


def columns_set(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    frame.columns = pd.Index(names)
    return frame


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas 3.1 deprecates it; scripts have it
@pytest.mark.parametrize(
    "rename",
    [
        lambda frame, names: frame.rename(columns=names),
        lambda frame, names: frame.rename(names, axis="columns"),
        lambda frame, names: frame.rename(columns=names, inplace=True) or frame,
        lambda frame, names: frame[["heating_kwh", "lpd"]].query("lpd > 6").rename(columns=lambda name: names[name]),
        lambda frame, names: frame.set_axis([names.get(name, name) for name in frame.columns], axis="columns"),
        lambda frame, names: columns_set(frame, [names.get(name, name) for name in frame.columns]),
        lambda frame, names: frame.assign(cost=1.0).sort_values("lpd").rename(columns=names).copy(),
    ],
)
def test_a_renamed_column_lost_its_unit(rename: Callable[..., pd.DataFrame]) -> None:
    renamed = rename(labelled(), {"lpd": "Lighting", "heating_kwh": "Heat"})
    assert (renamed.attrs["parameter_units"], renamed.attrs["units"]["Heat"]) == ({"Lighting": "W/m2"}, "kWh")
    assert renamed.attrs["parameters"] == ["Lighting"], "a figure takes what is no parameter for a result"
    assert axis_label(renamed, "Lighting") == "Lighting power density [W/m2]"


def test_a_manifest_keeps_units_and_labels_which_are_no_part_of_what_is_simulated() -> None:
    named = replace(MANIFEST, axes=(replace(AXIS, unit="W/m2", label="Lighting"),))
    assert Manifest.from_json(named.to_json()).axes == named.axes
    assert named.digest == MANIFEST.digest


def test_without_a_single_success_the_columns_are_there_and_numbers() -> None:
    frame = results_frame(MANIFEST, {}, [])
    assert list(frame["status"]) == ["pending"] * 5
    assert {str(dtype) for dtype in frame[["heating_kwh", "warnings"]].dtypes} == {"float64"}
    assert math.isnan(frame["heating_kwh"].sum(min_count=1))


def test_the_store_has_the_last_word_over_the_ledger() -> None:
    frame = results_frame(MANIFEST, OUTCOMES, ["running"] * 5)
    assert list(frame["status"])[:2] == ["done", "failed"]


def test_a_changed_grid_that_never_ran_is_not_cancelled_as_the_one_before_was(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.put_manifest(MANIFEST)
    store.set_cancelled(MANIFEST.study, True)
    assert stored_states(store, MANIFEST) == ["cancelled"] * 5
    changed = replace(MANIFEST, keys=tuple(f"{place}" * 64 for place in "abcde"))
    assert stored_states(store, changed) == ["pending"] * 5


def test_failures_are_those_that_failed_and_say_why() -> None:
    frame = failures_frame(MANIFEST, OUTCOMES, ["done", "failed", "failed", "failed", "pending"])
    assert list(frame.columns)[:5] == ["lpd", "cause", "message", "attempts", "worker"]
    assert list(frame.index) == [1, 2, 3]
    assert list(frame["cause"]) == ["simulation", "lost", "infrastructure"]
    assert "no such schedule" in frame["message"].iloc[0]


def test_a_variant_that_was_lost_stays_a_failed_row_when_the_pool_is_gone() -> None:
    assert list(failures_frame(MANIFEST, OUTCOMES, [])["cause"]) == ["simulation", "lost"]
    assert list(results_frame(MANIFEST, OUTCOMES, [])["status"])[:3] == ["done", "failed", "failed"]
    assert results_frame(MANIFEST, OUTCOMES, ["pending"] * 5)["status"].iloc[2] == "pending", "it is tried again"


def test_no_failures_is_an_empty_table_with_the_same_columns() -> None:
    frame = failures_frame(MANIFEST, {KEYS[0]: OUTCOMES[KEYS[0]]}, [])
    assert list(frame.columns)[:5] == ["lpd", "cause", "message", "attempts", "worker"]
    assert len(frame) == 0


def test_a_parameter_that_changed_no_number_is_told() -> None:
    frame = pd.DataFrame(
        {
            "u": [1.0, 1.0, 2.0, 2.0],
            "idle": [None, "x", None, "x"],
            "status": ["done"] * 4,
            "site_energy_kwh": [5.0, 5.0, 6.0, 6.0],
            "seconds": [1.0, 2.0, 3.0, 4.0],
        }
    )
    frame.attrs["units"] = {"site_energy_kwh": "kWh", "seconds": "s"}
    assert without_effect(frame, ["u", "idle"]) == ["idle"]
    assert without_effect(frame.assign(site_energy_kwh=float("nan")), ["u", "idle"]) == [], "design days do not say"
    assert without_effect(frame.head(1), ["u", "idle"]) == [], "one level cannot differ"
    assert without_effect(frame, ["u", "idle"], lambda rows: rows != [2, 3]) == [], "its outputs differ"
    water = frame.assign(water_m3=[1.0, 2.0, 1.0, 2.0])
    water.attrs["units"] = {**frame.attrs["units"], "water_m3": "m3"}
    assert without_effect(water, ["u", "idle"]) == [], "every column counts"


def test_savings_are_against_the_baseline_in_unit_and_percent() -> None:
    outcomes = {
        KEYS[0]: Outcome(State.DONE, metrics={"heating_kwh": 200.0, "warnings": 2.0}),
        KEYS[1]: Outcome(State.DONE, metrics={"heating_kwh": 150.0, "warnings": 2.0}),
        KEYS[2]: Outcome(State.DONE, metrics={"heating_kwh": 0.0, "warnings": 2.0}),
    }
    frame = with_savings(results_frame(MANIFEST, outcomes, []), 0)
    assert list(frame.columns) == [
        *("lpd", "status", "heating_kwh", "heating_kwh_saving", "heating_kwh_saving_percent", "warnings")
    ]
    assert list(frame["heating_kwh_saving"][:3]) == [0.0, 50.0, 200.0]
    assert list(frame["heating_kwh_saving_percent"][:3]) == [0.0, 25.0, 100.0]
    assert frame["heating_kwh_saving"][3:].isna().all()
    assert frame.attrs["units"]["heating_kwh_saving"] == "kWh"
    assert frame.index.name == "variant"
    assert with_savings(results_frame(MANIFEST, outcomes, []), 2)["heating_kwh_saving_percent"].isna().all()
