"""Why variants failed: one row a failure, one row a cause, one row a level that occurs among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epstudy.core.manifest import Manifest
from epstudy.core.message_groups import normalised
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.results.states import NOBODY, status_of
from epstudy.results.variants import manifest_frame

if TYPE_CHECKING:
    import pandas as pd

_SUMMARY_LENGTH = 200


def failures_frame(manifest: Manifest, outcomes: Mapping[str, Outcome], states: Sequence[str]) -> pd.DataFrame:
    """Return the failed variants only: parameters, what is known of the failure, and its group.

    The columns are cause, message, attempts, worker; fatal and last_severe, the engine's own messages ("" where it left
    none); severe_errors and warnings, counts, NaN where the engine said nothing; and group, what the message has in
    common with those of the same cause. The columns and their types are there without a single failure, too.
    `attrs["summary"]` has a line for each group, the largest first: "27 variants: … Schedule Name = NOPE, item not
    found". `states` are the ledger's, empty when there is no ledger.
    """
    import pandas as pd

    failed = _failed(manifest, outcomes, states)
    said = list(failed.values())
    frame = manifest_frame(manifest).loc[list(failed)]
    columns: dict[str, tuple[list[Any], type]] = {
        "cause": ([_cause(one) for one in said], str),
        "message": ([one.message for one in said], str),
        "attempts": ([one.attempts for one in said], int),
        "worker": ([one.worker for one in said], str),
        "fatal": ([str(one.details.get("fatal") or "") for one in said], str),
        "last_severe": ([str(one.details.get("last_severe") or "") for one in said], str),
        "severe_errors": ([_count(one, "severe_errors") for one in said], float),
        "warnings": ([_count(one, "warnings") for one in said], float),
        "group": (_normalised(one.message for one in said), str),
    }
    frame = frame.assign(
        **{name: pd.Series(values, index=frame.index, dtype=kind) for name, (values, kind) in columns.items()}
    )
    frame.attrs["summary"] = [group.summary for group in _groups(failed)]
    return frame


def failure_groups_frame(manifest: Manifest, outcomes: Mapping[str, Outcome], states: Sequence[str]) -> pd.DataFrame:
    """Return one row for each cause and group of messages, the largest first.

    The columns are variants, their count; cause; group; example, the index of the first of them; and its message.
    """
    import pandas as pd

    groups = _groups(_failed(manifest, outcomes, states))
    return pd.DataFrame(
        {
            "variants": pd.Series([len(group.variants) for group in groups], dtype=int),
            "cause": pd.Series([group.cause for group in groups], dtype=str),
            "group": pd.Series([group.text for group in groups], dtype=str),
            "example": pd.Series([group.variants[0] for group in groups], dtype=int),
            "message": pd.Series([group.message for group in groups], dtype=str),
        }
    )


def failing_levels_frame(manifest: Manifest, outcomes: Mapping[str, Outcome], states: Sequence[str]) -> pd.DataFrame:
    """Return one row for each level that occurs in a failed variant, the most suspicious first.

    The columns are parameter; level, its label; failed, how many of its variants did; of, how many have ended, done or
    failed; and share, the one by the other. Sorted by share; where it is equal, a level comes first that is the only
    one of its parameter to fail while others end well, and then the one with more failures.
    """
    import pandas as pd

    statuses = _statuses(manifest, outcomes, states)
    levels = [level for place in range(len(manifest.axes)) for level in _failing_levels(manifest, place, statuses)]
    levels.sort(key=lambda level: (-level.failed / level.of, not level.alone, -level.failed))
    return pd.DataFrame(
        {
            "parameter": pd.Series([level.parameter for level in levels], dtype=str),
            "level": pd.Series([level.label for level in levels], dtype=object),
            "failed": pd.Series([level.failed for level in levels], dtype=int),
            "of": pd.Series([level.of for level in levels], dtype=int),
            "share": pd.Series([level.failed / level.of for level in levels], dtype=float),
        }
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Variants that failed for one cause, and the message of the first of them."""

    cause: str
    text: str
    message: str
    variants: tuple[int, ...]

    @property
    def summary(self) -> str:
        count = len(self.variants)
        text = self.text or self.cause
        short = text if len(text) <= _SUMMARY_LENGTH else f"{text[:_SUMMARY_LENGTH]}…"
        return f"{count} variant{'s' if count != 1 else ''}: {short}"


@dataclass(frozen=True, slots=True)
class _Level:
    """A level among the failures: `failed` of the `of` variants that have it and have ended; `alone` if no other is."""

    parameter: str
    label: Any
    failed: int
    of: int
    alone: bool


def _groups(failed: Mapping[int, Outcome]) -> list[_Group]:
    """Failed variants by cause and normalised message, the largest group first, then in the order of the variants."""
    members: dict[tuple[str, str], list[int]] = {}
    for (index, outcome), text in zip(failed.items(), _normalised(one.message for one in failed.values()), strict=True):
        members.setdefault((_cause(outcome), text), []).append(index)
    groups = [
        _Group(cause, text, failed[indices[0]].message, tuple(indices)) for (cause, text), indices in members.items()
    ]
    return sorted(groups, key=lambda group: -len(group.variants))


def _failing_levels(manifest: Manifest, place: int, statuses: Sequence[str]) -> list[_Level]:
    """The levels of one parameter that occur among the failures, in their order."""
    ended = [
        (row[place], status == State.FAILED)
        for row, status in zip(manifest.rows, statuses, strict=True)
        if status in (State.DONE, State.FAILED)
    ]
    of = Counter(level for level, _ in ended)
    failed = Counter(level for level, is_failed in ended if is_failed)
    axis = manifest.axes[place]
    alone = len(failed) == 1 and len(of) > 1
    return [_Level(axis.name, axis.labels[level], failed[level], of[level], alone) for level in sorted(failed)]


def _failed(manifest: Manifest, outcomes: Mapping[str, Outcome], states: Sequence[str]) -> dict[int, Outcome]:
    """Index and outcome of every failed variant."""
    statuses = _statuses(manifest, outcomes, states)
    return {
        index: outcomes.get(key) or _UNSTORED
        for index, (key, status) in enumerate(zip(manifest.keys, statuses, strict=True))
        if status == State.FAILED
    }


def _statuses(manifest: Manifest, outcomes: Mapping[str, Outcome], states: Sequence[str]) -> list[str]:
    live = states or [NOBODY] * len(manifest)
    return [
        status_of(outcomes.get(key), state, manifest.timeout_s) for key, state in zip(manifest.keys, live, strict=True)
    ]


def _normalised(messages: Iterable[str]) -> list[str]:
    """Each message normalised; the same one only once, for there may be thousands."""
    known: dict[str, str] = {}
    return [known.get(message) or known.setdefault(message, normalised(message)) for message in messages]


def _cause(outcome: Outcome) -> str:
    return outcome.cause.value if outcome.cause else ""


def _count(outcome: Outcome, name: str) -> float:
    """A count among the details, which leave out what there is none of; NaN when the engine said nothing at all."""
    return float(outcome.details.get(name, 0)) if outcome.details else float("nan")


_UNSTORED = Outcome(
    State.FAILED, Cause.INFRASTRUCTURE, "the worker could not write its outcome into the store; see the worker's log"
)
