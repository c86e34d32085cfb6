"""What a study will cost before it is run, by what earlier runs cost."""

from __future__ import annotations

import html
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from epstudy.core.errors import EpstudyError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import State, duration, size_text
from epstudy.results.kept import can_read_again
from epstudy.store import Store

_SAMPLE = 200  # results of one study that are looked at


@dataclass(frozen=True, slots=True)
class Estimate:
    """How much of a study is there, and what the rest will cost.

    `to_run` variants are simulated; `read_again` are done, and what is asked besides can be read from their kept files.
    `time_s` is wall time on `slots` simulations at once; `disk_bytes` what the store grows by. They are None when no
    earlier run says; `basis` says which runs do.
    """

    total: int
    done: int
    read_again: int
    to_run: int
    slots: int
    seconds_each: float | None = None
    time_s: float | None = None
    cpu_h: float | None = None
    disk_bytes: float | None = None
    basis: str = "no earlier run to go by"

    def __str__(self) -> str:
        parts = [f"{self.done} of {self.total} done, {self.to_run} to run"]
        if self.read_again:
            parts.append(f"{self.read_again} to be read again from kept files")
        if self.time_s is not None and self.cpu_h is not None:
            parts.append(f"about {duration(self.time_s)} on {self.slots} at once ({self.cpu_h:.2g} CPU hours)")
        if self.disk_bytes is not None:
            parts.append(f"{size_text(self.disk_bytes)} of disk")
        return ", ".join(parts) + f"; {self.basis}"

    def _repr_html_(self) -> str:
        return f"<div>{html.escape(str(self))}</div>"


def estimate(store: Store, manifest: Manifest, slots: int) -> Estimate:
    """Return what a study will cost; the runs to go by are its own, else those of the study that is most like it."""
    held = store.held(manifest.keys)
    keys = list(dict.fromkeys(manifest.keys))
    there = {key for key in keys if f"{key}.json" in held}
    whole = {key for key in there if all(f"{key}.{name}" in held for name in manifest.artifacts)}
    failed = {
        key
        for key, (outcome, _) in store.ends(keys, manifest.artifacts, compare=False).failed.items()
        if outcome.settles(manifest.timeout_s)
    } | {key for index, key in enumerate(manifest.keys) if manifest.refusal(index)}
    readable = {key for key in there - whole if can_read_again(store, manifest, key, held)}
    to_run = [key for key in keys if key not in whole and key not in failed and key not in readable]
    done = sum(key in whole for key in manifest.keys)
    known = Estimate(
        total=len(manifest),
        done=done,
        read_again=sum(key in readable for key in manifest.keys),
        to_run=len(to_run),
        slots=slots,
    )
    for source, basis in _sources(store, manifest):
        seconds, disk = _costs(store, source)
        if seconds:
            each = statistics.fmean(seconds)
            return Estimate(
                known.total,
                known.done,
                known.read_again,
                known.to_run,
                slots,
                seconds_each=each,
                time_s=each * -(-len(to_run) // slots),
                cpu_h=each * len(to_run) / 3600,
                disk_bytes=disk * len(to_run),
                basis=f"by {len(seconds)} runs of {basis}",
            )
    return known


def _sources(store: Store, manifest: Manifest) -> Iterator[tuple[Manifest, str]]:
    """Manifests whose runs may tell, the most alike first."""
    yield manifest, "this study"
    others = []
    for name in store.studies():
        try:
            other = store.manifest(name)
        except EpstudyError:
            continue  # a damaged manifest tells nothing here; opening that study says so
        if other.engine == manifest.engine and name != manifest.study:
            alike = [part for part, value in manifest.recipe.items() if other.recipe.get(part) == value]
            if "period" in alike or "period" not in manifest.recipe:
                others.append((len(alike) + 10 * ("model" in alike), name, other))
    for _, name, other in sorted(others, key=lambda one: (-one[0], one[1])):
        model = "" if other.recipe.get("model") == manifest.recipe.get("model") else ", which has another model"
        yield other, f'study "{name}"{model}'


def _costs(store: Store, manifest: Manifest) -> tuple[list[float], float]:
    """Seconds of each run that is done, and the mean size of what the store holds for one, in bytes."""
    done = {
        key: outcome
        for key, outcome in store.outcomes(manifest.keys[:_SAMPLE]).items()
        if outcome.state is State.DONE and "seconds" in outcome.metrics
    }
    sizes = store.sizes(list(done)[:20])
    return [outcome.metrics["seconds"] for outcome in done.values()], statistics.fmean(sizes) if sizes else 0.0
