"""The harness is right about JupyterLab, by small widgets of its own; and facts that a panel is built on."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.browser.conftest import Open
from tests.browser.lab import running_lab, until

WIDGETS = """
import threading, time
import anywidget, traitlets
from IPython.display import display

class Counter(anywidget.AnyWidget):
    _esm = '''export default {render({model, el}) {
      el.classList.add('t-live');
      const line = document.createElement('div');
      const show = () => {line.textContent = `counted ${model.get('n')}`};
      show(); model.on('change:n', show); el.append(line)}}'''
    n = traitlets.Int(0).tag(sync=True)

class Bell(anywidget.AnyWidget):
    _esm = '''export default {render({model, el}) {
      const button = document.createElement('button'), line = document.createElement('div');
      button.textContent = 'ring';
      button.onclick = () => model.send('ring');
      const show = () => {line.textContent = `counted ${model.get('n')} heard ${model.get('heard')}`};
      show(); model.on('change:n change:heard', show); el.append(button, line)}}'''
    n = traitlets.Int(0).tag(sync=True)
    heard = traitlets.Unicode('nothing').tag(sync=True)

def count_on(widget, then=lambda n: None, every_s=0.05):
    def work():
        while True:
            time.sleep(every_s)
            widget.n += 1
            then(widget.n)
    threading.Thread(target=work, daemon=True).start()
"""

BLOCK = "print('asleep'); time.sleep(600)"

SURVIVES = """
CSS = '''<style>
.jp-OutputArea:has(.t-live) .t-static {display: none}
.jp-OutputArea-child:has(.t-static) ~ .jp-OutputArea-child > .lm-Panel.jp-OutputArea-output:not(:has(*)) {display: none}
</style>'''
def picture(n):
    return {"text/html": f"{CSS}<div class='t-static'>snapshot {n}</div>", "text/plain": f"snapshot {n}"}
counter = Counter()
shown = display(picture(0), raw=True, display_id="t-snapshot")
display(counter)
count_on(counter, lambda n: shown.update(picture(n), raw=True) if n % 10 == 0 else None)
"""
"""The first rule hides the snapshot while the widget lives. The second hides the output panel in which Lab writes, as
bare text, "Loading widget..." and later "Error displaying widget: model not found"; a widget has elements there."""


def test_a_widget_of_a_thread_moves_while_a_cell_blocks(open_notebook: Open) -> None:
    notebook = open_notebook(WIDGETS, "counter = Counter(); display(counter); count_on(counter)", BLOCK)
    notebook.run(0)
    notebook.run(1)
    notebook.run(2, wait=False)
    notebook.wait_text(2, "asleep")
    before = notebook.number(1)
    notebook.wait_text(1, f"counted (?!{before}$)")
    assert not notebook.ended(2)
    assert notebook.number(1) > before
    notebook.screenshot()
    assert notebook.errors == []


def test_a_panel_of_two_outputs_survives(open_notebook: Open) -> None:
    notebook = open_notebook(WIDGETS, SURVIVES)
    notebook.run(0)
    notebook.run(1)
    until(lambda: "snapshot 10<" in notebook.html(1), "the first snapshot of the thread")
    assert notebook.text(1).startswith("counted ")  # and the snapshot is hidden
    notebook.screenshot("live")

    notebook.reload()
    notebook.wait_text(1, r"^counted \d+$")
    before = notebook.number(1)
    notebook.wait_text(1, f"^counted (?!{before}$)")
    notebook.screenshot("reloaded")
    assert notebook.errors == []

    notebook.restart_kernel()
    notebook.reload()
    until(lambda: "model not found" in notebook.html(1), "Lab finds no model")
    assert notebook.wait_text(1, r"^snapshot \d+$") != "snapshot 0"
    notebook.screenshot("restarted")


def test_a_reload_while_a_cell_blocks_shows_the_snapshot_until_the_cell_ends(open_notebook: Open) -> None:
    notebook = open_notebook(WIDGETS, SURVIVES, BLOCK)
    notebook.run(0)
    notebook.run(1)
    until(lambda: "snapshot 10<" in notebook.html(1), "the first snapshot of the thread")
    notebook.run(2, wait=False)
    notebook.wait_text(2, "asleep")
    notebook.reload(wait=False)
    notebook.wait_text(1, r"^snapshot \d+$")
    assert "Loading widget..." in notebook.html(1)
    notebook.screenshot("waits")
    assert not notebook.ended(2)
    notebook.interrupt()
    notebook.wait_text(1, r"^counted \d+$")
    notebook.screenshot("back")


def test_a_button_is_heard_while_a_cell_blocks(open_notebook: Open) -> None:
    """ipykernel 7.4 has messages to a widget wait where the widget was last written from, if that is a busy cell.

    Without its routing they go where JupyterLab sends them: to a thread of the kernel that is there for widgets.
    """
    ring = """
rings = []
def hear(bell, content, buffers):
    rings.append(content)
    bell.heard = f"{len(rings)} in {threading.current_thread().name}"
bell = Bell()
bell.comm._reply_subshell_for = None
bell.on_msg(hear)
display(bell)
count_on(bell)
"""
    notebook = open_notebook(WIDGETS, ring, BLOCK, BLOCK)
    notebook.run(0)
    notebook.run(1)
    for rings, cell in ((1, 2), (2, 3)):
        notebook.wait_text(1, "heard")
        notebook.run(cell, wait=False)
        notebook.wait_text(cell, "asleep")
        before = notebook.number(1)
        notebook.wait_text(1, f"counted (?!{before} )")  # the thread wrote to the widget after the cell began
        notebook.output(1).get_by_role("button").click()
        notebook.wait_text(1, f"heard {rings} in subshell")
        assert not notebook.ended(cell)
        notebook.interrupt()
        notebook.wait_idle()
        notebook.reload()
    assert notebook.errors == []


def test_what_a_cell_raises_fails_the_test_that_ran_it(open_notebook: Open) -> None:
    notebook = open_notebook("1 / 0", f"import time; {BLOCK}")
    with pytest.raises(AssertionError, match="cell 0 raised ZeroDivisionError: division by zero"):
        notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_text(1, "asleep")
    notebook.interrupt()
    with pytest.raises(AssertionError, match="cell 1 raised KeyboardInterrupt"):
        notebook.wait_end(1)


def test_stalls_and_errors_of_the_page_are_seen(open_notebook: Open) -> None:
    notebook = open_notebook("1")
    # In a task of the page's own: what the debugger runs itself is not always counted as a long task.
    notebook.page.evaluate("""() => new Promise(done => setTimeout(() => {
        const end = performance.now() + 2000;
        while (performance.now() < end);
        done();
    }))""")
    seen = notebook.stalls()
    assert seen.gap_ms > 1900  # a frame may have been drawn up to one frame's time before or after
    assert seen.task_ms > 1900
    notebook.reset_stalls()
    assert notebook.stalls().gap_ms < seen.gap_ms
    notebook.page.evaluate("() => console.error('a word to the developers')")
    assert [error for error in notebook.errors if "a word" in error]


def test_a_server_that_ends_takes_its_kernels_along(tmp_path: Path) -> None:
    with running_lab(tmp_path / "lab", {}) as lab:
        lab.ask("POST", "/api/kernels", {"name": "python3"})
        kernels = lab.kernel_pids()
        assert len(kernels) == 1
    assert [pid for pid in [lab.pid, *kernels] if psutil.pid_exists(pid)] == []
