"""Every mistake on the command line is told in one line, before a notebook is executed or a folder is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from epstudy.core.errors import InputError
from epstudy.report.command import plan_reports
from tests.unit.report.conftest import Write


def test_one_report_has_the_values_that_were_typed(write: Write, tmp_path: Path) -> None:
    plan = plan_reports(write(), ["floors=4"], None, str(tmp_path / "out" / "page.html"), pdf=False)
    assert plan.reports == ((tmp_path / "out" / "page.html", {"floors": 4}),)
    assert plan.chromium is None


def test_a_row_has_its_own_values_those_of_all_and_else_the_notebooks(write: Write, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("name,city\nfirst,miami\nsecond,\n")
    source = write(parameters='city = "chicago"\nfloors = 3\nname = ""')
    template = str(tmp_path / "{name}.html")
    plan = plan_reports(source, ["floors=4"], tmp_path / "rows.csv", template, pdf=False)
    assert plan.reports == (
        (tmp_path / "first.html", {"floors": 4, "name": "first", "city": "miami"}),
        (tmp_path / "second.html", {"floors": 4, "name": "second"}),
    )


@pytest.mark.parametrize(
    ("assignments", "table", "output", "said"),
    [
        (["floor=3"], None, "out.html", r'-p sets "floor" \(did you mean "floors"\?\)'),
        (["floors"], None, "out.html", "expected NAME=VALUE"),
        ([], None, "question.html", "would replace"),
        ([], None, "out.pdf", r"expected one that ends in .html"),
        ([], None, "question.ipynb/out.html", "cannot be made"),
        ([], "none.csv", "{city}.html", "there is no file"),
        ([], "rows.csv", "out.html", "would write all rows into one file"),
        ([], "rows.csv", "{city}.htm", "expected one that ends in .html"),
        ([], "unknown.csv", "{town}.html", r'unknown.csv sets "town"; the parameters of question.ipynb are city'),
        (["city=miami"], "rows.csv", "{city}.html", 'parameter "city" is set by -p and is a column of'),
    ],
)
def test_a_mistake_is_told_and_nothing_is_made(
    write: Write, tmp_path: Path, assignments: list[str], table: str | None, output: str, said: str
) -> None:
    notebook = write()
    (tmp_path / "rows.csv").write_text("city\nchicago\nmiami\n")
    (tmp_path / "unknown.csv").write_text("town\nchicago\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=said):
        plan_reports(notebook, assignments, table and tmp_path / table, str(tmp_path / output), pdf=False)
    assert sorted(tmp_path.iterdir()) == before


def test_a_pdf_needs_a_browser(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="--pdf needs Chromium or Chrome on PATH"):
        plan_reports(write(), [], None, str(tmp_path / "page.html"), pdf=True)
