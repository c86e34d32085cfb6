"""Runs every notebook of `notebooks/` from top to bottom, as `make notebooks` does: `python -m tests.run_notebooks`.

A store of its own under `build/` makes the second run quick, and keeps the user's studies out of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests import check_notebooks

BUILD = check_notebooks.ROOT / "build"
CELL_TIMEOUT_S = 600


def main() -> int:
    """Run the notebooks and end their pool; return pytest's exit code, or 1 where a notebook holds results."""
    if check_notebooks.main([]) != 0:
        return 1
    BUILD.mkdir(exist_ok=True)  # without it IPython takes a temporary folder, and leaves it
    environment = notebook_environment(os.environ, BUILD)
    try:
        return subprocess.run(pytest_command(), cwd=check_notebooks.ROOT, env=environment, check=False).returncode
    finally:
        stop_pool(environment)


def pytest_command() -> list[str]:
    """Return the command that runs each code cell as one test."""
    return [
        *(sys.executable, "-m", "pytest"),
        "--nbval-lax",  # a cell fails when it raises; the notebooks have no outputs to compare with
        "--nbval-current-env",  # the kernel of this Python, whatever kernel "python3" the user has installed
        f"--nbval-cell-timeout={CELL_TIMEOUT_S}",
        f"--timeout={CELL_TIMEOUT_S + 60}",  # pyproject's would cut a cell short
        *("-W", "default"),  # errors, says pyproject for our own tests; the warnings here are nbval's and Jupyter's
        *("-p", "no:cacheprovider"),
        *map(str, check_notebooks.committed_notebooks()),
    ]


def notebook_environment(outer: Mapping[str, str], build: Path) -> dict[str, str]:
    """Return `outer` with a private pool whatever pool is configured, and its files under `build`."""
    groups = ("EPSTUDY_REDIS_URL", "EPSTUDY_REDIS_PASSWORD_FILE")
    return {
        **{name: value for name, value in outer.items() if name not in groups},
        "EPSTUDY_STORE": str(build / "test-store"),
        "EPSTUDY_IDLE_S": "5",
        "IPYTHONDIR": str(build / "ipython"),  # neither the user's startup files nor their history
    }


def stop_pool(environment: Mapping[str, str]) -> None:
    """End the private pool of the notebooks; one that ended itself is fine, one that will not end is an error."""
    command = [sys.executable, "-m", "epstudy", "pool", "stop"]
    subprocess.run(command, env=dict(environment), check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
