"""What a clean of a large store costs: `python -m benchmarks.cleaning RESULTS` (100,000: a minute or two)."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, State
from epstudy.store import Store
from epstudy.store.results import seal_outcome

_OUTCOME = Outcome(State.DONE, metrics={f"metric_{number}": number / 3 for number in range(30)})


def main() -> None:
    """Clean a store whose results are all a study's, then one of which half are not."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        keys = _make_results(Path(folder), count)
        _put_study(store, keys)
        _measure(store, "all are a study's", after_days=30)
        _put_study(store, keys[: count // 2])
        _measure(store, "half are noted", after_days=30)
        _measure(store, "half are removed", after_days=0)


def _make_results(folder: Path, count: int) -> list[str]:
    """Make results of three files, two hours old; not by the store, which has each survive a power cut."""
    keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
    then = time.time() - 7200
    for key in keys:
        shard = folder / "results" / key[:2]
        shard.mkdir(parents=True, exist_ok=True)
        beside = {"files.json": bytes(200), "0123456789abcdef.parquet": bytes(2000)}
        for name, content in {"json": seal_outcome(key, _OUTCOME), **beside}.items():
            path = shard / f"{key}.{name}"
            path.write_bytes(content)
            os.utime(path, (then, then))
    return keys


def _put_study(store: Store, keys: list[str]) -> None:
    store.put_manifest(Manifest("office", "energyplus", {}, (), ((),) * len(keys), tuple(keys), {}))


def _measure(store: Store, what: str, *, after_days: float) -> None:
    began = time.perf_counter()
    cleaned = store.clean(after_days=after_days)
    print(f"{what}: {time.perf_counter() - began:.1f} s, {'; '.join(cleaned.lines())}")


if __name__ == "__main__":
    main()
