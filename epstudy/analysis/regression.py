"""Sensitivity by regression: a straight line through all rows, and a random forest that is tried on unseen ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epstudy.analysis.sample import Sample, label_key
from epstudy.core.errors import InputError
from epstudy.core.extras import require

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_TOGETHER = 0.95  # correlation of two parameters from which their effects cannot be told apart
_NOTED = 0.5  # ... and from which it is told
_FOLDS = 5
_TREES = 100
_REPEATS = 5  # how often a parameter is shuffled in each fold


def regress(sample: Sample, confidence: float, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of the indices, and what is known of the two fits.

    Raises
    ------
    InputError
        When there are fewer rows than the fits need, or two parameters change together.
    """
    rows = len(sample.result)
    sample = sample.distinct()
    least = max(2 * _FOLDS, 2 * (len(sample.parameters) + 1))
    if len(sample.result) < least:
        raise InputError(
            f"there are {len(sample.result)} different rows; regression on {len(sample.parameters)} parameters needs "
            f"{least} at least, better ten times as many"
        )
    import numpy as np

    inputs = encoded(sample)
    varied = [str(name) for name in inputs if inputs[name].nunique() > 1]
    if not varied:
        raise InputError("no parameter has more than one level, so none of them can be what moves the result")
    notes = _look_for_together(inputs[varied])
    columns, r2_linear = _line(sample, inputs[varied], confidence)
    importance, r2 = _forest(sample, inputs[varied], confidence, seed)
    still = [str(name) for name in inputs if name not in varied]
    notes += [f"{', '.join(still)}: one level only"] if still else []
    notes += [f"{rows - len(sample.result)} of {rows} rows repeat another one, and count once"] * (
        rows > len(sample.result)
    )
    if np.isnan(r2_linear):
        notes.append("the rows do not determine a straight line: a parameter follows from others, or there are too few")
    return columns | importance, {"r2": r2, "r2_linear": r2_linear, "notes": tuple(notes)}


def encoded(sample: Sample) -> pd.DataFrame:
    """Return the inputs with numbers as floats; what holds anything else is a category, in the order of its list."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in sample.parameters:
        labels = sample.inputs[name]
        if all(isinstance(one, int | float) and not isinstance(one, bool) and one == one for one in labels):
            columns[name] = labels.astype(float)
        else:
            keys = labels.map(label_key)
            ordered = dict.fromkeys([*map(label_key, sample.levels.get(name, ())), *keys])
            there = [key for key in ordered if key in {*keys}]
            columns[name] = keys.astype(pd.CategoricalDtype(there))
    return pd.DataFrame(columns)


def _look_for_together(inputs: pd.DataFrame) -> list[str]:
    """What is to be said of parameters that change together somewhat; those that do entirely are refused."""
    import pandas as pd

    codes = pd.DataFrame(
        {name: one.cat.codes if one.dtype == "category" else one for name, one in inputs.items()}, dtype=float
    )
    found = codes.corr()
    notes = []
    names = [str(name) for name in inputs]
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            number = float(found[one].loc[other])
            if abs(number) >= _TOGETHER or _are_one(inputs[one], inputs[other]):
                raise InputError(
                    f'"{one}" and "{other}" change together (correlation {number:.2f}): which of them moves the result '
                    "cannot be told. Vary them independently, or make one parameter of both"
                )
            if abs(number) >= _NOTED:
                notes.append(f"{one} and {other} are correlated ({number:.2f}): their effects are hard to tell apart")
    return notes


def _are_one(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    """Whether each level of one comes with one level of the other only, and the other way round."""
    import pandas as pd

    if "category" not in (one.dtype, other.dtype):
        return False
    pairs = len(pd.DataFrame({"one": one, "other": other}).drop_duplicates())
    return pairs == one.nunique() == other.nunique()


def _line(sample: Sample, inputs: pd.DataFrame, confidence: float) -> tuple[dict[str, Any], float]:
    """Standardised coefficients with their intervals, and R2, of ordinary least squares; NaN where there are many."""
    import numpy as np
    from scipy import stats

    columns: list[NDArray[np.float64]] = []
    own: dict[str, int | None] = {}
    for name in inputs:
        several = _columns(inputs[name])
        own[str(name)] = len(columns) + 1 if len(several) == 1 else None  # more categories have no single coefficient
        columns += several
    table = np.array(columns).T
    scaled = (table - table.mean(axis=0)) / table.std(axis=0)
    result = (sample.result - sample.result.mean()) / sample.result.std()
    matrix = np.column_stack([np.ones(len(scaled)), scaled])
    coefficients, _, rank, _ = np.linalg.lstsq(matrix, result, rcond=None)
    free = len(result) - matrix.shape[1]
    if rank < matrix.shape[1] or free < 1:
        unknown = np.full(len(sample.parameters), np.nan)
        return {"coefficient": unknown, "coefficient_interval": unknown}, float("nan")
    rest = result - matrix @ coefficients
    spread = np.sqrt((rest @ rest) / free * np.diag(np.linalg.inv(matrix.T @ matrix)))
    half = stats.t.ppf(0.5 + confidence / 2, free) * spread

    def column(values: NDArray[np.float64]) -> NDArray[np.float64]:
        places = [own.get(name) for name in sample.parameters]
        return np.array([np.nan if place is None else values[place] for place in places])

    r2 = float(1 - (rest @ rest) / (result @ result))
    return {"coefficient": column(coefficients), "coefficient_interval": column(half)}, r2


def _columns(column: pd.Series[Any]) -> list[NDArray[np.float64]]:
    """The numbers of a parameter; of categories one column each but for the first, 1 where it is this one."""
    if column.dtype != "category":
        return [column.to_numpy(dtype=float)]
    return [(column == category).to_numpy(dtype=float) for category in column.cat.categories[1:]]


def _forest(
    sample: Sample, inputs: pd.DataFrame, confidence: float, seed: int
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Permutation importance with its interval, and R2, in rows that the forest has not seen."""
    require("sklearn")

    import numpy as np
    from scipy import stats
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold

    predicted = np.empty(len(sample.result))
    drops = []
    for fold, (seen, unseen) in enumerate(KFold(_FOLDS, shuffle=True, random_state=seed).split(inputs)):
        forest = make_forest(inputs, seed + fold).fit(inputs.iloc[seen], sample.result[seen])
        predicted[unseen] = forest.predict(inputs.iloc[unseen])
        found = permutation_importance(
            forest, inputs.iloc[unseen], sample.result[unseen], scoring=_error, n_repeats=_REPEATS, random_state=seed
        )
        drops.append(found.importances_mean / sample.result.var())
    half = stats.t.ppf(0.5 + confidence / 2, _FOLDS - 1) * np.std(drops, axis=0, ddof=1) / np.sqrt(_FOLDS)
    place = {name: number for number, name in enumerate(inputs)}
    mean = np.mean(drops, axis=0)

    def column(values: Any) -> NDArray[np.float64]:
        return np.array([values[place[name]] if name in place else np.nan for name in sample.parameters])

    return {"importance": column(mean), "importance_interval": column(half)}, float(r2_score(sample.result, predicted))


def _error(forest: Any, inputs: pd.DataFrame, result: NDArray[np.float64]) -> float:
    """Minus the mean squared error; over the variance of all rows it is R2, also where a fold has few of them."""
    return -float(((forest.predict(inputs) - result) ** 2).mean())


def make_forest(inputs: pd.DataFrame, seed: int) -> Any:
    """Return a forest for such inputs, not yet fitted."""
    require("sklearn")

    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    categories = [name for name in inputs if inputs[name].dtype == "category"]
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), categories), remainder="passthrough")
    return make_pipeline(columns, ExtraTreesRegressor(_TREES, random_state=seed))
