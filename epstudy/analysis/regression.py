"""Sensitivity by regression: a straight line through all rows, and a random forest that is tried on unseen ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from epstudy.analysis.sample import Sample
from epstudy.core.errors import InputError

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
    least = max(2 * _FOLDS, 2 * (len(sample.parameters) + 1))
    if len(sample.result) < least:
        raise InputError(
            f"there are {len(sample.result)} rows; regression on {len(sample.parameters)} parameters needs {least} at "
            "least, better ten times as many"
        )
    inputs = encoded(sample)
    varied = [str(name) for name in inputs if inputs[name].nunique() > 1]
    if not varied:
        raise InputError("no parameter has more than one level, so none of them can be what moves the result")
    notes = _look_for_together(inputs[varied])
    columns, r2_linear = _line(sample, inputs[varied], confidence)
    importance, r2 = _forest(sample, inputs[varied], confidence, seed)
    still = [str(name) for name in inputs if name not in varied]
    notes += [f"{', '.join(still)}: one level only"] if still else []
    return columns | importance, {"r2": r2, "r2_linear": r2_linear, "notes": tuple(notes)}


def encoded(sample: Sample) -> pd.DataFrame:
    """Return the inputs with numbers as floats; whatever holds something else is a category, as texts."""
    import pandas as pd

    columns = {}
    for name in sample.parameters:
        labels = sample.inputs[name]
        numeric = all(isinstance(one, int | float) and not isinstance(one, bool) and one == one for one in labels)
        columns[name] = labels.astype(float) if numeric else labels.map(repr).astype("category")
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
    """Standardised coefficients with their intervals, and R2, of ordinary least squares."""
    import numpy as np
    import pandas as pd
    from scipy import stats

    table = pd.get_dummies(inputs, drop_first=True, dtype=float)
    scaled = (table - table.mean()) / table.std(ddof=0)
    result = (sample.result - sample.result.mean()) / sample.result.std()
    matrix = np.column_stack([np.ones(len(scaled)), scaled.to_numpy()])
    coefficients, _, rank, _ = np.linalg.lstsq(matrix, result, rcond=None)
    rest = result - matrix @ coefficients
    free = len(result) - rank
    spread = np.sqrt((rest @ rest) / free * np.diag(np.linalg.pinv(matrix.T @ matrix)))
    half = stats.t.ppf(0.5 + confidence / 2, free) * spread
    place = {str(name): number for number, name in enumerate(table.columns, start=1)}
    rows = {str(name): _single(str(name), inputs[name], place) for name in inputs}

    def column(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([values[place[rows[name]]] if rows.get(name) else np.nan for name in sample.parameters])

    r2 = float(1 - (rest @ rest) / (result @ result))
    return {"coefficient": column(coefficients), "coefficient_interval": column(half)}, r2


def _single(name: str, column: pd.Series[Any], columns: Mapping[str, int]) -> str:
    """The column that stands for a parameter; empty for more than two categories: they have no single coefficient."""
    if column.dtype != "category":
        return name
    own = [f"{name}_{category}" for category in column.cat.categories if f"{name}_{category}" in columns]
    return own[0] if len(own) == 1 else ""


def _forest(
    sample: Sample, inputs: pd.DataFrame, confidence: float, seed: int
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Permutation importance with its interval, and R2, in rows that the forest has not seen."""
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
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    categories = [name for name in inputs if inputs[name].dtype == "category"]
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), categories), remainder="passthrough")
    return make_pipeline(columns, ExtraTreesRegressor(_TREES, random_state=seed))
