"""The warm EnergyPlus process: supervised, stopped, killed, orphaned, and what its outcomes say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import epstudy as ep
from epstudy.core.contracts import Run, Stop
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.engines.energyplus.simulator import EnergyPlusSimulator
from epstudy.store import Store
from tests.integration.offices import CHICAGO, LPD, OFFICE, alive, quick, until, whole


@pytest.fixture
def simulator() -> Iterator[EnergyPlusSimulator]:
    made = EnergyPlusSimulator()
    yield made
    made.close()


def prepare(tmp_path: Path, engine: ep.EnergyPlus, **options: Any) -> Run:
    """The unchanged model, ready to run in a folder of its own."""
    store = Store(str(tmp_path / "store"))
    prepared = engine.prepare({"lpd": ep.Field(LPD, [None])})
    for name, content in prepared.files.items():
        store.put_input(content, name[name.index(".") :])
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    assert prepared.recipe is not None
    recipe = {**prepared.recipe, **options.pop("recipe", {})}
    return Run(recipe, options.pop("edits", []), folder, store.input_path, options.pop("timeout_s", None))


def on(_progress: float | None) -> None:
    """A watch that lets it run."""


def processes() -> list[psutil.Process]:
    """The warm processes of this very process; those of a pool have Celery children for parents."""
    return [one for one in alive(psutil.Process().children()) if "energyplus.process" in " ".join(one.cmdline())]


def test_runs_follow_each_other_in_one_warm_process(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    run = prepare(tmp_path, quick())
    assert simulator.run(run, on).state is State.DONE
    first = processes()
    assert len(first) == 1
    assert simulator.run(run, on).state is State.DONE
    assert processes() == first


def test_it_tells_how_far_it_is(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    seen: list[float] = []

    def watch(progress: float | None) -> None:
        if progress is not None:
            seen.append(progress)

    assert simulator.run(prepare(tmp_path, whole()), watch).state is State.DONE
    assert len(set(seen)) > 5
    assert seen == sorted(seen)
    assert 0 <= seen[0] < 0.5 < seen[-1] <= 1


@pytest.mark.parametrize("stop", list(Stop))
def test_a_stop_kills_the_simulation_at_once(simulator: EnergyPlusSimulator, tmp_path: Path, stop: Stop) -> None:
    run = prepare(tmp_path, whole())
    outcome = simulator.run(run, lambda progress: stop if progress is not None else None)
    assert outcome.state is State.CANCELLED
    assert outcome.message == stop
    assert alive(processes()) == []
    assert simulator.run(prepare(tmp_path, quick()), on).state is State.DONE


def test_an_error_in_the_watch_leaves_no_answer_for_the_next_run(
    simulator: EnergyPlusSimulator, tmp_path: Path
) -> None:
    def broken(_progress: float | None) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        simulator.run(prepare(tmp_path, whole()), broken)
    assert alive(processes()) == []
    assert simulator.run(prepare(tmp_path, quick()), on).state is State.DONE


def test_a_run_out_of_time_is_killed(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    outcome = simulator.run(prepare(tmp_path, whole(), timeout_s=1.5), on)
    assert (outcome.cause, outcome.message) == (Cause.TIMEOUT, "still running after 1.5 s, the limit of the study")
    assert alive(processes()) == []


def test_a_process_that_somebody_killed_says_nothing_about_the_model(
    simulator: EnergyPlusSimulator, tmp_path: Path
) -> None:
    def kill(progress: float | None) -> None:
        if progress is not None:
            for process in processes():
                process.kill()

    outcome = simulator.run(prepare(tmp_path, whole()), kill)
    assert outcome.cause is Cause.INFRASTRUCTURE
    assert "SIGKILL" in outcome.message


def test_another_build_than_the_studys_is_refused(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    outcome = simulator.run(prepare(tmp_path, quick(), recipe={"build": "9.6.0-f420c06a69"}), on)
    assert outcome.cause is Cause.INFRASTRUCTURE
    assert "the study was made for EnergyPlus 9.6.0-f420c06a69, this worker has 25.2.0-cf7368216c" in outcome.message


def test_an_input_file_that_is_gone_is_the_machines_fault(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    outcome = simulator.run(prepare(tmp_path, quick(), recipe={"weather": "00" * 32 + ".epw"}), on)
    assert outcome.cause is Cause.INFRASTRUCTURE
    assert "cannot be read" in outcome.message


def test_a_weather_file_that_energyplus_cannot_read_is_told_in_its_words(
    simulator: EnergyPlusSimulator, tmp_path: Path
) -> None:
    (tmp_path / "w.epw").write_bytes(b"\n".join(CHICAGO.read_bytes().splitlines()[:100]))
    outcome = simulator.run(prepare(tmp_path, ep.EnergyPlus(OFFICE, weather=tmp_path / "w.epw")), on)
    assert outcome.state is State.FAILED
    assert outcome.cause in (Cause.INPUT, Cause.SIMULATION)
    assert len(outcome.message) > 20


def test_an_epjson_model_gives_the_numbers_of_its_idf(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    import idfkit

    path = tmp_path / "office.epJSON"
    path.write_text(idfkit.write_epjson(idfkit.load_idf(str(OFFICE))))
    one = simulator.run(prepare(tmp_path, whole()), on)
    other = simulator.run(prepare(tmp_path, ep.EnergyPlus(path, weather=CHICAGO)), on)
    assert one.state is other.state is State.DONE
    assert other.metrics["site_energy_kwh"] == pytest.approx(one.metrics["site_energy_kwh"], rel=1e-6)


ORPHAN = """
import sys, threading
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from tests.integration.test_simulator import *
print("started", flush=True)
run = prepare(Path(sys.argv[1]), whole())
EnergyPlusSimulator().run(run, lambda progress: print("runs", flush=True) if progress else None)
"""


def test_it_ends_with_its_parent_even_by_sigkill(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", ORPHAN, str(tmp_path), root]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    assert parent.stdout.readline() == "runs\n", "in the middle of a simulation"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert children
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(lambda: alive(children) == [], 2)


def test_each_run_has_a_folder_of_its_own_to_look_for_files_in(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    """EnergyPlus looks in the working directory first: another study's file of that name must not be there."""
    outcomes: list[Outcome] = []
    for share in ("1.0", "0.5"):
        folder = tmp_path / share
        folder.mkdir()
        text = OFFICE.read_text(encoding="latin-1")
        text = text.replace("BLDG_LIGHT_SCH,          !- Schedule Name", "From file,  !- Schedule Name")
        (folder / "m.idf").write_text(text + "\nSchedule:File,From file,,s.csv,1,0,8760;\n", encoding="latin-1")
        (folder / "s.csv").write_text(f"{share}\n" * 8760)
        run = prepare(folder, ep.EnergyPlus(folder / "m.idf", weather=CHICAGO))
        outcomes.append(simulator.run(run, on))
    full, half = (outcome.metrics["interior_lighting_kwh"] for outcome in outcomes)
    assert half == pytest.approx(full / 2, rel=1e-9)
