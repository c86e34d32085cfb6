"""The manifest: a whole study as plain JSON, and the keys of its variants. What travels from notebook to workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from epstudy.core.canonical import canonical, content_digest, digest, short_digest
from epstudy.core.contracts import NO_LIMITS, Limits, Prepared, Run
from epstudy.core.errors import StoreError
from epstudy.core.parameter import Level, Parameter, label_of
from epstudy.core.refusal import REFUSED, refusal_of, refused
from epstudy.core.sampling.grid import AS_IN_THE_MODEL, Point
from epstudy.core.shape import NUMBER, Kinds, check_items, check_shape
from epstudy.core.variant import Variant

#: What the digits of a key mean. Another number makes every stored result unreachable: see docs/decisions/.
KEY_FORMAT = 1

#: What the fields of a manifest mean. Workers say which one they read, so that old ones get no new studies.
MANIFEST_FORMAT = 3


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter as the manifest keeps it: each level's label, value and the edits that it makes, in one order.

    `notes` has a text for each level that the results show in a column of their own; empty when there is none.
    `unit` is that of the labels and `label` what figures call the parameter: for people, no part of what is simulated.
    """

    name: str
    kind: str
    targets: tuple[str, ...]
    labels: tuple[Any, ...]
    values: tuple[Any, ...]
    edits: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()
    unit: str = ""
    label: str = ""


@dataclass(frozen=True)
class Manifest:
    """A whole study as plain JSON: written to the store before the first message, read by every worker.

    `rows[i]` holds, for each axis, which of its levels variant `i` has; `keys[i]` is the content address of its result.
    `recipe` is all that a key holds besides the edits; `metrics` maps each scalar of a result to its unit; `baseline`
    is the index of the untouched model, if the study has one.

    `sampling_arguments` are what the points were chosen with: numbers, seed, and the distributions by parameter.
    `outputs` are the requests as the engine wrote them, `keep` the files that the user wants, and `artifacts` the names
    under which both stand beside each result. `sources` holds the user's own code by digest, `needs` what a worker
    must have, `hints` where it may find it. After `stop_after` failures of one cause the study stops. `written` says
    when and by whom it was run, with which epstudy, and what the files were called that the recipe has by content.
    """

    study: str
    engine: str
    recipe: Mapping[str, Any]
    axes: tuple[Axis, ...]
    rows: tuple[tuple[int, ...], ...]
    keys: tuple[str, ...]
    metrics: Mapping[str, str]
    sampling: str = "grid"
    timeout_s: float | None = None
    retries: int = 2
    baseline: int | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[Mapping[str, Any], ...] = ()
    keep: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    sources: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    stop_after: int | None = None
    sampling_arguments: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    def variant(self, index: int) -> Variant:
        """Return variant `index`."""
        row = self.rows[index]
        labels = tuple(axis.labels[level] for axis, level in zip(self.axes, row, strict=True))
        return Variant(index, labels, self.keys[index])

    def edits(self, index: int) -> list[Any]:
        """Return what variant `index` changes in the base model, in the order in which it is applied."""
        chosen = (axis.edits[level] for axis, level in zip(self.axes, self.rows[index], strict=True))
        return sorted((edit for edits in chosen for edit in edits), key=canonical)

    def refusal(self, index: int) -> str:
        """Return why variant `index` cannot be made, and so fails without a simulation; "" when it can."""
        if REFUSED in self.recipe:
            return str(self.recipe[REFUSED])
        return next(
            filter(None, (why.get(level) for why, level in zip(self._refusals, self.rows[index], strict=True))), ""
        )

    @cached_property
    def _refusals(self) -> tuple[dict[int, str], ...]:
        """For each axis, why those of its levels cannot be made that cannot."""
        return tuple(
            {place: why for place, edits in enumerate(axis.edits) if (why := refusal_of(edits))} for axis in self.axes
        )

    @cached_property
    def digest(self) -> str:
        """The content address of what is simulated and how; two runs of the same cell have the same one."""
        said = self.to_json()
        said["rows"] = content_digest(repr(self.rows).encode())
        said["keys"] = content_digest("".join(self.keys).encode())
        for axis in said["axes"]:
            del axis["unit"], axis["label"]
        del said["written"]
        return digest(said)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "format": KEY_FORMAT,
            "manifest": MANIFEST_FORMAT,
            "study": self.study,
            "engine": self.engine,
            "recipe": dict(self.recipe),
            "axes": [
                {
                    "name": axis.name,
                    "kind": axis.kind,
                    "targets": list(axis.targets),
                    "labels": list(axis.labels),
                    "values": list(axis.values),
                    "edits": [list(edits) for edits in axis.edits],
                    "notes": list(axis.notes),
                    "unit": axis.unit,
                    "label": axis.label,
                }
                for axis in self.axes
            ],
            "rows": [list(row) for row in self.rows],
            "keys": list(self.keys),
            "metrics": dict(self.metrics),
            "sampling": self.sampling,
            "timeout_s": self.timeout_s,
            "retries": self.retries,
            "baseline": self.baseline,
            "written": dict(self.written),
            "outputs": [dict(output) for output in self.outputs],
            "keep": list(self.keep),
            "artifacts": list(self.artifacts),
            "sources": dict(self.sources),
            "needs": self.needs,
            "hints": dict(self.hints),
            "stop_after": self.stop_after,
            "sampling_arguments": dict(self.sampling_arguments),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Manifest:
        """Return the Manifest that `to_json` wrote, here or in an earlier version of epstudy.

        Raises
        ------
        StoreError
            When a later version wrote it.
        ValueError
            When it has another shape.
        """
        check_shape(said, {"study": str}, optional={"manifest": int})
        if said.get("manifest", 1) > MANIFEST_FORMAT:
            raise StoreError(f'study "{said["study"]}" was written by a later version of epstudy; update this one')
        _check_manifest(said)
        axes = tuple(
            Axis(
                name=axis["name"],
                kind=axis["kind"],
                targets=tuple(axis["targets"]),
                labels=tuple(axis["labels"]),
                values=tuple(axis["values"]),
                edits=tuple(tuple(edits) for edits in axis["edits"]),
                notes=tuple(axis.get("notes", ())),
                unit=axis.get("unit", ""),
                label=axis.get("label", ""),
            )
            for axis in said["axes"]
        )
        kept = {name: value for name, value in said.items() if name in cls.__dataclass_fields__}
        lists = {name: tuple(said[name]) for name in ("keys", "outputs", "keep", "artifacts") if name in said}
        return cls(**{**kept, **lists, "axes": axes, "rows": tuple(map(tuple, said["rows"]))})


_OF_A_MANIFEST: Mapping[str, Kinds] = {
    "study": str,
    "engine": str,
    "recipe": dict,
    "axes": list,
    "rows": list,
    "keys": list,
    "metrics": dict,
}
_ALSO_OF_A_MANIFEST: Mapping[str, Kinds] = {
    "sampling": str,
    "timeout_s": (*NUMBER, type(None)),
    "retries": int,
    "baseline": (int, type(None)),
    "written": dict,
    "outputs": list,
    "keep": list,
    "artifacts": list,
    "sources": dict,
    "needs": str,
    "hints": dict,
    "stop_after": (int, type(None)),
    "sampling_arguments": dict,
}
_OF_AN_AXIS: Mapping[str, Kinds] = {
    "name": str,
    "kind": str,
    "targets": list,
    "labels": list,
    "values": list,
    "edits": list,
}


def _check_manifest(stored: Mapping[str, Any]) -> None:
    """Raise ValueError unless plain JSON has the shape of a manifest, and its rows name levels that are there."""
    check_shape(stored, _OF_A_MANIFEST, optional=_ALSO_OF_A_MANIFEST)
    for axis in stored["axes"]:
        check_shape(axis, _OF_AN_AXIS, optional={"notes": list})
        check_items(axis["edits"], list, "edits")
        if not len(axis["labels"]) == len(axis["values"]) == len(axis["edits"]):
            raise ValueError(f'the axis "{axis["name"]}" has not as many values as labels')
    check_items(stored["keys"], str, "keys")
    for name in ("metrics", "keep", "artifacts", "written"):
        check_items(stored.get(name, ()), str, name)
    for name, kind in (("rows", list), ("outputs", dict), ("sources", dict)):
        check_items(stored.get(name, ()), kind, name)
    counts = [len(axis["labels"]) for axis in stored["axes"]]
    rows, baseline = stored["rows"], stored.get("baseline")
    if len(rows) != len(stored["keys"]) or not all(_is_row(row, counts) for row in rows):
        raise ValueError('"rows" does not fit the axes and keys')
    if baseline is not None and not 0 <= baseline < len(rows):
        raise ValueError('"baseline" is no variant')


def _is_row(row: Sequence[Any], counts: Sequence[int]) -> bool:
    return len(row) == len(counts) and all(
        isinstance(level, int) and 0 <= level < count for level, count in zip(row, counts, strict=True)
    )


def variant_keys(
    engine: str, recipe: Mapping[str, Any], axes: Sequence[Axis], rows: Sequence[Sequence[int]]
) -> list[str]:
    """Return the key of each row: a digest of the recipe and of the edits, in an order that does not matter.

    A level that edits nothing (None) leaves no trace, so it shares its result with the untouched model.
    """
    base = digest({"format": KEY_FORMAT, "engine": engine, "recipe": dict(recipe)})
    texts = [[[canonical(edit) for edit in edits] for edits in axis.edits] for axis in axes]
    keys = []
    for row in rows:
        edits = sorted(text for axis, level in zip(texts, row, strict=True) for text in axis[level])
        keys.append(hashlib.sha256("\n".join([base, *edits]).encode()).hexdigest())
    return keys


def make_manifest(
    study: str,
    engine: str,
    prepared: Prepared,
    parameters: Mapping[str, Parameter],
    points: Sequence[Point],
    *,
    sampling: str,
    sampling_arguments: Mapping[str, Any] | None = None,
    timeout_s: float | None,
    retries: int,
    baseline: int | None,
    written: Mapping[str, str],
    keep: Sequence[str] = (),
    stop_after: int | None = None,
) -> Manifest:
    """Return the manifest of a prepared study with these points; `prepared.recipe` must be there."""
    assert prepared.recipe is not None
    levels = [_levels(parameter, baseline) for parameter in parameters.values()]
    axes = tuple(
        _axis(name, parameter, prepared, one) for (name, parameter), one in zip(parameters.items(), levels, strict=True)
    )
    rows = _rows(levels, points)
    return Manifest(
        study=study,
        engine=engine,
        recipe=prepared.recipe,
        axes=axes,
        rows=tuple(rows),
        keys=tuple(variant_keys(engine, prepared.recipe, axes, rows)),
        metrics=prepared.metrics,
        sampling=sampling,
        sampling_arguments=sampling_arguments or {},
        timeout_s=timeout_s,
        retries=retries,
        baseline=baseline,
        written=written,
        outputs=tuple(prepared.outputs),
        keep=tuple(keep),
        artifacts=prepared.artifacts,
        sources=prepared.sources,
        needs=prepared.needs,
        hints=prepared.hints,
        stop_after=stop_after,
    )


def _axis(name: str, parameter: Parameter, prepared: Prepared, levels: tuple[Level, ...]) -> Axis:
    """An axis with these levels; those that the parameter itself does not have leave the model as it is."""
    edits, notes = prepared.edits[name], prepared.notes.get(name, ())
    return Axis(
        name=name,
        kind=parameter.kind,
        targets=parameter.targets,
        labels=tuple(level.label for level in levels),
        values=tuple(level.value for level in levels),
        edits=edits + tuple(map(_no_edit, levels[len(edits) :])),
        notes=notes + ("as in the model",) * (len(levels) - len(notes)) if notes else (),
        unit=prepared.units.get(name, ""),
        label=label_of(parameter),
    )


def _no_edit(level: Level) -> tuple[Any, ...]:
    """The edits of a level of which the engine said nothing."""
    return () if level.value is None else (refused(f"the engine makes nothing of level {level.label!r}", level.value),)


def _levels(parameter: Parameter, baseline: int | None) -> tuple[Level, ...]:
    """The levels of a parameter, and "as in the model" where the baseline needs it."""
    there = baseline is None or any(level == AS_IN_THE_MODEL for level in parameter.levels)
    return parameter.levels if there else (*parameter.levels, AS_IN_THE_MODEL)


def _rows(levels: Sequence[tuple[Level, ...]], points: Sequence[Point]) -> list[tuple[int, ...]]:
    """For each point, which level of each parameter it has."""
    places = [{_identity(level): place for place, level in enumerate(one)} for one in levels]
    return [tuple(place[_identity(level)] for place, level in zip(places, point, strict=True)) for point in points]


def _identity(level: Level) -> str:
    return canonical([level.label, level.value])


def output_file(output: Mapping[str, Any]) -> str:
    """Return the name under which the store keeps what was asked for, from the request as plain JSON."""
    return f"{short_digest(output)}.parquet"


def make_run(
    manifest: Manifest,
    index: int,
    folder: Path,
    input_path: Callable[[str], Path],
    *,
    allow_code: bool,
    limits: Limits = NO_LIMITS,
) -> Run:
    """Return what a simulator needs to know of one variant, to be run in this folder within these limits."""
    return Run(
        recipe=manifest.recipe,
        edits=manifest.edits(index),
        folder=folder,
        input_path=input_path,
        timeout_s=manifest.timeout_s,
        sources=manifest.sources,
        outputs=manifest.outputs,
        keep=manifest.keep,
        artifacts=manifest.artifacts,
        allow_code=allow_code,
        hints=manifest.hints,
        limits=limits,
    )
