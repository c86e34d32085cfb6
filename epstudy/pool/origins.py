"""Whether the store that is seen here is the one in which a study was run: a copy beside it has the same identity."""

from __future__ import annotations

import socket

from epstudy.core.errors import StoreError
from epstudy.pool.ledger.ledger import Ledger, Origin
from epstudy.store import Store


class Origins:
    """Compares the studies of a ledger with the store of this process; what was compared once is remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._same: dict[str, tuple[str, str]] = {}

    def check(self, study: str, origin: Origin) -> None:
        """Raise StoreError when the study was run in another store than this one.

        On some network file systems one store looks different from each machine. Then the request in it tells: whoever
        ran the study wrote it there first.
        """
        if origin.where in ("", self._store.where()):
            return
        seen = (origin.where, origin.request)
        if self._same.get(study) == seen:
            return
        wanted = self._store.wanted_of(study)
        if wanted is None or not origin.request or wanted.request != origin.request:
            raise StoreError(another_store(origin.shown, shown(self._store)))
        self._same[study] = seen


def note_origin(ledger: Ledger, store: Store, study: str) -> None:
    """Note in the ledger that a study is followed from this store."""
    ledger.note_origin(study, store.where(), shown(store))


def shown(store: Store) -> str:
    """Return the store and the machine that sees it, for messages."""
    return f"{store.url} on {socket.gethostname()}"


def another_store(ours: str, theirs: str) -> str:
    """Return what to tell when a study was run in another store than the one of the workers."""
    return (
        f"the study was run in the store {ours}, its workers have the store {theirs}, and one is a copy of the other; "
        "set EPSTUDY_STORE to the store of the workers, or unset EPSTUDY_REDIS_URL to simulate on this machine"
    )
