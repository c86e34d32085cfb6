"""From what a run left to an Outcome: how EnergyPlus ended, and whose fault it was."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from epstudy.core.contracts import Run
from epstudy.core.errors import EngineError, StoreError
from epstudy.core.outcome import DETERMINISTIC, Cause, Outcome, State
from epstudy.engines.energyplus.installation import read_build
from epstudy.engines.energyplus.outputs.keeping import keep_files, keep_outputs, read_wanted, shorten_messages
from epstudy.engines.energyplus.outputs.scalars import harvest
from epstudy.engines.energyplus.run.disk import is_no_fault_of_the_model, sqlite_ran_out_of_memory
from epstudy.engines.energyplus.run.edits import weather_of
from epstudy.engines.energyplus.run.errors_file import Verdict, read_verdict
from epstudy.engines.energyplus.run.limits import too_long_a_file, too_much_memory

#: Signals by which the system, or somebody, ends a process.
KILLED = (signal.SIGKILL, signal.SIGTERM)

#: By the limit on the length of a file; Windows has none.
TOO_LONG = getattr(signal, "SIGXFSZ", None)

_NO_MEMORY = ("std::bad_alloc", "MemoryError", "Cannot allocate memory")
_NOT_THERE = re.compile(r"not found|does not exist|(could not|cannot|unable to) (be )?(find|found|open)", re.IGNORECASE)
_CONSOLE_END = 65536  # bytes of console.txt that are looked at


def judge(run: Run, code: int, seconds: float) -> Outcome:
    """Return what became of a run whose process said `code`, or was ended by the signal `-code`.

    Return code 0, "Completed Successfully" and no Fatal: that is done, and nothing else is.
    """
    shorten_messages(run.folder)
    verdict = read_verdict(run.folder)
    if TOO_LONG is not None and -code == TOO_LONG:
        return failed(run, Cause.CRASH, too_long_a_file(run.limits, run.folder), verdict)
    if code != 0 and _ran_out_of_memory(run.folder, verdict):
        return out_of_memory(run)
    if -code in KILLED:
        said = f"EnergyPlus' process was killed ({signal.Signals(-code).name}): out of memory, or ended by somebody"
        return failed(run, Cause.INFRASTRUCTURE, said)
    if code < 0:
        return failed(run, Cause.CRASH, _crash_message(verdict, code), verdict)
    if code != 0 or not verdict.completed:
        cause = Cause.SIMULATION if verdict.completed is False else Cause.INPUT
        return failed(run, cause, _failure_message(run.folder, verdict, code), verdict)
    return _read(run, verdict, seconds)


def never_staged(run: Run, code: int) -> Outcome:
    """Return the outcome of a run whose process ended while it made the model: EnergyPlus had no part in it."""
    if TOO_LONG is not None and -code == TOO_LONG:
        return failed(run, Cause.CRASH, too_long_a_file(run.limits, run.folder))
    if any(said in _console(run.folder) for said in _NO_MEMORY):
        return out_of_memory(run)
    how = f"crashed: {_signal_name(code)}" if code < 0 else f"ended with code {code}"
    measures = ", ".join(f'measure "{edit["name"]}"' for edit in run.edits if "measure" in edit)
    who = f"; it ran {measures}, which must not end Python" if measures else ""
    said = f"the process that makes the model {how}, before EnergyPlus started{who}"
    return failed(run, Cause.CRASH if code < 0 else Cause.INPUT, said)


def out_of_memory(run: Run) -> Outcome:
    """Return the outcome of a run that took more memory than it may, or than there is."""
    shorten_messages(run.folder)
    return failed(run, Cause.CRASH, too_much_memory(run.limits), read_verdict(run.folder))


def without_its_files(run: Run, outcome: Outcome, names: Iterable[str]) -> Outcome:
    """Return the outcome of a run, as one of the machine's where an input file of these is gone or cannot be read.

    EnergyPlus says of such a file what it says of a bad model, and the same model may run well on another machine.
    """
    if outcome.cause not in DETERMINISTIC:
        return outcome
    why = _gone(run, names) or _missed(run, outcome)
    return replace(outcome, cause=Cause.INFRASTRUCTURE, message=why) if why else outcome


def _gone(run: Run, names: Iterable[str]) -> str:
    """Why an input file cannot be read now; "" when all can."""
    for name in names:
        try:
            with run.input_path(name).open("rb") as file:
                file.read(1)
        except StoreError as error:
            return str(error)
        except OSError as error:
            return f"the input file {name} cannot be read: {error.strerror or error}"
    return ""


def _missed(run: Run, outcome: Outcome) -> str:
    """EnergyPlus' words of a file that it did not find, where that is one that the run was given."""
    weather = weather_of(run.recipe, run.edits)
    given = [*([weather] if weather else []), *run.recipe.get("external", {})]
    said = [outcome.message, *(line for line in _console(run.folder).splitlines() if "error" in line.lower())]
    for text in filter(_NOT_THERE.search, said):
        if any(name.casefold() in text.casefold() for name in given):
            return f"EnergyPlus did not find an input file that was there: {text.strip()}"
    return ""


def failed(run: Run, cause: Cause, message: str, verdict: Verdict | None = None) -> Outcome:
    """Return a failure, with what EnergyPlus said."""
    details = {} if verdict is None else _details(verdict)
    return Outcome(State.FAILED, cause, message, engine=run.recipe["build"], details=details)


def _read(run: Run, verdict: Verdict, seconds: float) -> Outcome:
    """What a run gave that came to its end, its outputs in `run.kept`."""
    build = run.recipe["build"]
    if verdict.build_line and read_build(verdict.build_line) != build:
        said = f"EnergyPlus calls itself {read_build(verdict.build_line)}, the study was made for {build}"
        return failed(run, Cause.INFRASTRUCTURE, said)
    if sqlite_ran_out_of_memory(run.folder):
        return out_of_memory(run)
    try:
        scalars = harvest(run.folder)
        keep_outputs(run, read_wanted(run.outputs))
        keep_files(run)
    except EngineError as error:
        cause = Cause.INFRASTRUCTURE if is_no_fault_of_the_model(error.__cause__) else Cause.SIMULATION
        return failed(run, cause, str(error), verdict)
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


def _ran_out_of_memory(folder: Path, verdict: Verdict) -> bool:
    """Whether it says so: in its messages, or as the last thing on the console."""
    said = (verdict.fatal, verdict.first_severe, verdict.last_severe, _console(folder))
    return any(text in one for one in said for text in _NO_MEMORY)


def _signal_name(code: int) -> str:
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"


def _crash_message(verdict: Verdict, code: int) -> str:
    name = _signal_name(code)
    said = verdict.last_severe or verdict.fatal
    return f"{said} (EnergyPlus crashed: {name})" if said else f"EnergyPlus crashed: {name}, and left no message"


def _failure_message(folder: Path, verdict: Verdict, code: int) -> str:
    if verdict.reason:
        return verdict.reason
    lines = [line.strip() for line in _console(folder).splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()] or lines[-1:]
    return telling[0] if telling else f"EnergyPlus ended with code {code} and left no message"


def _console(folder: Path) -> str:
    """The end of what was printed."""
    try:
        with (folder / "console.txt").open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _CONSOLE_END))
            return file.read().decode("latin-1")
    except FileNotFoundError:
        return ""
