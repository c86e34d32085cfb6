"""Surrogates: a fit through the results that predicts without simulating, and how wrong it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from epstudy.analysis.regression import encoded, make_forest
from epstudy.analysis.sample import Sample, checked_seed, label_key, read_sample
from epstudy.core.errors import InputError
from epstudy.core.extras import require
from epstudy.core.text import near_names

if TYPE_CHECKING:
    import pandas as pd

    from epstudy.study import Study

_FOLDS = 5
_MOST_FOR_A_PROCESS = 1500  # rows: a Gaussian process takes their cube in time, and their square in memory


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """A fit of one result. `errors` has, for each kind of fit that was tried, its cross-validated `r2` and `rmse`.

    Both are of rows that the fit had not seen; `rmse`, the root of the mean squared error, is in `unit`. `kind` is the
    one with the least, which predicts; `rows` is how many variants it was fitted to.
    """

    name: str
    unit: str
    kind: str
    errors: pd.DataFrame
    rows: int
    notes: tuple[str, ...]
    _fit: Any
    _inputs: pd.DataFrame
    _sample: Sample

    @property
    def r2(self) -> float:
        """The share of the variance that it predicts, in rows that it has not seen."""
        return float(self.errors["r2"][self.kind])

    @property
    def rmse(self) -> float:
        """The root of the mean squared error in rows that it has not seen, in `unit`."""
        return float(self.errors["rmse"][self.kind])

    def predict(self, parameters: pd.DataFrame | Mapping[str, Any], *, extrapolate: bool = False) -> pd.Series[Any]:
        """Return the predicted result of each row, under the row's index; its unit is in `attrs["units"]`.

        Parameters
        ----------
        parameters
            A column for each parameter; others are ignored. A dict of numbers or labels is one row.
        extrapolate
            Whether rows outside what the fit has seen are predicted all the same.

        Raises
        ------
        InputError
            When a parameter is not there, a label was never seen, or a number lies outside.
        """
        import pandas as pd

        table = parameters if isinstance(parameters, pd.DataFrame) else _table(parameters)
        if not len(table):
            return pd.Series([], index=table.index, name=self.name, dtype=float)
        lacking = [name for name in self._sample.parameters if name not in table.columns]
        if lacking:
            near = near_names(lacking[0], map(str, table.columns))
            raise InputError(f'"{lacking[0]}" is not among the columns{f" (there is {near[0]!r})" if near else ""}')
        inputs = pd.DataFrame(
            {name: self._column(name, table[name], extrapolate) for name in self._sample.parameters}, index=table.index
        )
        found = pd.Series(self._fit.predict(inputs), index=table.index, name=self.name, dtype=float)
        found.attrs["units"] = {self.name: self.unit}
        return found

    def __repr__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        said = "".join(f"; {note}" for note in self.notes)
        return (
            f"Surrogate of {self.name}: {self.kind}, {self.rows} rows, cross-validated R2 {self.r2:.3f}, "
            f"RMSE {self.rmse:.3g}{unit}{said}"
        )

    def _column(self, name: str, given: pd.Series[Any], extrapolate: bool) -> pd.Series[Any]:
        import numpy as np

        seen = self._inputs[name]
        if seen.dtype == "category":
            labels = given.astype(object).map(label_key)
            strange = [label for label in labels if label not in {*seen.cat.categories}]
            if strange:
                raise InputError(f'"{name}" has never been {strange[0]}; it was {", ".join(seen.cat.categories)}')
            return labels.astype(seen.dtype)
        try:
            numbers = given.astype(float)
        except (TypeError, ValueError) as error:
            raise InputError(f'"{name}" holds no numbers: {error}') from error
        least, greatest = float(seen.min()), float(seen.max())
        outside = numbers[~numbers.between(least, greatest)]
        if len(outside) and (not extrapolate or not np.isfinite(outside).all()):
            raise InputError(
                f'"{name}" is {outside.iloc[0]:g}, and the fit has seen {least:g} to {greatest:g}: there it knows '
                "nothing. extrapolate=True predicts all the same"
            )
        return numbers


def surrogate(
    study: Study, y: str | pd.Series[Any], *, seed: int = 0, missing: Literal["refuse", "drop"] = "refuse"
) -> Surrogate:
    """Return a fit of a result over the parameters, the best of several kinds, with its cross-validated error.

    Tried are a line, a parabola with all products of two parameters, a Gaussian process (up to 1,500 rows), and a
    forest; the one with the least error in rows that it had not seen is fitted to all rows. Levels that are no numbers
    are categories.

    Parameters
    ----------
    y
        A column of `study.results()`, or a Series of your own with the variants as its index.
    seed
        Of the parts into which the rows fall, and of the forest.
    missing
        Whether rows without a number may be dropped.

    Raises
    ------
    InputError
        As `sensitivity`; when there are fewer than ten rows.
    IncompleteError
        When rows are missing.
    """
    if missing not in ("refuse", "drop"):
        raise InputError(f'missing is {missing!r}; expected "refuse" or "drop"')
    seed = checked_seed(seed)
    whole = read_sample(study, y, drop=missing == "drop")
    sample = whole.distinct()
    if len(sample.result) < 2 * _FOLDS:
        raise InputError(f"there are {len(sample.result)} different rows; a surrogate needs {2 * _FOLDS} at least")
    inputs = encoded(sample)
    kinds = _kinds(inputs, len(sample.result), seed)
    errors = _cross_validated(kinds, inputs, sample, seed)
    best = str(errors["rmse"].idxmin())
    fit = _quietly(kinds[best], inputs, sample.result)
    repeated = len(whole.result) - len(sample.result)
    notes = (
        *([f"{repeated} of {len(whole.result)} rows repeat another one, and count once"] if repeated else []),
        *([f"{sample.missing} of {sample.asked} rows are missing, and left out"] if sample.missing else []),
    )
    return Surrogate(sample.name, sample.unit, best, errors, len(sample.result), notes, fit, inputs, sample)


def _kinds(inputs: pd.DataFrame, rows: int, seed: int) -> dict[str, Any]:
    """The kinds of fit that are tried, not yet fitted."""
    require("sklearn")

    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

    categories = [name for name in inputs if inputs[name].dtype == "category"]
    numbers = [name for name in inputs if name not in categories]

    def fit(*steps: Any) -> Any:
        columns = make_column_transformer(
            (StandardScaler(), numbers),
            (OneHotEncoder(drop="first", handle_unknown="ignore"), categories),
            sparse_threshold=0,
        )
        return TransformedTargetRegressor(make_pipeline(columns, *steps), transformer=StandardScaler())

    strengths = [10.0**power for power in range(-8, 4)]
    kinds = {
        "line": fit(RidgeCV(strengths)),
        "parabola": fit(PolynomialFeatures(2, include_bias=False), RidgeCV(strengths)),
        "forest": make_forest(inputs, seed),
    }
    if rows <= _MOST_FOR_A_PROCESS:
        width = sum(inputs[name].nunique() - 1 if name in categories else 1 for name in inputs)
        kernel = ConstantKernel(1.0, (1e-3, 1e5)) * RBF([1.0] * width, (1e-2, 1e3)) + WhiteKernel(1e-4, (1e-12, 1e1))
        kinds["Gaussian process"] = fit(GaussianProcessRegressor(kernel, random_state=seed))
    return kinds


def _cross_validated(kinds: Mapping[str, Any], inputs: pd.DataFrame, sample: Sample, seed: int) -> pd.DataFrame:
    """R2 and root mean squared error of each kind, in rows that were left out of its fit; index "kind"."""
    import numpy as np
    import pandas as pd
    from sklearn.base import clone
    from sklearn.model_selection import KFold

    folds = list(KFold(_FOLDS, shuffle=True, random_state=seed).split(inputs))
    rows = {}
    for kind, fit in kinds.items():
        wrong = np.empty(len(sample.result))
        for seen, unseen in folds:
            fitted = _quietly(clone(fit), inputs.iloc[seen], sample.result[seen])
            wrong[unseen] = fitted.predict(inputs.iloc[unseen]) - sample.result[unseen]
        squared = float((wrong**2).mean())
        rows[kind] = {"r2": 1 - squared / float(sample.result.var()), "rmse": squared**0.5}
    return pd.DataFrame(rows).T.rename_axis("kind").sort_values("rmse")


def _quietly(fit: Any, inputs: pd.DataFrame, result: Any) -> Any:
    """The fit, without what a Gaussian process warns of: a length at its bound is a parameter that does not matter."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        return fit.fit(inputs, result)


def _table(row: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(row, Mapping):
        raise InputError(f"the parameters are a {type(row).__name__}; expected a DataFrame, or a dict by name")
    several = {name: list(value) if _is_column(value) else [value] for name, value in row.items()}
    longest = max((len(value) for value in several.values()), default=0)
    try:
        return pd.DataFrame({name: value * longest if len(value) == 1 else value for name, value in several.items()})
    except ValueError as error:
        raise InputError(f"the parameters have columns of different length: {error}") from error


def _is_column(value: Any) -> bool:
    return (isinstance(value, Sequence) and not isinstance(value, str)) or (hasattr(value, "ndim") and value.ndim == 1)
