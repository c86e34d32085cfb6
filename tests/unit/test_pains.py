"""docs/pains.md names a test for each pain of the users of other tools; these tests exist, and one stands here."""

from __future__ import annotations

import ast
import re
import tracemalloc
from pathlib import Path

import epstudy as ep
from epstudy.core.check import Check
from epstudy.core.contracts import Prepared
from epstudy.core.manifest import make_manifest

ROOT = Path(__file__).parents[2]
PAINS = (ROOT / "docs" / "pains.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAINS)
    assert len(named) > 25
    for path, test in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert test in {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}, f"{path}::{test}"


def test_all_pains_are_there() -> None:
    assert re.findall(r"^\| (\d+) \|", PAINS, re.MULTILINE) == [str(number) for number in range(1, 26)]


def test_a_notebook_holds_no_models_of_its_variants() -> None:
    parameters = {
        name: ep.Field("Lights/*/watts_per_floor_area", [float(one) for one in range(100)]) for name in ("a", "b")
    }
    edits = {name: tuple(({"set": name, "to": one},) for one in range(100)) for name in parameters}
    prepared = Prepared(Check(), {"model": "m.idf"}, {"m.idf": b"x" * 10_000_000}, edits, {"site_energy_kwh": "kWh"})
    points = ep.Grid().points(parameters)
    assert len(points) == 10_000
    tracemalloc.start()
    manifest = make_manifest(
        "many",
        "energyplus",
        prepared,
        parameters,
        points,
        sampling="grid",
        timeout_s=None,
        retries=2,
        baseline=None,
        written={},
    )
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(manifest.keys)) == 10_000
    assert used < 1000 * len(points), "a key and a row of indices, and nothing of the model"
