"""What a step of the panel costs a kernel: `python -m benchmarks.panel FILE.json` (half a minute).

A real Redis whose ledger has a study under way, four variants more at each step; no workers, no simulations. The ratio
is what to compare between machines: 100,000 variants against 1,000.
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Outcome, State
from epstudy.notebook.frontend import FrontEnd
from epstudy.notebook.panel import Panel
from epstudy.notebook.source import Source
from epstudy.pool.broker.connection import connect, socket_url
from epstudy.pool.ledger.ledger import Lease, Ledger, Mark
from epstudy.processes import redis_server
from epstudy.settings import Settings
from epstudy.store import Store

STEPS = 60
AT_ONCE = 4
RESULTS = 500  # that are in the store when a column is asked for
_METRICS = {"site_eui_kwh_m2": "kWh/m2", "seconds": "s"}


def main() -> None:
    """Measure a small study and a large one, and write the figures."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/panel.json")
    small, large = measured(10, 100), measured(100, 1000)
    figures = {
        "variants": 100_000,
        "step_ms": large["step_ms"],
        "worst_step_ms": large["worst_step_ms"],
        "step_with_results_ms": large["step_with_results_ms"],
        "worst_step_with_results_ms": large["worst_step_with_results_ms"],
        "bytes": large["bytes"],
        "most_bytes": large["most_bytes"],
        "first_bytes": large["first_bytes"],
        "ratio_to_1000_variants": round(large["step_ms"] / small["step_ms"], 2),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


def measured(across: int, up: int) -> dict[str, float]:
    """Milliseconds of a thread and bytes to the page, of steps over a study of across times up variants."""
    with tempfile.TemporaryDirectory(prefix="epstudy-panel-") as top, redis(Path(top)) as url:
        manifest = grid(across, up)
        settings = Settings(store=str(Path(top) / "store"), redis_url=url)
        store = Store(settings.store)
        store.put_manifest(manifest)
        ledger = Ledger(connect(url))
        held = min(RESULTS, len(manifest) // 5)
        for index in range(held):
            metrics = {"site_eui_kwh_m2": 100.0 + index % 37, "seconds": 8.0}
            store.put_outcome(manifest.keys[index], Outcome(State.DONE, metrics=metrics))
        ledger.open(manifest.study, manifest.digest, Mark.HELD * held + Mark.PENDING * (len(manifest) - held))
        panel = Panel(Source(settings, manifest), FrontEnd.STATIC)
        sizes = sent(panel)
        first_bytes = len(panel.widget.levels) + len(panel.widget.marks)
        moving = moves(ledger, manifest, held)
        plain = [step_ms(panel, moving) for _ in range(STEPS)]
        panel.ask({"id": "1", "do": "choose", "colour": True, "column": "site_eui_kwh_m2"})
        while panel.step() is not None and panel.widget.view["read"]["unread"]:
            pass
        chosen = [step_ms(panel, moving) for _ in range(STEPS)]
    return {
        "step_ms": round(statistics.median(plain), 2),
        "worst_step_ms": round(max(plain), 2),
        "step_with_results_ms": round(statistics.median(chosen), 2),
        "worst_step_with_results_ms": round(max(chosen), 2),
        "bytes": statistics.median(sizes),
        "most_bytes": max(sizes),
        "first_bytes": first_bytes,
    }


def step_ms(panel: Panel, moving: Iterator[None]) -> float:
    """The time of this thread that a step takes after some variants have begun and others have ended."""
    next(moving)
    started = time.thread_time()
    panel.step()
    return 1000 * (time.thread_time() - started)


def moves(ledger: Ledger, manifest: Manifest, first: int) -> Iterator[None]:
    """Begin four variants, and end those that began before, again and again."""
    study, digest, keys = manifest.study, manifest.digest, manifest.keys
    ledger.announce("w", {"host": "here", "pid": 1, "slots": AT_ONCE, "epstudy": "0", "store": ""})
    running: list[Lease] = []
    for start in itertools.count(first, AT_ONCE):
        for lease in running:
            ledger.finish(lease, Mark.DONE, supervisor="w")
        indices = range(start, min(start + AT_ONCE, len(manifest)))
        running = [Lease(study, digest, index, keys[index], f"token-{index}") for index in indices]
        for place, lease in enumerate(running):
            ledger.claim(lease, f"here:{place}", "w")
        yield


def sent(panel: Panel) -> list[int]:
    """The sizes of the messages to the page from now on."""
    sizes: list[int] = []

    def take(_kind: str, data: Any = None, buffers: Any = None, **_: Any) -> None:
        sizes.append(len(json.dumps(data)) + sum(len(one) for one in buffers or ()))

    panel.widget.comm.publish_msg = take
    return sizes


def grid(across: int, up: int) -> Manifest:
    """A study of two parameters; nothing in it can be simulated."""
    axes = tuple(
        Axis(name, "field", ("x",), tuple(range(count)), tuple(range(count)), ((),) * count)
        for name, count in (("across", across), ("up", up))
    )
    rows = tuple(itertools.product(range(across), range(up)))
    keys = tuple(f"{index:064x}" for index in range(len(rows)))
    return Manifest("measured", "energyplus", {}, axes, rows, keys, _METRICS)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of a Redis of our own."""
    socket = folder / "s"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([redis_server()[0], *options], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.01)
        yield socket_url(str(socket))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
