"""A sample: the rows of a study's results that its sampling drew, and one result of each."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epstudy.core.errors import IncompleteError, InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from epstudy.study import Study

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
        unit=said["units"].get(name, "1"),
        kind=said["sampling"]["kind"],
        arguments=said["sampling"],
        levels=said["levels"],
        asked=len(values),
        missing=missing,
        attrs={key: said[key] for key in ("study", "engine")},
    )


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
    metrics = [name for name in frame.columns if name not in frame.attrs["parameters"]]
    if y in metrics:
        return y, _numbers(y, frame[y])
    if y in frame.columns:
        raise InputError(f'"{y}" is a parameter; expected a result, such as "{_first_numeric(frame, metrics)}"')
    near = difflib.get_close_matches(str(y), metrics, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; they have {', '.join(metrics)}"
    raise InputError(f"the results have no column {y!r}{hint}")


def _numbers(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return column.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f'"{name}" holds no numbers: {error}') from error


def _first_numeric(frame: pd.DataFrame, names: Sequence[str]) -> str:
    return next((name for name in names if frame[name].dtype.kind in "fi"), names[0])
