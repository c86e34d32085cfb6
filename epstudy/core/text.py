"""Parts of messages: which names may be meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near_names(wanted: str, names: Iterable[str], *, count: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return at most `count` of the names that resemble `wanted`, the nearest first; upper and lower case are alike.

    `cutoff` is the least similarity, from 0 to 1, of `difflib.get_close_matches`.

    Examples
    --------
    >>> near_names("heating_kwhh", ["cooling_kwh", "heating_kwh"])
    ['heating_kwh']
    """
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    close = difflib.get_close_matches(wanted.casefold(), folded, n=count, cutoff=cutoff)
    return [name for match in close for name in folded[match]][:count]


def did_you_mean(names: Iterable[str]) -> str:
    """Return the question after these names, or nothing when there are none.

    Examples
    --------
    >>> did_you_mean(["heating_kwh"])
    'did you mean "heating_kwh"?'
    """
    quoted = " or ".join(f'"{name}"' for name in dict.fromkeys(names))
    return f"did you mean {quoted}?" if quoted else ""
