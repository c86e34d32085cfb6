"""From the store to a DataFrame: one row a variant, whatever became of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epstudy.core.canonical import content_digest, folded
from epstudy.core.errors import InputError, StudyNotFoundError
from epstudy.core.manifest import Manifest, output_file
from epstudy.core.outcome import Outcome, State
from epstudy.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from epstudy.results.frames import ResultsFrame

INDEX = "variant"
STATUS = "status"
NOTES = "_sizing"  # behind the name of a weather parameter: where its location and design days come from
#: Other words for a frequency; a meter that is asked for "detailed" is reported each zone timestep.
_ALSO = {
    "timestep": ("zonetimestep", "detailed", "eachcall"),
    "detailed": ("eachcall",),
    "annual": ("yearly",),
    "runperiod": ("environment",),
}


def variants_frame(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return the variants: index "variant" from 0, one column a parameter with its labels."""
    import pandas as pd

    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows), name=INDEX), columns=list(names))


def manifest_frame(manifest: Manifest) -> pd.DataFrame:
    """Return the variants of a manifest."""
    rows = [manifest.variant(index).labels for index in range(len(manifest))]
    return variants_frame([axis.name for axis in manifest.axes], rows)


def results_frame(manifest: Manifest, outcomes: Mapping[str, Outcome], states: Sequence[str]) -> pd.DataFrame:
    """Return parameters, status and metrics of every variant.

    Shape (variants, parameters + 1 + metrics). A metric is a float, NaN for a variant that is not done and where the
    run cannot say; its unit is in `attrs["units"]`, the engine's own version in `attrs["engine"]`. `states` are the
    ledger's, for variants that the store does not settle; empty when there is no ledger: then they are pending. How
    the variants were chosen is in `attrs["sampling"]`, `["parameters"]`, `["levels"]` (of lists, in their order) and
    `["baseline"]`, the variant of the untouched model, which is no point of the sampling if `["baseline_added"]`.
    `attrs["parameter_units"]` has the units of parameters, `["labels"]` what figures call them; renamed columns keep
    both.
    """
    from epstudy.results.frames import ResultsFrame

    frame = ResultsFrame(manifest_frame(manifest))
    found = [outcomes.get(key) for key in manifest.keys]
    live = states or [NOBODY] * len(manifest)
    frame[STATUS] = [status_of(outcome, state, manifest.timeout_s) for outcome, state in zip(found, live, strict=True)]
    extra = {name: None for outcome in found if outcome for name in outcome.metrics if name not in manifest.metrics}
    for axis in manifest.axes:
        if axis.notes:
            place = manifest.axes.index(axis)
            frame[f"{axis.name}{NOTES}"] = [axis.notes[row[place]] for row in manifest.rows]
    metrics = {
        name: [
            outcome.metrics.get(name, float("nan")) if outcome and outcome.state is State.DONE else float("nan")
            for outcome in found
        ]
        for name in (*manifest.metrics, *extra)
    }
    frame = _with_columns(frame, metrics)
    frame.attrs["units"] = dict(manifest.metrics)
    frame.attrs["parameter_units"] = {axis.name: axis.unit for axis in manifest.axes if axis.unit}
    frame.attrs["labels"] = {axis.name: axis.label for axis in manifest.axes if axis.label}
    frame.attrs["study"] = manifest.study
    frame.attrs |= _chosen_by(manifest)
    engines = sorted({outcome.engine for outcome in found if outcome and outcome.engine})
    frame.attrs["engine"] = ", ".join(engines) or str(manifest.recipe.get("build", ""))
    return frame


def _with_columns(frame: ResultsFrame, columns: Mapping[str, Any]) -> ResultsFrame:
    """The frame with these columns at its end; one of a name that it has takes that one's place.

    In one step: pandas warns of a hundred that are added one by one.
    """
    import pandas as pd

    from epstudy.results.frames import ResultsFrame

    new = {name: values for name, values in columns.items() if name not in frame.columns}
    for name in columns.keys() - new.keys():
        frame[name] = columns[name]
    return ResultsFrame(pd.concat([frame, pd.DataFrame(new, index=frame.index)], axis="columns")) if new else frame


def _chosen_by(manifest: Manifest) -> dict[str, Any]:
    said = manifest.sampling_arguments
    valued = manifest.sampling == "table"  # its cells are the levels, one of their own each
    return {
        "parameters": [axis.name for axis in manifest.axes],
        "sampling": {"kind": manifest.sampling, **said},
        "levels": {
            axis.name: list(axis.labels[: said.get("levels", {}).get(axis.name)])
            for axis in manifest.axes
            if axis.name not in said.get("distributions", ()) and not valued
        },
        "baseline": manifest.baseline,
        "baseline_added": baseline_added(manifest),
    }


def baseline_added(manifest: Manifest) -> bool:
    """Say whether the baseline is no point of the sampling; earlier versions did not say how many points there are."""
    points = manifest.sampling_arguments.get("points")
    if manifest.baseline is None or points is not None:
        return points is not None and len(manifest) > points
    row = manifest.rows[manifest.baseline]
    others = [one for index, one in enumerate(manifest.rows) if index != manifest.baseline]
    return bool(others) and all(all(one[place] != level for one in others) for place, level in enumerate(row))


def told_keys(store: Store, manifest: Manifest, states: Sequence[str]) -> list[str]:
    """Return the keys of the variants that have ended by the ledger's `states`; by the store where there are none.

    There a study that was run and is not under way any more has ended.
    """
    if not states:
        study = manifest.study
        return list(manifest.keys) if store.manifest_mark(study) and store.wanted_of(study) is None else []
    ended = (State.DONE, State.FAILED)
    return [key for key, state in zip(manifest.keys, states, strict=True) if state in ended]


def stored_states(store: Store, manifest: Manifest) -> list[str]:
    """Return the state of each variant by the names of the store's files: quick, and enough to count."""
    held = store.held(manifest.keys, manifest.artifacts, told=told_keys(store, manifest, ()))
    left = (State.CANCELLED if is_cancelled(store, manifest) else State.PENDING).value

    def state(key: str) -> str:
        if f"{key}.json" in held and all(f"{key}.{name}" in held for name in manifest.artifacts):
            return State.DONE.value
        return State.FAILED.value if f"{key}.failed.json" in held else left

    return [state(key) for key in manifest.keys]


def is_cancelled(store: Store, manifest: Manifest) -> bool:
    """Say whether this study was cancelled: not another one, which had its name before."""
    return store.is_cancelled(manifest.study) and is_stored(store, manifest)


def is_stored(store: Store, manifest: Manifest) -> bool:
    """Say whether the study's name stands for this very grid in the store: what is noted there of it concerns it."""
    try:
        return store.manifest(manifest.study).digest == manifest.digest
    except StudyNotFoundError:
        return False


#: Bytes of outputs that are read to see whether a parameter changed any; a file counts so many more for being opened.
_COMPARED_BYTES, _COMPARED_FILE = 200_000_000, 100_000

#: Units of what can be saved, and what has such a unit and is no expense.
_SAVABLE = ("kWh", "kWh/m2", "W")
_NO_EXPENSE = ("electricity_produced_kwh", "electricity_sold_kwh")


def with_savings(frame: pd.DataFrame, reference: int) -> pd.DataFrame:
    """Return results with `<name>_saving` and `<name>_saving_percent` behind each metric that can be saved.

    The saving is the reference's value minus the variant's, in the metric's unit; in percent it is of the reference's
    value, NaN where that is 0.
    """
    status = frame[STATUS].iloc[reference]
    if status in (State.FAILED, State.CANCELLED):
        raise InputError(f"variant {reference} is {status}: there is nothing to compare with; look at failures()")
    units = dict(frame.attrs["units"])
    columns: dict[str, Any] = {}
    for name in frame.columns:
        columns[name] = frame[name]
        unit = units.get(name)
        if unit in _SAVABLE and name not in _NO_EXPENSE:
            value = float(frame[name].iloc[reference])
            saving = value - frame[name]
            columns[f"{name}_saving"] = saving
            columns[f"{name}_saving_percent"] = 100 * saving / (value if value else float("nan"))
            units |= {f"{name}_saving": unit, f"{name}_saving_percent": "%"}
    compared = type(frame)(columns)
    compared.attrs = {**frame.attrs, "units": units, "relative_to": reference}
    return compared


def without_effect(
    frame: pd.DataFrame, parameters: Sequence[str], is_alike: Callable[[Sequence[int]], bool] = lambda _rows: True
) -> list[str]:
    """Return the parameters that changed nothing: whatever the others were, all their levels gave the same results.

    Every column is compared but the seconds, and `is_alike` says whether the outputs of variants are the same. Where no
    energy is known, as after design days, nothing is said.
    """
    done = frame[frame[STATUS] == State.DONE]
    units = frame.attrs["units"]
    numbers = [name for name, unit in units.items() if name in frame and unit != "s"]
    if (
        not len(done)
        or not numbers
        or done["site_energy_kwh" if "site_energy_kwh" in done else numbers[0]].isna().any()
    ):
        return []
    texts = done[list(parameters)].map(repr)  # labels of any kind, told apart
    found = []
    for name in parameters:
        others = [other for other in parameters if other != name]
        alike = texts.groupby(others, sort=False).ngroup() if others else texts[name].map(lambda _: 0)
        several = [rows for rows in alike.groupby(alike).groups.values() if texts.loc[rows, name].nunique() > 1]
        same = several and all((done.loc[rows, numbers].nunique(dropna=False) <= 1).all() for rows in several)
        if same and all(is_alike([int(row) for row in rows]) for rows in several):
            found.append(name)
    return found


class Contents:
    """Whether variants have the same outputs, by the content of their files: the same numbers are the same bytes.

    What is not there, or more than can be read in a moment, is not the same.
    """

    def __init__(self, store: Store, manifest: Manifest) -> None:
        self._store, self._manifest = store, manifest
        self._digests: dict[tuple[str, str], str | None] = {}
        self._left = _COMPARED_BYTES

    def are_alike(self, variants: Sequence[int]) -> bool:
        """Say whether all outputs that the study asks for are the same in these variants."""
        keys = list(dict.fromkeys(self._manifest.keys[index] for index in variants))
        return all(self._is_alike(keys, output_file(output)) for output in self._manifest.outputs)

    def _is_alike(self, keys: Sequence[str], name: str) -> bool:
        first = self._digest(keys[0], name)
        return first is not None and all(self._digest(key, name) == first for key in keys[1:])

    def _digest(self, key: str, name: str) -> str | None:
        if (key, name) not in self._digests:
            path = self._store.artifact(key, name) if self._left > 0 else None
            self._left -= _COMPARED_FILE if path is None else _COMPARED_FILE + path.stat().st_size
            self._digests[key, name] = content_digest(path.read_bytes()) if path and self._left > 0 else None
        return self._digests[key, name]


def with_output_columns(frame: pd.DataFrame, manifest: Manifest, store: Store) -> pd.DataFrame:
    """Return results with a column for each end use and fuel, `heating_natural_gas_kwh`, where the study asks for them.

    Only those that some variant uses; a variant that does not is 0 there, one that is not done NaN.
    """
    wanted = [output for output in manifest.outputs if output["output"] == "end uses"]
    if not wanted:
        return frame
    import pandas as pd

    from epstudy.results.outputs import long_table

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


def notes_on_metrics(manifest: Manifest, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return a line on results that an earlier epstudy made, which did not read all the metrics that this one knows."""
    done = [one for key in dict.fromkeys(manifest.keys) if (one := outcomes.get(key)) and one.state is State.DONE]
    older = [one for one in done if manifest.metrics.keys() - one.metrics.keys()]
    if not older:
        return []
    lacking = [name for name in manifest.metrics if any(name not in one.metrics for one in older)]
    named = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more columns" if len(lacking) > 3 else "")
    return [
        f"{len(older)} of {len(done)} results are of an earlier epstudy, which did not read {named}: "
        "NaN there. They are not simulated again for that; in another store, or for another output, they are"
    ]


def notes_on_outputs(store: Store, manifest: Manifest) -> list[str]:
    """Return what the first result says of each output that it does not have: mostly a name that was mistyped."""
    from epstudy.results.outputs import about

    notes = []
    for output in manifest.outputs:
        files = _files(store, manifest, output, range(min(len(manifest), 50)))
        first = next((path for path in files.values() if path is not None), None)
        note = "" if first is None else str(about(first).get("note", ""))
        if note:
            notes.append(f"{output.get('name') or output['output']}: {note}")
    return notes


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
    from epstudy.results.outputs import long_series, wide_series

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
    from epstudy.results.outputs import long_table

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


def chosen_variants(manifest: Manifest, variants: Any) -> list[int]:
    """Return the indices that `variants=` of a method means: one, several, a slice; None: all.

    Raises
    ------
    InputError
        When one of them is no variant, or there is none.
    """
    every = range(len(manifest))
    if variants is None or isinstance(variants, slice):
        return list(every[variants or slice(None)])
    given = [variants] if isinstance(variants, str) or not isinstance(variants, Iterable) else list(variants)
    for one in given:
        if not hasattr(one, "__index__") or isinstance(one, bool) or int(one) not in every:
            raise InputError(f"there is no variant {one!r}; the study has variants 0 to {len(manifest) - 1}")
    if not given:
        raise InputError(f"variants is empty; the study has variants 0 to {len(manifest) - 1}, None means all")
    return list(dict.fromkeys(int(one) for one in given))


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


def status_of(outcome: Outcome | None, live: str, timeout_s: float | None) -> str:
    """The store's word where it settles the variant, or where nobody is at it; else the ledger's."""
    if outcome is not None and (outcome.settles(timeout_s) or live == NOBODY):
        return outcome.state.value
    if live in (State.DONE, NOBODY):
        return State.PENDING.value  # the ledger may say done where the store has nothing: then the result is gone
    return live


#: Instead of a state: there is no ledger that would know.
NOBODY = ""
