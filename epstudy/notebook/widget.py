"""The live half of a panel: one anywidget, whatever the number of variants. Its script is panel.js, without a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


class PanelWidget(anywidget.AnyWidget):  # type: ignore[misc]
    """What panel.js draws. All of it stands in traits, so that a page that is loaded again shows it at once.

    `marks` has one byte a variant, `changes` what has changed since it was sent: five bytes each, the index as a
    little-endian uint32 and the mark. `levels` has for each parameter one uint16 a variant. `beat` counts up for as
    long as the kernel lives.
    """

    _esm = (_HERE / "panel.js").read_text(encoding="utf-8")
    _css = (_HERE / "panel.css").read_text(encoding="utf-8")

    about: Any = traitlets.Dict().tag(sync=True)
    levels: Any = traitlets.Bytes().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)
    marks: Any = traitlets.Bytes().tag(sync=True)
    changes: Any = traitlets.Bytes().tag(sync=True)
    colours: Any = traitlets.Bytes().tag(sync=True)
    points: Any = traitlets.Bytes().tag(sync=True)
    binned: Any = traitlets.Bool().tag(sync=True)
    beat: Any = traitlets.Int().tag(sync=True)
    told: Any = traitlets.Dict().tag(sync=True)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return what a page that runs no widgets shows in its place: nothing, as the snapshot above says all."""
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        text = f"the live panel of {self.about.get('study', 'a study')}; the snapshot above is what it said last"
        return {**bundle[0], "text/html": "<!-- a live panel -->", "text/plain": text}, bundle[1]

    def hear_while_busy(self) -> None:
        """Have clicks heard while a cell runs, where the kernel can.

        JupyterLab sends them on a channel of its own (a subshell), and ipykernel from 7.1 on answers there; 7.4 sends
        them back to the main one, behind the running cell, unless its comm says otherwise. Whoever hears them here only
        puts them on a queue.
        """
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = None
