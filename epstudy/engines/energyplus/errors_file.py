"""What EnergyPlus says of a run: `eplusout.err` and `eplusout.end`, also of one that crashed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended, by its own files. Messages have their continuation lines joined on.

    `completed` is None when there is no `eplusout.end`: the process did not reach its end.
    """

    completed: bool | None
    warnings: int
    severe_errors: int
    first_severe: str
    last_severe: str
    fatal: str
    build_line: str


def read_verdict(folder: Path) -> Verdict:
    """Read how the run in `folder` ended; files that are not there count as empty."""
    messages = read_messages(_text(folder / "eplusout.err"))
    severe = [text for kind, text in messages if kind == "severe"]
    fatal = [text for kind, text in messages if kind == "fatal"]
    end = _text(folder / "eplusout.end")
    counted = re.search(r"(\d+) Warning; (\d+) Severe Errors", end)
    return Verdict(
        completed=None if not end else "Completed Successfully" in end and not fatal,
        warnings=int(counted[1]) if counted else sum(kind == "warning" for kind, _ in messages),
        severe_errors=int(counted[2]) if counted else len(severe),
        first_severe=severe[0] if severe else "",
        last_severe=severe[-1] if severe else "",
        fatal=fatal[0] if fatal else "",
        build_line=next((line for line in _text(folder / "eplusout.err").splitlines() if "Version" in line), ""),
    )


def read_messages(text: str) -> list[tuple[str, str]]:
    """Return the messages of an `.err` file as (kind, text), kind being warning, severe or fatal.

    A line marked `~~~` continues the message before it.
    """
    messages: list[tuple[str, str]] = []
    for line in text.splitlines():
        found = re.match(r"[\s*]*\*\*\s*(Warning|Severe|Fatal|~~~)\s*\*\*\s?(.*)", line)
        if found is None:
            continue
        kind, said = found[1].lower(), found[2].strip()
        if kind != "~~~":
            messages.append((kind, said))
        elif messages:
            messages[-1] = (messages[-1][0], f"{messages[-1][1]} {said}".strip())
    return messages


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="latin-1")
    except FileNotFoundError:
        return ""
