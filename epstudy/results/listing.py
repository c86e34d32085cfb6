"""The studies of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epstudy.core.errors import StoreError
from epstudy.core.outcome import State
from epstudy.results.states import stored_states
from epstudy.settings import Settings
from epstudy.store import Store

if TYPE_CHECKING:
    import pandas as pd


def studies(*, store: str | None = None) -> pd.DataFrame:
    """Return the studies of the store, one row each: how many variants, how many done and failed, run when.

    A study whose manifest is damaged has no numbers, and says so instead of its engine.
    """
    import pandas as pd

    settings = Settings.load(store=store)
    there = Store(settings.store)
    rows: list[dict[str, Any]] = []
    for name in there.studies():
        try:
            manifest = there.manifest(name)
        except StoreError as error:
            rows.append({"study": name, "engine": str(error)})
            continue
        states = stored_states(there, manifest)
        rows.append(
            {
                "study": name,
                "variants": len(manifest),
                "done": states.count(State.DONE),
                "failed": states.count(State.FAILED),
                "engine": manifest.engine,
                "run": manifest.written.get("at", ""),
            }
        )
    return pd.DataFrame(rows, columns=["study", "variants", "done", "failed", "engine", "run"]).set_index("study")
