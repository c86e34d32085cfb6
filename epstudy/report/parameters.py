"""The parameters of a report as somebody typed them: texts become values, and names must be known."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from epstudy.core.errors import InputError
from epstudy.core.text import did_you_mean, near_names
from epstudy.report.notebook import Source
from epstudy.report.paths import masked

_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None, "null": None}
_WHOLE = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.?\d+)([eE][+-]?\d+)?")


def read_assignments(texts: Sequence[str]) -> dict[str, str]:
    """Return name and text of each `NAME=VALUE`.

    Raises
    ------
    InputError
        When one is no assignment or no text in UTF-8, or two have the same name.
    """
    said: dict[str, str] = {}
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:  # bytes of the command line that are no text
            raise InputError(f"-p {masked(text)!a} is no text in UTF-8") from None
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError(f"-p {masked(text)!r} is no parameter; expected NAME=VALUE, such as -p city=chicago")
        if name in said:
            raise InputError(f'parameter "{name}" is given twice: {masked(said[name])!r} and {masked(value)!r}')
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
        known = ", ".join(f"{name} = {masked(value)}" for name, value in source.parameters.items()) or "none"
        raise InputError(f"{where} sets {listed}; the parameters of {source.path.name} are {known}")


def typed_values(source: Source, texts: Mapping[str, str], where: str = "-p") -> dict[str, Any]:
    """Return the value of each parameter: what its text says, or the text where the notebook's own value is one.

    Raises
    ------
    InputError
        When the notebook's own value is a number, a bool, a list or a dict, and the text says none of these; or when
        another parameter is computed from one that is set. `where` says where they were given.
    """
    values = {name: _typed_value(source, name, text, where) for name, text in texts.items()}
    for name in source.parameters or {}:
        stale = sorted(source.computed_from(name) & set(texts))
        if name not in texts and stale:
            raise InputError(
                f"{where} sets {', '.join(stale)}, but the cell of parameters has computed {name} from it before; "
                f"set {name}, too, or compute it in a later cell"
            )
    return values


def _typed_value(source: Source, name: str, text: str, where: str) -> Any:
    own = source.own_value(name)
    if isinstance(own, str):
        return text
    try:
        value = typed(text)
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{where} sets {name} to a number that cannot be read: {error}") from error
    if isinstance(value, str) and isinstance(own, int | float | list | dict):
        raise InputError(
            f'{where} sets {name} to "{masked(text)}", which is a text; '
            f"{source.path.name} has {name} = {(source.parameters or {})[name]}"
        )
    return value


def typed(text: str) -> Any:
    """Return what a text says: a number, true, false or none, a list or dict as Python writes it; else the text.

    Raises
    ------
    ValueError
        When it is a whole number with more digits than Python reads.
    """
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
        except (ValueError, SyntaxError, MemoryError, RecursionError):  # the last two: brackets by the thousand
            return text
    return text


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = near_names(name, known, cutoff=0.5)
    return f" ({did_you_mean(close)})" if close else ""
