"""Component sizes as rows that say what runs: EnergyPlus writes what it designed and what the model fixes in two rows.

"User-Specified values were used. Design Size values were used if no User-Specified values were provided" (EnergyPlus
25.2, the footnote of its report "Component Sizing Summary"). Some components write only the one, some only the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

DESIGNED, USER_SPECIFIED = "designed", "user-specified"

#: Beginnings of a description, as EnergyPlus 25.2 has them; "Initial" is the first pass of a plant's sizing.
_DESIGN = re.compile(r"(?:initial )?design size +", re.IGNORECASE)
_USER = re.compile(r"user-specified *(?:\([^)]*\) *)?(?:design size +)?", re.IGNORECASE)
_INITIAL = re.compile(r"initial ", re.IGNORECASE)


def what_runs(sizes: pd.DataFrame) -> pd.DataFrame:
    """Return component sizes with one row a component and quantity.

    Parameters
    ----------
    sizes
        As EnergyPlus wrote them: "component_class", "component", "description", "value" and "unit", below one another
        for several "variant"s.

    Returns
    -------
    DataFrame
        In the order of the first row of each quantity. `value` is what runs. `description` begins with "Design Size"
        where EnergyPlus says whether a size was designed or user-specified, also where it wrote only the latter: so a
        description means one quantity in every variant. `designed` and `user_specified` are the two values, NaN where
        there is none; `source` is "designed" or "user-specified", and empty where EnergyPlus does not say.
    """
    import pandas as pd

    quantities: dict[tuple[Any, ...], dict[str, Any]] = {}
    seen: dict[tuple[Any, ...], int] = {}
    records: list[dict[str, Any]] = sizes.to_dict("records")  # type: ignore[assignment]
    for row in records:
        kind, quantity = _parted(row["description"])
        place = (row.get("variant"), row["component_class"], row["component"], quantity.casefold())
        time = seen[place, kind] = seen.get((place, kind), 0) + 1  # a component may be sized in several passes
        found = quantities.setdefault((*place, bool(kind), time), {**row, "designed": None, "user_specified": None})
        if not kind:
            continue
        found["description"] = f"Design Size {quantity}"
        if kind != "initial" or found["designed"] is None:
            found["user_specified" if kind == USER_SPECIFIED else "designed"] = row["value"]
    rows = [_with_source(row) for row in quantities.values()]
    return pd.DataFrame(rows, columns=[*sizes.columns, "designed", "user_specified", "source"]).astype(
        {"value": float, "designed": float, "user_specified": float}
    )


def _parted(description: str) -> tuple[str, str]:
    """Which of the two values a description names, or neither, and of what quantity."""
    for kind, beginning in ((DESIGNED, _DESIGN), (USER_SPECIFIED, _USER)):
        found = beginning.match(description)
        if found:
            initial = kind == DESIGNED and _INITIAL.match(description)
            return "initial" if initial else kind, description[found.end() :].strip()
    return "", description.strip()


def _with_source(row: dict[str, Any]) -> dict[str, Any]:
    for name, source in (("user_specified", USER_SPECIFIED), ("designed", DESIGNED)):
        if row[name] is not None:
            return {**row, "value": row[name], "source": source}
    return {**row, "source": ""}
