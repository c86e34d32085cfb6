"""Everything that the package imports is declared in `pyproject.toml`, where the install that needs it finds it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from epstudy.core.errors import MissingExtraError
from epstudy.core.extras import EXTRAS, has_extra, require

ROOT = Path(__file__).resolve().parents[2]

OF_CELERY = {"billiard"}
"""What comes with a dependency of which it is a part: Celery's processes."""


def imported_modules(folder: Path) -> dict[str, set[str]]:
    """Return the modules of others that the files in a folder import, by their first name, each with its files."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for name in _names(ast.parse(path.read_text(encoding="utf-8"))):
            if name not in sys.stdlib_module_names and name != "epstudy":
                found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    return found


def _names(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def declared(project: dict[str, Any], *extras: str) -> set[str]:
    """Return the distributions of a plain install and of some extras."""
    texts = [*project["dependencies"], *(text for extra in extras for text in project["optional-dependencies"][extra])]
    return {canonicalize_name(Requirement(text).name) for text in texts}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return loaded


def test_everything_that_is_imported_is_declared(project: dict[str, Any]) -> None:
    distributions = packages_distributions()
    known = declared(project, *EXTRAS)
    missing = {
        module: files
        for module, files in imported_modules(ROOT / "epstudy").items()
        if module not in OF_CELERY and not known & {canonicalize_name(name) for name in distributions.get(module, [])}
    }
    assert missing == {}


def test_the_extras_bring_what_the_code_says_they_bring(project: dict[str, Any]) -> None:
    distributions = packages_distributions()
    for extra, modules in EXTRAS.items():
        brought = {canonicalize_name(Requirement(text).name) for text in project["optional-dependencies"][extra]}
        assert {canonicalize_name(distributions[module][0]) for module in modules} == brought
        assert not brought & declared(project), "a plain install has none of it"


def test_what_readme_has_you_install_brings_the_extras(project: dict[str, Any]) -> None:
    assert f"epstudy[{','.join(EXTRAS)}]" in project["optional-dependencies"]["lab"]
    assert re.search(r"pip install '\.\[lab\]'", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_message_names_the_module_and_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    require("matplotlib", "papermill")
    monkeypatch.setitem(EXTRAS, "analysis", (*EXTRAS["analysis"], "matplotlib_of_tomorrow"))
    assert not has_extra("analysis")
    with pytest.raises(MissingExtraError, match="matplotlib_of_tomorrow") as raised:
        require("matplotlib", "matplotlib_of_tomorrow")
    assert 'pip install "epstudy[analysis]"' in str(raised.value)
    assert isinstance(raised.value, ImportError)
