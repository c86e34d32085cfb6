"""The page of a report: one HTML file that needs nothing else, ready to be printed on A4."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from epstudy.report.notebook import TAG

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = "epstudy"


def make_page(notebook: NotebookNode, title: str, *, code: bool) -> str:
    """Return an executed notebook as HTML, with its code or without.

    Of a cell with one of Jupyter Book's tags "remove-cell", "remove-input", "remove-output" that part is left out.
    Formulas are drawn by MathJax, which a browser loads from the internet; a page without formulas loads nothing.
    """
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_cell_tags = {"remove-cell"}
    config.TagRemovePreprocessor.remove_input_tags = {"remove-input"}
    config.TagRemovePreprocessor.remove_all_outputs_tags = {"remove-output"}
    config.CoalesceStreamsPreprocessor.enabled = True
    config.CSSHTMLHeaderPreprocessor.style = "default"
    exporter = HTMLExporter(
        config=config,
        extra_template_basedirs=[str(_TEMPLATES)],
        template_name=_NAME,
        exclude_input=not code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    style = (_TEMPLATES / _NAME / "report.css").read_text(encoding="utf-8")
    report = {"title": title, "style": style, "formulas": _has_formulas(notebook)}
    page: str = exporter.from_notebook_node(notebook, resources={"report": report})[0]
    return page


def _has_formulas(notebook: NotebookNode) -> bool:
    """Whether there is something that MathJax draws: $ in a text, or an output in LaTeX."""
    own = (cell for cell in notebook.cells if TAG not in cell.metadata.get("tags", ()))
    texts = (cell.source for cell in own if cell.cell_type == "markdown")
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return any(text.count("$") > 1 or "\\begin{" in text for text in texts) or any(
        "text/latex" in output.get("data", {}) for output in outputs
    )
