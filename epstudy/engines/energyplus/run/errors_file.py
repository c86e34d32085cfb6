"""What EnergyPlus says of a run: `eplusout.err` and `eplusout.end`, also of one that crashed while it wrote them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from epstudy.core.message_groups import GAP, normalised

#: How many different warnings a Verdict lists.
FREQUENT = 5

_LONGEST = 2000  # characters of a message: a surface may be told with all its vertices
_SHOWN = 300  # characters of a frequent warning, which every result keeps
_MESSAGE = re.compile(r"[ *]*\*\* *(Warning|Severe|Fatal|~~~) *\*\* ?(.*)")
_RECURRING = re.compile(r" *\*{5}")
_TIMES = re.compile(r"This error occurred (\d+) total times")
_NO_DIGITS = str.maketrans("", "", "0123456789")
_COUNTS = re.compile(r"(\d+) Warning; (\d+) Severe Errors")


@dataclass(frozen=True, slots=True)
class Message:
    """A message of an `.err` file, with its continuation lines joined on.

    `kind` is warning, severe or fatal. A `recurring` one stands in the summary at the end of the file, for `times` that
    were not written out; where the message came first, it stands as one of its own.
    """

    kind: str
    text: str
    times: int = 1
    recurring: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended, by its own files; texts are "" and counts 0 where there is nothing to say.

    `completed` is None when there is no `eplusout.end`: the process did not reach its end. `warnings` and
    `severe_errors` are EnergyPlus' own counts, which take in recurring messages; of a run that did not reach its end,
    what it wrote is counted. `reason` is why it failed, if it did: the first severe error, not counting a warm-up that
    did not converge, which a run survives; or else the first fatal one. `warmup_converged` is False as soon as one
    zone did not converge in one environment, be it while sizing. `frequent` has the warnings that came most often, with
    how often, and without what differs between them (see `epstudy.core.message_groups`).
    """

    completed: bool | None
    warnings: int
    severe_errors: int
    first_severe: str
    last_severe: str
    fatal: str
    build_line: str
    reason: str = ""
    warmup_converged: bool = True
    frequent: tuple[tuple[int, str], ...] = ()


def read_verdict(folder: Path) -> Verdict:
    """Read how the run in `folder` ended; files that are not there count as empty."""
    said, end = _text(folder / "eplusout.err"), _text(folder / "eplusout.end")
    messages = read_messages(said)
    severe = [one.text for one in messages if one.kind == "severe" and not one.recurring]
    fatal = next((one.text for one in messages if one.kind == "fatal"), "")
    counted = _COUNTS.search(end)
    return Verdict(
        completed=None if not end else "Completed Successfully" in end and not fatal,
        warnings=int(counted[1]) if counted else _count(messages, "warning"),
        severe_errors=int(counted[2]) if counted else _count(messages, "severe"),
        first_severe=severe[0] if severe else "",
        last_severe=severe[-1] if severe else "",
        fatal=fatal,
        build_line=next((line for line in said.split("\n", 20)[:20] if "Version" in line), ""),
        reason=next((text for text in severe if not _is_of_warmup(text)), fatal or "".join(severe[:1])),
        warmup_converged=not any(_is_of_warmup(one.text) for one in messages),
        frequent=_frequent(messages),
    )


def read_messages(text: str) -> list[Message]:
    """Return the messages of an `.err` file in their order.

    A line marked `~~~` continues the message before it, and so does one that has no indent: EnergyPlus indents every
    line that it begins itself after the first, but a text that it quotes may hold line breaks. A last line that was cut
    off is taken as far as it goes.
    """
    drafts: list[_Draft] = []
    is_open = False
    for line in text.split("\n"):
        found = _MESSAGE.match(line)
        if found is None:
            is_open = is_open and bool(line) and not line.startswith(" ")
            if is_open:
                drafts[-1].lines.append(line.strip())
        elif found[1] != "~~~":
            drafts.append(_Draft(found[1].lower(), [found[2].strip()], _RECURRING.match(line) is not None))
            is_open = True
        elif drafts:
            drafts[-1].lines.append(found[2].strip())
            is_open = True
    return [draft.finished() for draft in drafts]


@dataclass(slots=True)
class _Draft:
    """A message whose lines are still to come."""

    kind: str
    lines: list[str] = field(default_factory=list)
    recurring: bool = False

    def finished(self) -> Message:
        text = " ".join(line for line in self.lines if line)
        times = 1
        if self.recurring:
            said, _, statistics = text.partition("This error occurred")
            counted = _TIMES.match(f"This error occurred{statistics}")
            text, times = said.strip(), int(counted[1]) if counted else 1
        return Message(self.kind, _shortened(text, _LONGEST), times, self.recurring)


def _count(messages: Iterable[Message], kind: str) -> int:
    return sum(one.times for one in messages if one.kind == kind)


def _is_of_warmup(text: str) -> bool:
    """Whether it says that the warm-up did not converge: a severe error, in old versions a warning."""
    return "CheckWarmupConvergence" in text


def _frequent(messages: Iterable[Message]) -> tuple[tuple[int, str], ...]:
    """The most frequent warnings, those that come as often in the order of the file.

    Texts that differ by digits only are one before anything else is looked at: there may be tens of thousands.
    """
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for one in messages:
        if one.kind == "warning":
            key = one.text.translate(_NO_DIGITS)
            counts[key] += one.times
            first.setdefault(key, one.text)
    grouped: Counter[str] = Counter()
    for key, times in counts.items():
        grouped[_shortened(normalised(first[key]), _SHOWN)] += times
    return tuple((times, text) for text, times in grouped.most_common(FREQUENT))


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}{GAP}"


def _text(path: Path) -> str:
    """The content of a file: UTF-8 as in the model, line by line Latin-1 where it is not that; "" without a file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "\n".join(map(_decoded, content.split(b"\n")))


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
