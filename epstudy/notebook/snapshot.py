"""The panel as HTML that needs no script: what a saved notebook, a report and a page without a kernel show."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from epstudy.notebook.view import lines
from epstudy.pool.progress import COLOURS

#: The parts of the bar: name, colour, words.
PARTS = (
    ("done", COLOURS["done"], "done"),
    ("cached", "#56b4e9", "from the store"),
    ("running", COLOURS["running"], "running"),
    ("waiting", COLOURS["pending"], "waiting"),
    ("failed", COLOURS["failed"], "failed"),
    ("cancelled", COLOURS["cancelled"], "cancelled"),
)
_FAILURES = 5

#: In the place of a widget whose kernel is gone JupyterLab 4 writes "Error displaying widget: model not found", and
#: before that "Loading widget...", as bare text; the snapshot above it says what is known. A widget has elements there.
_HIDES = (
    "<style>.jp-OutputArea-child:has(.epstudy-static) + .jp-OutputArea-child "
    "> .lm-Panel.jp-OutputArea-output:not(:has(*)){display:none}</style>"
)


def snapshot(name: str, view: Mapping[str, Any], now: datetime, attach: str, *, hides_error: bool) -> str:
    """Return the panel as static HTML. `hides_error` is for one that stands above a live one."""
    said = lines(name, view, now, attach)
    return (
        f"{_HIDES if hides_error else ''}"
        f"<div class='epstudy-static' data-study='{html.escape(name, quote=True)}' "
        "style='max-width:60em;font-size:13px;line-height:1.5'>"
        f"<div>{html.escape(said[0])}</div>{_bar(view)}<div>{html.escape(said[1])}</div>"
        f"{_failures(view)}{_results(view)}"
        f"<div style='opacity:.7'>{html.escape(said[3])}</div></div>"
    )


def broken(name: str, said: str) -> str:
    """Return what stands in the place of a panel that stopped at an error."""
    study = html.escape(name, quote=True)
    return f"<div class='epstudy-static' data-study='{study}'><b>{study}</b>: {html.escape(said)}</div>"


def _bar(view: Mapping[str, Any]) -> str:
    counts, total = view["counts"], max(view["total"], 1)
    parts = "".join(
        f"<span style='display:inline-block;height:10px;width:{100 * counts[name] / total:.3f}%;background:{colour}' "
        f"title='{counts[name]} {words}'></span>"
        for name, colour, words in PARTS
        if counts[name]
    )
    legend = " &nbsp; ".join(
        f"<span style='color:{colour}'>&#9632;</span> {counts[name]} {words}"
        for name, colour, words in PARTS
        if counts[name]
    )
    return f"<div style='line-height:0;white-space:nowrap;margin:4px 0'>{parts}</div><div>{legend}</div>"


def _failures(view: Mapping[str, Any]) -> str:
    told = view["failures"]
    if not told:
        return ""
    rows = "".join(
        f"<tr><td style='text-align:right'>{one['count']}</td><td>{html.escape(one['cause'])}</td>"
        f"<td style='text-align:left'>{html.escape((one['text'] or one['message'])[:400])}</td>"
        f"<td style='text-align:left'>{html.escape(one['levels'])}</td></tr>"
        for one in told[:_FAILURES]
    )
    hidden = view["groups"] - min(len(told), _FAILURES)
    more = f"<div>and {hidden} other messages; failures() has all</div>" if hidden else ""
    left = "<th style='text-align:left'>"
    head = f"<tr><th>failed</th><th>cause</th>{left}message</th>{left}levels</th></tr>"
    return f"<table>{head}{rows}</table>{more}"


def _results(view: Mapping[str, Any]) -> str:
    best = view["best"]
    if not best:
        return ""
    rows = "".join(
        f"<tr><td style='text-align:right'>{one['index']}</td>"
        + "".join(f"<td style='text-align:left'>{html.escape(level)}</td>" for level in one["levels"])
        + f"<td style='text-align:right'>{'' if one['value'] is None else format(one['value'], '.6g')}</td></tr>"
        for one in best[:_FAILURES]
    )
    which = "highest" if view["choice"]["highest"] else "lowest"
    column = html.escape(view["choice"]["column"])
    done = view["counts"]["done"] + view["counts"]["cached"]
    read = "" if view["read"]["done"] >= done else f"<div>of {view['read']['done']} of {done} results</div>"
    names = "".join(f"<th style='text-align:left'>{html.escape(name)}</th>" for name in view["varying"])
    head = f"<tr><th>variant</th>{names}<th>{which} {column}</th></tr>"
    return f"<table>{head}{rows}</table>{read}"
