"""The worker's side of EnergyPlus: one warm process, watched from outside."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from epstudy.core.contracts import Held, Run, Stop, Watch
from epstudy.core.errors import EngineError, StoreError
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.engines.elapsed import Elapsed
from epstudy.engines.energyplus.abilities import abilities_of, choose
from epstudy.engines.energyplus.installation import Installation, find_installation, find_installations, python_path
from epstudy.engines.energyplus.outputs.harvesting import readable
from epstudy.engines.energyplus.outputs.keeping import SQL, artifact_of, keep_failure, keep_outputs, read_wanted
from epstudy.engines.energyplus.outputs.requests import Meter, Variable, from_json
from epstudy.engines.energyplus.run.disk import FULL, Room, disk_message
from epstudy.engines.energyplus.run.edits import inputs_of
from epstudy.engines.energyplus.run.judging import KILLED, failed, judge, never_staged, out_of_memory, without_its_files
from epstudy.engines.energyplus.run.limits import Weight
from epstudy.settings import surroundings

_TICK_S = 0.2

#: A variant that is tried out and has not begun after so many seconds, or seconds of the processor, is let pass.
_TRIED_S = 30.0
_TRIED_CPU_S = 10.0

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

    def installed(self) -> list[str]:
        """Return each version of EnergyPlus that is here."""
        found = find_installations(environment=surroundings())
        return list(dict.fromkeys(f"EnergyPlus {'.'.join(map(str, one.version))}" for one in found))

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
        try:
            (run.folder / SQL).symlink_to(sql)
            keep_outputs(run, read_wanted(wanted))
        except OSError as error:
            raise EngineError(_said_by(error, run.folder)) from error
        return True

    def export(self, run: Run) -> str:
        """Write the variant into `run.folder` for EnergyPlus alone; see `core.contracts.Simulator`."""
        from epstudy.engines.energyplus.run.exporting import export

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
        room = Room(run.folder)
        try:
            outcome = self._run(run, watch, room)
            trouble = "" if outcome.state is State.CANCELLED else room.trouble()
        except OSError as error:
            outcome, trouble = failed(run, Cause.INFRASTRUCTURE, ""), _said_by(error, run.folder)
        if trouble:
            outcome = replace(outcome, state=State.FAILED, cause=Cause.INFRASTRUCTURE, message=trouble, metrics={})
        return _with_its_files(run, outcome) if outcome.state is State.FAILED else outcome

    def try_out(self, run: Run) -> Outcome:
        """Run one variant to the end of its first time step; see `core.contracts.TriesOut`."""
        deadline = time.monotonic() + _TRIED_S

        def watch(_progress: float | None) -> Stop | None:
            spent = self._process is not None and self._process.cpu_s() > _TRIED_CPU_S
            return Stop.CANCELLED if spent or time.monotonic() > deadline else None

        room = Room(run.folder)
        try:
            outcome = self._run(run, watch, room, tell_begin=True)
            trouble = room.trouble()
        except OSError as error:
            outcome, trouble = failed(run, Cause.INFRASTRUCTURE, ""), _said_by(error, run.folder)
        if outcome.state is State.DONE:
            self.close()  # it is in the middle of the run
            outcome = replace(outcome, details={"lacks": _lacking(run)})
        return failed(run, Cause.INFRASTRUCTURE, trouble) if trouble else outcome

    def _run(self, run: Run, watch: Watch, room: Room, *, tell_begin: bool = False) -> Outcome:
        started = time.monotonic()
        try:
            try:
                stopped = self._start(run, watch)
                if stopped is not None:
                    return stopped
                order = {**_order(run), "tell_begin": tell_begin}
            except (EngineError, StoreError) as error:
                return Outcome(State.FAILED, Cause.INFRASTRUCTURE, str(error))
            end = self._simulate(run, order, watch, room)
        except BaseException:
            self.close()  # or the next run would take this one's answer for its own
            raise
        if isinstance(end, int):
            end = judge(run, end, time.monotonic() - started)
        if end.state is State.CANCELLED or end.cause in (Cause.TIMEOUT, Cause.CRASH):
            self.close()  # it still runs, or is not what it was
        return without_its_files(run, end, _input_names(run))

    def _start(self, run: Run, watch: Watch) -> Outcome | None:
        """Have a process of the very EnergyPlus that the study was made for; the outcome of a run stopped meanwhile.

        It may take as long as it lives to start, as on a busy machine: that is none of the time that the study allows.
        """
        wanted = str(run.recipe["build"])
        if run.hints or self._process is None or self._process.installation.build != wanted:
            chosen = choose(wanted, run.hints, surroundings())  # two may have one build, and only one of them plug-ins
        else:
            chosen = self._process.installation
        if self._process is not None and (not self._process.alive or self._process.installation != chosen):
            self.close()
        most = run.limits.memory_bytes
        if self._process is not None and most is not None and self._process.memory() > most / 2:
            self.close()  # what earlier runs left in it would count for this one's
        if self._process is None:
            self._process = _WarmProcess(chosen)
        while not (build := self._process.build()):
            stop = watch(None)
            if stop is not None:
                return Outcome(State.CANCELLED, message=stop.value)
        if build != wanted:
            raise EngineError(f"EnergyPlus {self._process.installation} calls itself {build} when it runs")
        return None

    def _simulate(self, run: Run, order: dict[str, Any], watch: Watch, room: Room) -> int | Outcome:
        """Exit code of the run (negative: the signal that ended the process), or the outcome of one that has none."""
        assert self._process is not None
        self._process.order(order)
        progress: float | None = None
        staged = False
        elapsed = Elapsed()
        while True:
            was_alive = self._process.alive  # or what it said last would be missed
            answer = self._process.answer(_TICK_S)
            staged = staged or "staged" in answer
            if "code" in answer:
                return int(answer["code"])
            if "begun" in answer:
                return Outcome(State.DONE, engine=run.recipe["build"])
            unmade = _unmade(run, answer)
            if unmade is not None:
                return unmade
            if not answer and not was_alive:
                code = self._process.wait()
                self.close()
                return code if staged or -code in KILLED else never_staged(run, code)
            progress = answer.get("progress", progress)
            stop = watch(progress)
            if stop is not None:
                return Outcome(State.CANCELLED, message=stop.value)
            room.look()
            if run.limits.memory_bytes is not None and self._process.memory() > run.limits.memory_bytes:
                self.close()  # first, as it may be writing still
                return out_of_memory(run)
            if elapsed.look() > (math.inf if run.timeout_s is None else run.timeout_s):
                return failed(run, Cause.TIMEOUT, f"still running after {run.timeout_s:g} s, the limit of the study")


class _WarmProcess:
    """The process of `process.py`, in a session of its own, and the two pipes to it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        environment = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
        path = [*python_path(installation), *filter(None, [environment.get("PYTHONPATH")])]
        if path:
            environment["PYTHONPATH"] = os.pathsep.join(path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "epstudy.engines.energyplus.run.process", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        self._weight = Weight(self._process.pid)
        self._build = ""
        self._pending = b""

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def build(self) -> str:
        """The engine's version string, once it has started; empty when it has not by the end of a short look."""
        if not self._build:
            was_alive = self.alive  # or what it said last would be missed
            self._build = self.answer(_TICK_S).get("ready", "")
            if not self._build and not was_alive:
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

    def cpu_s(self) -> float:
        """How many seconds of the processor it has taken; on a machine under load fewer than have passed."""
        return self._weight.cpu_s()

    def memory(self) -> int:
        """How many bytes of memory it has, with what it started."""
        return self._weight.bytes()

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
    return {
        "folder": str(run.folder),
        "recipe": dict(recipe),
        "edits": list(run.edits),
        "inputs": {name: str(run.input_path(name)) for name in _input_names(run)},
        "sources": dict(run.sources),
        "outputs": [dict(output) for output in run.outputs],
        "keep": list(run.keep),
        "allow_code": run.allow_code,
        "limits": asdict(run.limits),
    }


def _input_names(run: Run) -> list[str]:
    """The names of all input files of a run."""
    recipe = run.recipe
    names = [recipe["model"], recipe["weather"], recipe.get("ddy"), *recipe["external"].values(), *inputs_of(run.edits)]
    return [name for name in names if name]


def _unmade(run: Run, answer: Mapping[str, Any]) -> Outcome | None:
    """The outcome of a run whose model could not be made, if this is what the process says."""
    if "refused" in answer:
        return failed(run, Cause.INPUT, answer["refused"])
    if "unable" in answer:
        return failed(run, Cause.INFRASTRUCTURE, answer["unable"])
    if answer.get("lacks") == "memory":
        return out_of_memory(run)
    if answer.get("lacks") == "disk":
        return failed(run, Cause.INFRASTRUCTURE, disk_message(run.folder, answer["why"]))
    return None


def _lacking(run: Run) -> list[str]:
    """The series that a model which was tried out does not have."""
    from epstudy.engines.energyplus.outputs.series import unlisted

    asked = [from_json(one) for one in run.outputs]
    return unlisted(run.folder, [one for one in asked if isinstance(one, Meter | Variable)])


def _with_its_files(run: Run, outcome: Outcome) -> Outcome:
    """A failure, and in `run.kept` what explains it. When that cannot be kept, then who knows what else could not."""
    try:
        keep_failure(run)
    except OSError as error:
        shutil.rmtree(run.kept, ignore_errors=True)
        if outcome.cause is not Cause.INFRASTRUCTURE:
            return replace(outcome, cause=Cause.INFRASTRUCTURE, message=_said_by(error, run.folder))
    return outcome


def _said_by(error: OSError, folder: Path) -> str:
    """What a user reads of an error while reading or writing in a run's folder."""
    return disk_message(folder, str(error.strerror)) if error.errno in FULL else str(error)
