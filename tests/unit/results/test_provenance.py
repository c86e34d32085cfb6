"""The facts of a study come from its manifest and outcomes alone, whatever simulates it."""

from __future__ import annotations

import hashlib
from typing import Any

from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.results.provenance import machine_facts, provenance_series, study_facts

MODEL, WEATHER, OTHER = ("a" * 64 + ".idf", "b" * 64 + ".epw", "c" * 64 + ".epw")


def manifest(**said: Any) -> Manifest:
    climate = Axis(
        name="climate",
        kind="weather",
        targets=(),
        labels=("as built", "Miami"),
        values=(None, "/somewhere/miami.epw"),
        edits=((), ({"weather": OTHER, "site": "model", "ddy": None},)),
    )
    recipe = {"build": "25.2.0-cf", "model": MODEL, "weather": WEATHER, "external": {}, "period": "annual"}
    written = {"model": "office.idf", "weather": "chicago.epw", "at": "2026-11-28T12:00:00+00:00", "by": "ann"}
    keys = ("k0", "k1", "k1")
    return Manifest("office", "energyplus", recipe, (climate,), ((0,), (1,), (1,)), keys, {}, written=written, **said)


def done(seconds: float, finished: str) -> Outcome:
    return Outcome(State.DONE, metrics={"seconds": seconds}, engine="25.2.0-cf", finished=finished)


def test_files_are_told_by_name_and_digest() -> None:
    facts = study_facts(manifest(), {})
    assert facts["model"] == f"office.idf sha256 {'a' * 64}"
    assert facts["weather"] == f"chicago.epw sha256 {'b' * 64}"
    assert facts["climate Miami"] == f"miami.epw sha256 {'c' * 64}"
    assert "climate as built" not in facts
    assert facts["keys"] == hashlib.sha256(b"k0k1k1").hexdigest()


def test_cpu_hours_count_each_simulation_once_and_earlier_ones_apart() -> None:
    outcomes = {"k0": done(1800, "2026-11-28T11:00:00+00:00"), "k1": done(3600, "2026-11-28T12:00:01+00:00")}
    facts = study_facts(manifest(), outcomes)
    assert (facts["variants"], facts["done"], facts["failed"]) == (3, 3, 0)
    assert facts["cpu_hours"] == 1.5
    assert facts["from_earlier_runs"] == 1
    assert facts["simulated"] == "2026-11-28T11:00:00+00:00 to 2026-11-28T12:00:01+00:00"


def test_what_failed_or_is_not_there_is_not_done() -> None:
    facts = study_facts(manifest(), {"k0": Outcome(State.FAILED, Cause.SIMULATION, "severe")})
    assert (facts["done"], facts["failed"], facts["cpu_hours"], facts["simulated"]) == (0, 1, 0, "")
    assert facts["engine"] == "energyplus 25.2.0-cf", "what the study is for, before there is a result"


def test_a_manifest_of_an_earlier_epstudy_has_digests_without_names() -> None:
    facts = study_facts(Manifest("office", "energyplus", {"model": MODEL}, (), (), (), {}), {})
    assert facts["model"] == f"sha256 {'a' * 64}"
    assert facts["sampling"] == "grid"
    assert facts["seed"] == ""


def test_a_sampling_is_told_with_its_arguments_and_distributions() -> None:
    arguments = {"n": 128, "seed": 1, "points": 128, "distributions": {"lpd": "uniform(4, 8)"}}
    facts = study_facts(manifest(sampling="sobol", sampling_arguments=arguments), {})
    assert facts["sampling"] == "sobol (n=128, seed=1; lpd from uniform(4, 8))"
    assert facts["seed"] == 1


def test_the_series_has_the_machine_besides() -> None:
    series = provenance_series(manifest(), {})
    assert series.name == "office"
    assert series.index.name == "fact"
    assert set(machine_facts()) < set(series.index)
    assert "numpy" in series["packages"]
