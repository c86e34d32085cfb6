"""Importing the figures costs nothing, and their names are there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from epstudy import plots


def test_importing_the_figures_loads_nothing() -> None:
    heavy = ("matplotlib", "pandas", "numpy")
    code = f"import sys, epstudy.plots; print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_every_name_is_a_function() -> None:
    for name in plots.__all__:
        assert callable(getattr(plots, name)), name
    assert set(plots.__all__) <= set(dir(plots))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'epstudy\.plots' has no attribute 'pie'"):
        plots.pie  # noqa: B018
