"""A notebook is read before it is executed: its title and its parameters; what is no notebook is told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from epstudy.core.errors import InputError
from epstudy.report.notebook import TAG, read_source
from tests.unit.report.conftest import Write


def test_title_and_parameters_are_found(write: Write) -> None:
    source = read_source(write(parameters='city: str = "chicago"  # where\nlevels = [\n    1,\n    2,\n]'))
    assert source.title == "How much?"
    assert source.parameters == {"city": '"chicago"', "levels": "[1, 2]"}
    assert len(source.digest) == 64
    assert source.own_value("city") == "chicago"
    assert source.own_value("levels") == [1, 2]
    assert source.own_value("nothing") is None


def test_a_text_with_a_hash_is_a_text(write: Write) -> None:
    source = read_source(write(parameters='colour = "#ff0000"  # of the bars'))
    assert source.parameters == {"colour": '"#ff0000"'}


def test_a_cell_that_python_alone_cannot_read_has_parameters_too(write: Write) -> None:
    source = read_source(write(parameters='%matplotlib inline\ncity = "chicago"'))
    assert source.parameters == {"city": '"chicago"'}


def test_a_notebook_without_a_kernelspec_has_parameters_too(write: Write) -> None:
    path = write()
    said = json.loads(path.read_text())
    del said["metadata"]["kernelspec"]
    path.write_text(json.dumps(said))
    assert read_source(path).parameters == {"city": '"chicago"', "floors": "3"}


def test_a_notebook_that_is_not_there_is_told_with_its_neighbours(write: Write) -> None:
    path = write()
    with pytest.raises(InputError, match=r"there is no notebook .*answer.ipynb; its folder has question.ipynb"):
        read_source(path.with_name("answer.ipynb"))


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b'{"cells": 3}', b"\xff\xfe"])
def test_what_is_no_notebook_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "question.ipynb"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no notebook: ") as raised:
        read_source(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("tag", [TAG, "injected-parameters"])
def test_a_report_made_from_an_executed_report_is_refused(write: Write, tag: str) -> None:
    path = write()
    path.write_text(path.read_text().replace('"parameters"', f'"{tag}"'))
    with pytest.raises(InputError, match="is an executed report; give the notebook it was made from"):
        read_source(path)


def test_a_folder_is_no_notebook(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_source(tmp_path)


def test_another_language_is_refused(write: Write) -> None:
    path = write()
    path.write_text(path.read_text().replace('"language": "python"', '"language": "R"'))
    with pytest.raises(InputError, match="is a notebook in R; a report is one in Python"):
        read_source(path)
