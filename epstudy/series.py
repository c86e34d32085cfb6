"""From the Parquet files of many variants to one DataFrame: series side by side or stacked, tables stacked.

Each variant has a file of its own for each output. A series holds the column `time`, the end of each interval, and one
column a key; `environment` before it tells the simulated periods apart where there are several. What a file is stands
as JSON in the metadata of its schema, under "epstudy". A file without rows is a variant that did not report this.

Variants are aligned by position, not by year: a leap year without its 29 February has as many steps as any other.
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
        use, is NaN. `attrs["units"]` maps the name of the series to its unit.

    Raises
    ------
    InputError
        When no variant has this series, when the key is not there, or is needed and not given, and when variants have
        different numbers of steps.
    """
    import pandas as pd

    block = _read(files, name, key)
    columns = pd.Index(block.variants, name=VARIANT)
    if block.several:
        columns = pd.MultiIndex.from_product([block.variants, block.keys], names=[VARIANT, "key"])
    frame = pd.DataFrame(block.values, index=_index(block), columns=columns, copy=False)
    frame.attrs["units"] = {block.name: block.unit}
    return frame


def long_series(files: Mapping[int, Source], name: str, key: str | Iterable[str] | None = ALL_KEYS) -> pd.DataFrame:
    """Return a series of many variants, one row a value: the columns variant, time, key, value.

    `environment` stands before time where there are several; `variant` is an integer, `key` a category. Missing
    variants, units and errors as for `wide_series`.
    """
    import pandas as pd

    block = _read(files, name, key)
    steps, times = len(block.time), len(block.variants) * len(block.keys)
    columns: dict[str, Any] = {VARIANT: np.repeat(np.array(block.variants, dtype=np.int64), len(block.keys) * steps)}
    if block.environment is not None:
        columns[ENVIRONMENT] = pd.Categorical(np.tile(block.environment, times))
    columns[TIME] = np.tile(block.time, times)
    codes = np.tile(np.repeat(np.arange(len(block.keys), dtype=np.int32), steps), len(block.variants))
    columns["key"] = pd.Categorical.from_codes(codes, categories=pd.Index(block.keys))
    columns["value"] = block.values.ravel(order="F")
    frame = pd.DataFrame(columns, copy=False)
    frame.attrs["units"] = {block.name: block.unit}
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
    """What the end of a file tells of it, before any value is read."""

    keys: tuple[str, ...]
    rows: int
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Block:
    """A series of many variants: `values` has the shape (steps, variants x keys), the keys of a variant together."""

    name: str
    unit: str
    variants: list[int]
    keys: list[str]
    several: bool
    time: NDArray[np.datetime64]
    environment: NDArray[np.object_] | None
    values: NDArray[np.float64]


def _read(files: Mapping[int, Source], name: str, key: str | Iterable[str] | None) -> _Block:
    heads = {variant: _head(source) for variant, source in files.items()}
    there = {variant: head for variant, head in heads.items() if head.rows}
    if not there:
        raise InputError(
            _nothing(name, next((head.about["note"] for head in heads.values() if "note" in head.about), ""))
        )
    _check_lengths(name, there)
    known = list(dict.fromkeys(one for head in there.values() for one in head.keys))
    keys, several = _chosen(name, key, known)
    first, head = next(iter(there.items()))
    values = np.full((head.rows, len(files) * len(keys)), np.nan, order="F")
    for place, variant in enumerate(files):
        if variant in there:
            _fill(values[:, place * len(keys) : (place + 1) * len(keys)], files[variant], keys)
    time, environment = _steps(files[first])
    said = head.about
    return _Block(said.get("name", name), said.get("unit", ""), list(files), keys, several, time, environment, values)


def _head(source: Source) -> _Head:
    with _opened(source) as parquet:
        names = parquet.schema_arrow.names
        keys = tuple(one for one in names if one not in (TIME, ENVIRONMENT))
        return _Head(keys, parquet.metadata.num_rows if keys else 0, _about(parquet))


def _fill(values: NDArray[np.float64], source: Source, keys: Sequence[str]) -> None:
    """Read the columns of one file into its place of the array; a key that it lacks stays NaN."""
    with _opened(source) as parquet:
        there = [key for key in keys if key in parquet.schema_arrow.names]
        table = parquet.read(columns=there, use_threads=False)
        for key in there:
            values[:, keys.index(key)] = table[key].to_numpy()


def _steps(source: Source) -> tuple[NDArray[np.datetime64], NDArray[np.object_] | None]:
    """The stamps of a file, and the period of each where it has several."""
    with _opened(source) as parquet:
        several = ENVIRONMENT in parquet.schema_arrow.names
        table = parquet.read(columns=[TIME, ENVIRONMENT] if several else [TIME], use_threads=False)
    return table[TIME].to_numpy(), np.array(table[ENVIRONMENT].to_pylist(), dtype=object) if several else None


def _index(block: _Block) -> pd.Index[Any]:
    import pandas as pd

    time = pd.DatetimeIndex(block.time, name=TIME)
    if block.environment is None:
        return time
    return pd.MultiIndex.from_arrays([block.environment, time], names=[ENVIRONMENT, TIME])


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


def _check_lengths(name: str, heads: Mapping[int, _Head]) -> None:
    first, length = next((variant, head.rows) for variant, head in heads.items())
    others = {variant: head.rows for variant, head in heads.items() if head.rows != length}
    if others:
        other, rows = next(iter(others.items()))
        more = f" (and {len(others) - 1} more differ from variant {first})" if len(others) > 1 else ""
        raise InputError(
            f'"{name}" has {length} steps in variant {first} and {rows} in variant {other}{more}; variants are aligned '
            "by position, so look at those of one length at a time: variants=[...]"
        )


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
