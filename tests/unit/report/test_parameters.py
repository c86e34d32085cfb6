"""What somebody types becomes a value, and a name that the notebook does not know is told with the nearest one."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from epstudy.core.errors import InputError
from epstudy.report.notebook import read_source
from epstudy.report.parameters import check_names, read_assignments, typed, typed_values
from tests.unit.report.conftest import Write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("None", None),
        ("null", None),
        ("chicago", "chicago"),
        ("", ""),
        ("no", "no"),
        ("nan", "nan"),
        ("2026-11-28", "2026-11-28"),
        ("12:30", "12:30"),
        ("[6, 8.0, 'x']", [6, 8.0, "x"]),
        ("{'a': 1}", {"a": 1}),
        ("[draft]", "[draft]"),
        ("1_000", "1_000"),
    ],
)
def test_a_text_says_a_value(text: str, value: Any) -> None:
    found = typed(text)
    assert found == value
    assert type(found) is type(value)


def test_a_value_stays_a_text_where_the_notebook_has_one(write: Write) -> None:
    source = read_source(write())
    assert typed_values(source, {"city": "2020", "floors": "4"}) == {"city": "2020", "floors": 4}


def test_digits_for_a_colour_stay_a_text(write: Write) -> None:
    source = read_source(write(parameters='colour = "#ff0000"'))
    assert typed_values(source, {"colour": "001122"}) == {"colour": "001122"}


@pytest.mark.parametrize(
    ("own", "text", "said"),
    [
        ("8.0", "8,5", '-p sets x to "8,5", which is a text; question.ipynb has x = 8.0'),
        ("-3", "", '-p sets x to "", which is a text; question.ipynb has x = -3'),
        ("True", "yes", '-p sets x to "yes", which is a text; question.ipynb has x = True'),
        ("[1, 2]", "1 2", '-p sets x to "1 2", which is a text; question.ipynb has x = [1, 2]'),
        ("{}", "{a", '-p sets x to "{a", which is a text; question.ipynb has x = {}'),
        ("[]", "[" * 9000, "which is a text"),
        ("3", "9" * 5000, "-p sets x to a number that cannot be read: Exceeds the limit"),
    ],
)
def test_a_number_with_a_comma_and_a_flag_with_a_yes_are_refused(write: Write, own: str, text: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        typed_values(read_source(write(parameters=f"x = {own}")), {"x": text})


@pytest.mark.parametrize(("own", "text", "value"), [("8.0", "none", None), ("None", "8,5", "8,5"), ("2 * 3", "a", "a")])
def test_no_value_is_a_value_and_what_has_none_takes_any(write: Write, own: str, text: str, value: Any) -> None:
    assert typed_values(read_source(write(parameters=f"x = {own}")), {"x": text}) == {"x": value}


def test_a_limit_that_was_computed_from_another_value_is_refused(write: Write) -> None:
    source = read_source(write(parameters='lpd = 8.0\nlimit = lpd * 2\ntitle = f"{limit} W"'))
    with pytest.raises(InputError, match="-p sets lpd, but the cell of parameters has computed limit from it before"):
        typed_values(source, {"lpd": "4"})
    with pytest.raises(InputError, match="-p sets limit, but the cell of parameters has computed title from it"):
        typed_values(source, {"limit": "4"})
    assert typed_values(source, {"title": "many"}) == {"title": "many"}
    assert typed_values(source, {"lpd": "4", "limit": "8", "title": ""}) == {"lpd": 4, "limit": 8, "title": ""}


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match=r"-p 'city=M\\udcfcnchen' is no text in UTF-8"):
        read_assignments([os.fsdecode(b"city=M\xfcnchen")])


def test_assignments_are_split_at_the_first_equals_sign() -> None:
    assert read_assignments(["city=chicago", "where=a=b", "empty="]) == {"city": "chicago", "where": "a=b", "empty": ""}


@pytest.mark.parametrize("text", ["city", "=chicago", " = 3"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected NAME=VALUE"):
        read_assignments([text])


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="\"city\" is given twice: 'a' and 'b'"):
        read_assignments(["city=a", "city=b"])


def test_unknown_names_are_told_together_with_the_nearest_and_all_known(write: Write) -> None:
    with pytest.raises(InputError) as raised:
        check_names(read_source(write()), ["ctiy", "city", "xyz"], "-p")
    assert str(raised.value) == (
        '-p sets "ctiy" (did you mean "city"?), "xyz"; '
        'the parameters of question.ipynb are city = "chicago", floors = 3'
    )


def test_a_notebook_without_parameters_takes_none(write: Write) -> None:
    source = read_source(write(parameters=None))
    check_names(source, [], "-p")
    with pytest.raises(InputError, match='no cell with the tag "parameters", so -p cannot set city; tag the cell'):
        check_names(source, ["city"], "-p")
