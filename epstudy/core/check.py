"""What a look at a study finds before anything is queued."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Check:
    """The findings of `Study.check()`.

    `problems` stop `run()`; `warnings` do not. `touches` says for each parameter how many objects it sets:
    `{"lpd": "Lights/*: 5 objects"}`.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    touches: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def rows(self) -> list[tuple[str, str]]:
        """Return every finding as (kind, text): problems or their absence, warnings, what each parameter touches."""
        return [
            *([("ok", "no problems")] if self.ok else []),
            *(("problem", text) for text in self.problems),
            *(("warning", text) for text in self.warnings),
            *(("touches", f"{name}: {text}") for name, text in self.touches.items() if text),
        ]

    def __str__(self) -> str:
        return "\n".join(f"{kind:8} {text}" for kind, text in self.rows())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{kind}</th><td style='text-align:left'>{html.escape(text)}</td></tr>"
            for kind, text in self.rows()
        )
        return f"<table>{rows}</table>"
