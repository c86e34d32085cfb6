"""Run as a program: writes into a store and is killed at every step of it, in a new store each time.

`python -m tests.contract.dying_writer FOLDER WRITE` leaves the stores FOLDER/0, FOLDER/1, …: in the first the
writer was killed before it did anything with the disk, in the next after one step, and in the last it came to its end.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from epstudy.core.canonical import content_digest
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Attempt, Cause, Outcome, State
from epstudy.store import Store, Wanted

KEY = "ab" * 32


@dataclass(frozen=True)
class Write:
    """What is in the store before, what is written, and what a reader sees before and after."""

    before: Callable[[Store], object]
    write: Callable[[Store], object]
    look: Callable[[Store], object]


def _done(heating: float) -> Outcome:
    return Outcome(State.DONE, metrics={"heating_kwh": heating})


def _failed(message: str) -> Outcome:
    return Outcome(State.FAILED, Cause.TIMEOUT, message)


def _manifest(sampling: str) -> Manifest:
    return Manifest("a", "energyplus", {}, (), ((),), (KEY,), {}, sampling=sampling)


def _look_at_outcome(store: Store) -> object:
    outcome = store.outcome(KEY)
    return None if outcome is None else (outcome.message, dict(outcome.metrics))


def _look_at_artifact(store: Store) -> object:
    path = store.artifact(KEY, "a.parquet")
    return None if path is None else path.read_bytes()


WRITES = {
    "result": Write(lambda store: None, lambda store: store.put_outcome(KEY, _done(1.0)), _look_at_outcome),
    "failure": Write(
        lambda store: store.put_outcome(KEY, _failed("once")),
        lambda store: store.put_outcome(KEY, _failed("twice")),
        _look_at_outcome,
    ),
    "artifact": Write(
        lambda store: store.put_artifact(KEY, "a.parquet", b"the one before" * 999),
        lambda store: store.put_artifact(KEY, "a.parquet", b"the one after" * 999),
        _look_at_artifact,
    ),
    "input": Write(
        lambda store: None,
        lambda store: store.put_input(b"a model", ".idf"),
        lambda store: store._files.names(f"inputs/{content_digest(b'a model')[:2]}"),
    ),
    "attempt": Write(
        lambda store: store.begin_attempt(KEY, Attempt("tower:1", "")),
        lambda store: store.begin_attempt(KEY, Attempt("tower:2", "")),
        lambda store: store.attempts(KEY),
    ),
    "manifest": Write(
        lambda store: store.put_manifest(_manifest("grid")),
        lambda store: store.put_manifest(_manifest("sobol")),
        lambda store: store.manifest("a").sampling,
    ),
    "wanted": Write(
        lambda store: store.want("a", Wanted("ann")),
        lambda store: store.want("a", Wanted("bob")),
        lambda store: store.wanted(),
    ),
    "paused": Write(
        lambda store: store.set_paused("a", True, "once"),
        lambda store: store.set_paused("a", True, "twice"),
        lambda store: store.why_paused("a"),
    ),
}


class _Halved:
    """A file whose writes are two steps each."""

    def __init__(self, file: Any, step: Callable[[], None]) -> None:
        self._file, self._step = file, step

    def __enter__(self) -> _Halved:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: bytes) -> None:
        for half in (content[: len(content) // 2], content[len(content) // 2 :]):
            self._file.write(half)
            self._file.flush()
            self._step()


def _die_at(steps: int) -> None:
    """Have this process kill itself at the step of that number, before or after it does something with the disk."""
    numbers = count()

    def step() -> None:
        if next(numbers) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            step()
            found = function(*arguments, **options)
            step()
            return found

        return call

    for name in ("mkdir", "fsync", "link", "replace", "unlink"):
        setattr(os, name, dying(getattr(os, name)))
    open_file = io.open

    def open_halved(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if not {"w", "x"} & set(mode):
            return open_file(file, mode, *arguments, **options)
        step()
        opened = open_file(file, mode, *arguments, **options)
        step()
        return _Halved(opened, step)

    io.open = open_halved  # type: ignore[assignment]


def main(folder: Path, name: str) -> None:
    """Write once for each step there is."""
    for steps in count():
        store = Store(str(folder / str(steps)))
        WRITES[name].before(store)
        child = os.fork()
        if not child:
            _die_at(steps)
            WRITES[name].write(store)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
