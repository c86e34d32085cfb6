"""The one checker: whether the promise of docs/reliability.md holds for a study, whatever happened to its pool.

The invariants I1 to I7. What the store holds is read here from its files, not by the product that wrote them.

    I1  every variant of the manifest has exactly one end: done, failed or cancelled
    I2  one result under its key, equal to that of a run without faults
    I3  no more simulations than variants, kills and bounded retries account for
    I4  nothing is left: no simulation, lease, part of a file, run folder
    I5  running the study again simulates nothing
    I6  what is shown is what the store holds
    I7  workers and Redis take no more memory than a budget
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from shortengine import TRACE, answer_to, name_of

import epstudy as ep
from epstudy.core.manifest import Manifest
from epstudy.store import Store
from tests.faults.pools import Pool
from tests.faults.starts import executions
from tests.support.offices import alive, within

LEFT_S = 20.0  # what a killed worker held is gone by then: a lease lasts twelve seconds
PROCESS_BYTES = 400e6  # a Celery child, a supervisor: they stay below 150 MB; a warm EnergyPlus below 300
REDIS_BYTES = 64e6

#: How often a variant that behaves so is simulated when nothing else happens; None: 1 + retries.
TRIES: dict[str, int | None] = {
    "good": 1,
    "wrong": 1,
    "hang": 1,
    "segfault": 2,
    "unwell": 3,
    "kill-slot": None,
    "kill-worker": None,
}
ENDS = {
    "good": ("done", None),
    "unwell": ("done", None),
    "wrong": ("failed", "simulation"),
    "hang": ("failed", "timeout"),
    "segfault": ("failed", "crash"),
    "kill-slot": ("failed", "lost"),
    "kill-worker": ("failed", "lost"),
}


@dataclass
class Found:
    """What the checker found.

    `lost` variants have no end or a wrong one; `repeated` counts all simulations beyond one a variant, and `doubled`
    those that neither the variants' behaviours nor what was killed account for.
    """

    variants: int = 0
    simulations: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)


def examine(study: ep.Study, pool: Pool, *, extra: int = 0, cancelled: bool = False) -> Found:
    """Return what became of a study that has ended; nothing is asserted.

    `extra` is how many simulations more may have run than the variants' behaviours and the pool's kills account for.
    With `cancelled`, a variant may have no outcome.
    """
    manifest = Store(str(pool.store)).manifest(study.name)
    found = Found(variants=len(manifest))
    ends = {key: _end(pool.store, key, found) for key in dict.fromkeys(manifest.keys)}
    _one_end_and_the_right_one(manifest, ends, found, cancelled)
    _whole_results(manifest, ends, pool, found)
    _not_too_many(manifest, pool, found, extra)
    _shown_as_stored(study, manifest, ends, found)
    _nothing_left(pool, found)
    _memory(pool, found)
    _verified_by_the_product(study, found)
    if not cancelled:
        _nothing_again(study, manifest, ends, pool, found)
    return found


def check(study: ep.Study, pool: Pool, *, extra: int = 0, cancelled: bool = False) -> Found:
    """Examine, and fail with everything that was found."""
    found = examine(study, pool, extra=extra, cancelled=cancelled)
    assert not found.problems, "\n".join([f'study "{study.name}":', *found.problems])
    return found


def read_ends(study: ep.Study, pool: Pool) -> list[Mapping[str, Any]]:
    """The ends of all variants as the store's files have them; one that has none is left out."""
    manifest = Store(str(pool.store)).manifest(study.name)
    ends = (_end(pool.store, key, Found()) for key in dict.fromkeys(manifest.keys))
    return [end for end in ends if end is not None]


def said_of(manifest: Manifest, index: int) -> dict[str, Any]:
    """The levels of a variant by name."""
    return {edit["level"]: edit["value"] for edit in manifest.edits(index)}


def read_verified(path: Path) -> dict[str, Any] | None:
    """The JSON of a file of the store, read by hand: the first line is the SHA-256 of the rest. None: not there.

    Raises
    ------
    ValueError
        When the file is not what was written.
    """
    try:
        stated, _, text = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    text = text.removesuffix(b"\n")
    if hashlib.sha256(text).hexdigest().encode() != stated:
        raise ValueError(f"{path.name} is damaged")
    said: dict[str, Any] = json.loads(text)
    return said


def _end(store: Path, key: str, found: Found) -> Mapping[str, Any] | None:
    """The result under a key, else its failure, else None."""
    folder = store / "results" / key[:2]
    try:
        result, failure = read_verified(folder / f"{key}.json"), read_verified(folder / f"{key}.failed.json")
    except ValueError as error:
        found.problems.append(f"I2: {error}")
        found.lost += 1
        return None
    if result is not None and failure is not None:
        found.problems.append(f"I1: {key[:12]} has a result and a failure")
        found.doubled += 1
    return result or failure


def _one_end_and_the_right_one(
    manifest: Manifest, ends: Mapping[str, Mapping[str, Any] | None], found: Found, cancelled: bool
) -> None:
    for index, key in enumerate(manifest.keys):
        said, end = said_of(manifest, index), ends[key]
        behaviour = said.get("behaviour", "good")
        if end is None:
            if not cancelled:
                found.lost += 1
                found.problems.append(f"I1: variant {index} ({behaviour}) has no end")
            continue
        if (end["state"], end["cause"]) != ENDS[behaviour]:
            found.lost += 1
            found.problems.append(
                f"I1: variant {index} ({behaviour}) is {end['state']} ({end['cause']}: {end['message']}), "
                f"attempts {end['attempts']}; expected {ENDS[behaviour]}"
            )
        elif end["state"] == "done" and end["metrics"].get("answer") != answer_to(said["value"]):
            found.lost += 1
            found.problems.append(f"I2: variant {index} has {end['metrics']}, expected {answer_to(said['value'])}")


def _whole_results(manifest: Manifest, ends: Mapping[str, Mapping[str, Any] | None], pool: Pool, found: Found) -> None:
    """A result of a study that keeps files has them; looked at before the study is run again, which makes them anew."""
    without = [
        key
        for key, end in ends.items()
        if manifest.artifacts and end is not None and end["state"] == "done"
        if not (pool.store / "results" / key[:2] / f"{key}.{TRACE}").exists()
    ]
    if without:
        found.lost += len(without)
        found.problems.append(f"I1: {len(without)} results have no {TRACE}")


def _not_too_many(manifest: Manifest, pool: Pool, found: Found, extra: int) -> None:
    counted = executions(pool.log)
    variants = {name_of(manifest.edits(index)): index for index in range(len(manifest))}
    found.simulations = sum(counted[name] for name in variants)
    found.repeated = sum(max(counted[name] - 1, 0) for name in variants)
    allowed, exposed = 0, pool.exposed + extra
    for name, index in variants.items():
        behaviour = said_of(manifest, index).get("behaviour", "good")
        tries = TRIES[behaviour] or 1 + manifest.retries
        allowed += min(tries, counted[name]) if counted[name] else 0
        if behaviour == "kill-worker":
            exposed += counted[name] * (getattr(pool, "slots", 2) - 1)
        if behaviour != "good" and counted[name] > tries + exposed:
            found.problems.append(f"I3: variant {index} ({behaviour}) was simulated {counted[name]} times")
    over = found.simulations - allowed - exposed
    if over > 0:
        found.doubled += over
        often = {name: count for name, count in counted.items() if name in variants and count > 1}
        found.problems.append(
            f"I3: {found.simulations} simulations, allowed are {allowed} and {exposed} for what was killed: {often}"
        )


def _shown_as_stored(
    study: ep.Study, manifest: Manifest, ends: Mapping[str, Mapping[str, Any] | None], found: Found
) -> None:
    stored = Counter((ends[key] or {"state": "cancelled"})["state"] for key in manifest.keys)
    progress = study.progress()
    shown = {"done": progress.done, "failed": progress.failed, "cancelled": progress.cancelled}
    if not progress.complete or shown != {state: stored[state] for state in shown}:
        found.problems.append(f"I6: progress says {progress}, the store has {dict(stored)}")
    statuses = Counter(study.results()["status"])
    if statuses != stored:
        found.problems.append(f"I6: results() has {dict(statuses)}, the store {dict(stored)}")


def _nothing_left(pool: Pool, found: Found) -> None:
    Store(str(pool.store)).clear_parts()  # as every worker does at its start, and every five minutes
    for what, left in (
        ("simulation", pool.simulations),
        ("lease", lambda: pool.redis().keys("ep:lease:*")),
        ("part of a file", lambda: parts_of(pool.store)),
        ("run folder", lambda: list(pool.scratch.glob("**/runs/*"))),
        ("count of attempts beside an end", lambda: list(pool.store.glob("attempts/*/*"))),
        ("note that a study is wanted", lambda: list(pool.store.glob("wanted/*"))),
    ):
        try:
            within(LEFT_S, lambda left=left: not left())  # type: ignore[misc]
        except AssertionError:
            found.problems.append(f"I4: left is a {what}: {left()}")


def parts_of(store: Path) -> list[Path]:
    """The unfinished files in a store."""
    return [path for path in store.glob("**/*") if path.name.endswith(".part")]


def _memory(pool: Pool, found: Found) -> None:
    for process in alive(
        [one for supervisor in pool.supervisors() for one in [supervisor, *supervisor.children(True)]]
    ):
        try:
            taken, name = process.memory_info().rss, " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        if taken > PROCESS_BYTES:
            found.problems.append(f"I7: process {process.pid} takes {taken / 1e6:.0f} MB: {name}")
    info: Any = pool.redis().info("memory")
    if info["used_memory"] > REDIS_BYTES:
        found.problems.append(f"I7: Redis takes {info['used_memory'] / 1e6:.0f} MB")


def _verified_by_the_product(study: ep.Study, found: Found) -> None:
    found.problems += [f"verify(): {problem}" for problem in study.verify().problems]


def _nothing_again(
    study: ep.Study, manifest: Manifest, ends: Mapping[str, Mapping[str, Any] | None], pool: Pool, found: Found
) -> None:
    """What was lost with its worker is worth another run, so there only what is missing is asked for."""
    before = sum(executions(pool.log).values())
    unsettled = any(end is not None and end["cause"] in ("lost", "infrastructure", "timeout") for end in ends.values())
    study.run(only="missing" if unsettled else None).wait()
    after = sum(executions(pool.log).values())
    if after != before:
        found.doubled += after - before
        found.problems.append(f"I5: running the study again started {after - before} simulations")
