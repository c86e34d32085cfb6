"""Parameters that changed nothing: told from results and from the content of outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from epstudy.core.canonical import content_digest
from epstudy.core.manifest import Manifest, output_file
from epstudy.core.outcome import State
from epstudy.results.rows import STATUS
from epstudy.store import Store

if TYPE_CHECKING:
    import pandas as pd

#: Bytes of outputs that are read to see whether a parameter changed any; a file counts so many more for being opened.
_COMPARED_BYTES, _COMPARED_FILE = 200_000_000, 100_000


def without_effect(
    frame: pd.DataFrame, parameters: Sequence[str], is_alike: Callable[[Sequence[int]], bool] = lambda _rows: True
) -> list[str]:
    """Return the parameters that changed nothing: whatever the others were, all their levels gave the same results.

    Every column is compared but the seconds, and `is_alike` says whether the outputs of variants are the same. Where no
    energy is known, as after design days, nothing is said.
    """
    done = frame[frame[STATUS] == State.DONE]
    units = frame.attrs["units"]
    numbers = [name for name, unit in units.items() if name in frame and unit != "s"]
    if (
        not len(done)
        or not numbers
        or done["site_energy_kwh" if "site_energy_kwh" in done else numbers[0]].isna().any()
    ):
        return []
    texts = done[list(parameters)].map(repr)  # labels of any kind, told apart
    found = []
    for name in parameters:
        others = [other for other in parameters if other != name]
        alike = texts.groupby(others, sort=False).ngroup() if others else texts[name].map(lambda _: 0)
        several = [rows for rows in alike.groupby(alike).groups.values() if texts.loc[rows, name].nunique() > 1]
        same = several and all((done.loc[rows, numbers].nunique(dropna=False) <= 1).all() for rows in several)
        if same and all(is_alike([int(row) for row in rows]) for rows in several):
            found.append(name)
    return found


class Contents:
    """Whether variants have the same outputs, by the content of their files: the same numbers are the same bytes.

    What is not there, or more than can be read in a moment, is not the same.
    """

    def __init__(self, store: Store, manifest: Manifest) -> None:
        self._store, self._manifest = store, manifest
        self._digests: dict[tuple[str, str], str | None] = {}
        self._left = _COMPARED_BYTES

    def are_alike(self, variants: Sequence[int]) -> bool:
        """Say whether all outputs that the study asks for are the same in these variants."""
        keys = list(dict.fromkeys(self._manifest.keys[index] for index in variants))
        return all(self._is_alike(keys, output_file(output)) for output in self._manifest.outputs)

    def _is_alike(self, keys: Sequence[str], name: str) -> bool:
        first = self._digest(keys[0], name)
        return first is not None and all(self._digest(key, name) == first for key in keys[1:])

    def _digest(self, key: str, name: str) -> str | None:
        if (key, name) not in self._digests:
            path = self._store.artifact(key, name) if self._left > 0 else None
            self._left -= _COMPARED_FILE if path is None else _COMPARED_FILE + path.stat().st_size
            self._digests[key, name] = content_digest(path.read_bytes()) if path and self._left > 0 else None
        return self._digests[key, name]
