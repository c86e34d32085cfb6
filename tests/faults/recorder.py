"""What the tests saw, one line a fault in build/faults.jsonl, for the table of docs/reliability.md."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import Found

RECORD = Path(__file__).parents[2] / "build" / "faults.jsonl"
SEED = os.environ.get("EPSTUDY_FAULT_SEED")  # before the tests' conftest takes every EPSTUDY_* away


@dataclass
class Fault:
    """One kind of fault in one test: what it is in words, how often it happened, and what came of it."""

    code: str
    what: str
    seed: int
    injected: int = 0
    variants: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    recovered_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def happened(self, times: int = 1) -> None:
        """Count a fault that was seen to happen."""
        self.injected += times

    def recovered(self, *seconds: float) -> None:
        """Note how long it took until what was hit went on."""
        self.recovered_s += [round(one, 2) for one in seconds]

    def ended(self, found: Found) -> None:
        """Note what the checker found, and fail with its problems."""
        self.variants += found.variants
        self.lost += found.lost
        self.doubled += found.doubled
        self.repeated += found.repeated
        assert not found.problems, "\n".join([f"{self.code}, seed {self.seed}:", *found.problems])

    def to_json(self) -> dict[str, object]:
        """Return plain JSON."""
        return {
            "fault": self.code,
            "what": self.what,
            "seed": self.seed,
            "injected": self.injected,
            "variants": self.variants,
            "lost": self.lost,
            "doubled": self.doubled,
            "repeated": self.repeated,
            "recovered_s": self.recovered_s,
        }


def new_fault(code: str, what: str) -> Fault:
    """Return a fault that has not happened yet; its seed is printed, `EPSTUDY_FAULT_SEED` sets it."""
    fault = Fault(code, what, int(SEED) if SEED else random.SystemRandom().randrange(1_000_000))
    print(f"{code}: {what}; EPSTUDY_FAULT_SEED={fault.seed}")
    return fault


def record(faults: Iterable[Fault], *, passed: bool) -> None:
    """Append these faults to the record."""
    RECORD.parent.mkdir(exist_ok=True)
    with RECORD.open("a", encoding="utf-8") as file:
        for fault in faults:
            file.write(json.dumps({**fault.to_json(), "passed": passed}) + "\n")
