"""A sample: the rows of a study's results that its sampling drew, and one result of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epstudy.core.canonical import canonical
from epstudy.core.errors import IncompleteError, InputError
from epstudy.core.sampling.grid import is_missing
from epstudy.core.text import did_you_mean, near_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from epstudy.study import Study

_MORE_SEEDS = 100  # that follow the user's, one a fold
_ALIKE = 1e-12  # results that differ by less, in relation to the greatest, are the same number


@dataclass(frozen=True, slots=True)
class Sample:
    """What was varied and what came of it.

    `inputs` has a column a parameter, `result` a number a row (shape (rows,), in `unit`); `levels` the labels of each
    parameter that has a list, in its order. `missing` of `asked` rows have no number and are left out.
    """

    inputs: pd.DataFrame
    result: NDArray[np.float64]
    name: str
    unit: str
    kind: str
    arguments: Mapping[str, Any]
    levels: Mapping[str, Sequence[Any]]
    asked: int
    missing: int
    attrs: Mapping[str, Any]

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters."""
        return list(self.inputs.columns)

    def distinct(self) -> Sample:
        """Return the sample without rows that repeat another one: what is simulated once is known once."""
        from dataclasses import replace

        import pandas as pd

        keys = pd.DataFrame({name: self.inputs[name].map(label_key) for name in self.parameters})
        kept = ~keys.duplicated().to_numpy()
        return replace(self, inputs=self.inputs[kept], result=self.result[kept])

    def first(self, rows: int) -> Sample:
        """Return the sample of its first rows alone."""
        from dataclasses import replace

        return replace(self, inputs=self.inputs.iloc[:rows], result=self.result[:rows])


def read_sample(study: Study, y: str | pd.Series[Any], *, drop: bool = False) -> Sample:
    """Return the sample of a study; `y` is a column of its results, or a Series with a number for each variant.

    Raises
    ------
    InputError
        When there is no such column, it holds no numbers, has a value in no variant, or the same one in all.
    IncompleteError
        When some rows have no number, unless they shall be dropped.
    """
    import numpy as np

    frame = study.results()
    name, column = _column(frame, y)
    said = frame.attrs
    if said["baseline_added"]:
        frame, column = frame.drop(index=said["baseline"]), column.drop(index=said["baseline"])
    values = column.to_numpy(dtype=float)
    there = np.isfinite(values)
    missing = int((~there).sum())
    if missing == len(values):
        raise InputError(
            f'"{name}" has no value in any of {missing} variants: they are not done, or the run cannot say it (after '
            "design days EnergyPlus knows no energies); look at study.results(), or give a Series of another result, "
            "such as one made of study.table(...)"
        )
    if missing and not drop:
        raise IncompleteError(
            f"{missing} of {len(values)} rows are missing: these indices are not valid. Look at study.failures(), mend "
            "what failed and study.retry()"
        )
    return Sample(
        inputs=frame.loc[there, said["parameters"]],
        result=_varied(name, values[there]),
        name=name,
        unit=_unit(frame, y, name),
        kind=said["sampling"]["kind"],
        arguments=said["sampling"],
        levels=said["levels"],
        asked=len(values),
        missing=missing,
        attrs={key: said[key] for key in ("study", "engine", "labels") if key in said},
    )


def label_key(label: Any) -> str:
    """Return one text for one label: 2 and 2.0 are the same, and so are None and what a table makes of it."""
    return canonical(None if is_missing(label) else label)


def checked_seed(seed: Any) -> int:
    """Return a seed that NumPy and scikit-learn take.

    Raises
    ------
    InputError
        When it is none.
    """
    if not hasattr(seed, "__index__") or isinstance(seed, bool) or not 0 <= int(seed) < 2**32 - _MORE_SEEDS:
        raise InputError(f"seed is {seed!r}; expected a whole number from 0")
    return int(seed)


def _unit(frame: pd.DataFrame, y: Any, name: str) -> str:
    """The unit of a result; what a Series of one's own is in, nobody knows here."""
    return str(frame.attrs["units"].get(name, "1")) if isinstance(y, str) else "1"


def _varied(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if values.max() - values.min() <= _ALIKE * abs(values).max():
        raise InputError(f'"{name}" is {values[0]:g} in all {len(values)} variants: no parameter moves it')
    return values


def _column(frame: pd.DataFrame, y: Any) -> tuple[str, pd.Series[Any]]:
    import pandas as pd

    if isinstance(y, pd.Series):
        strange = y.index.difference(frame.index)
        if len(strange) or y.index.has_duplicates:
            what = f"{strange[0]} is no variant" if len(strange) else "a variant is there twice"
            raise InputError(f'the Series needs the variants as its index: {what}; groupby("variant") helps')
        return str(y.name or "y"), _numbers(str(y.name or "y"), y.reindex(frame.index))
    if not isinstance(y, str):
        what = "DataFrame" if isinstance(y, pd.DataFrame) else type(y).__name__
        raise InputError(f"y is a {what}; expected the name of a result, or a Series of them")
    metrics = [name for name in frame.columns if name not in frame.attrs["parameters"]]
    if y in metrics:
        return y, _numbers(y, frame[y])
    if y in frame.columns:
        raise InputError(f'"{y}" is a parameter; expected a result, such as "{_first_numeric(frame, metrics)}"')
    hint = did_you_mean(near_names(str(y), metrics)) or f"they have {', '.join(metrics)}"
    raise InputError(f"the results have no column {y!r}; {hint}")


def _numbers(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return column.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f'"{name}" holds no numbers: {error}') from error


def _first_numeric(frame: pd.DataFrame, names: Sequence[str]) -> str:
    return next((name for name in names if frame[name].dtype.kind in "fi"), names[0])
