"""From the store to a DataFrame: one row a variant, whatever became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, State
from epstudy.results.states import NOBODY, status_of
from epstudy.results.variants import manifest_frame

if TYPE_CHECKING:
    import pandas as pd

    from epstudy.results.frames import ResultsFrame

STATUS = "status"
NOTES = "_sizing"  # behind the name of a weather parameter: where its location and design days come from


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
