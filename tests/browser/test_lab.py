"""The harness is right about JupyterLab, shown with small widgets of its own; and facts that the panel is built on."""

from __future__ import annotations

from tests.browser.conftest import Open

COUNTER = """
import threading, time
import anywidget, traitlets
from IPython.display import display

class Counter(anywidget.AnyWidget):
    _esm = '''export default {render({model, el}) {
      const line = document.createElement('div');
      const show = () => {line.textContent = `counted ${model.get('n')}`};
      show(); model.on('change:n', show); el.append(line)}}'''
    n = traitlets.Int(0).tag(sync=True)

def count_on(counter, every_s=0.05):
    def work():
        while True:
            time.sleep(every_s)
            counter.n += 1
    threading.Thread(target=work, daemon=True).start()
"""


def test_a_widget_of_a_thread_moves_while_a_cell_blocks(open_notebook: Open) -> None:
    notebook = open_notebook(
        COUNTER, "counter = Counter(); display(counter); count_on(counter)", "print('asleep'); time.sleep(4)"
    )
    notebook.run(0)
    notebook.run(1)
    notebook.run(2, wait=False)
    notebook.wait_text(2, "asleep")
    before = notebook.number(1)
    notebook.wait_text(1, rf"counted (?!{before}$)\d+")
    assert not notebook.ended(2)
    assert notebook.number(1) > before
    notebook.screenshot()
    notebook.wait_end(2)
    assert notebook.errors == []
