"""Whether the engine takes a study's model at all: tried out once on this machine, known from then on by its content.

A model that the engine refuses at once fails in all variants, and only the engine knows most of the reasons. So the
untouched model is run to its first time step before anything is queued. Where that is refused, levels may mend it: then
variants are tried too, and only a model that none of these makes good is a problem.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epstudy import engines
from epstudy.core.canonical import digest
from epstudy.core.contracts import Prepared, Run, TriesOut
from epstudy.core.errors import EpstudyError
from epstudy.core.manifest import Manifest, variant_keys
from epstudy.core.outcome import DETERMINISTIC, Cause, Outcome, State
from epstudy.core.version import VERSION
from epstudy.store import Store

log = logging.getLogger(__name__)

#: What was tried out by this process, by content: a study that was never run has no store to keep it in.
_TRIED: dict[str, Outcome] = {}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What trying out found: at most one problem and one warning."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What may be tried: the untouched model, or a variant; `in_study` when its result is wanted."""

    what: str
    edits: list[Any]
    key: str
    in_study: bool


def acceptance(store: Store, prepared: Prepared, manifest: Manifest) -> Acceptance:
    """Try out the model of a study whose check found nothing, unless a result of it is in the store."""
    candidates = _candidates(manifest)
    if any(_is_done(store, one.key) for one in candidates):
        return Acceptance()
    try:
        simulator = engines.simulator(manifest.engine)
    except EpstudyError:  # only the workers have it
        return Acceptance()
    if not isinstance(simulator, TriesOut):
        return Acceptance()
    try:
        return _first_accepted(simulator, store, prepared, manifest, candidates)
    finally:
        simulator.close()


def _first_accepted(
    simulator: TriesOut, store: Store, prepared: Prepared, manifest: Manifest, candidates: Sequence[_Candidate]
) -> Acceptance:
    refused: list[tuple[_Candidate, str]] = []
    for one in candidates:
        outcome = _verdict(simulator, store, prepared, manifest, one)
        if outcome.state is not State.FAILED:
            lacking = () if manifest.sources else _lacking(outcome, one)  # a measure may add what reports it
            return Acceptance(warnings=(*_mended(refused, one), *lacking))
        if outcome.cause not in DETERMINISTIC:
            return Acceptance(warnings=(f"the model was not tried out: {outcome.message}",))
        refused.append((one, outcome.message))
    first, message = next((one, text) for one, text in refused if one.in_study)
    what = "the model" if refused[0][1] == message else first.what
    return Acceptance(problems=(f"the engine refuses {what} at once, before its first time step: {message}",))


def _candidates(manifest: Manifest) -> list[_Candidate]:
    """The untouched model, the first variant and the last, each once."""
    untouched = variant_keys(manifest.engine, manifest.recipe, [], [()])[0]
    found = [_Candidate("the model as it is", [], untouched, untouched in manifest.keys)]
    for index in dict.fromkeys((0, len(manifest) - 1)):
        labels = zip((axis.name for axis in manifest.axes), manifest.variant(index).labels, strict=True)
        what = f"the model with {', '.join(f'{name}={label}' for name, label in labels)}"
        found.append(_Candidate(what, manifest.edits(index), manifest.keys[index], in_study=True))
    return list({one.key: one for one in reversed(found)}.values())[::-1]


def _mended(refused: Sequence[tuple[_Candidate, str]], taken: _Candidate) -> tuple[str, ...]:
    """What to say of a model that is refused without some levels and taken with others."""
    rows = [(one, text) for one, text in refused if one.in_study]
    return tuple(f"the engine refuses {one.what}, and takes {taken.what}: {text}" for one, text in rows[:1])


def _lacking(outcome: Outcome, taken: _Candidate) -> tuple[str, ...]:
    """Series that were asked for and that the engine does not have of what it took; others may have them."""
    return tuple(f"{taken.what} has {text}" for text in outcome.details.get("lacks", ()))


def _is_done(store: Store, key: str) -> bool:
    try:
        outcome = store.outcome(key)
    except EpstudyError:
        return False  # a store that cannot be read says so when the study is run
    return outcome is not None and outcome.state is State.DONE


def _verdict(simulator: TriesOut, store: Store, prepared: Prepared, manifest: Manifest, one: _Candidate) -> Outcome:
    """What became of it, this time or an earlier one; what crashed is tried twice, as a worker does."""
    content = digest([VERSION, manifest.hints, one.key, *([manifest.outputs] if manifest.outputs else [])])
    known = _TRIED.get(content) or _stored(store, content)
    if known is not None:
        return known
    outcome = _try_out(simulator, prepared, manifest, one)
    if outcome.cause is Cause.CRASH:
        outcome = _try_out(simulator, prepared, manifest, one)
    if outcome.state is not State.FAILED or outcome.cause in DETERMINISTIC:
        _TRIED[content] = outcome
        _keep(store, content, outcome)
    return outcome


def _try_out(simulator: TriesOut, prepared: Prepared, manifest: Manifest, one: _Candidate) -> Outcome:
    try:
        with tempfile.TemporaryDirectory(prefix="epstudy-check-", ignore_cleanup_errors=True) as name:
            inputs, folder = Path(name, "inputs"), Path(name, "run")
            inputs.mkdir()
            folder.mkdir()
            for file, content in prepared.files.items():
                (inputs / file).write_bytes(content)
            return simulator.try_out(
                Run(
                    recipe=manifest.recipe,
                    edits=one.edits,
                    folder=folder,
                    input_path=lambda file: inputs / file,
                    sources=manifest.sources,
                    allow_code=True,  # the user's own, in a process of the user's
                    hints=manifest.hints,
                    outputs=manifest.outputs,
                )
            )
    except (OSError, EpstudyError) as error:
        return Outcome(State.FAILED, Cause.INFRASTRUCTURE, str(error))


def _stored(store: Store, content: str) -> Outcome | None:
    try:
        return store.tried(content)
    except EpstudyError:
        return None  # a store that cannot be read says so when the study is run


def _keep(store: Store, content: str, outcome: Outcome) -> None:
    try:
        store.put_tried(content, outcome)
    except EpstudyError as error:
        log.debug("what was tried out is not kept: %s", error)  # it costs another second next time
