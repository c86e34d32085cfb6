"""From the Parquet files of many variants to one DataFrame: series side by side or stacked, tables stacked.

Each variant has a file of its own for each output. A series holds the column `time`, the end of each interval, and one
column a key; `environment` before it tells the simulated periods apart where there are several. What a file is stands
as JSON in the metadata of its schema, under "epstudy". A file without rows is a variant that did not report this.

Variants are aligned by month, day and time of day, not by year; see `epstudy.results.calendars`. What the days
ran as stands in `attrs["day_types"]`; see `epstudy.results.day_types`.

Files are read one after the other into the array that is returned, and of each only the columns that are asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from epstudy.core.canonical import folded
from epstudy.core.errors import InputError, StoreError
from epstudy.results.calendars import Calendar, aligned, days_as_shown
from epstudy.results.day_types import remember

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

#: Where a file is: its path, its content, or what opens it.
Source = str | os.PathLike[str] | bytes | Callable[[], BinaryIO]

#: Every key of a series.
ALL_KEYS = "*"

TIME, ENVIRONMENT, VARIANT = "time", "environment", "variant"

_ABOUT = b"epstudy"
_SHOWN = 8


def wide_series(files: Mapping[int, Source], name: str, key: str | Iterable[str] | None = None) -> pd.DataFrame:
    """Return a series of many variants: one row a time step, one column a variant.

    Parameters
    ----------
    files
        The file of each variant.
    name
        What the series is called, for messages.
    key
        The key to show, in any case; not needed where there is one only. With a list, or `"*"` for all, the columns
        are (variant, key).

    Returns
    -------
    DataFrame
        Shape (steps, variants), float; index "time" with the stamps of the first variant, or ("environment", "time")
        for design days and several run periods. A variant that did not report this, such as a fuel that it does not
        use, is NaN. Where some have a 29 February and others do not, the stamps are those of one that has, and it is
        NaN in the others. `attrs["units"]` maps the name of the series to its unit.

    Raises
    ------
    InputError
        When no variant has this series, when the key is not there, or is needed and not given, and when variants have
        different numbers of steps that are not of the same days.
    """
    import pandas as pd

    found = _find(files, name, key)
    shown, rows = aligned(name, found.calendars)
    width = len(found.keys)
    values = np.full((len(shown.time), len(files) * width), np.nan, order="F")
    for place, (variant, calendar) in enumerate(found.places.items()):
        if calendar is not None:
            _fill(values[:, place * width : (place + 1) * width], rows[calendar], files[variant], found.keys)
    columns = pd.Index(list(files), name=VARIANT)
    if found.several:
        columns = pd.MultiIndex.from_product([list(files), found.keys], names=[VARIANT, "key"])
    frame = pd.DataFrame(values, index=_index(shown), columns=columns, copy=False)
    frame.attrs["units"] = {found.name: found.unit}
    remember(
        frame, [(one.variants, days_as_shown(shown, one, at)) for one, at in zip(found.calendars, rows, strict=True)]
    )
    return frame


def long_series(files: Mapping[int, Source], name: str, key: str | Iterable[str] | None = ALL_KEYS) -> pd.DataFrame:
    """Return a series of many variants, one row a value: the columns variant, time, key, value.

    Each variant has the stamps and the number of steps that it ran over. `environment` stands before time where there
    are several; `variant` is an integer, `key` a category. A variant that did not report this is NaN, units and errors
    as for `wide_series`, but that any numbers of steps will do.
    """
    import pandas as pd

    found = _find(files, name, key)
    width = len(found.keys)
    calendars = {variant: found.calendars[place or 0] for variant, place in found.places.items()}
    counts = [len(one.time) for one in calendars.values()]
    values = np.full(width * sum(counts), np.nan)
    ends = np.cumsum([width * count for count in counts])
    for variant, end, count in zip(files, ends, counts, strict=True):
        if found.places[variant] is not None:
            block = values[end - width * count : end].reshape(width, count).T
            _fill(block, np.arange(count), files[variant], found.keys)
    columns: dict[str, Any] = {
        VARIANT: np.repeat(np.array(list(files), dtype=np.int64), [width * one for one in counts])
    }
    if any(one.environment is not None for one in found.calendars):
        columns[ENVIRONMENT] = pd.Categorical(np.concatenate([_tiled(one, width) for one in calendars.values()]))
    columns[TIME] = np.concatenate([np.tile(one.time, width) for one in calendars.values()])
    codes = np.concatenate([np.repeat(np.arange(width, dtype=np.int32), count) for count in counts])
    columns["key"] = pd.Categorical.from_codes(codes, categories=pd.Index(found.keys))
    columns["value"] = values
    frame = pd.DataFrame(columns, copy=False)
    frame.attrs["units"] = {found.name: found.unit}
    every = [(one.variants, days_as_shown(one, one, np.arange(len(one.time)))) for one in found.calendars]
    remember(frame, every)
    return frame


def long_table(files: Mapping[int, Source], name: str) -> pd.DataFrame:
    """Return the tables of many variants below one another, with the column "variant" in front.

    A variant that did not report this has no rows.

    Raises
    ------
    InputError
        When no variant has any row; the message says why where the file does.
    """
    import pyarrow as pa

    tables = []
    note = ""
    for variant, source in files.items():
        with _opened(source) as parquet:
            table = parquet.read(use_threads=False)
            note = note or _about(parquet).get("note", "")
        if table.num_rows:
            tables.append(table.add_column(0, VARIANT, pa.array(np.full(table.num_rows, variant, dtype=np.int64))))
    if not tables:
        raise InputError(_nothing(name, note))
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas(ignore_metadata=True)
    return frame


def about(source: Source) -> dict[str, Any]:
    """Return what a file is: its `request`; of a series `name`, `unit`, `frequency`; and a `note` on what it lacks."""
    with _opened(source) as parquet:
        return _about(parquet)


@dataclass(frozen=True, slots=True)
class _Head:
    """What the end of a file tells of it, before any value is read; `span` are the first and the last stamp."""

    keys: tuple[str, ...]
    rows: int
    span: tuple[Any, Any]
    about: Mapping[str, Any]

    @property
    def calendar(self) -> tuple[Any, ...]:
        """The same for files whose steps are the same."""
        days = json.dumps(self.about.get("day_types", {}), sort_keys=True)
        return self.rows, self.span, self.about.get("frequency", ""), days


@dataclass(frozen=True, slots=True)
class _Found:
    """A series of many variants before its values are read: for each the place of its calendar, or None."""

    name: str
    unit: str
    keys: list[str]
    several: bool
    calendars: list[Calendar]
    places: Mapping[int, int | None]


def _find(files: Mapping[int, Source], name: str, key: str | Iterable[str] | None) -> _Found:
    heads = {variant: _head(source) for variant, source in files.items()}
    there = {variant: head for variant, head in heads.items() if head.rows}
    if not there:
        raise InputError(
            _nothing(name, next((head.about["note"] for head in heads.values() if "note" in head.about), ""))
        )
    known = list(dict.fromkeys(one for head in there.values() for one in head.keys))
    keys, several = _chosen(name, key, known)
    alike: dict[tuple[Any, ...], list[int]] = {}
    for variant, head in there.items():
        alike.setdefault(head.calendar, []).append(variant)
    calendars = [_calendar(files[variants[0]], variants, there[variants[0]].about) for variants in alike.values()]
    order = list(alike)
    places = {variant: order.index(head.calendar) if head.rows else None for variant, head in heads.items()}
    said = next(iter(there.values())).about
    return _Found(said.get("name", name), said.get("unit", ""), keys, several, calendars, places)


def _head(source: Source) -> _Head:
    with _opened(source) as parquet:
        names = parquet.schema_arrow.names
        keys = tuple(one for one in names if one not in (TIME, ENVIRONMENT))
        rows = parquet.metadata.num_rows if keys else 0
        return _Head(keys, rows, _span(parquet, names.index(TIME)) if rows else (None, None), _about(parquet))


def _span(parquet: pq.ParquetFile, place: int) -> tuple[Any, Any]:
    """The first and the last stamp, from the statistics at the end of the file."""
    groups = [parquet.metadata.row_group(number).column(place) for number in range(parquet.metadata.num_row_groups)]
    if not all(one.is_stats_set for one in groups):
        stamps = parquet.read(columns=[TIME], use_threads=False)[TIME].to_numpy()
        return str(stamps.min()), str(stamps.max())
    return str(min(one.statistics.min for one in groups)), str(max(one.statistics.max for one in groups))


def _calendar(source: Source, variants: Sequence[int], about: Mapping[str, Any]) -> Calendar:
    """The stamps of a file, the period of each where it has several, and what its days ran as."""
    with _opened(source) as parquet:
        several = ENVIRONMENT in parquet.schema_arrow.names
        table = parquet.read(columns=[TIME, ENVIRONMENT] if several else [TIME], use_threads=False)
    periods = np.array(table[ENVIRONMENT].to_pylist(), dtype=object) if several else None
    days = about.get("day_types", {})
    return Calendar(tuple(variants), table[TIME].to_numpy(), periods, days, about.get("frequency", ""))


def _fill(values: NDArray[np.float64], rows: NDArray[np.intp], source: Source, keys: Sequence[str]) -> None:
    """Read the columns of one file into these rows of its place of the array; a key that it lacks stays NaN."""
    with _opened(source) as parquet:
        there = [key for key in keys if key in parquet.schema_arrow.names]
        table = parquet.read(columns=there, use_threads=False)
        for key in there:
            values[rows, keys.index(key)] = table[key].to_numpy()


def _tiled(one: Calendar, times: int) -> NDArray[np.object_]:
    periods = np.full(len(one.time), "", dtype=object) if one.environment is None else one.environment
    return np.tile(periods, times)


def _index(shown: Calendar) -> pd.Index[Any]:
    import pandas as pd

    time = pd.DatetimeIndex(shown.time, name=TIME)
    if shown.environment is None:
        return time
    return pd.MultiIndex.from_arrays([shown.environment, time], names=[ENVIRONMENT, TIME])


def _chosen(name: str, key: str | Iterable[str] | None, known: list[str]) -> tuple[list[str], bool]:
    """The keys as the files spell them, and whether the columns need to tell them apart."""
    if key is None and len(known) == 1:
        return known, False
    if key is None:
        raise InputError(f'"{name}" has {len(known)} keys; give key=, one of {_some(known)}, a list of them, or "*"')
    if key == ALL_KEYS:
        return known, True
    wanted = [key] if isinstance(key, str) else list(dict.fromkeys(key))
    spelled = {one.casefold(): one for one in known} | {folded(one): one for one in known}
    chosen = {one: spelled.get(folded(one.strip()), spelled.get(one.casefold())) for one in wanted if _is_text(one)}
    lacking = [one for one in wanted if not _is_text(one) or chosen[one] is None]
    if lacking or not wanted:
        said = f"no key {lacking[0]!r}" if lacking else "keys, and the list of those to show is empty"
        raise InputError(f'"{name}" has {said}; it has {_some(known)}')
    return [one for one in chosen.values() if one is not None], not isinstance(key, str)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _nothing(name: str, note: str) -> str:
    return f'no variant has "{name}"' + (f": {note}" if note else "")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _about(parquet: pq.ParquetFile) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((parquet.schema_arrow.metadata or {}).get(_ABOUT, b"{}"))
    return said


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.ExitStack() as stack:
        if callable(source):
            where: Any = stack.enter_context(source())
        else:
            where = pa.BufferReader(source) if isinstance(source, bytes) else os.fspath(source)
        try:
            yield stack.enter_context(pq.ParquetFile(where))
        except (pa.ArrowInvalid, OSError) as error:
            named = source if isinstance(source, str | os.PathLike) else "a file of this series"
            raise StoreError(f"{named} is damaged: {error}; remove it, and run() makes it again") from error
