"""The process in which a supervisor has a report executed, with its folder: begun, asked to end, ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from epstudy.pool.folders import make_folder
from epstudy.store import ReportRequest

#: The exit code of a report's process that could not read the store, or write its own folder.
NOT_EXECUTED = 75

#: The exit code of one whose folder, or a part of it, somebody removed.
CLEANED_AWAY = 76

_MODULE = "epstudy.report.queued.run"  # by name: it stands above this room
_END_S = 10.0  # how long a kernel may take to end
_LAST_BYTES = 4000
_LAST_LINES, _LAST_LENGTH = 3, 300


class ReportProcess:
    """One try of a report: `token` tells it from others. Starting it raises OSError where that cannot be."""

    def __init__(self, request: ReportRequest, token: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.request = request
        self.token = token
        self._folder = folder / token
        self._asked_to_end: float | None = None
        make_folder(self._folder)
        try:
            with self._log.open("wb") as output:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        _MODULE,
                        str(os.getpid()),
                        request.identity,
                        self._folder,
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=self._folder,
                    env={**os.environ, **environment, "EPSTUDY_USER": request.user},
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            self._remove_folder()
            raise OSError(f"no process could be started: {error}") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def code(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Ask it to end its kernel and itself; make it, when it was asked before and takes too long."""
        if self._asked_to_end is None:
            self._asked_to_end = time.monotonic()
            self._process.send_signal(signal.SIGTERM)
        elif time.monotonic() - self._asked_to_end > _END_S:
            self._kill()

    def was_cleaned_away(self) -> bool:
        """Say whether somebody removed its folder, or a part of it, while it ran."""
        return self.code() == CLEANED_AWAY or not self._log.exists()

    def last_words(self) -> str:
        """Return the end of what it said, in a line."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(self._log.stat().st_size - _LAST_BYTES, 0))
                lines = file.read(_LAST_BYTES).decode(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return " / ".join(lines[-_LAST_LINES:])[-_LAST_LENGTH:] or "it says nothing"

    def end(self) -> None:
        """End it, its kernel and what that started, and remove its folder."""
        self._kill()
        self._remove_folder()

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _kill(self) -> None:
        with contextlib.suppress(psutil.Error):
            main = psutil.Process(self._process.pid)
            for one in [main, *main.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):  # gone, or another user's
                    one.kill()
        self._process.wait()

    def _remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
