"""`import epstudy` is light, and has the names of the contract."""

from __future__ import annotations

import subprocess
import sys

import epstudy as ep


def test_importing_epstudy_loads_nothing_heavy() -> None:
    heavy = ("celery", "redis", "ipywidgets", "matplotlib", "pandas", "numpy", "idfkit", "pyenergyplus", "scipy")
    code = f"import sys, epstudy; print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_every_name_is_there() -> None:
    for name in ep.__all__:
        assert getattr(ep, name) is not None
    assert set(ep.__all__) <= set(dir(ep))
    assert not hasattr(ep, "Nonsense")
