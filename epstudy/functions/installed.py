"""What is installed here, and what pins it: a package by its version, Python itself, nobody's file by nothing."""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path


def imports(tree: ast.AST, spec: ModuleSpec | None = None) -> Iterator[str]:
    """Every module that the code may import, with the packages around it; relative names need the `spec` of its own."""
    package = (spec.name if spec.submodule_search_locations else spec.parent) if spec else None
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(start, package) if package else start
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def find(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except (ModuleNotFoundError, ValueError):  # a name in what is no package; a module without a spec
        return None


def pins(module: str) -> tuple[str, ...] | None:
    """What pins a module: "package version", nothing for the standard library; None when it is a file of somebody's."""
    from importlib import metadata

    top = module.partition(".")[0]
    spec = None if top == "__main__" else find(top)
    if spec is None:
        return None
    if spec.origin in ("built-in", "frozen"):
        return ()
    places = [Path(place) for place in spec.submodule_search_locations or [str(spec.origin)]]
    if all({"site-packages", "dist-packages"} & {*place.parts} for place in places):
        return tuple(f"{owner} {metadata.version(owner)}" for owner in _owners(top)) or None
    library = Path(os.__file__).parent, Path(sys.base_exec_prefix, "DLLs")
    is_pythons = top in sys.stdlib_module_names and all(any(map(place.is_relative_to, library)) for place in places)
    return () if is_pythons else None


@functools.lru_cache(maxsize=256)
def _owners(package: str) -> tuple[str, ...]:
    from importlib import metadata

    return tuple(sorted({*metadata.packages_distributions().get(package, ())}))


def address(value: object) -> tuple[str, str] | None:
    """Module and name under which an installed package has this very object; None when it is nobody's."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    for module in (getattr(value, "__module__", None), type(value).__module__.partition(".")[0]):
        if isinstance(module, str) and isinstance(name, str) and module in sys.modules:
            given = vars(sys.modules[module]).get(name)
            if given is value and given is not None and pins(module) is not None:
                return module, name
    return None
