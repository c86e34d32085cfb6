"""Small notebooks, written where a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

KERNELSPEC = {"name": "python3", "language": "python", "display_name": "Python 3 (ipykernel)"}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a notebook with a title, these code cells, and, unless it is None, a cell of parameters before them."""

    def write(
        *code: str, parameters: str | None = 'city = "chicago"\nfloors = 3', name: str = "question.ipynb"
    ) -> Path:
        cells = [new_markdown_cell("# How much?\n\nOf what.")]
        if parameters is not None:
            cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        cells += [new_code_cell(source) for source in code]
        path = tmp_path / "question.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)
        return path

    return write
