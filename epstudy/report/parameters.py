"""The parameters of a report as somebody typed them: texts become values, and names must be known."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from epstudy.core.errors import InputError
from epstudy.report.source import Source

_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None, "null": None}
_WHOLE = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.?\d+)([eE][+-]?\d+)?")


def read_assignments(texts: Sequence[str]) -> dict[str, str]:
    """Return name and text of each `NAME=VALUE`.

    Raises
    ------
    InputError
        When one is no assignment, or two have the same name.
    """
    said: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError(f"-p {text!r} is no parameter; expected NAME=VALUE, such as -p city=chicago")
        if name in said:
            raise InputError(f'parameter "{name}" is given twice: {said[name]!r} and {value!r}')
        said[name] = value
    return said


def check_names(source: Source, names: Iterable[str], where: str) -> None:
    """Refuse names that the notebook does not know, all of them at once.

    Raises
    ------
    InputError
        When there are such, or the notebook has no cell of parameters. `where` says where they were given.
    """
    given = list(names)
    if not given:
        return
    if source.parameters is None:
        raise InputError(
            f'{source.path.name} has no cell with the tag "parameters", so {where} cannot set {", ".join(given)}; '
            "tag the cell that assigns them (JupyterLab: Property Inspector, Cell Tags)"
        )
    unknown = [name for name in given if name not in source.parameters]
    if unknown:
        listed = ", ".join(f'"{name}"{_did_you_mean(name, source.parameters)}' for name in unknown)
        known = ", ".join(f"{name} = {value}" for name, value in source.parameters.items()) or "none"
        raise InputError(f"{where} sets {listed}; the parameters of {source.path.name} are {known}")


def typed_values(source: Source, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of each parameter: what its text says, or the text where the notebook's own value is one."""
    return {name: text if source.is_text(name) else typed(text) for name, text in texts.items()}


def typed(text: str) -> Any:
    """Return what a text says: a number, true, false or none, a list or dict as Python writes it; else the text."""
    plain = text.strip()
    if plain.casefold() in _WORDS:
        return _WORDS[plain.casefold()]
    if _WHOLE.fullmatch(plain):
        return int(plain)
    if _DECIMAL.fullmatch(plain):
        return float(plain)
    if plain[:1] in ("[", "{"):
        try:
            return ast.literal_eval(plain)
        except (ValueError, SyntaxError):
            return text
    return text


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f' (did you mean "{folded[close[0]]}"?)' if close else ""
