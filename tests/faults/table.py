"""The table of docs/reliability.md, from what the fault suite recorded: `make reliability`."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.faults.recorder import RECORD

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
COUNTS = ("injected", "variants", "lost", "doubled", "repeated")


def render(lines: Iterable[str]) -> str:
    """Return the table for these lines of the record, and a sentence that sums it up."""
    seen = [json.loads(line) for line in lines]
    faults: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in seen:
        faults.setdefault((one["fault"], one["what"]), []).append(one)
    head = ["| | fault | injected | variants | lost | doubled | repeated | back, median | longest |", "|" + "---|" * 9]
    rows = [_row(code, what, faults[code, what]) for code, what in sorted(faults, key=_place)]
    injected, variants, lost, doubled, repeated = (sum(one[name] for one in seen) for name in COUNTS)
    failed = sum(not one["passed"] for one in seen)
    summary = (
        f"{injected} faults in {len(seen)} tests, {variants} variants: {lost} lost, {doubled} doubled, "
        f"{repeated} simulations repeated; "
        f"{failed or 'no'} test{'' if failed == 1 else 's'} failed."
    )
    return "\n".join([*head, *rows, "", summary])


def _row(code: str, what: str, seen: list[Mapping[str, Any]]) -> str:
    counts = " | ".join(str(sum(one[name] for one in seen)) for name in COUNTS)
    back = [seconds for one in seen for seconds in one["recovered_s"]]
    median, longest = (f"{statistics.median(back):.1f}", f"{max(back):.1f}") if back else ("", "")
    return f"| {code} | {what} | {counts} | {median} | {longest} |"


def _place(fault: tuple[str, str]) -> tuple[str, int, str]:
    code, what = fault
    number = re.search(r"\d+", code)
    return code[0], int(number[0]) if number else 0, what


def main() -> None:
    """Write the table into the page, between its two comments."""
    before, start, rest = PAGE.read_text(encoding="utf-8").partition("<!-- recorded -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    assert start, f"{PAGE} has no place for the table"
    assert end, f"{PAGE} has no end of the table"
    table = render(RECORD.read_text(encoding="utf-8").splitlines())
    PAGE.write_text(f"{before}{start}\n{table}\n\n{end}{after}", encoding="utf-8")
    print(f"{PAGE}: written")


if __name__ == "__main__":
    main()
