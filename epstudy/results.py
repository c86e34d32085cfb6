"""From the store to a DataFrame: one row a variant, whatever became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.store import Store

if TYPE_CHECKING:
    import pandas as pd

INDEX = "variant"
STATUS = "status"


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
    run cannot say; its unit is in `attrs["units"]`. `states` are the ledger's, for variants that the store does not
    settle; empty when there is no ledger: then they are pending.
    """
    frame = manifest_frame(manifest)
    found = [outcomes.get(key) for key in manifest.keys]
    live = states or [NOBODY] * len(manifest)
    frame[STATUS] = [_status(outcome, state, manifest.timeout_s) for outcome, state in zip(found, live, strict=True)]
    extra = {name: None for outcome in found if outcome for name in outcome.metrics if name not in manifest.metrics}
    for name in (*manifest.metrics, *extra):
        frame[name] = [
            outcome.metrics.get(name, float("nan")) if outcome and outcome.state is State.DONE else float("nan")
            for outcome in found
        ]
    frame.attrs["units"] = dict(manifest.metrics)
    frame.attrs["study"] = manifest.study
    return frame


#: Units of what can be saved.
_SAVABLE = ("kWh", "kWh/m2", "W")


def with_savings(frame: pd.DataFrame, reference: int) -> pd.DataFrame:
    """Return results with `<name>_saving` and `<name>_saving_percent` behind each metric that can be saved.

    The saving is the reference's value minus the variant's, in the metric's unit; in percent it is of the reference's
    value, NaN where that is 0.
    """
    import pandas as pd

    units = dict(frame.attrs["units"])
    columns: dict[str, Any] = {}
    for name in frame.columns:
        columns[name] = frame[name]
        unit = units.get(name)
        if unit in _SAVABLE:
            value = float(frame[name].iloc[reference])
            saving = value - frame[name]
            columns[f"{name}_saving"] = saving
            columns[f"{name}_saving_percent"] = 100 * saving / (value if value else float("nan"))
            units |= {f"{name}_saving": unit, f"{name}_saving_percent": "%"}
    compared = pd.DataFrame(columns)
    compared.attrs = {**frame.attrs, "units": units, "relative_to": reference}
    return compared


def failures_frame(manifest: Manifest, outcomes: Mapping[str, Outcome], states: Sequence[str]) -> pd.DataFrame:
    """Return the failed variants only: parameters, cause, message, attempts, worker."""
    frame = manifest_frame(manifest)
    live = states or [NOBODY] * len(manifest)
    found = [outcomes.get(key) for key in manifest.keys]
    failed = [
        index
        for index, (outcome, state) in enumerate(zip(found, live, strict=True))
        if _status(outcome, state, manifest.timeout_s) == State.FAILED
    ]
    said = [found[index] or _UNSTORED for index in failed]
    frame = frame.loc[failed]
    frame["cause"] = [outcome.cause.value if outcome.cause else "" for outcome in said]
    frame["message"] = [outcome.message for outcome in said]
    frame["attempts"] = [outcome.attempts for outcome in said]
    frame["worker"] = [outcome.worker for outcome in said]
    return frame


def held_outcomes(store: Store, manifest: Manifest) -> dict[str, Outcome]:
    """Return what the store holds for the keys of a manifest."""
    return store.outcomes(manifest.keys)


def _status(outcome: Outcome | None, live: str, timeout_s: float | None) -> str:
    """The store's word where it settles the variant, or where nobody is at it; else the ledger's."""
    if outcome is not None and (outcome.settles(timeout_s) or live == NOBODY):
        return outcome.state.value
    if live in (State.DONE, NOBODY):
        return State.PENDING.value  # the ledger may say done where the store has nothing: then the result is gone
    return live


#: Instead of a state: there is no ledger that would know.
NOBODY = ""

_UNSTORED = Outcome(
    State.FAILED, Cause.INFRASTRUCTURE, "the worker could not write its outcome into the store; see the worker's log"
)
