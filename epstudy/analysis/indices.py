"""Indices of sensitivity, by the method that fits how the variants were chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from epstudy.analysis.sample import Sample, checked_seed, label_key, read_sample
from epstudy.core.errors import InputError
from epstudy.core.extras import require

if TYPE_CHECKING:
    import pandas as pd

    from epstudy.study import Study

_RESAMPLES = 500  # of the bootstrap behind the intervals
_LARGE = 10_000  # base points from which fewer resamples do
_SIZES = 6  # sample sizes at which `convergence` looks
#: Samplings whose first rows are a smaller sample of the same kind; others are shuffled first.
_EVEN_FROM_THE_START = ("sobol", "latin hypercube")


def sensitivity(
    study: Study,
    y: str | pd.Series[Any],
    *,
    confidence: float = 0.95,
    seed: int = 0,
    missing: Literal["refuse", "drop"] = "refuse",
) -> pd.DataFrame:
    """Return how much each parameter moves a result, one row a parameter.

    The method fits the sampling: Sobol's indices after `Saltelli`, elementary effects after `Morris`, and regression
    after all others. `attrs` has "method", "of", "units", "rows", "confidence", "notes".

    Parameters
    ----------
    y
        A column of `study.results()`, or a Series of your own with the variants as its index.
    confidence
        Share of the intervals; each `<index>_interval` is half the width of one.
    seed
        Of the resampling behind the intervals, and of the forest.
    missing
        Whether rows without a number may be dropped. Indices after `Saltelli` and `Morris` compare variants in pairs:
        there they may not. Elsewhere what failed seldom failed by chance, so the rest is another sample.

    Returns
    -------
    DataFrame, index "parameter". By method, in the columns:

    sobol
        `first_order`: share of the variance that the parameter explains alone; `total`: with all its interactions. The
        estimators are those of Saltelli et al. (2010), Computer Physics Communications 181, table 2 (b) and (f).
    morris
        `mu`: mean elementary effect, in the unit of the result: the change over the share of the parameter's
        range by which it was moved, so that a straight line gives its change over the whole range; of a list from its
        first level to its last. `mu_star`: mean of their absolute values; `sigma`: their standard deviation, which is
        of curvature and interactions.
        Morris (1991), Technometrics 33(2); Campolongo et al. (2007), Environmental Modelling & Software 22(10).
    regression
        `coefficient`: standardised coefficient of a linear regression, whose R2 is `attrs["r2_linear"]`; from the first
        level to the second of two categories; NaN for more, and where the rows do not determine it. `importance`: by
        how much R2 drops when the parameter is shuffled, in rows that a forest of extremely randomised trees has not
        seen; the forest's cross-validated R2 is `attrs["r2"]`. Rows that repeat another one count once.

    Raises
    ------
    InputError
        When there is no such column, it has no numbers or one number only, parameters change together, or the rows are
        too few.
    IncompleteError
        When rows are missing: "12 of 512 rows are missing: these indices are not valid".
    """
    if missing not in ("refuse", "drop"):
        raise InputError(f'missing is {missing!r}; expected "refuse" or "drop"')
    sample = read_sample(study, y, drop=missing == "drop")
    _check_whole(sample)
    indices = _METHODS.get(sample.kind, _by_regression)(sample, _checked_share(confidence), checked_seed(seed))
    indices.attrs.update(
        of=sample.name, units={sample.name: sample.unit}, rows=len(sample.result), confidence=confidence, **sample.attrs
    )
    if sample.missing:
        indices.attrs["notes"] += (f"{sample.missing} of {sample.asked} rows are missing, and left out",)
    return indices


def interactions(study: Study, y: str | pd.Series[Any], *, confidence: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Return Sobol's second-order indices, one row a pair of parameters, the greatest first.

    Columns `parameter`, `other`, `second_order`, `second_order_interval`: the share of the variance that both explain
    together beyond what each explains alone.

    Raises
    ------
    InputError
        Unless the sampling is `Saltelli(n, seed, second_order=True)`; otherwise as `sensitivity`.
    IncompleteError
        When rows are missing.
    """
    import pandas as pd

    sample = read_sample(study, y)
    _check_whole(sample)
    if sample.kind != "saltelli" or not sample.arguments["second_order"]:
        raise InputError("interactions need sampling=ep.Saltelli(n, seed, second_order=True)")
    found = _sobol(sample, _checked_share(confidence), checked_seed(seed))
    names = sample.parameters
    pairs = [(one, other) for one in range(len(names)) for other in range(one + 1, len(names))]
    frame = pd.DataFrame(
        {
            "parameter": [names[one] for one, _ in pairs],
            "other": [names[other] for _, other in pairs],
            "second_order": [found["S2"][pair] for pair in pairs],
            "second_order_interval": [found["S2_conf"][pair] for pair in pairs],
        }
    )
    frame.attrs.update(method="sobol", of=sample.name, confidence=confidence, **sample.attrs)
    return frame.sort_values("second_order", ascending=False, ignore_index=True)


def convergence(study: Study, y: str | pd.Series[Any], *, confidence: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Return the indices of smaller samples of the same study: whether more variants would still change them.

    Columns `size` (variants used), `parameter`, `index` (as the columns of `sensitivity`), `value`, `interval`: long,
    one row for each of them; `attrs` as `sensitivity`.

    Raises
    ------
    InputError
        As `sensitivity`.
    IncompleteError
        When rows are missing.
    """
    import pandas as pd

    sample = read_sample(study, y)
    _check_whole(sample)
    share = _checked_share(confidence)
    method = _METHODS.get(sample.kind, _by_regression)
    if method is _by_regression and sample.kind not in _EVEN_FROM_THE_START:
        sample = _shuffled(sample, seed)
    pieces = []
    for size in _sizes(sample):
        part = sample.first(size)
        if part.result.max() == part.result.min():
            continue
        indices = method(part, share, checked_seed(seed))
        for index in (name for name in indices.columns if not name.endswith("_interval")):
            interval = indices.get(f"{index}_interval", pd.Series(float("nan"), indices.index))
            pieces.append(
                pd.DataFrame(
                    {"size": size, "index": index, "value": indices[index], "interval": interval}
                ).reset_index()
            )
    frame = pd.concat(pieces, ignore_index=True)[["size", "parameter", "index", "value", "interval"]]
    frame.attrs = dict(indices.attrs)
    frame.attrs.update(of=sample.name, units={sample.name: sample.unit}, **sample.attrs)
    frame.attrs.update(rows=len(sample.result), confidence=share)
    return frame


def _by_sobol(sample: Sample, confidence: float, seed: int) -> pd.DataFrame:
    found = _sobol(sample, confidence, seed)
    columns = {
        "first_order": found["S1"],
        "first_order_interval": found["S1_conf"],
        "total": found["ST"],
        "total_interval": found["ST_conf"],
    }
    return _frame(sample, "sobol", columns)


def _sobol(sample: Sample, confidence: float, seed: int) -> Any:
    require("SALib")

    import numpy as np
    from SALib.analyze import sobol

    from epstudy.core.sampling.cube import unit_problem

    few = len(sample.result) // _block(sample) < _LARGE
    return sobol.analyze(
        unit_problem(sample.parameters),
        sample.result,
        calc_second_order=sample.arguments["second_order"],
        num_resamples=_RESAMPLES if few else 100,
        conf_level=confidence,
        seed=np.random.default_rng(seed),  # SALib takes a seed of 0 for none
    )


def _by_morris(sample: Sample, confidence: float, seed: int) -> pd.DataFrame:
    import numpy as np
    from scipy import stats

    effects = _elementary_effects(sample)
    sizes = np.abs(effects)
    chosen = np.random.default_rng(seed).integers(len(effects), size=(_RESAMPLES, len(effects)))
    spread = sizes[chosen].mean(axis=1).std(axis=0, ddof=1)
    columns = {
        "mu": effects.mean(axis=0),
        "mu_star": sizes.mean(axis=0),
        "mu_star_interval": stats.norm.ppf(0.5 + confidence / 2) * spread,
        "sigma": effects.std(axis=0, ddof=1),
    }
    return _frame(sample, "morris", columns)


def _elementary_effects(sample: Sample) -> Any:
    """The change of the result over the share of its range by which a parameter was moved: (trajectories, parameters).

    SALib divides by one step for all, which is none of a list's, nor of a distribution's that is not uniform.
    """
    import numpy as np

    block = _block(sample)
    places = _places(sample).reshape(-1, block, block - 1)
    steps = np.diff(places, axis=1)
    changes = np.diff(sample.result.reshape(-1, block), axis=1)
    moved = np.abs(steps).argmax(axis=2)
    trajectory = np.arange(len(places))[:, None]
    effects = np.empty((len(places), block - 1))
    effects[trajectory, moved] = changes / np.take_along_axis(steps, moved[:, :, None], axis=2)[:, :, 0]
    return effects


def _by_regression(sample: Sample, confidence: float, seed: int) -> pd.DataFrame:
    from epstudy.analysis.regression import regress

    columns, attrs = regress(sample, confidence, seed)
    frame = _frame(sample, "regression", columns)
    frame.attrs.update(attrs)
    return frame


_METHODS = {"saltelli": _by_sobol, "morris": _by_morris}


def _frame(sample: Sample, method: str, columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(columns, index=pd.Index(sample.parameters, name="parameter"), dtype=float)
    frame.attrs = {"method": method, "notes": ()}
    return frame


def _places(sample: Sample) -> Any:
    """Where each row stands between the ends of each parameter, 0 to 1; of a list by place: (rows, parameters)."""
    import numpy as np

    columns = []
    for name in sample.parameters:
        labels = sample.levels.get(name)
        if labels is None:
            values = sample.inputs[name].to_numpy(dtype=float)
            least, greatest = sample.arguments.get("ranges", {}).get(name) or (values.min(), values.max())
            columns.append((values - least) / (greatest - least))
        else:
            places = {label_key(label): place / (len(labels) - 1) for place, label in enumerate(labels)}
            columns.append(np.array([places[label_key(label)] for label in sample.inputs[name]]))
    return np.array(columns).T


def _block(sample: Sample) -> int:
    """How many rows belong together."""
    count = len(sample.parameters)
    if sample.kind == "saltelli":
        return (2 if sample.arguments["second_order"] else 1) * count + 2
    return count + 1 if sample.kind == "morris" else 1


def _check_whole(sample: Sample) -> None:
    from epstudy.core.errors import IncompleteError

    if sample.missing and _block(sample) > 1:
        raise IncompleteError(
            f"{sample.missing} of {sample.asked} rows are missing: these indices are not valid, and rows of this "
            "sampling cannot be dropped. Look at study.failures(), mend what failed and study.retry()"
        )


def _sizes(sample: Sample) -> list[int]:
    """Up to six sizes, each about twice the one before, in whole blocks; the last one is the whole sample."""
    block = _block(sample)
    blocks = len(sample.result) // block
    least = 4 if block > 1 else 4 * (len(sample.parameters) + 2)
    halves = [blocks // 2**power for power in range(_SIZES)]
    return [count * block for count in reversed(halves) if count >= least] or [blocks * block]


def _shuffled(sample: Sample, seed: int) -> Sample:
    from dataclasses import replace

    import numpy as np

    order = np.random.default_rng(seed).permutation(len(sample.result))
    return replace(sample, inputs=sample.inputs.iloc[order], result=sample.result[order])


def _checked_share(confidence: Any) -> float:
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence!r}; expected a share between 0 and 1, such as 0.95")
    return float(confidence)
