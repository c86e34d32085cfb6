"""A plain `pip install epstudy` of the wheel, as a worker has it: what it can do, and what it says of what it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from epstudy.core.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel of this checkout, and no extra."""
    folder = tmp_path_factory.mktemp("plain")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True)
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([UV, "pip", "install", "--quiet", "--python", folder / "venv/bin/python", wheel], check=True)
    return folder / "venv" / "bin"


def run(program: Path, *arguments: object, code: int = 0, **environment: str) -> str:
    """Run a program away from the checkout; return what it prints."""
    ended = subprocess.run(
        [program, *map(str, arguments)],
        cwd=program.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_it_has_nothing_of_the_extras(plain: Path) -> None:
    modules = [module for brought in EXTRAS.values() for module in brought]
    code = "import importlib.util, sys; print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
    assert run(plain / "python", "-c", code, *modules) == "[]\n"


def test_a_study_runs(plain: Path) -> None:
    program = ROOT / "tests" / "installs" / "one_study.py"
    assert "2 of 2 variants are done" in run(plain / "python", program)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("ep.plots.heatmap", 'this needs matplotlib, .* pip install "epstudy[analysis]"'),
        ("ep.Saltelli(8, seed=1).points({'a': ep.Field('A/*/b', [1, 2])})", "this needs SALib"),
        ("ep.Morris(8, seed=1).points({'a': ep.Field('A/*/b', [1, 2])})", "this needs SALib"),
        ("__import__('epstudy.analysis.surrogates').analysis.surrogates._kinds(None, 0, 0)", "this needs sklearn"),
        ("__import__('epstudy.results.arrays').results.arrays.dataset(None, None, {})", "this needs xarray"),
    ],
)
def test_what_it_lacks_is_told_with_the_extra_that_brings_it(plain: Path, call: str, said: str) -> None:
    printed = run(plain / "python", "-c", f"import epstudy as ep; {call}", code=1).splitlines()[-1]
    assert printed.startswith("epstudy.core.errors.MissingExtraError: ")
    for part in said.split(" .* "):
        assert part in printed


def test_a_report_is_refused_with_the_extra_that_it_needs(plain: Path, tmp_path: Path) -> None:
    wanted = 'pip install "epstudy[report]"'
    assert wanted in run(plain / "epstudy", "demo", "-o", tmp_path, code=1)
    notebook, page = ROOT / "notebooks" / "report.ipynb", tmp_path / "page.html"
    assert wanted in run(plain / "epstudy", "report", notebook, "-o", page, code=2)


def test_the_doctor_says_what_it_is(plain: Path, tmp_path: Path) -> None:
    said = run(plain / "epstudy", "doctor", EPSTUDY_STORE=str(tmp_path / "store"))
    assert 'pip install "epstudy[lab]"' in said
    assert "ok   Redis        private, " in said


def test_the_notebooks_come_with_the_wheel(plain: Path, tmp_path: Path) -> None:
    run(plain / "epstudy", "notebooks", tmp_path)
    wanted = [*sorted((ROOT / "notebooks").glob("*.ipynb")), ROOT / "notebooks" / "cities.csv"]
    assert len(wanted) > 5
    for path in wanted:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
