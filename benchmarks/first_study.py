"""How much epstudy adds to bare EnergyPlus: `python -m benchmarks.first_study FILE.json` (two to three minutes).

Ratios are what to compare between machines; seconds are of this one. Bare is two processes that each run the edited
small office on its design days, twenty times in a row in the same warm EnergyPlus, with nothing read back.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import epstudy as ep

ROUNDS = 3
VARIANTS = 40
SLOTS = 2

_LOOP = """
import os, sys
from pyenergyplus.api import EnergyPlusAPI
folder, weather, start, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
text = open(folder + "/model.idf", encoding="latin-1").read()
api = EnergyPlusAPI()
sys.stdin.readline()
for number in range(start - 1, start + count):
    run = f"{folder}/{number}"
    os.makedirs(run)
    open(run + "/in.idf", "w", encoding="latin-1").write(text.replace("10.76,", f"{5 + number / 64},"))
    os.chdir(run)
    state = api.state_manager.new_state()
    api.runtime.set_console_output_status(state, False)
    assert api.runtime.run_energyplus(state, ["-d", run, "-w", weather, run + "/in.idf"]) == 0
    api.state_manager.delete_state(state)
    if number == start - 1:
        print("warm", flush=True)
        sys.stdin.readline()
print("done", flush=True)
"""


def main() -> None:
    """Measure everything and write the figures."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/benchmarks.json")
    figures = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "import_epstudy_s": median(import_seconds, 5),
        **pool_figures(),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


def pool_figures() -> dict[str, object]:
    """Cold and warm first results, and many variants against the bare loops, in turn."""
    cold, warm, ours, bare = [], [], [], []
    for number in range(ROUNDS):
        with own_pool():
            cold.append(first_result(f"cold-{number}", 1.0 + number / 8))
            warm.append(first_result(f"warm-{number}", 2.0 + number / 8))
            bare.append(bare_loops())
            ours.append(many(f"many-{number}"))
    return {
        "cold_first_result_s": statistics.median(cold),
        "warm_first_result_s": statistics.median(warm),
        f"{VARIANTS}_variants_s": statistics.median(ours),
        f"{VARIANTS}_bare_runs_s": statistics.median(bare),
        "ratio_to_bare": statistics.median(one / other for one, other in zip(ours, bare, strict=True)),
        "ratios": [one / other for one, other in zip(ours, bare, strict=True)],
    }


@contextmanager
def own_pool() -> Iterator[None]:
    """A fresh store, and the end of its pool."""
    from epstudy.pool import private_pool
    from epstudy.settings import Settings

    with tempfile.TemporaryDirectory(prefix="epstudy-bench-") as folder:
        os.environ["EPSTUDY_STORE"] = folder + "/store"
        os.environ["EPSTUDY_WORKERS"] = str(SLOTS)
        try:
            yield
        finally:
            private_pool.stop(Settings.load())


def office() -> ep.EnergyPlus:
    """The small office on its design days, with its weather read, as a user would have it."""
    from pyenergyplus.dataset import ref_models, weather_files

    return ep.EnergyPlus(ref_models["small_office"], weather_files["usa_il_chicago"], period="design-days")


def first_result(name: str, level: float) -> float:
    """Seconds from `run()` to the first variant that is done."""
    levels = [level, level + 1 / 16]
    study = ep.Study(name, office(), {"lpd": ep.Field("Lights/*/watts_per_floor_area", levels)})
    started = time.monotonic()
    study.run()
    while not study.progress().done:
        time.sleep(0.01)
    seconds = time.monotonic() - started
    study.wait(timeout=60)
    return seconds


def many(name: str) -> float:
    """Seconds of a whole study of many variants on a warm pool, results in a DataFrame included."""
    levels = [5 + number / 64 for number in range(VARIANTS)]
    study = ep.Study(name, office(), {"lpd": ep.Field("Lights/*/watts_per_floor_area", levels)})
    started = time.monotonic()
    study.run().wait(timeout=300).results(strict=True)
    return time.monotonic() - started


def bare_loops() -> float:
    """Seconds of the same runs in two bare loops, both warm before the clock starts."""
    from epstudy.engines.energyplus.model import model
    from epstudy.engines.energyplus.outputs.scalars import ask, set_period

    engine = office()
    with tempfile.TemporaryDirectory(prefix="epstudy-bare-") as top:
        loops = []
        for slot in range(SLOTS):
            folder = Path(top) / str(slot)
            folder.mkdir()
            document = model.load(Path(engine.model).read_bytes(), ".idf")
            set_period(document, engine.period)
            ask(document)
            (folder / "model.idf").write_bytes(model.write(document, ".idf"))
            arguments = [str(folder), str(engine.weather), str(slot * VARIANTS), str(VARIANTS // SLOTS)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            loops.append(subprocess.Popen([sys.executable, "-c", _LOOP, *arguments], text=True, **pipes))  # type: ignore[call-overload]
        for loop in loops:
            loop.stdin.write("\n")
            loop.stdin.flush()
        for loop in loops:
            assert loop.stdout.readline() == "warm\n"
        started = time.monotonic()
        for loop in loops:
            loop.stdin.write("\n")
            loop.stdin.flush()
        for loop in loops:
            assert loop.stdout.readline() == "done\n"
        seconds = time.monotonic() - started
        for loop in loops:
            loop.communicate()
    return seconds


def import_seconds() -> float:
    """Seconds of `import epstudy` in a fresh interpreter, the interpreter itself left out."""
    code = "import time; t = time.perf_counter(); import epstudy; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def median(what: Callable[[], float], times: int) -> float:
    """The median of several measurements."""
    return statistics.median(what() for _ in range(times))


if __name__ == "__main__":
    main()
