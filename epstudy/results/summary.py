"""What a study that has ended says of itself: why variants failed, what the engine did not know, what had no effect."""

from __future__ import annotations

from collections.abc import Mapping

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome
from epstudy.results.effects import Contents, without_effect
from epstudy.results.failures import failures_frame
from epstudy.results.outputs import notes_on_outputs
from epstudy.results.rows import notes_on_metrics, results_frame
from epstudy.store import Store

_SUMMED_UP = 5  # groups of failures that are told
_IN_OUTPUTS = ", also in the outputs that were asked for"


def summary(store: Store, manifest: Manifest, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return lines on why variants failed, outputs that the engine did not know, and parameters without effect."""
    failed = failures_frame(manifest, outcomes, []).attrs["summary"]
    more = [f"and {len(failed) - _SUMMED_UP} other messages; see failures()"] if len(failed) > _SUMMED_UP else []
    frame, names = results_frame(manifest, outcomes, []), [axis.name for axis in manifest.axes]
    idle = without_effect(frame, names, Contents(store, manifest).are_alike)
    return [
        *(f"failed: {text}" for text in failed[:_SUMMED_UP]),
        *more,
        *notes_on_metrics(manifest, outcomes),
        *notes_on_outputs(store, manifest),
        *(
            [f"{', '.join(idle)}: all levels gave the same numbers{_IN_OUTPUTS if manifest.outputs else ''}"]
            if idle
            else []
        ),
    ]
