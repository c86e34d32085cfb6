"""The outputs of a study as DataFrames: which of them a name means, and the files of its variants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epstudy.core.canonical import folded
from epstudy.core.errors import InputError
from epstudy.core.manifest import Manifest, output_file
from epstudy.core.outcome import State
from epstudy.results.rows import STATUS
from epstudy.results.variants import INDEX, chosen_variants, manifest_frame
from epstudy.store import Store

if TYPE_CHECKING:
    import pandas as pd

#: Other words for a frequency; a meter that is asked for "detailed" is reported each zone timestep.
_ALSO = {
    "timestep": ("zonetimestep", "detailed", "eachcall"),
    "detailed": ("eachcall",),
    "annual": ("yearly",),
    "runperiod": ("environment",),
}


def timeseries_frame(
    store: Store,
    manifest: Manifest,
    name: str,
    key: str | Sequence[str] | None,
    variants: Sequence[int] | None,
    frequency: str | None,
    *,
    long: bool,
) -> pd.DataFrame:
    """Return a meter or variable of a study; see `Study.timeseries`."""
    from epstudy.results.parquet import long_series, wide_series

    name, key, frequency = _checked_series(name, key, frequency)
    chosen = chosen_variants(manifest, variants)
    output = _series_output(manifest, name, key, frequency)
    files = _existing(_files(store, manifest, output, chosen))
    if not files:
        raise InputError(
            f'no variant of study "{manifest.study}" is done that has "{name}"; wait() for one, or look at failures()'
        )
    if "*" in output["name"] and key is None:
        key = _one_meter(output, name)
    if long:
        frame = long_series(files, name, "*" if key is None else key)
    else:
        frame = wide_series(files, name, key)
        level = 0 if frame.columns.nlevels > 1 else None
        frame = _with_all(frame, chosen, level)
    if "*" in output["name"]:
        (unit,) = frame.attrs["units"].values()
        frame.attrs["units"] = {name: unit}
    frame.attrs["study"] = manifest.study
    return frame


def table_frame(store: Store, manifest: Manifest, report: str, table: str | None) -> pd.DataFrame:
    """Return a table of all variants of a study; see `Study.table`."""
    from epstudy.results.parquet import long_table

    output = _table_output(manifest, report, table)
    files = _files(store, manifest, output, range(len(manifest)))
    if not _existing(files):
        raise InputError(
            f'no variant of study "{manifest.study}" is done that has this table; wait() for one, or look at failures()'
        )
    rows = long_table(_existing(files), f"{report} {table or ''}".strip())
    if output["output"] == "component sizes":
        from epstudy.engines.energyplus.outputs.sizes import what_runs

        rows = what_runs(rows)  # the files hold what EnergyPlus wrote, also those of earlier versions
    parameters = manifest_frame(manifest)
    clashes = {column: f"{column}_parameter" for column in parameters.columns if column in rows.columns}
    joined = parameters.rename(columns=clashes).merge(rows, left_index=True, right_on=INDEX, how="right")
    front = [INDEX, *(clashes.get(name, name) for name in parameters.columns)]
    joined = joined[[*front, *(column for column in rows.columns if column != INDEX)]].reset_index(drop=True)
    joined.attrs["study"] = manifest.study
    return joined


def with_output_columns(frame: pd.DataFrame, manifest: Manifest, store: Store) -> pd.DataFrame:
    """Return results with a column for each end use and fuel, `heating_natural_gas_kwh`, where the study asks for them.

    Only those that some variant uses; a variant that does not is 0 there, one that is not done NaN.
    """
    wanted = [output for output in manifest.outputs if output["output"] == "end uses"]
    if not wanted:
        return frame
    import pandas as pd

    from epstudy.results.parquet import long_table

    done = [index for index, status in enumerate(frame[STATUS]) if status == State.DONE]
    files = _existing(_files(store, manifest, wanted[0], done))
    if not files:
        return frame
    rows = long_table(files, "EndUses")
    names = (rows["end_use"] + " " + rows["fuel"]).map(_snake) + "_" + rows["unit"].map(_snake)
    wide = rows.assign(name=names).pivot(index=INDEX, columns="name", values="value")[names.unique()]
    used = [name for name in wide if (wide[name].fillna(0.0) != 0).any() and name not in frame.columns]
    units = dict(zip(names, rows["unit"], strict=True))
    joined = pd.concat([frame, wide[used].reindex(frame.index)], axis=1)
    joined.attrs = {**frame.attrs, "units": {**frame.attrs["units"], **{name: units[name] for name in used}}}
    return joined


def notes_on_outputs(store: Store, manifest: Manifest) -> list[str]:
    """Return what the first result says of each output that it does not have: mostly a name that was mistyped."""
    from epstudy.results.parquet import about

    notes = []
    for output in manifest.outputs:
        files = _files(store, manifest, output, range(min(len(manifest), 50)))
        first = next((path for path in files.values() if path is not None), None)
        note = "" if first is None else str(about(first).get("note", ""))
        if note:
            notes.append(f"{output.get('name') or output['output']}: {note}")
    return notes


def _files(
    store: Store, manifest: Manifest, output: Mapping[str, Any], variants: Iterable[int]
) -> dict[int, Path | None]:
    """For each variant the file of an output; None where there is none (yet), or it is damaged."""
    name = output_file(output)
    files = {}
    for index in variants:
        path = store.artifact(manifest.keys[index], name)
        if path is not None and not _is_whole(path):
            store.discard_artifact(manifest.keys[index], name)
            path = None
        files[index] = path
    return files


def _is_whole(parquet: Path) -> bool:
    """Whether a Parquet file has its beginning and its end."""
    mark = b"PAR1"
    with parquet.open("rb") as file:
        begins = file.read(len(mark)) == mark
        size = file.seek(0, 2)
        file.seek(max(size - len(mark), 0))
        return begins and size > 2 * len(mark) and file.read() == mark


def _existing(files: Mapping[int, Path | None]) -> dict[int, Path]:
    return {index: path for index, path in files.items() if path is not None}


def _with_all(frame: pd.DataFrame, chosen: list[int], level: int | None) -> pd.DataFrame:
    """The frame with a column for every chosen variant: NaN for those that have no file."""
    import pandas as pd

    columns: Any = pd.Index(chosen, name=INDEX)
    if level is not None:
        keys = frame.columns.get_level_values(1).unique()
        columns = pd.MultiIndex.from_product([chosen, keys], names=frame.columns.names)
    whole = frame.reindex(columns=columns)
    whole.attrs = dict(frame.attrs)
    return whole


def _snake(text: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", text.casefold()).strip("_")


def _checked_series(name: Any, key: Any, frequency: Any) -> tuple[str, str | list[str] | None, str | None]:
    """The arguments of `timeseries`; a Meter or Variable may stand for its name."""
    said = getattr(name, "name", name)
    if not isinstance(said, str) or not said.strip():
        raise InputError(f'{name!r} names no series; expected a text such as "Electricity:Facility"')
    keys = key if key is None or isinstance(key, str) else list(key) if isinstance(key, Iterable) else [key]
    if not all(isinstance(one, str) for one in keys or ()):
        raise InputError(f"key is {key!r}; expected the name of a zone, surface or component, or a list of those")
    if frequency is not None and not isinstance(frequency, str):
        raise InputError(f'frequency is {frequency!r}; expected a text such as "hourly"')
    return said, keys, frequency


def _series_output(
    manifest: Manifest, name: str, key: str | Sequence[str] | None, frequency: str | None
) -> Mapping[str, Any]:
    """The request that a name means; the message of the error says what there is, or what to ask for."""
    series = [output for output in manifest.outputs if output["output"] in ("meter", "variable")]
    found = [output for output in series if output["name"] == _folded(name)]
    found = found or [output for output in series if _one_meter(output, name) != "*"]
    if not found:
        there = ", ".join(sorted({f'"{output["name"]}"' for output in series})) or "no series"
        kind = f'ep.Meter("{name}")' if ":" in name else f'ep.Variable("{name}")'
        raise InputError(
            f'study "{manifest.study}" does not ask for "{name}"; it has {there}. Add {kind} to outputs= and run() it'
        )
    if frequency is not None:
        asked = _squeezed(frequency)
        wanted = [output for output in found if asked in (output["frequency"], *_ALSO.get(output["frequency"], ()))]
        if not wanted:
            there = ", ".join(sorted({output["frequency"] for output in found}))
            raise InputError(f'"{name}" is not asked for at the frequency {frequency!r}; it is {there}')
        found = wanted
    frequencies = sorted({output["frequency"] for output in found})
    if len(frequencies) > 1:
        raise InputError(f'"{name}" is there at several frequencies: {", ".join(frequencies)}; give frequency=')
    keys = [key] if isinstance(key, str) else list(key or [])
    wanted_keys = {folded(one.strip()) for one in keys}
    holding = [output for output in found if output.get("key", "*") == "*" or wanted_keys <= {*output["key"]}]
    return (holding or found)[0]


def _one_meter(output: Mapping[str, Any], name: str) -> str:
    """Which of the meters of a pattern is named; "*": the pattern itself, or another series."""
    parts = [re.escape(part) for part in output["name"].split("*")]
    is_one = output["output"] == "meter" and len(parts) > 1 and re.fullmatch(".*".join(parts), _folded(name))
    return name if is_one and "*" not in name else "*"


def _table_output(manifest: Manifest, report: str, table: str | None) -> Mapping[str, Any]:
    squeezed = _squeezed(report)
    for output in manifest.outputs:
        if table is None and squeezed == _squeezed(output["output"]):
            return output
        same = output["output"] == "table" and _squeezed(output["report"]) == squeezed
        if same and (table is None or _squeezed(output["table"]) == _squeezed(table)):
            return output
    own = {"enduses": "ep.EndUses()", "componentsizes": "ep.ComponentSizes()"}
    wanted = own.get(squeezed) or f'ep.Table("{report}", "{table or "name of the table"}")'
    raise InputError(f'study "{manifest.study}" does not ask for this table; add {wanted} to outputs= and run() it')


def _folded(name: str) -> str:
    return folded(" ".join(name.split()))


def _squeezed(name: str) -> str:
    return re.sub(r"[^0-9a-z]", "", name.casefold())
