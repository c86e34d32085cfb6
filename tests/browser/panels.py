"""What the tests of the panel share: the cells that begin a study, and the panel that one of them shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator

from tests.browser.lab import PATIENCE_S
from tests.browser.notebook import Notebook

SETUP = """
from pyenergyplus.dataset import ref_models, weather_files
import epstudy as ep

def office(**options):
    options = {"period": "design-days", **options}
    return ep.EnergyPlus(ref_models["small_office"], weather=weather_files["usa_il_chicago"], **options)
"""
"""The first cell: the small office, half a second a run."""

LPD = "Lights/*/watts_per_floor_area"
SCHEDULE = "Lights/*/schedule_name"


def begin(name: str, first: float, count: int, engine: str = "office()") -> str:
    """A cell that begins a study of so many lighting power densities from `first` on, in steps of 0.01 W/m2.

    No two tests have the same ones: what is in the store is not simulated again.
    """
    return f"""
levels = [round({first} + 0.01 * place, 2) for place in range({count})]
study = ep.Study("{name}", {engine}, {{"lpd": ep.Field("{LPD}", levels)}})
study.run()
"""


_LEGENDS = """root => {
    const legend = root.querySelector('.ep-legend');
    window.testLegends = [];
    const note = () => window.testLegends.push(legend.innerText);
    new MutationObserver(note).observe(legend, {childList: true, subtree: true});
}"""

_STILL = """([root, frames]) => {
    const state = root.testStill ??= {frames: 0};
    if (!state.observer) {
        state.observer = new MutationObserver(() => {state.frames = 0});
        state.observer.observe(root, {attributes: true, childList: true, characterData: true, subtree: true});
    }
    state.frames += 1;
    return state.frames > frames;
}"""
"""Counts, called once a frame, in how many frames nothing of the panel has changed."""


@dataclass(frozen=True, slots=True)
class PanelOf:
    """The panel that a cell shows, as its reader uses it."""

    notebook: Notebook
    cell: int

    @property
    def root(self) -> Locator:
        """The live panel."""
        return self.notebook.output(self.cell).locator(".epstudy-panel")

    @property
    def text(self) -> str:
        """What a reader sees in the cell's outputs."""
        return self.notebook.text(self.cell)

    @property
    def counts(self) -> dict[str, int]:
        """The counts that a reader sees: "ended", "total", and those of the parts that there are any of."""
        text = self.text
        found = re.search(r"(\d+) of (\d+) ended:", text)
        assert found, f"no counts in {text!r}"
        parts = re.findall(r"(\d+) (done|from the store|running|waiting|failed|cancelled)\b", text)
        return {"ended": int(found[1]), "total": int(found[2]), **{part: int(count) for count, part in parts}}

    def wait(self, pattern: str, *, limit_s: float = PATIENCE_S) -> str:
        """Wait until a reader sees this."""
        return self.notebook.wait_text(self.cell, pattern, limit_s=limit_s)

    def wait_ended(self, least: int = 1, *, limit_s: float = PATIENCE_S) -> None:
        """Wait until the panel says that so many variants have ended, or more."""
        script = """([path, cell, least]) => {
            const text = testNotebook.output(path, cell)?.innerText ?? '';
            return Number(text.match(/(\\d+) of \\d+ ended/)?.[1] ?? -1) >= least;
        }"""
        try:
            self.notebook.page.wait_for_function(
                script, arg=[self.notebook.path, self.cell, least], timeout=limit_s * 1000
            )
        except Exception as error:
            raise AssertionError(f"{least} have not ended within {limit_s:g} s; it shows {self.text!r}") from error

    def wait_all(self, *, limit_s: float = PATIENCE_S) -> None:
        """Wait until the panel says that all variants have ended."""
        self.wait(r"\b(\d+) of \1 ended:", limit_s=limit_s)

    def record_counts(self) -> None:
        """Have every text of the counts kept from now on, however short it stands there; see `wait_recorded`."""
        self.root.evaluate(_LEGENDS)

    def wait_recorded(self, pattern: str) -> None:
        """Wait until the counts have once been so since `record_counts`."""
        script = "pattern => window.testLegends.some(text => new RegExp(pattern).test(text))"
        self.notebook.page.wait_for_function(script, arg=pattern, timeout=PATIENCE_S * 1000)

    def wait_still(self, frames: int = 200) -> None:
        """Wait until nothing of the panel has changed in so many frames of the page."""
        root = self.root.element_handle()
        self.notebook.page.wait_for_function(_STILL, arg=[root, frames], timeout=PATIENCE_S * 1000)

    def button(self, name: str) -> Locator:
        """The button of this name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def group(self, message: str) -> Locator:
        """The row of the failures whose message contains this."""
        return self.root.get_by_role("row").filter(has_text=message)

    def wait_more(self, *, limit_s: float = PATIENCE_S) -> None:
        """Wait until it says that more have ended than now."""
        self.wait_ended(self.counts["ended"] + 1, limit_s=limit_s)
