"""What a variant has of what its study asked for, as one number each: a design-day run has nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from epstudy.core.errors import EpstudyError
from epstudy.core.manifest import Manifest, output_file
from epstudy.results.parquet import long_table, wide_series
from epstudy.store import Store

_MOST = 100  # numbers of one variant
_ORDER = ("meter", "variable", "component sizes")
_ENERGIES = ("site_energy_kwh", "site_eui_kwh_m2")


def lacks_energy(metrics: Mapping[str, float]) -> bool:
    """Say whether these results have the columns of a year's energy, but no values in them."""
    there = [metrics[name] for name in _ENERGIES if name in metrics]
    return bool(there) and not any(map(math.isfinite, there))


def asked_values(store: Store, manifest: Manifest, index: int) -> dict[str, float]:
    """Return the highest value of each series, and component sizes; the unit stands in the name, as in "Fan [W]".

    Meters come first, as there are few, then variables, then sizes; at most 100. What is damaged or gone is left out.
    """
    found: dict[str, float] = {}
    for output in sorted(_shown(manifest), key=lambda one: _ORDER.index(one["output"])):
        path = store.artifact(manifest.keys[index], output_file(output))
        if path is None or len(found) >= _MOST:
            continue
        try:
            for name, value in _values(index, output, path):
                found.setdefault(name, value)
        except (EpstudyError, OSError, ValueError):
            continue
    return dict(list(found.items())[:_MOST])


def _shown(manifest: Manifest) -> list[Mapping[str, Any]]:
    return [output for output in manifest.outputs if output["output"] in _ORDER]


def _values(index: int, output: Mapping[str, Any], path: Any) -> Iterator[tuple[str, float]]:
    match output["output"]:
        case "component sizes":
            rows = long_table({index: path}, "ComponentSizes")
            for row in rows.to_dict("records"):
                if isinstance(row["value"], int | float):
                    yield (
                        _named(f"{row['component']}, {row['description']}", str(row["unit"] or "")),
                        float(row["value"]),
                    )
        case "meter" | "variable":
            series = wide_series({index: path}, str(output["name"]), "*")
            ((called, unit),) = series.attrs["units"].items()
            for key, value in series[index].max().items():
                what = called if output["output"] == "meter" else f"{called}, {key}"
                yield _named(f"highest {what}", unit), float(value)


def _named(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit and unit != "1" else name
