"""Each figure looks as it did; `python -m tests.unit.plots.drawings` accepts how it looks now.

Of a figure that differs, build/figures/ has the picture, the expected one and their difference.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread, imsave
from matplotlib.testing.compare import compare_images

from tests.unit.plots.drawings import BASELINE, DRAWINGS, draw

MADE = Path(__file__).parents[3] / "build" / "figures"

#: Root mean square of the grey levels, of 255: what another version of matplotlib may smooth differently.
TOLERANCE = 3.0


def difference(expected: Path, actual: Path) -> str | None:
    """Return what matplotlib says of two pictures that differ; the difference lands beside the actual one."""
    beside = actual.with_name(f"{actual.stem}-expected.png")
    shutil.copyfile(expected, beside)
    return compare_images(str(beside), str(actual), TOLERANCE)


@pytest.mark.parametrize("name", DRAWINGS)
def test_it_looks_as_it_did(name: str) -> None:
    assert difference(BASELINE / f"{name}.png", draw(name, MADE)) is None


def test_every_picture_is_of_a_drawing() -> None:
    assert {path.stem for path in BASELINE.glob("*.png")} == set(DRAWINGS)


def test_a_line_that_moved_is_seen(tmp_path: Path) -> None:
    picture = imread(BASELINE / "pareto.png").copy()
    moved = tmp_path / "moved.png"
    imsave(moved, np.roll(picture, 3, axis=0))
    assert difference(BASELINE / "pareto.png", moved) is not None
    assert (tmp_path / "moved-failed-diff.png").exists()
