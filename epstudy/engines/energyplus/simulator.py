"""The worker's side of EnergyPlus: one warm process, watched from outside; and from its files an Outcome."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from epstudy.core.contracts import Run, Stop, Watch
from epstudy.core.errors import EngineError, InputError, StoreError
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.engines.energyplus import model
from epstudy.engines.energyplus.errors_file import Verdict, read_verdict
from epstudy.engines.energyplus.installation import find_installation, read_build
from epstudy.engines.energyplus.outputs import ask, harvest, set_period

_TICK_S = 0.2
_START_S = 60.0

#: Beginnings of the variables that the process gets. EnergyPlus reads others (DDONLY, IgnoreSolarRadiation, …) that
#: would change results without being in the key; and passwords are none of its business.
_ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_",
    "TMP",
    "LD_LIBRARY",
    "DYLD_",
    "PYTHON",
    "VIRTUAL_ENV",
    "OMP_",
    "SYSTEMROOT",
)


class EnergyPlusSimulator:
    """Runs variants in a warm process of its own; starts another one when it must."""

    def __init__(self) -> None:
        self._process: _WarmProcess | None = None

    def describe(self) -> str:
        """Return the build of the installed EnergyPlus."""
        return f"{find_installation().build}, the library of the package pyenergyplus-lbnl"

    def warm(self) -> None:
        """Start the process and load what the first model needs, so that the first run finds it there."""
        if self._process is None:
            self._process = _WarmProcess()
        model.warm(find_installation().version)

    def close(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def run(self, run: Run, watch: Watch) -> Outcome:
        """Simulate one variant; see `core.contracts.Simulator`."""
        started = time.monotonic()
        try:
            self._check_build(run)
            order = _order(run, _stage(run))
        except InputError as error:
            return Outcome(State.FAILED, Cause.INPUT, str(error))
        except (EngineError, StoreError, OSError) as error:
            return Outcome(State.FAILED, Cause.INFRASTRUCTURE, str(error))
        try:
            end = self._simulate(run, order, watch, started)
        except BaseException:
            self.close()  # or the next run would take this one's answer for its own
            raise
        if isinstance(end, Stop):
            self.close()
            return Outcome(State.CANCELLED, message=end.value)
        if end is None:
            self.close()
            return Outcome(
                State.FAILED, Cause.TIMEOUT, f"still running after {run.timeout_s:g} s, the limit of the study"
            )
        return _judge(run, end, time.monotonic() - started)

    def _check_build(self, run: Run) -> None:
        if self._process is None or not self._process.alive:
            self.close()
            self._process = _WarmProcess()
        build = self._process.build()
        if build != run.recipe["build"]:
            raise EngineError(
                f"this worker has EnergyPlus {build}, the study was made for {run.recipe['build']}; "
                "install the same package pyenergyplus-lbnl on both sides"
            )

    def _simulate(self, run: Run, order: dict[str, Any], watch: Watch, started: float) -> int | Stop | None:
        """Exit code of the run (negative: the signal that killed the process), a Stop, or None when out of time."""
        assert self._process is not None
        self._process.order(order)
        progress: float | None = None
        while True:
            answer = self._process.answer(_TICK_S)
            if "code" in answer:
                return int(answer["code"])
            if not self._process.alive:
                code = self._process.wait()
                self.close()
                return code
            progress = answer.get("progress", progress)
            stop = watch(progress)
            if stop is not None:
                return stop
            if run.timeout_s is not None and time.monotonic() - started > run.timeout_s:
                return None


class _WarmProcess:
    """The process of `process.py`, in a session of its own, and the two pipes to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "epstudy.engines.energyplus.process", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)},
            start_new_session=True,
        )
        self._build = ""
        self._pending = b""

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def build(self) -> str:
        """The engine's version string, once it has started."""
        deadline = time.monotonic() + _START_S
        while not self._build:
            answer = self.answer(_TICK_S)
            self._build = answer.get("ready", "")
            if not self._build and (not self.alive or time.monotonic() > deadline):
                self.kill()
                said = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
                last = said.strip().splitlines()[-1:] or [f"it ended with code {self._process.returncode}"]
                raise EngineError(f"the EnergyPlus process does not start: {last[0]}")
        return self._build

    def order(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died since the last look; the next answer says so

    def answer(self, timeout_s: float) -> dict[str, Any]:
        """The next line it says, or {} when it says none in time; at its end {} at once."""
        stdout = self._process.stdout
        assert stdout is not None
        if b"\n" not in self._pending:
            ready, _, _ = select.select([stdout], [], [], timeout_s)
            if ready:
                read = os.read(stdout.fileno(), 65536)
                if not read:
                    self._process.wait()
                self._pending += read
        line, newline, rest = self._pending.partition(b"\n")
        if not newline:
            return {}
        self._pending = rest
        said: dict[str, Any] = json.loads(line)
        return said

    def wait(self) -> int:
        return self._process.wait()

    def kill(self) -> None:
        """End the process and everything it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@lru_cache(maxsize=4)
def _base(path: Path, _mark: tuple[int, int], period: str) -> model.Document:
    """The parsed base model, ready but for the edits; `_mark` changes when the file does."""
    document = model.load(path.read_bytes(), path.suffix)
    set_period(document, period)
    ask(document)
    return document


def _stage(run: Run) -> str:
    """Write the edited model and its external files into the run's folder; return the model's file name."""
    recipe = run.recipe
    path = run.input_path(recipe["model"])
    seen = path.stat()
    document = _base(path, (seen.st_mtime_ns, seen.st_size), recipe["period"]).copy()
    model.apply_edits(document, run.edits)
    name = f"in{path.suffix}"
    (run.folder / name).write_bytes(model.write(document, path.suffix))
    for relative, stored in recipe["external"].items():
        target = run.folder / relative
        if not target.resolve().is_relative_to(run.folder.resolve()):
            raise InputError(f'the model refers to "{relative}", outside its folder')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(run.input_path(stored))
    return name


def _order(run: Run, name: str) -> dict[str, Any]:
    weather = run.recipe["weather"]
    arguments = ["-d", str(run.folder)]
    if weather is not None:
        arguments += ["-w", str(run.input_path(weather))]
    return {"folder": str(run.folder), "arguments": [*arguments, str(run.folder / name)]}


def _judge(run: Run, code: int, seconds: float) -> Outcome:
    """Return code 0, "Completed Successfully" and no Fatal: that is done, and nothing else is."""
    verdict = read_verdict(run.folder)
    build = run.recipe["build"]
    if -code in (signal.SIGKILL, signal.SIGTERM):
        said = f"EnergyPlus' process was killed ({signal.Signals(-code).name}): out of memory, or ended by somebody"
        return Outcome(State.FAILED, Cause.INFRASTRUCTURE, said, engine=build)
    if code < 0:
        return Outcome(State.FAILED, Cause.CRASH, _crash_message(verdict, code), engine=build)
    if code != 0 or not verdict.completed:
        cause = Cause.SIMULATION if verdict.completed is False else Cause.INPUT
        return Outcome(State.FAILED, cause, _failure_message(run.folder, verdict, code), engine=build)
    if verdict.build_line and read_build(verdict.build_line) != build:
        said = f"EnergyPlus calls itself {read_build(verdict.build_line)}, the study was made for {build}"
        return Outcome(State.FAILED, Cause.INFRASTRUCTURE, said, engine=build)
    try:
        scalars = harvest(run.folder)
    except EngineError as error:
        return Outcome(State.FAILED, Cause.SIMULATION, str(error), engine=build)
    counts = {"warnings": float(verdict.warnings), "severe_errors": float(verdict.severe_errors)}
    return Outcome(State.DONE, metrics={**scalars, **counts, "seconds": round(seconds, 3)}, engine=build)


def _crash_message(verdict: Verdict, code: int) -> str:
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    said = verdict.last_severe or verdict.fatal
    return f"{said} (EnergyPlus crashed: {name})" if said else f"EnergyPlus crashed: {name}, and left no message"


def _failure_message(folder: Path, verdict: Verdict, code: int) -> str:
    said = verdict.first_severe or verdict.fatal
    if said:
        return said
    try:
        console = (folder / "console.txt").read_text(encoding="latin-1")
    except FileNotFoundError:
        console = ""
    lines = [line.strip() for line in console.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()] or lines[-1:]
    return telling[0] if telling else f"EnergyPlus ended with code {code} and left no message"
