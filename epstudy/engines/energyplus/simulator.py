"""The worker's side of EnergyPlus: one warm process, watched from outside; and from its files an Outcome."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from epstudy.core.contracts import Held, Run, Stop, Watch
from epstudy.core.errors import EngineError, StoreError
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.engines.energyplus.abilities import abilities_of, choose
from epstudy.engines.energyplus.edits import inputs_of
from epstudy.engines.energyplus.errors_file import Verdict, read_verdict
from epstudy.engines.energyplus.harvesting import readable
from epstudy.engines.energyplus.installation import (
    Installation,
    find_installation,
    find_installations,
    python_path,
    read_build,
)
from epstudy.engines.energyplus.keeping import SQL, artifact_of, keep_failure, keep_files, keep_outputs, read_wanted
from epstudy.engines.energyplus.outputs import harvest
from epstudy.engines.energyplus.requests import from_json
from epstudy.settings import surroundings

_TICK_S = 0.2
_START_S = 60.0
_KILLED = (signal.SIGKILL, signal.SIGTERM)  # by the system, or by somebody

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
        """Return every EnergyPlus that is here, the one to prefer first."""
        found = find_installations(environment=surroundings())
        return ", ".join(map(str, found)) if found else str(find_installation())

    def abilities(self) -> list[str]:
        """Return one ability for each EnergyPlus that is installed here."""
        return [one for each in find_installations(environment=surroundings()) for one in abilities_of(each)]

    def readable(self, wanted: Sequence[Mapping[str, Any]], held: Held) -> bool:
        """Say whether these outputs can be read from an SQL file that a result kept."""
        return not wanted or _holding(wanted, held) is not None

    def read_again(self, run: Run, held: Held) -> bool:
        """Make missing outputs from an SQL file that an earlier run kept; see `core.contracts.Simulator`."""
        missing = {name for name in run.artifacts if name not in held.names}
        wanted = [output for output in run.outputs if artifact_of(from_json(output)) in missing]
        sql = _holding(wanted, held)
        if sql is None or len(wanted) != len(missing):
            return False
        (run.folder / SQL).symlink_to(sql)
        keep_outputs(run, read_wanted(wanted))
        return True

    def export(self, run: Run) -> str:
        """Write the variant into `run.folder` for EnergyPlus alone; see `core.contracts.Simulator`."""
        from epstudy.engines.energyplus.exporting import export

        return export(_order(run))

    def warm(self) -> None:
        """Start the process, which loads what the first run needs."""
        if self._process is None:
            self._process = _WarmProcess(find_installation(environment=surroundings()))

    def close(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def run(self, run: Run, watch: Watch) -> Outcome:
        """Simulate one variant; see `core.contracts.Simulator`."""
        started = time.monotonic()
        try:
            self._start(run)
            order = _order(run)
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
            keep_failure(run)
            return Outcome(
                State.FAILED, Cause.TIMEOUT, f"still running after {run.timeout_s:g} s, the limit of the study"
            )
        outcome = end if isinstance(end, Outcome) else _judge(run, end, time.monotonic() - started)
        if outcome.state is State.FAILED:
            keep_failure(run)
        return outcome

    def _start(self, run: Run) -> None:
        """Have a process of the very EnergyPlus that the study was made for."""
        wanted = str(run.recipe["build"])
        if run.hints or self._process is None or self._process.installation.build != wanted:
            chosen = choose(wanted, run.hints, surroundings())  # two may have one build, and only one of them plug-ins
        else:
            chosen = self._process.installation
        if self._process is not None and (not self._process.alive or self._process.installation != chosen):
            self.close()
        if self._process is None:
            self._process = _WarmProcess(chosen)
        build = self._process.build()
        if build != wanted:
            raise EngineError(f"EnergyPlus {self._process.installation} calls itself {build} when it runs")

    def _simulate(self, run: Run, order: dict[str, Any], watch: Watch, started: float) -> int | Outcome | Stop | None:
        """Exit code of the run (negative: the signal that killed the process), the outcome of one that never started,
        a Stop, or None when out of time."""
        assert self._process is not None
        self._process.order(order)
        progress: float | None = None
        staged = False
        while True:
            was_alive = self._process.alive  # or what it said last would be missed
            answer = self._process.answer(_TICK_S)
            staged = staged or "staged" in answer
            if "code" in answer:
                return int(answer["code"])
            if "refused" in answer:
                return Outcome(State.FAILED, Cause.INPUT, answer["refused"], engine=run.recipe["build"])
            if "unable" in answer:
                return Outcome(State.FAILED, Cause.INFRASTRUCTURE, answer["unable"], engine=run.recipe["build"])
            if not answer and not was_alive:
                code = self._process.wait()
                self.close()
                return code if staged or -code in _KILLED else _never_staged(run, code)
            progress = answer.get("progress", progress)
            stop = watch(progress)
            if stop is not None:
                return stop
            if run.timeout_s is not None and time.monotonic() - started > run.timeout_s:
                return None


class _WarmProcess:
    """The process of `process.py`, in a session of its own, and the two pipes to it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        environment = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
        path = [*python_path(installation), *filter(None, [environment.get("PYTHONPATH")])]
        if path:
            environment["PYTHONPATH"] = os.pathsep.join(path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "epstudy.engines.energyplus.process", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
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


def _holding(wanted: Sequence[Mapping[str, Any]], held: Held) -> Path | None:
    """An SQL file beside a result that holds all these outputs."""
    requests = read_wanted(wanted)
    for name in held.names:
        path = held.path(name) if name.endswith(f".{SQL}") else None
        if path is not None:
            with contextlib.suppress(EngineError):  # a damaged file holds nothing
                if {one.digest for one in requests} <= readable(path, requests):
                    return path
    return None


def _order(run: Run) -> dict[str, Any]:
    """What the process needs to know, with the local path of every input file."""
    recipe = run.recipe
    names = [recipe["model"], recipe["weather"], recipe.get("ddy"), *recipe["external"].values(), *inputs_of(run.edits)]
    return {
        "folder": str(run.folder),
        "recipe": dict(recipe),
        "edits": list(run.edits),
        "inputs": {name: str(run.input_path(name)) for name in names if name},
        "sources": dict(run.sources),
        "outputs": [dict(output) for output in run.outputs],
        "keep": list(run.keep),
        "allow_code": run.allow_code,
    }


def _judge(run: Run, code: int, seconds: float) -> Outcome:
    """Return code 0, "Completed Successfully" and no Fatal: that is done, and nothing else is."""
    verdict = read_verdict(run.folder)
    build = run.recipe["build"]
    if -code in _KILLED:
        said = f"EnergyPlus' process was killed ({signal.Signals(-code).name}): out of memory, or ended by somebody"
        return Outcome(State.FAILED, Cause.INFRASTRUCTURE, said, engine=build)
    if code < 0:
        return Outcome(
            State.FAILED, Cause.CRASH, _crash_message(verdict, code), engine=build, details=_details(verdict)
        )
    if code != 0 or not verdict.completed:
        cause = Cause.SIMULATION if verdict.completed is False else Cause.INPUT
        return Outcome(
            State.FAILED, cause, _failure_message(run.folder, verdict, code), engine=build, details=_details(verdict)
        )
    if verdict.build_line and read_build(verdict.build_line) != build:
        said = f"EnergyPlus calls itself {read_build(verdict.build_line)}, the study was made for {build}"
        return Outcome(State.FAILED, Cause.INFRASTRUCTURE, said, engine=build)
    try:
        scalars = harvest(run.folder)
        keep_outputs(run, read_wanted(run.outputs))
        keep_files(run)
    except EngineError as error:
        return Outcome(State.FAILED, Cause.SIMULATION, str(error), engine=build, details=_details(verdict))
    counts = {
        "warnings": float(verdict.warnings),
        "severe_errors": float(verdict.severe_errors),
        "warmup_converged": float(verdict.warmup_converged),
    }
    metrics = {**scalars, **counts, "seconds": round(seconds, 3)}
    return Outcome(State.DONE, metrics=metrics, engine=build, details=_details(verdict))


def _details(verdict: Verdict) -> dict[str, Any]:
    """What the error file says, for `failures()`; of a good run only what occurs most."""
    said = {
        "fatal": verdict.fatal,
        "first_severe": verdict.first_severe,
        "last_severe": verdict.last_severe,
        "severe_errors": verdict.severe_errors,
        "warnings": verdict.warnings,
        "frequent": [list(one) for one in verdict.frequent],
    }
    return {name: value for name, value in said.items() if value not in ("", [])}


def _never_staged(run: Run, code: int) -> Outcome:
    """The process died while it made the model: EnergyPlus had no part in it."""
    how = f"crashed: {_signal_name(code)}" if code < 0 else f"ended with code {code}"
    measures = ", ".join(f'measure "{edit["name"]}"' for edit in run.edits if "measure" in edit)
    who = f"; it ran {measures}, which must not end Python" if measures else ""
    said = f"the process that makes the model {how}, before EnergyPlus started{who}"
    return Outcome(State.FAILED, Cause.CRASH if code < 0 else Cause.INPUT, said, engine=run.recipe["build"])


def _signal_name(code: int) -> str:
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"


def _crash_message(verdict: Verdict, code: int) -> str:
    name = _signal_name(code)
    said = verdict.last_severe or verdict.fatal
    return f"{said} (EnergyPlus crashed: {name})" if said else f"EnergyPlus crashed: {name}, and left no message"


def _failure_message(folder: Path, verdict: Verdict, code: int) -> str:
    said = verdict.reason
    if said:
        return said
    try:
        console = (folder / "console.txt").read_text(encoding="latin-1")
    except FileNotFoundError:
        console = ""
    lines = [line.strip() for line in console.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()] or lines[-1:]
    return telling[0] if telling else f"EnergyPlus ended with code {code} and left no message"
