"""The arguments of a Study, looked at as soon as they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from epstudy.core.contracts import Engine
from epstudy.core.errors import InputError
from epstudy.core.outcome import Cause
from epstudy.core.parameter import Parameter

#: Columns of the results beside parameters and metrics: no parameter may have their names.
RESERVED = frozenset({"variant", "status", "cause", "message", "attempts", "worker"}) | frozenset(
    {"fatal", "last_severe", "severe_errors", "warnings", "group"}
)


def checked_engine(engine: Engine) -> Engine:
    if not hasattr(engine, "prepare"):
        raise InputError(f"engine is {engine!r}; expected an engine such as ep.EnergyPlus(model, weather=...)")
    return engine


def checked_parameters(parameters: Mapping[str, Parameter] | Sequence[tuple[str, Parameter]]) -> dict[str, Parameter]:
    pairs = list(parameters.items()) if isinstance(parameters, Mapping) else _pairs(parameters)
    checked: dict[str, Parameter] = {}
    for name, parameter in pairs:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{name!r} is no name of a parameter: expected a text, it becomes a column")
        if name in checked:
            raise InputError(f'two parameters are called "{name}"; give each its own name')
        if name in RESERVED:
            raise InputError(f'no parameter can be called "{name}": the results have a column of that name')
        if not hasattr(parameter, "levels"):
            raise InputError(f'parameter "{name}" is {parameter!r}; expected ep.Field(target, levels)')
        checked[name] = parameter
    return checked


def _pairs(parameters: Any) -> list[tuple[str, Parameter]]:
    given = list(parameters) if isinstance(parameters, list | tuple) else [parameters]
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in given):
        raise InputError(f"parameters are {parameters!r}; expected a dict {{name: ep.Field(target, levels)}}")
    return [(name, parameter) for name, parameter in given]


def checked_timeout(timeout: float | None) -> float | None:
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and 0 < timeout < 1e9):
        raise InputError(f"timeout is {timeout!r}; expected seconds above 0, or None")
    return None if timeout is None else float(timeout)


def checked_retries(retries: int) -> int:
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise InputError(f"retries is {retries!r}; expected a whole number from 0")
    return retries


def checked_count(name: str, count: int | None) -> int | None:
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise InputError(f"{name} is {count!r}; expected a whole number from 1, or None")
    return count


def checked_list(given: Any) -> tuple[Any, ...]:
    """One thing or several, as several; a text is one thing."""
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, list | tuple | set | frozenset):
        return (given,)
    if isinstance(given, set | frozenset):
        return tuple(sorted(given, key=repr))
    return tuple(given)


def checked_keep(keep: Any) -> tuple[str, ...]:
    names = checked_list(keep)
    if not all(isinstance(one, str) for one in names):
        raise InputError(f'keep is {keep!r}; expected names of files such as ("sql", "err")')
    return tuple(sorted({one.casefold().lstrip(".") for one in names}))


def checked_causes(cause: Any) -> tuple[str, ...]:
    causes = checked_list(cause)
    known = [one.value for one in Cause]
    for one in causes:
        if one not in known:
            raise InputError(f"cause is {one!r}; expected one of {', '.join(known)}, several of them, or None")
    return causes
