"""A panel of 100,000 variants: how long the page stands still, and that it is still one to look at and to point at."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict

import pytest

from epstudy.core.errors import PoolError
from epstudy.core.manifest import Manifest
from epstudy.pool.broker.connection import connect
from epstudy.pool.ledger.ledger import Lease, Ledger, Mark
from epstudy.processes import redis_server
from epstudy.store import Store
from tests.browser.conftest import Open
from tests.browser.lab import until
from tests.browser.notebook import SCREENSHOTS
from tests.browser.panels import PanelOf
from tests.unit.notebook.conftest import done, manifest_of

STUDY = "hundred-thousand"
WITH_RESULT = 300
MOVED = 8  # at a time
STEPS = 20

NODES = """() => {
    const began = performance.now();
    const holder = document.createElement('div');
    for (let index = 0; index < 100000; index++) holder.append(document.createElement('span'));
    document.body.append(holder);
    holder.getBoundingClientRect();
    const took = performance.now() - began;
    holder.remove();
    return took;
}"""
"""How long this page, on this machine and at this moment, takes to draw one node for each variant, in milliseconds."""


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis on loopback that no worker serves."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [redis_server()[0], "--bind", "127.0.0.1", "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL
    )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        until(lambda: answers(url), "Redis answers")
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    with suppress(PoolError):
        connect(url)
        return True
    return False


class Workers:
    """What the workers of this study would have the ledger say."""

    def __init__(self, url: str, manifest: Manifest, store: str) -> None:
        self._ledger = Ledger(connect(url))
        self._manifest = manifest
        self._results = Store(store)
        self._running: list[Lease] = []
        marks = Mark.DONE * WITH_RESULT + Mark.PENDING * (len(manifest) - WITH_RESULT)
        assert self._ledger.open(manifest.study, manifest.digest, marks)
        self._next = WITH_RESULT
        self.step()

    def step(self) -> None:
        """Finish what runs, and begin with the next ones."""
        about = {"host": "here", "pid": 1, "slots": MOVED, "epstudy": "1", "store": self._results.identity()}
        self._ledger.announce("w", about)
        for lease in self._running:
            self._results.put_outcome(lease.key, done(100.0 + lease.index))
            self._ledger.finish(lease, Mark.DONE, supervisor="w")
        first, self._next = self._next, self._next + MOVED
        self._running = [self._lease(index) for index in range(first, self._next)]
        for slot, lease in enumerate(self._running):
            assert self._ledger.claim(lease, f"here:{slot}", "w")

    @property
    def ended(self) -> int:
        """How many variants have ended."""
        return self._next - MOVED

    def _lease(self, index: int) -> Lease:
        study = self._manifest
        return Lease(study.study, study.digest, index, study.keys[index], f"token-{index}")


def test_a_hundred_thousand_variants_do_not_hold_the_page_up(
    open_notebook: Open, redis_url: str, session_store: str
) -> None:
    lpd = [round(5 + 0.1 * place, 1) for place in range(100)]
    manifest = manifest_of({"lpd": lpd, "u_value": [round(1 + 0.004 * place, 3) for place in range(1000)]}, STUDY)
    store = Store(session_store)
    store.put_manifest(manifest)
    for index in range(WITH_RESULT):
        store.put_outcome(manifest.keys[index], done(100.0 + index))
    workers = Workers(redis_url, manifest, session_store)

    notebook = open_notebook(f'import epstudy as ep\nep.Study.open("{STUDY}", pool="{redis_url}")')
    notebook.run(0)
    panel = PanelOf(notebook, 0)
    panel.wait(f"{WITH_RESULT} of 100000 ended:")
    canvas = panel.root.locator("canvas.ep-map")
    until(lambda: colour_at(panel, 0) == DONE, "the map is drawn")

    notebook.reset_stalls()
    for _ in range(STEPS):
        workers.step()
        panel.wait(f"{workers.ended} of 100000 ended:")
    seen = notebook.stalls()
    nodes_ms = max(notebook.page.evaluate(NODES) for _ in range(3))
    said = {**asdict(seen), "variants": len(manifest), "moved": workers.ended - WITH_RESULT, "nodes_ms": nodes_ms}
    (SCREENSHOTS / "stall.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    print(said)
    assert 3 * seen.task_ms < nodes_ms, "an update took more than a third of what one node a variant would"
    assert panel.root.locator("*").count() < 1000
    notebook.screenshot("states")

    canvas.hover(position={"x": 5.5, "y": 0.5})
    panel.wait(r"#5 · lpd = 5, u_value = 1.02 · done · site_eui_kwh_m2 = 105 kWh/m2")
    panel.root.get_by_label("what colours the map").select_option("result")
    panel.wait(rf"site_eui_kwh_m2: 100 \(dark\) to {99 + workers.ended} kWh/m2 \(light\)")
    until(lambda: colour_at(panel, 0) == DARKEST, "the lowest result is dark")
    until(lambda: colour_at(panel, workers.ended - 1) == LIGHTEST, "the highest result is light")
    notebook.screenshot("results")
    assert notebook.errors == []


DONE = (0x00, 0x72, 0xB2)
DARKEST = (0x00, 0x20, 0x4D)
LIGHTEST = (0xFF, 0xE9, 0x45)


def colour_at(panel: PanelOf, index: int) -> tuple[int, ...]:
    """The colour of a variant of the first row of the map, whose cells have one pixel each."""
    script = "(canvas, x) => [...canvas.getContext('2d').getImageData(x, 0, 1, 1).data].slice(0, 3)"
    found: Sequence[int] = panel.root.locator("canvas.ep-map").evaluate(script, index)
    return tuple(found)
