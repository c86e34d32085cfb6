"""Results as labelled arrays: the parameters of a grid as dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from epstudy.core.canonical import canonical
from epstudy.core.errors import InputError
from epstudy.core.extras import require
from epstudy.core.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

_UNTOUCHED = "as in the model"


def dataset(manifest: Manifest, frame: pd.DataFrame, series: Mapping[str, pd.DataFrame]) -> xr.Dataset:
    """Return the results of a grid and these series; see `Study.to_xarray`.

    Raises
    ------
    InputError
        When the study is no grid, or a name stands for two things.
    """
    require("xarray")

    import numpy as np
    import xarray as xr

    if manifest.sampling != "grid":
        raise InputError(
            f'study "{manifest.study}" is no grid but a sample ({manifest.sampling}): its points fill no array. '
            "results() is its table, and results().to_xarray() an array over the variants"
        )
    names = [axis.name for axis in manifest.axes]
    clashes = sorted({*names, "time", "key"} & {*series} | {*names} & {"time", "key"} | {*frame.columns} & {*series})
    if clashes:
        raise InputError(f'"{clashes[0]}" would be two things in one dataset; give the parameter another name')
    rows = np.array(manifest.rows)
    kept = _points(manifest, frame, rows)
    coordinates, places = _coordinates(manifest, rows[kept])
    shape = tuple(len(one) for one in coordinates.values())
    units = frame.attrs["units"]
    data: dict[str, Any] = {}
    for name in frame.columns.drop(names):
        cells = _filled(shape, places, frame[name].to_numpy()[kept])
        data[name] = (names, cells, {"units": units[name]} if name in units else {})
    for name, one in series.items():
        data[name] = _series(name, one, names, shape, places, kept)
    attrs = {key: frame.attrs[key] for key in ("study", "engine")}
    return xr.Dataset(data, coords=coordinates, attrs=attrs)


def _points(manifest: Manifest, frame: pd.DataFrame, rows: NDArray[Any]) -> NDArray[Any]:
    """The variants that are points of the grid: without the baseline where that was added to it."""
    import numpy as np

    added = manifest.baseline if frame.attrs["baseline_added"] else None
    return np.array([index for index in range(len(rows)) if index != added])


def _coordinates(manifest: Manifest, rows: NDArray[Any]) -> tuple[dict[str, Any], tuple[NDArray[Any], ...]]:
    """The labels along each dimension, and where each row stands; levels of one label are one place."""
    import numpy as np

    coordinates: dict[str, Any] = {}
    places = []
    for number, axis in enumerate(manifest.axes):
        used = sorted(set(rows[:, number].tolist()))
        labels: dict[str, Any] = {}
        where = {}
        for level in used:
            said = canonical(axis.labels[level])
            if isinstance(axis.labels[level], list | dict):
                raise InputError(f'the labels of "{axis.name}" are no coordinates; give its levels as {{label: value}}')
            labels.setdefault(said, axis.labels[level])
            where[level] = list(labels).index(said)
        shown = [_UNTOUCHED if label is None else label for label in labels.values()]
        kinds = {type(label) for label in shown}
        coordinates[axis.name] = np.array(shown, dtype=None if len(kinds) == 1 or kinds <= {int, float} else object)
        places.append(np.array([where[level] for level in rows[:, number].tolist()]))
    return coordinates, tuple(places)


def _filled(shape: tuple[int, ...], places: tuple[NDArray[Any], ...], values: NDArray[Any]) -> NDArray[Any]:
    """An array of the grid's shape with these values at their places; NaN, or an empty text, where there is none."""
    import numpy as np

    numeric = values.dtype.kind in "fi"
    cells = np.full(shape + values.shape[1:], np.nan if numeric else "", dtype=float if numeric else object)
    cells[places] = values
    return cells


def _series(
    name: str,
    frame: pd.DataFrame,
    names: Sequence[str],
    shape: tuple[int, ...],
    places: tuple[NDArray[Any], ...],
    kept: NDArray[Any],
) -> Any:
    """A series as a variable over the parameters, its keys where it has several, and time."""
    import xarray as xr

    unit = next(iter(frame.attrs["units"].values()), "")
    if frame.index.nlevels > 1:
        raise InputError(f'"{name}" has several periods, such as design days, in one series; use timeseries()')
    steps = {"time": frame.index.to_numpy()}
    if frame.columns.nlevels == 1:
        cells = _filled(shape, places, frame[kept.tolist()].to_numpy().T)
        return xr.DataArray(cells, dims=[*names, "time"], coords=steps, attrs={"units": unit})
    keys = frame.columns.get_level_values(1).unique()
    values = frame[[(variant, key) for variant in kept.tolist() for key in keys]].to_numpy()
    cells = _filled(shape, places, values.reshape(len(frame), len(kept), len(keys)).transpose(1, 2, 0))
    return xr.DataArray(
        cells, dims=[*names, "key", "time"], coords={**steps, "key": keys.to_numpy()}, attrs={"units": unit}
    )
