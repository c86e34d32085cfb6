"""A JupyterLab server on loopback with nothing of this machine's user in it; it ends with its kernels."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = 300.0
"""When a test gives up, in seconds: a limit says that something hangs, never how fast it is."""

_START_S = PATIENCE_S
_STOP_S = 20.0

_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
"""What a user would have answered: no news, no look for another version."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A running server: where it is, and what its REST interface answers."""

    url: str
    """Ends without a slash."""
    token: str
    root: Path
    """The folder that it serves, where notebooks go."""
    pid: int

    def kernels(self) -> list[dict[str, Any]]:
        """Return the running kernels, as the server describes them."""
        found: list[dict[str, Any]] = self.ask("GET", "/api/kernels")
        return found

    def sessions(self) -> list[dict[str, Any]]:
        """Return the open notebooks with their kernels, as the server describes them."""
        found: list[dict[str, Any]] = self.ask("GET", "/api/sessions")
        return found

    def kernel_pids(self) -> list[int]:
        """Return the process ids of what the server started: its kernels."""
        return [child.pid for child in psutil.Process(self.pid).children()]

    def restart_kernel(self, kernel: str) -> None:
        """Restart a kernel behind the page's back."""
        self.ask("POST", f"/api/kernels/{kernel}/restart")

    def interrupt_kernel(self, kernel: str) -> None:
        """Interrupt what a kernel runs."""
        self.ask("POST", f"/api/kernels/{kernel}/interrupt")

    def end_kernels(self) -> None:
        """End all kernels and their sessions."""
        for session in self.sessions():
            self.ask("DELETE", f"/api/sessions/{session['id']}")
        for kernel in self.kernels():
            self.ask("DELETE", f"/api/kernels/{kernel['id']}")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the server's answer, read as JSON; None for an empty one."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def running_lab(folder: Path, environment: Mapping[str, str]) -> Iterator[Lab]:
    """Start a server whose files are all in `folder`; its kernels see `environment` beside this process's own."""
    for name in ("root", "config", "data", "runtime", "ipython", "settings", "workspaces"):
        (folder / name).mkdir(parents=True)
    for name, said in _SETTINGS.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(said), encoding="utf-8")
    token = secrets.token_hex(16)
    log = folder / "lab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(folder),
            cwd=folder / "root",
            env={**os.environ, **environment, **_own_folders(folder), "JUPYTER_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait_until_up(process, folder, token, log)
    finally:
        _end(process)


def until(condition: Callable[[], bool], what: str, *, limit_s: float = PATIENCE_S, every_s: float = 0.1) -> None:
    """Wait until the condition holds; say `what` was waited for when it does not in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit_s:g} s: {what}"
        time.sleep(every_s)


def _command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={_free_port()}"),
        f"--ServerApp.root_dir={folder / 'root'}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=",
    ]


def _own_folders(folder: Path) -> dict[str, str]:
    return {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_NO_CONFIG": "1",
        "IPYTHONDIR": str(folder / "ipython"),
    }


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_until_up(process: subprocess.Popen[bytes], folder: Path, token: str, log: Path) -> Lab:
    said = folder / "runtime" / f"jpserver-{process.pid}.json"  # the port may be the next one, if ours was taken

    def up() -> bool:
        assert process.poll() is None, f"JupyterLab ended itself:\n{log.read_text(encoding='utf-8')[-4000:]}"
        with contextlib.suppress(OSError, ValueError):
            _lab(process, said, folder, token).ask("GET", "/api/status")
            return True
        return False

    until(up, f"JupyterLab answers; it logs to {log}", limit_s=_START_S)
    return _lab(process, said, folder, token)


def _lab(process: subprocess.Popen[bytes], said: Path, folder: Path, token: str) -> Lab:
    url = json.loads(said.read_text(encoding="utf-8"))["url"].rstrip("/")
    return Lab(url=url, token=token, root=folder / "root", pid=process.pid)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server; it ends its kernels, and those that it does not are killed."""
    started = psutil.Process(process.pid).children() if process.poll() is None else []
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
