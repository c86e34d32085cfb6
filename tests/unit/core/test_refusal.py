"""A level that the engine cannot make travels in the manifest with its reason, and never looks like the base model."""

from __future__ import annotations

import json

from epstudy.core.check import Check
from epstudy.core.contracts import Prepared
from epstudy.core.manifest import Manifest, make_manifest
from epstudy.core.parameter import Field, Level
from epstudy.core.refusal import refused


def manifest(
    *edits: tuple[object, ...], recipe: dict[str, object] | None = None, baseline: int | None = None
) -> Manifest:
    parameter = Field("Class/*/field", [1.0, 2.0, None][: max(len(edits), 2)])
    points = [(level,) for level in parameter.levels]
    if baseline is not None:
        points.append((Level(None, None),))
    return make_manifest(
        "s",
        "energyplus",
        Prepared(Check(), recipe or {"build": "1"}, edits={"a": edits}),
        {"a": parameter},
        points,
        sampling="grid",
        timeout_s=None,
        retries=2,
        baseline=baseline,
        written={},
    )


def test_a_level_that_cannot_be_made_was_the_untouched_model() -> None:
    made = manifest((refused("it opens a file", 1.0),), (refused("it opens a file", 2.0),), ())
    assert [made.refusal(index) for index in range(3)] == ["it opens a file", "it opens a file", ""]
    assert len(set(made.keys)) == 3, "neither shares its outcome with the untouched model"
    assert Manifest.from_json(json.loads(json.dumps(made.to_json()))).refusal(1) == "it opens a file"


def test_a_level_of_which_the_engine_says_nothing_is_refused_and_the_baseline_is_not() -> None:
    made = manifest(({"set": "x", "to": 1.0},), baseline=2)
    assert [bool(made.refusal(index)) for index in range(3)] == [False, True, False]
    assert "level 2.0" in made.refusal(1)


def test_a_recipe_that_cannot_be_made_refuses_every_variant() -> None:
    made = manifest((), ({"set": "x", "to": 2.0},), recipe={"build": "1", "refused": "no such file"})
    assert [made.refusal(index) for index in range(2)] == ["no such file"] * 2
