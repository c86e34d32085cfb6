"""Who sees what is displayed: told by the program that started the kernel."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from epstudy.notebook import frontend
from epstudy.notebook.frontend import FrontEnd, front_end, trouble_with_kernel


@pytest.mark.parametrize(
    "command",
    [
        ["/venv/bin/python", "/venv/bin/papermill", "in.ipynb", "out.ipynb"],
        ["python3", "-m", "papermill", "in.ipynb"],
        ["/venv/bin/python", "/venv/bin/jupyter-nbconvert", "--execute", "a.ipynb"],
        ["/venv/bin/python", "-m", "pytest", "--nbval-lax", "notebooks"],
        ["/venv/bin/python", "/venv/bin/epstudy", "demo"],
        ["C:\\venv\\Scripts\\papermill.exe", "a.ipynb"],
    ],
)
def test_what_executes_notebooks_has_no_page(command: list[str]) -> None:
    assert frontend._is_headless(command)


@pytest.mark.parametrize(
    "command",
    [
        ["/venv/bin/python", "/venv/bin/jupyter-lab", "--no-browser"],
        ["/opt/tljh/hub/bin/python3", "-m", "jupyterhub.singleuser"],
        ["/usr/share/code/code", "--type=utility"],
        ["/home/papermill-user/bin/python", "/home/papermill-user/bin/jupyter-notebook"],
        ["/venv/bin/python", "/venv/bin/jupyter-lab", "/home/me/epstudy"],
        ["/venv/bin/python", "-m", "jupyterlab", "/home/me/pytest"],
        [],
    ],
)
def test_whatever_else_starts_a_kernel_may_have_one(command: list[str]) -> None:
    assert not frontend._is_headless(command)


def test_outside_of_a_kernel_nobody_looks() -> None:
    assert front_end() is FrontEnd.NONE
    assert front_end("widgets") is FrontEnd.NONE


def test_ipykernel_7_0_is_told_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, is_told in (("7.0.1", True), ("6.30.0", False), ("7.1.0", False), ("7.4.0", False)):
        monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace(__version__=version))
        assert bool(trouble_with_kernel()) is is_told
