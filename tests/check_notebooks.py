"""Says which notebooks hold results of a run: they are committed without. Standard library only, for pre-commit.

Run it as `python tests/check_notebooks.py [NOTEBOOK ...]`; without a path it looks at all of `notebooks/`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong with the notebooks; return 1 if anything is, else 0."""
    paths = [Path(argument) for argument in arguments] or committed_notebooks()
    problems = [problem for path in paths for problem in find_results(path)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(
            "Clear them before the commit: in JupyterLab Edit > Clear Outputs of All Cells, or\n"
            "    jupyter nbconvert --clear-output --inplace NOTEBOOK",
            file=sys.stderr,
        )
    return 1 if problems else 0


def committed_notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the notebooks of `notebooks/` and its folders, without Jupyter's own checkpoints and executed reports."""
    found = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    return [path for path in found if not _is_executed_report(path)]


def _is_executed_report(path: Path) -> bool:
    """Whether papermill wrote this notebook: it is made anew by whoever wants it, and nobody commits it."""
    try:
        return "papermill" in json.loads(path.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def find_results(path: Path) -> list[str]:
    """Return one line for each code cell of the notebook that has outputs or an execution count."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{path} cannot be read as a notebook: {error}"]
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return [f'{path} has no list "cells"; expected a notebook of format 4']
    return [
        f"{path}: {_name(number, cell)} has {found}"
        for number, cell in enumerate(cells, start=1)
        if cell.get("cell_type") == "code" and (found := _results(cell))
    ]


def _results(cell: dict[str, Any]) -> str:
    found = ["outputs"] if cell.get("outputs") else []
    if cell.get("execution_count") is not None:
        found.append(f"execution_count {cell['execution_count']}")
    return " and ".join(found)


def _name(number: int, cell: dict[str, Any]) -> str:
    """Return a cell's place among all cells of the notebook, counted from 1, and its first line."""
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    first = text.strip().partition("\n")[0]
    return f"cell {number} ({first[:60] or 'empty'})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
