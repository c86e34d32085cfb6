"""A notebook that is open in JupyterLab: run its cells, read what they show, reload, restart, look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page

from tests.browser.lab import PATIENCE_S, Lab

SCREENSHOTS = Path(__file__).parents[2] / "build" / "browser"

_WAIT_S = PATIENCE_S
_SIZE = (1280, 1000)

_NO_ERRORS = (
    "/lsp/status",  # of an extension that may be installed
    "Canceled future for",  # what JupyterLab was about when its kernel was restarted
)
"""JupyterLab's own: it logs or raises them as errors, and no user of a notebook misses anything."""

_RECORDER = """
(() => {
  const seen = {};
  const reset = () => {
    const now = performance.now();
    Object.assign(seen, {gap: 0, task: 0, tasks: 0, last: now, since: now});
  };
  reset();
  const frame = now => {
    seen.gap = Math.max(seen.gap, now - seen.last);
    seen.last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const count = entries => {
    for (const entry of entries) {
      if (entry.startTime < seen.since) continue;
      seen.task = Math.max(seen.task, entry.duration);
      seen.tasks += 1;
    }
  };
  const observer = new PerformanceObserver(list => count(list.getEntries()));
  observer.observe({type: 'longtask'});
  // After two frames, a stall that has just ended is counted; a task's end may still wait for the observer's turn.
  const read = () => new Promise(done =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
      count(observer.takeRecords());
      done({...seen});
    }))));
  window.testStalls = {reset, read};
})();
"""
"""Records, in every page, the longest time between two frames and the longest task (those above 50 ms)."""

_TOOLS = """
(() => {
  const panel = path => {
    const lab = window.jupyterapp;
    if (!lab) return null;
    for (const widget of lab.shell.widgets('main'))
      if (widget.context && widget.context.path === path && widget.content.widgets) return widget;
    return null;
  };
  const runs = {};
  const kernel = path => panel(path)?.sessionContext?.session?.kernel ?? null;
  window.testNotebook = {
    panel, runs, kernel,
    shown: path => {
      const found = panel(path);
      return !!found && found.context.isReady && found.content.widgets.length > 0 && found.isVisible;
    },
    cell: (path, index) => panel(path).content.widgets[index],
    output: (path, index) => {
      const cell = panel(path)?.content.widgets[index];
      return cell && cell.node.isConnected ? cell.node.querySelector('.jp-Cell-outputArea') : null;
    },
    run: (path, index) => {
      const found = panel(path);
      found.content.activeCellIndex = index;
      found.content.deselectAll();
      const run = {ended: false};
      runs[index] = run;
      const end = () => {run.ended = true};
      window.jupyterapp.commands.execute('notebook:run-cell').then(end, end);
    },
    mark: (path, index) => testNotebook.cell(path, index).node.setAttribute('data-test-cell', `${index}`),
    ended: (path, index) => runs[index] ? runs[index].ended : kernel(path)?.status === 'idle',
    error: (path, index) => {
      for (const output of testNotebook.cell(path, index).model.sharedModel.getOutputs())
        if (output.output_type === 'error') return output.ename + ': ' + output.evalue;
      return null;
    },
  };
})();
"""


@dataclass(frozen=True, slots=True)
class Stalls:
    """How long the page stood still since the recorder was reset, in milliseconds."""

    gap_ms: float
    """The longest time between two frames; 16.7 is a page that never stood still."""
    task_ms: float
    """The longest task of the page's own script; 0 where none took more than 50 ms."""
    tasks: int
    """How many tasks took more than 50 ms."""


class Notebook:
    """A page with one notebook. Cells are named by their position, from 0; times are limits, never waits."""

    def __init__(
        self,
        browser: Browser,
        lab: Lab,
        name: str,
        cells: Sequence[str],
        *,
        size: tuple[int, int] = _SIZE,
        pixels: float = 1.0,
    ) -> None:
        """Write the notebook; `size` is the page's in CSS pixels, of which each is so many `pixels` wide."""
        self.lab = lab
        self.name = name
        self.path = f"{name}.ipynb"
        self.file = lab.root / self.path
        self.errors: list[str] = []
        """What the page said as errors: exceptions that nobody caught, and console.error."""
        _write(self.file, cells)
        self.asked: list[str] = []
        """What the page asked of panels in the kernel, in its order: "pause", "retry", ..."""
        self._shots = 0
        self._context = browser.new_context(viewport={"width": size[0], "height": size[1]}, device_scale_factor=pixels)
        self._context.add_init_script(_RECORDER)
        self._context.add_init_script(_TOOLS)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(_WAIT_S * 1000)
        self.page.on("websocket", lambda socket: socket.on("framesent", self._note_sent))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("dialog", lambda dialog: dialog.accept())  # "Leave site?" at a reload

    def open(self) -> Notebook:
        """Open it as a user does, and wait until its kernel is idle."""
        # A workspace of its own: Lab would open the notebooks of the tests before besides.
        self.page.goto(f"{self.lab.url}/lab/workspaces/{self.name}/tree/{self.path}?token={self.lab.token}")
        self._wait_shown()
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        self.wait_idle()
        return self

    def close(self) -> None:
        """Close the page, and end the kernel."""
        self._context.close()
        self.lab.end_kernels()

    # -- running

    def run(self, cell: int, *, wait: bool = True, limit_s: float = _WAIT_S) -> None:
        """Run one cell; return when it has ended, or at once with `wait=False`.

        Raises
        ------
        AssertionError
            When the cell raised: its error. `wait=False` leaves that to `wait_end`.
        """
        self._tool("run", cell)
        if wait:
            self.wait_end(cell, limit_s=limit_s)

    def run_all(self, *, limit_s: float = _WAIT_S) -> None:
        """Run the cells one after the other."""
        for cell in range(self.page.evaluate("path => testNotebook.panel(path).content.widgets.length", self.path)):
            self.run(cell, limit_s=limit_s)

    def wait_end(self, cell: int, *, limit_s: float = _WAIT_S) -> None:
        """Wait until a cell has ended, and check that it did not raise.

        After a reload the page no longer knows which cell runs: then this waits until the kernel is idle.
        """
        self._wait("([path, cell]) => testNotebook.ended(path, cell)", [self.path, cell], f"cell {cell} ends", limit_s)
        error = self._tool("error", cell)
        assert error is None, f"cell {cell} raised {error}"

    def ended(self, cell: int) -> bool:
        """Whether the cell has ended; see `wait_end`."""
        return bool(self._tool("ended", cell))

    def wait_idle(self, *, limit_s: float = _WAIT_S) -> None:
        """Wait until the page knows its kernel, and knows it as idle."""
        self._wait("path => testNotebook.kernel(path)?.status === 'idle'", self.path, "an idle kernel", limit_s)

    # -- what stands there

    def output(self, cell: int) -> Locator:
        """Return a locator of the cell's outputs, to find and to click what is in them."""
        self._tool("mark", cell)
        return self.page.locator(f'[data-test-cell="{cell}"] .jp-Cell-outputArea')

    def text(self, cell: int) -> str:
        """Return what a reader sees of the cell's outputs, and nothing that is hidden."""
        found = self.page.evaluate("([path, cell]) => testNotebook.output(path, cell)?.innerText", [self.path, cell])
        return str(found or "").strip()

    def html(self, cell: int) -> str:
        """Return the markup of the cell's outputs, hidden or not."""
        return str(
            self.page.evaluate("([path, cell]) => testNotebook.output(path, cell)?.innerHTML", [self.path, cell])
        )

    def wait_text(self, cell: int, pattern: str, *, limit_s: float = _WAIT_S) -> str:
        """Wait until what a reader sees of the outputs matches a regular expression; return all that is seen."""
        script = """([path, cell, pattern]) =>
            new RegExp(pattern).test((testNotebook.output(path, cell)?.innerText ?? '').trim())"""
        try:
            self._wait(script, [self.path, cell, pattern], f"cell {cell} shows {pattern!r}", limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows {self.text(cell)!r}") from None
        return self.text(cell)

    def number(self, cell: int, pattern: str = r"(\d+)") -> int:
        """Return the first number that the pattern finds in what a reader sees of the outputs."""
        found = re.search(pattern, self.text(cell))
        assert found, f"no {pattern!r} in {self.text(cell)!r}"
        return int(found[1])

    # -- what a user does to it

    def save(self) -> None:
        """Save the notebook, as Ctrl+S does; it works while a cell runs."""
        self.page.evaluate("path => testNotebook.panel(path).context.save()", self.path)

    def saved(self) -> Any:
        """Return the notebook as it stands in its file."""
        return nbformat.read(self.file, as_version=4)

    def reload(self, *, save: bool = True, wait: bool = True) -> None:
        """Reload the page; with `wait`, until the kernel is idle: not while a cell blocks."""
        if save:
            self.save()
        self.page.reload()
        self._wait_shown()
        if wait:
            self.wait_idle()

    def restart_kernel(self) -> None:
        """Restart the kernel as the menu does, and wait until it is idle."""
        self.page.evaluate("path => testNotebook.panel(path).sessionContext.restartKernel()", self.path)
        self.wait_idle()

    def interrupt(self) -> None:
        """Interrupt the running cell; it works also where the page waits for the kernel."""
        self.lab.interrupt_kernel(self.kernel_id())

    def kernel_id(self) -> str:
        """Return the server's name of this notebook's kernel."""
        identity: str = next(one["kernel"]["id"] for one in self.lab.sessions() if one["path"] == self.path)
        return identity

    def scroll_to(self, cell: int) -> None:
        """Bring a cell into view; of a long notebook, Lab draws only what is near."""
        self.page.evaluate("([path, cell]) => testNotebook.panel(path).content.scrollToItem(cell)", [self.path, cell])

    def command(self, name: str, **arguments: Any) -> None:
        """Execute one of JupyterLab's commands, such as `apputils:change-theme`."""
        self.page.evaluate(
            "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments).then(() => null)",
            [name, arguments],
        )

    # -- looking at it

    def reset_stalls(self) -> None:
        """Forget how long the page stood still."""
        self.page.evaluate("() => testStalls.reset()")

    def stalls(self) -> Stalls:
        """Return how long the page stood still since it was loaded, or since `reset_stalls`."""
        seen = self.page.evaluate("() => testStalls.read()")
        return Stalls(gap_ms=seen["gap"], task_ms=seen["task"], tasks=seen["tasks"])

    def screenshot(self, label: str = "") -> Path:
        """Write `build/browser/<test>-<n>[-label].png`, to be looked at."""
        self._shots += 1
        path = SCREENSHOTS / f"{self.name}-{self._shots}{f'-{label}' if label else ''}.png"
        self.page.screenshot(path=path)
        return path

    # -- inside

    def _wait_shown(self) -> None:
        self._wait("path => testNotebook.shown(path)", self.path, "the notebook is open", _WAIT_S)

    def _tool(self, name: str, cell: int) -> Any:
        return self.page.evaluate(f"([path, cell]) => testNotebook.{name}(path, cell)", [self.path, cell])

    def _wait(self, script: str, given: object, what: str, limit_s: float) -> None:
        try:
            self.page.wait_for_function(script, arg=given, timeout=limit_s * 1000)
        except Error as error:
            raise AssertionError(f"not within {limit_s:g} s: {what} ({error.message.splitlines()[0]})") from None

    def _note_sent(self, frame: str | bytes) -> None:
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        self.asked += re.findall(r'"do":\s*"(\w+)"', text)

    def _hear(self, message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location.get('url', '')}".strip()
        if message.type == "error":
            self._note(said)

    def _note(self, said: str) -> None:
        if not any(known in said for known in _NO_ERRORS):
            self.errors.append(said)


def _write(file: Path, cells: Sequence[str]) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(notebook, file)
