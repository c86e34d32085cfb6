"""Names of pages are checked before anything runs, and a file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from epstudy.core.errors import EpstudyError, InputError
from epstudy.report.paths import check_page, named, page_names, put_file
from epstudy.report.rows import read_rows

ROWS = [{"city": "chicago", "period": "annual"}, {"city": "miami", "period": "annual"}]


def test_a_row_is_put_into_the_template() -> None:
    assert page_names("build/{city}-{period}.html", ROWS) == [
        Path("build/chicago-annual.html"),
        Path("build/miami-annual.html"),
    ]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("build/all.html", r"would write all rows into one file; name a column in it: {city}, {period}"),
        ("build/{town}.html", r"has {town}, which is no column; the columns are {city}, {period}"),
        ("build/{period}.html", r"rows 1 and 2 would both write build/annual.html; name more columns"),
        ("build/{.html", "is no template: "),
        ("build/{}.html", "is no template; expected plain names"),
        ("build/{city:>9}.html", "is no template; expected plain names"),
    ],
)
def test_a_template_that_cannot_be_is_refused(template: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        page_names(template, ROWS)


@pytest.mark.parametrize("value", ["", "..", "a/b", "../x", "C:x", "a\\b"])
def test_a_value_that_leaves_the_folder_is_refused(value: str) -> None:
    with pytest.raises(InputError, match=r"row 2: city is .* cannot be a part of a file name"):
        page_names("build/{city}.html", [ROWS[0], {**ROWS[1], "city": value}])


def test_names_that_differ_by_case_only_are_one_file() -> None:
    with pytest.raises(InputError, match="rows 1 and 2 would both write"):
        page_names("{city}.html", [{"city": "Chicago"}, {"city": "chicago"}])


def test_a_page_ends_in_html(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected one that ends in .html"):
        check_page(tmp_path / "page.pdf", tmp_path / "question.ipynb")


@pytest.mark.parametrize("name", ["x" * 250, "é" * 125])
def test_a_name_that_is_too_long_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="-o has a name of 256 bytes; expected at most 255"):
        check_page(tmp_path / f"{name}.html", tmp_path / "question.ipynb")
    with pytest.raises(InputError, match="-o has a name of 256 bytes"):
        check_page(tmp_path / f"{name}.ipynb" / "out.html", tmp_path / "question.ipynb")


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    page = check_page(tmp_path / f"{'x' * 249}.html", tmp_path / "question.ipynb")
    put_file(page.with_suffix(".ipynb"), b"executed")
    assert [path.name for path in tmp_path.iterdir()] == [f"{'x' * 249}.ipynb"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("redis://:secret@host/0", "redis://:***@host/0"),
        ("redis://ann:se:c@ret@host", "redis://ann:***@host"),
        (["s3://a:secret@b", "http://[::1]:80/"], "['s3://a:***@b', 'http://[::1]:80/']"),
        ("http://[bad", "http://[bad"),
        (3, "3"),
    ],
)
def test_a_password_in_a_parameter_is_not_shown(value: object, said: str) -> None:
    assert named({"pool": value}) == f"pool={said}"


@pytest.mark.parametrize("content", ["{}", '{"metadata": {}}', "text"])
def test_a_notebook_of_the_user_is_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.ipynb").write_text(content)
    with pytest.raises(InputError, match=r"would replace .*mine.ipynb, which is no report"):
        check_page(tmp_path / "mine.html", tmp_path / "question.ipynb")
    with pytest.raises(InputError, match="would replace"):
        check_page(tmp_path / "question.html", tmp_path / "question.ipynb")


def test_an_older_report_is_replaced_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "old.ipynb").write_text('{"metadata": {"papermill": {}}}')
    assert check_page(tmp_path / "old.html", tmp_path / "question.ipynb") == tmp_path / "old.html"
    assert check_page(tmp_path / "a" / "b" / "new.html", tmp_path / "question.ipynb").parent.is_dir()


def test_a_file_is_written_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    put_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_take_its_place_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(EpstudyError, match=r"page\.html cannot be written: Is a directory"):
        put_file(tmp_path / "page.html", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    "text",
    [
        "\n\ncity;floors\nchicago;3\nmiami;4\n",
        "city,floors\rchicago,3\rmiami,4\r",
        "city,floors\nchicago,3\n\nmiami, 4\n",
        "\ufeffcity;floors\r\nchicago;3\r\nmiami;4\r\n",
        'city,floors\n"chicago",3\nmiami,4\n,\n',
    ],
)
def test_rows_are_read_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cities.csv"
    path.write_bytes(text.encode())
    assert read_rows(path) == [{"city": "chicago", "floors": "3"}, {"city": "miami", "floors": "4"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no rows"),
        ("city\n", "has no rows"),
        ("city,city\na,b\n", 'first line is "city, city"; expected a name for each column, each once'),
        ("city,\na,b\n", "expected a name for each column"),
        ("city,floors\nchicago\n", "row 1: 1 values; expected 2: city, floors"),
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cities.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_rows(path)


def test_a_value_with_an_unusual_line_end_is_one_value(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_bytes('note,city\n"one\u2028two\r\nthree",miami\n'.encode())
    assert read_rows(path) == [{"note": "one\u2028two\r\nthree", "city": "miami"}]


def test_a_file_that_csv_cannot_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cities.csv"
    path.write_text("city\n" + "x" * 200_000 + "\n")
    with pytest.raises(InputError, match=r"cities\.csv, line 2, cannot be read: field larger than"):
        read_rows(path)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        read_rows(tmp_path / "cities.csv")
