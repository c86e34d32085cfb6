"""A panel in a wide and in a narrow window, light and dark: nothing overlaps, nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from epstudy.store import Store
from tests.browser.conftest import Open
from tests.browser.notebook import Notebook
from tests.browser.panels import PanelOf
from tests.unit.notebook.conftest import done, failed, manifest_of

STUDY = "looked-at"
GRID = {
    "lighting_power_density": (4.0, 6.0, 8.0, 10.0),
    "hours": ("office", "shifts", "a schedule with a long name"),
    "u_value": (0.8, 1.2, 2.0, 2.8, 3.2),
}
MESSAGE = "** Severe ** GetInternalHeatGains: Lights = A_ZONE_WITH_QUITE_A_LONG_NAME, Schedule Name = {} not found"

OVERLAPS = """root => {
    const seen = node => node.offsetParent && getComputedStyle(node).visibility !== 'hidden' && node.innerText.trim();
    const names = 'button, select, .ep-edge, .ep-title, .ep-question, .ep-legend > span, th, td';
    const place = node => { // of the text, as far as it is not cut off
        const range = document.createRange();
        range.selectNodeContents(node);
        const [text, box] = [range.getBoundingClientRect(), node.getBoundingClientRect()];
        const [left, right] = [Math.max(text.left, box.left), Math.min(text.right, box.right)];
        return {left, right, top: Math.max(text.top, box.top), bottom: Math.min(text.bottom, box.bottom)};
    };
    const texts = [...root.querySelectorAll(names)].filter(seen).map(node => [node, place(node)]);
    const found = [];
    const frame = root.getBoundingClientRect();
    for (const canvas of root.querySelectorAll('canvas'))
        if (canvas.getBoundingClientRect().right > frame.right) found.push(['sticks out', canvas.className]);
    for (const [node, box] of texts)
        if (!node.closest('.ep-list') && (box.right > frame.right + 1 || box.left < frame.left - 1))
            found.push(['sticks out', node.innerText]);
    texts.forEach(([a, one], k) => texts.slice(k + 1).forEach(([b, other]) => {
        if (a.contains(b) || b.contains(a)) return;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (across > 1 && down > 2 && a.closest('.ep-list') === b.closest('.ep-list'))
            found.push(['overlap', a.innerText, b.innerText]);
    }));
    return found;
}"""
"""Which texts of the panel lie over one another, or outside of it; what is in a list of its own is scrolled."""


def kept(store: Store) -> None:
    """Have the store hold a grid of which some variants failed by two causes."""
    manifest = manifest_of(GRID, STUDY)
    manifest = replace(manifest, keys=tuple(f"d{key[1:]}" for key in manifest.keys))
    store.put_manifest(manifest)
    for index, key in enumerate(manifest.keys):
        store.put_outcome(key, failed(MESSAGE.format("N" * (index % 4))) if index % 3 == 2 else done(100.0 + index / 7))


@contextmanager
def dark(notebook: Notebook) -> Iterator[None]:
    """Inside, JupyterLab has its dark theme."""
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    try:
        notebook.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
        yield
    finally:
        notebook.command("apputils:change-theme", theme="JupyterLab Light")  # the setting is the server's
        notebook.page.locator("body[data-jp-theme-light=true]").wait_for(state="attached")


def test_nothing_overlaps_in_any_window_or_theme(open_notebook: Open, session_store: str) -> None:
    kept(Store(session_store))
    notebook = open_notebook(f'import epstudy as ep\nep.Study.open("{STUDY}")')
    notebook.run(0)
    panel = PanelOf(notebook, 0)
    panel.wait(r"60 of 60 ended(.|\n)*retry these")
    panel.root.locator("canvas.ep-map").focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        notebook.page.keyboard.press(key)
    panel.wait(r"close\n")
    for wide in (1280, 900, 600, 420):
        notebook.page.set_viewport_size({"width": wide, "height": 1500})
        panel.wait_still(30)
        assert panel.root.evaluate(OVERLAPS) == [], wide
        notebook.screenshot(f"light-{wide}")
        with dark(notebook):
            panel.wait_still(30)
            assert panel.root.evaluate(OVERLAPS) == [], f"{wide}, dark"
            notebook.screenshot(f"dark-{wide}")
    assert notebook.errors == []
