"""Keys say what a result is made of; manifests travel unchanged."""

from __future__ import annotations

import json

import pytest

from epstudy.core.errors import InputError
from epstudy.core.manifest import Axis, Manifest, variant_keys
from epstudy.core.variant import check_study_name

RECIPE = {
    "build": "25.2.0-cf7368216c",
    "model": "m.idf",
    "weather": "w.epw",
    "external": {},
    "period": "annual",
    "outputs": [],
}


def axis(name: str, target: str, *values: float | None) -> Axis:
    edits = tuple(({"set": target, "to": value},) if value is not None else () for value in values)
    return Axis(name, "field", (target,), values, values, edits)


LPD = axis("lpd", "Lights/*/watts_per_floor_area", 6.0, 8.0, None)
U_VALUE = axis("u_value", "WindowMaterial:SimpleGlazingSystem/*/u_factor", 1.2, None)


def keys(*axes: Axis, recipe: dict[str, object] | None = None, rows: list[tuple[int, ...]]) -> list[str]:
    return variant_keys("energyplus", recipe or RECIPE, axes, rows)


def test_keys_are_pinned() -> None:
    """A change here makes every result in every store unreachable: raise KEY_FORMAT and write a decision."""
    assert keys(LPD, U_VALUE, rows=[(0, 0), (1, 0), (2, 1)]) == PINNED


PINNED = [
    "1dd2df788930a28b32f5a232e8b3e36d8e9f87deb7f43df956ce9c26e6fe966f",
    "f9a410ba0979e44818e4fdeb8a81ab14a6751e8718299e7d34dbe1cda07e1c2f",
    "2d908aa517640aac1ce502db41502cbce2d836058aba4471b0c789af838d4cfd",
]


def test_a_level_that_leaves_the_model_alone_leaves_no_trace_in_the_key() -> None:
    assert keys(LPD, U_VALUE, rows=[(2, 0)]) == keys(U_VALUE, rows=[(0,)])


def test_the_order_of_parameters_does_not_matter_to_the_key() -> None:
    assert keys(LPD, U_VALUE, rows=[(0, 0)]) == keys(U_VALUE, LPD, rows=[(0, 0)])


def test_the_name_and_label_of_a_parameter_do_not_matter_to_the_key() -> None:
    renamed = Axis("other", "field", LPD.targets, ("low", "high", "as is"), LPD.values, LPD.edits)
    assert keys(LPD, rows=[(0,), (1,)]) == keys(renamed, rows=[(0,), (1,)])


@pytest.mark.parametrize("changed", ["build", "model", "weather", "period"])
def test_whatever_changes_the_result_changes_the_key(changed: str) -> None:
    assert keys(LPD, rows=[(0,)]) != keys(LPD, rows=[(0,)], recipe={**RECIPE, changed: "other"})


def test_one_and_one_point_zero_are_one_key_and_true_is_another() -> None:
    whole, real, true = (axis("a", "X/*/y", value) for value in (1, 1.0, True))
    assert keys(whole, rows=[(0,)]) == keys(real, rows=[(0,)])
    assert keys(whole, rows=[(0,)]) != keys(true, rows=[(0,)])


def manifest() -> Manifest:
    rows = ((0, 0), (2, 1))
    return Manifest(
        "s", "energyplus", RECIPE, (LPD, U_VALUE), rows, tuple(keys(LPD, U_VALUE, rows=list(rows))), {"x": "kWh"}
    )


def test_a_manifest_survives_its_journey() -> None:
    there = Manifest.from_json(json.loads(json.dumps(manifest().to_json())))
    assert there == manifest()
    assert there.digest == manifest().digest


def test_who_wrote_it_and_when_is_not_part_of_the_digest() -> None:
    said = manifest().to_json() | {"written": {"at": "yesterday"}}
    assert Manifest.from_json(said).digest == manifest().digest


def test_another_time_limit_is_another_manifest() -> None:
    assert Manifest.from_json(manifest().to_json() | {"timeout_s": 5.0}).digest != manifest().digest


def test_edits_are_those_of_the_levels() -> None:
    assert manifest().edits(0) == [
        {"set": "Lights/*/watts_per_floor_area", "to": 6.0},
        {"set": "WindowMaterial:SimpleGlazingSystem/*/u_factor", "to": 1.2},
    ]
    assert manifest().edits(1) == []


@pytest.mark.parametrize("name", ["a", "lighting-and-glazing", "Study_2.1", "été", "x" * 100])
def test_plain_names_are_taken(name: str) -> None:
    assert check_study_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a b", ".hidden", "-f", "x" * 101, "x" * 300, "a\n", "a\0", "a.", None, 3]
)
def test_other_names_are_refused_with_a_proposal(name: object) -> None:
    with pytest.raises(InputError, match=r"is not a study name: expected .* for example"):
        check_study_name(name)
