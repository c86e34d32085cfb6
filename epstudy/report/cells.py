"""The cells that `epstudy report` adds: what is not complete, below the title; where it all comes from, at the end."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epstudy.core.outcome import duration
from epstudy.report.completeness import Ending
from epstudy.report.notebook import TAG
from epstudy.report.paths import named
from epstudy.results.provenance import machine_facts

if TYPE_CHECKING:
    import pandas as pd
    from nbformat import NotebookNode

_MOST_FAILURES = 30


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report says of itself: notebook and digest, parameters, by whom and when (ISO 8601), how long it took."""

    notebook: str
    digest: str
    parameters: Mapping[str, Any]
    user: str
    executed_at: str
    seconds: float

    def rows(self) -> dict[str, str]:
        """Return the facts by their names."""
        return {
            "notebook": f"{self.notebook} sha256 {self.digest}",
            "parameters": named(self.parameters) or "the notebook's own",
            "user": self.user,
            "executed_at": self.executed_at,
            "execution": duration(self.seconds),
            **machine_facts(),
        }


def add_cells(notebook: NotebookNode, facts: Facts, error: str, endings: Sequence[Ending]) -> None:
    """Add to an executed notebook what is not complete, below its title, and its provenance as the last cell."""
    from nbformat.v4 import new_markdown_cell

    notebook.cells = [cell for cell in notebook.cells if not _is_headline(cell)]
    notice = _notice(error, endings)
    if notice:
        place = _below_the_title(notebook)
        notebook.cells.insert(place, new_markdown_cell(notice, metadata={"tags": [TAG]}))
    notebook.cells.append(new_markdown_cell(_provenance(facts, endings), metadata={"tags": [TAG]}))


def failures_text(ending: Ending) -> str:
    """Return the failed variants of a study as a table for a terminal; empty when there are none."""
    frame = _few(ending)
    if frame is None:
        return ""
    shortened = frame.assign(message=[_shortened(message) for message in frame["message"]])
    return "\n".join([shortened.to_string(), *_left_out(ending)])


def _is_headline(cell: NotebookNode) -> bool:
    """Whether a cell is papermill's own word above the title that a cell raised; the notice says it instead."""
    return (
        "papermill-error-cell-tag" in cell.metadata.get("tags", []) and 'id="papermill-error-cell"' not in cell.source
    )


def _below_the_title(notebook: NotebookNode) -> int:
    """The place behind the first cell that is a heading; the beginning when there is none."""
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and cell.source.lstrip().startswith("# "):
            return place + 1
    return 0


def _notice(error: str, endings: Sequence[Ending]) -> str:
    """What is wrong with a report, as HTML; empty when nothing is."""
    wrong = [ending for ending in endings if not ending.complete]
    if not error and not wrong:
        return ""
    raised = [f"<li><a href='#papermill-error-cell'>{_text(error)}</a></li>"] if error else []
    lines = [*raised, *(f"<li>{_text(ending)}</li>" for ending in wrong)]
    parts = ["<div class='epstudy-incomplete'>", "<p><b>This report is not complete.</b></p>", "<ul>", *lines, "</ul>"]
    for ending in wrong:
        frame = _few(ending)
        if frame is not None:
            parts.append(f"<p>The failed variants of {_text(ending.study)}:</p>")
            parts.append(_table([frame.index.name, *frame.columns], [[i, *row] for i, row in _rows(frame)]))
            parts += [f"<p>{_text(text)}</p>" for text in _left_out(ending)]
    return "\n".join([*parts, "</div>"])


def _few(ending: Ending) -> pd.DataFrame | None:
    """The first failures of a study, with what says most: parameters, cause, message."""
    frame = ending.failures
    if frame is None or frame.empty:
        return None
    parameters = list(frame.columns[: list(frame.columns).index("cause")])
    return frame[[*parameters, "cause", "message"]].head(_MOST_FAILURES)


def _left_out(ending: Ending) -> list[str]:
    more = 0 if ending.failures is None else len(ending.failures) - _MOST_FAILURES
    return [f'and {more} more; ep.Study.open("{ending.study}").failures() has all'] if more > 0 else []


def _rows(frame: pd.DataFrame) -> Iterable[tuple[Any, list[Any]]]:
    return zip(frame.index, frame.to_numpy(dtype=object).tolist(), strict=True)


def _shortened(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= 120 else f"{line[:119]}…"


def _provenance(facts: Facts, endings: Sequence[Ending]) -> str:
    """The block at the end, as a heading and tables of HTML: of the report, and of each study."""
    parts = ["## Provenance", "<div class='epstudy-provenance'>", _facts("This report", facts.rows())]
    shared = machine_facts()
    for ending in endings:
        rows = {} if ending.provenance is None else dict(ending.provenance)
        own = {name: value for name, value in rows.items() if name not in shared and name != "study"}
        own["store"] = ending.store
        if ending.trouble:
            own["trouble"] = ending.trouble
        parts.append(_facts(f"Study {ending.study}", own))
    if not endings:
        parts.append("<p>It ran, opened and read no study.</p>")
    return "\n\n".join([*parts, "</div>"])


def _facts(title: str, rows: Mapping[str, Any]) -> str:
    body = "".join(
        f"<tr><th>{_text(name.replace('_', ' '))}</th><td>{_text(value)}</td></tr>"
        for name, value in rows.items()
        if value != ""
    )
    return f"<table class='epstudy-facts'><caption>{_text(title)}</caption><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    """A value in HTML on one line: an empty line would end the HTML in a cell of Markdown."""
    return "<br>".join(html.escape(str(value)).splitlines())


def _table(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    def cells(kind: str, values: Iterable[Any]) -> str:
        return "".join(f"<{kind}>{_text(value)}</{kind}>" for value in values)

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f"<table class='epstudy-failures'><thead><tr>{cells('th', columns)}</tr></thead><tbody>{body}</tbody></table>"
    )
