"""What a panel shows of a study that has ended: a grid with its levels at the edges, lists that say which variant."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from epstudy.core.outcome import Outcome
from epstudy.store import Store
from tests.browser.conftest import Open
from tests.browser.panels import PanelOf
from tests.unit.notebook.conftest import done, manifest_of

STUDY = "levels-at-the-edges"
GRID = {"lpd": (4.0, 6.0, 8.0), "hours": ("office", "shifts"), "u_value": (0.8, 1.2, 2.0, 2.8), "fixed": (1.0,)}


def kept(store: Store) -> None:
    """Have the store hold a grid that was begun 14 minutes ago and ended 2 minutes ago; one result has no value."""
    now = datetime.now(UTC)
    begun, ended = now - timedelta(minutes=14), now - timedelta(minutes=2)
    manifest = replace(manifest_of(GRID, STUDY), written={"at": begun.isoformat(timespec="seconds")})
    keys = tuple(f"e{key[1:]}" for key in manifest.keys)
    manifest = replace(manifest, keys=keys)
    store.put_manifest(manifest)
    for index, key in enumerate(keys):
        outcome: Outcome = done(math.nan if index == 23 else 100.0 + index)
        store.put_outcome(key, replace(outcome, finished=ended.isoformat()))


def test_a_grid_has_its_levels_at_the_edges_and_lists_say_which_variant(
    open_notebook: Open, session_store: str
) -> None:
    kept(Store(session_store))
    notebook = open_notebook(f'import epstudy as ep\nep.Study.open("{STUDY}")')
    notebook.run(0)
    panel = PanelOf(notebook, 0)
    panel.wait(r"24 done in 12 min, ended \d+:\d+")

    texts = [edge.inner_text() for edge in panel.root.locator(".ep-map-holder .ep-edge").all()]
    assert texts.count("lpd") == texts.count("hours") == texts.count("u_value") == 1
    assert [text for text in texts if text in ("4", "6", "8")] == ["4", "6", "8"]
    assert "fixed" not in texts
    assert texts.count("shifts") == 1
    assert texts.count("2.8") == 2, "once for each level of what stands outside"

    heads = [head.inner_text() for head in panel.root.locator(".ep-list").first.get_by_role("columnheader").all()]
    assert heads == ["variant", "site_eui_kwh_m2", "lpd", "hours", "u_value"]
    assert panel.root.locator(".ep-list tbody tr").first.inner_text().split() == ["#0", "100", "4", "office", "0.8"]
    results = panel.root.get_by_label("the result that is shown").locator("option").all_inner_texts()
    assert results == ["site_eui_kwh_m2"]

    canvas = panel.root.locator("canvas.ep-map")
    box = canvas.bounding_box()
    assert box is not None
    wide, high = box["width"] / 8, box["height"] / 3
    canvas.hover(position={"x": 5.5 * wide, "y": 2.5 * high})
    panel.wait(r"#21 · lpd = 8, hours = shifts, u_value = 1.2, fixed = 1 · ")
    canvas.click(position={"x": 0.5 * wide, "y": 1.5 * high})
    panel.wait(r"#8 · lpd = 6, hours = office, u_value = 0.8, fixed = 1 · from the store · site_eui_kwh_m2 = 108")
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        notebook.page.keyboard.press(key)
    panel.wait(r"#9 · lpd = 6, hours = office, u_value = 1.2")

    panel.wait("1 has no value")
    ticks = [edge.inner_text() for edge in panel.root.locator(".ep-scatter-holder .ep-edge").all()]
    assert {"4", "6", "8", "100", "110", "120"} <= set(ticks)
    scatter = panel.root.locator("canvas.ep-scatter")
    shape = scatter.bounding_box()
    assert shape is not None
    scatter.hover(position={"x": 64, "y": shape["height"] - 26})  # the lowest of the first level
    panel.wait(r"#0 · lpd = 4, hours = office, u_value = 0.8, fixed = 1 · site_eui_kwh_m2 = 100")
    notebook.screenshot("grid")
    assert notebook.errors == []
