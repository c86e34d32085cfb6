"""The engine "short": a real child process of a fraction of a second, that behaves as badly as its variant says.

Workers find it through the entry points of the folder that it stands in, when that is on PYTHONPATH. Its one parameter
is levels alone, each a dict of "value", "seconds" and "behaviour", one of BEHAVIOURS. The answer of a variant that ends
well is `answer_to(value)`.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import failpoints

from epstudy.core.canonical import short_digest
from epstudy.core.check import Check
from epstudy.core.contracts import Held, Prepared, Run, Stop, Watch
from epstudy.core.errors import EngineError
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.core.parameter import Level, Parameter, read_levels
from epstudy.engines.elapsed import Elapsed
from epstudy.processes import die_with_parent

BUILD = "short-1.0"
TRACE = "trace.txt"
MARKER = "SHORT_SIMULATION"  # in the environment of every child process, whoever its parent is by now
TICK_S = 0.05

BEHAVIOURS = {
    "good": "ends after its seconds",
    "segfault": "its process dies of SIGSEGV",
    "kill-slot": "kills the Celery child that runs it",
    "kill-worker": "kills Celery's main process",
    "hang": "never ends",
    "wrong": "ends with an error of the model",
    "unwell": "finds its machine broken, twice",
}
_ENDLESS = ("hang", "kill-slot", "kill-worker")


@dataclass(frozen=True, slots=True)
class Levels:
    """A parameter that is its levels alone."""

    levels: tuple[Level, ...]

    @property
    def kind(self) -> str:
        return "levels"

    @property
    def targets(self) -> tuple[str, ...]:
        return ()


def levels(variants: Sequence[Mapping[str, Any]]) -> Levels:
    """Return the parameter that has a level for each of these variants, labelled by its place."""
    return Levels(read_levels(dict(enumerate(variants))))


@dataclass(frozen=True, slots=True)
class Short:
    """The engine as a notebook names it: it writes a line into `log` at each start of a simulation."""

    log: str

    @property
    def kind(self) -> str:
        return "short"

    def prepare(
        self,
        parameters: Mapping[str, Parameter],
        outputs: Sequence[Any] = (),
        keep: Sequence[str] = (),
        *,
        untouched: bool = False,
    ) -> Prepared:
        """Return what a manifest needs; `keep=("trace",)` keeps a file beside each result."""
        return Prepared(
            Check(),
            {"build": BUILD, "log": self.log},
            edits={
                name: tuple(
                    tuple({"level": of, "value": to} for of, to in level.value.items()) for level in parameter.levels
                )
                for name, parameter in parameters.items()
            },
            metrics={"answer": "1"},
            artifacts=(TRACE,) if "trace" in keep else (),
        )


def answer_to(value: float) -> float:
    """Return what a good variant of this value gives."""
    return value * value + 1


def name_of(edits: Sequence[Any]) -> str:
    """Return the name of a variant in the log of starts."""
    return short_digest(list(edits))


class ShortSimulator:
    """Runs variants, each in a process of its own."""

    def describe(self) -> str:
        return BUILD

    def installed(self) -> list[str]:
        return [BUILD]

    def abilities(self) -> list[str]:
        return []

    def warm(self) -> None:
        """Nothing is slow here."""

    def readable(self, outputs: Sequence[Mapping[str, Any]], held: Held) -> bool:
        return False

    def read_again(self, run: Run, held: Held) -> bool:
        return False

    def export(self, run: Run) -> str:
        raise EngineError("a short simulation cannot be exported")

    def close(self) -> None:
        """No process outlives its run."""

    def run(self, run: Run, watch: Watch) -> Outcome:
        """Simulate one variant; see `epstudy.core.contracts.Simulator`."""
        failpoints.arm()
        said = {edit["level"]: edit["value"] for edit in run.edits}
        behaviour = said.get("behaviour", "good")
        log = Path(run.recipe["log"])
        name = name_of(run.edits)
        _note(log, f"{name} {os.getpid()} {time.monotonic():.3f}\n")
        process = _start(behaviour, float(said.get("seconds", TICK_S)), name)
        try:
            end = _follow(process, behaviour, run.timeout_s, watch)
        finally:
            process.kill()
            process.wait()
        if isinstance(end, Outcome):
            return end
        if behaviour == "wrong":
            return Outcome(State.FAILED, Cause.SIMULATION, "the model is wrong", engine=BUILD)
        if behaviour == "unwell" and log.read_text().count(name) <= 2:
            return Outcome(State.FAILED, Cause.INFRASTRUCTURE, "the machine is unwell", engine=BUILD)
        if end < 0:
            return Outcome(State.FAILED, Cause.CRASH, f"crashed: {signal.Signals(-end).name}", engine=BUILD)
        if run.artifacts:
            run.kept.mkdir()
            (run.kept / TRACE).write_text(f"{said['value']:g}\n" * 1000)
        return Outcome(State.DONE, metrics={"answer": answer_to(said["value"])}, engine=BUILD)


def make_simulator() -> ShortSimulator:
    """Return the worker's side of the engine."""
    return ShortSimulator()


def _start(behaviour: str, seconds: float, name: str) -> subprocess.Popen[bytes]:
    if behaviour in _ENDLESS:
        seconds = 86400.0
    command = ["sleep", f"{seconds:.3f}"]
    if behaviour == "segfault":
        command = ["sh", "-c", "kill -SEGV $$"]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, MARKER: name},
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),  # safe: a Celery child has one thread
    )


def _follow(process: subprocess.Popen[bytes], behaviour: str, timeout_s: float | None, watch: Watch) -> int | Outcome:
    """The exit code of the process, or the outcome of one that was stopped."""
    elapsed = Elapsed()
    while True:
        try:
            return process.wait(TICK_S)
        except subprocess.TimeoutExpired:
            pass
        if behaviour == "kill-slot":
            os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "kill-worker":
            os.kill(os.getppid(), signal.SIGKILL)
        stop: Stop | None = watch(None)
        if stop is not None:
            return Outcome(State.CANCELLED, message=stop.value)
        if elapsed.look() > (math.inf if timeout_s is None else timeout_s):
            return Outcome(State.FAILED, Cause.TIMEOUT, f"still running after {timeout_s:g} s", engine=BUILD)


def _note(log: Path, line: str) -> None:
    """Append a line in one write, so that lines of several processes never mix."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
