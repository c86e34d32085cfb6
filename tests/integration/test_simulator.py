"""The warm EnergyPlus process: supervised, stopped, killed, orphaned, and what its outcomes say."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

import epstudy as ep
from epstudy.core.contracts import Limits, Run, Stop
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.engines.energyplus.run.limits import Weight
from epstudy.engines.energyplus.run.simulator import EnergyPlusSimulator
from epstudy.store import Store
from tests.support.offices import CHICAGO, LPD, OFFICE, alive, quick, until, whole


@pytest.fixture
def simulator() -> Iterator[EnergyPlusSimulator]:
    made = EnergyPlusSimulator()
    yield made
    made.close()


def prepare(
    tmp_path: Path,
    engine: ep.EnergyPlus,
    *,
    parameter: Any = None,
    outputs: tuple[Any, ...] = (),
    folder: Path | None = None,
    recipe: dict[str, Any] | None = None,
    **options: Any,
) -> Run:
    """The model with the first level of this parameter, or unchanged; ready to run in a folder of its own."""
    store = Store(str(tmp_path / "store"))
    prepared = engine.prepare({"x": parameter or ep.Field(LPD, [None])}, outputs)
    for name, content in prepared.files.items():
        store.put_input(content, name[name.index(".") :])
    folder = folder or tmp_path / "run"
    folder.mkdir(exist_ok=True)
    assert prepared.recipe is not None
    return Run(
        {**prepared.recipe, **(recipe or {})},
        list(prepared.edits["x"][0]),
        folder,
        store.input_path,
        sources=prepared.sources,
        outputs=prepared.outputs,
        artifacts=prepared.artifacts,
        allow_code=True,
        **options,
    )


def figures(count: float) -> ep.Field:
    """A field for which EnergyPlus takes memory: 1.5 GB for a million, little by little; for 1e9 all at once."""
    return ep.Field("ShadowCalculation/*/maximum_figures_in_shadow_overlap_calculations", [count])


@contextlib.contextmanager
def disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A small disk of its own."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Leave no room on the disk that this file is on."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def on(_progress: float | None) -> None:
    """A watch that lets it run."""


def processes() -> list[psutil.Process]:
    """The warm processes of this very process; those of a pool have Celery children for parents."""
    return [one for one in alive(psutil.Process().children()) if "energyplus.run.process" in " ".join(one.cmdline())]


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


def test_a_simulation_that_takes_too_much_memory_is_ended(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    limits = Limits(memory_bytes=600_000_000)
    outcome = simulator.run(prepare(tmp_path, quick(), parameter=figures(1e6), limits=limits), on)
    assert (outcome.cause, outcome.message) == (
        Cause.CRASH,
        "EnergyPlus took more than 600 MB of memory, the limit (EPSTUDY_MEMORY_GB); raise it and retry()",
    )
    assert alive(processes()) == []
    assert simulator.run(prepare(tmp_path, quick(), limits=limits), on).state is State.DONE
    assert simulator.run(prepare(tmp_path, quick(), parameter=figures(1e6)), on).state is State.DONE, "by itself it can"


def test_memory_asked_for_at_once_is_refused_by_the_limit(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    """EnergyPlus calls it a severe error of the model: std::bad_alloc."""
    limits = Limits(memory_bytes=2_000_000_000)
    outcome = simulator.run(prepare(tmp_path, quick(), parameter=figures(3e7), limits=limits), on)
    assert outcome.cause is Cause.CRASH
    assert outcome.message.startswith("EnergyPlus took more than 2 GB of memory, the limit (EPSTUDY_MEMORY_GB)")
    assert outcome.details["first_severe"] == "std::bad_alloc"


def swells(model: Any, megabytes: float) -> None:
    held = bytearray(b"x") * int(megabytes * 1e6)
    while held:
        pass


def asks(model: Any, megabytes: float) -> None:
    model.held = bytearray(b"x") * int(megabytes * 1e6)


@pytest.mark.parametrize(("function", "megabytes"), [(swells, 570), (asks, 3000)])
def test_memory_that_a_measure_takes_is_the_simulations(
    simulator: EnergyPlusSimulator, tmp_path: Path, function: Any, megabytes: float
) -> None:
    limits = Limits(memory_bytes=600_000_000)
    run = prepare(tmp_path, quick(), parameter=ep.Measure(function, [0]), limits=limits, timeout_s=60)
    (edit,) = run.edits
    outcome = simulator.run(replace(run, edits=[{**edit, "value": megabytes}]), on)
    assert outcome.cause is Cause.CRASH
    assert "more than 600 MB of memory" in outcome.message


def test_a_process_is_weighed_with_what_it_started() -> None:
    script = "import subprocess, sys; x = bytearray(b'x') * 80_000_000; sys.argv[1:] and subprocess.run(sys.argv[1:])"
    script += "; input()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, sys.executable, "-c", script], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        weight = Weight(process.pid)
        until(lambda: weight.bytes() > 160_000_000, 10)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert weight.bytes() == 0


def test_a_file_over_the_limit_ends_the_simulation(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    """Python has the signal ignored; then EnergyPlus "completes successfully" and the SQL file ends at the limit."""
    run = prepare(tmp_path, quick(), limits=Limits(file_bytes=250_000))
    outcome = simulator.run(run, on)
    assert (outcome.cause, outcome.message) == (
        Cause.CRASH,
        "EnergyPlus wrote more than 250 kB into eplusout.sql, the limit (EPSTUDY_FILE_GB); "
        "ask for fewer outputs, or raise it, and retry()",
    )
    assert "Version 25.2.0" in (run.kept / "eplusout.err").read_text()
    assert not [path for path in run.folder.rglob("*") if path.stat().st_size > 250_000 or path.name.startswith("core")]
    assert simulator.run(prepare(tmp_path / "two", quick()), on).state is State.DONE


def test_a_model_over_the_limit_is_not_even_simulated(
    simulator: EnergyPlusSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the process that is ended leaves a part of the model
    outcome = simulator.run(prepare(tmp_path, quick(), limits=Limits(file_bytes=100_000)), on)
    assert outcome.cause is Cause.CRASH
    assert "wrote more than 100 kB into in.idf, the limit" in outcome.message


def test_another_limit_for_the_next_run_of_the_same_process(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    for count, limits in enumerate((Limits(4_000_000_000, 2_000_000), Limits(), Limits(5_000_000_000, 400_000))):
        (tmp_path / str(count)).mkdir()
        outcome = simulator.run(prepare(tmp_path / str(count), quick(), limits=limits), on)
        assert outcome.state is State.DONE
        (process,) = processes()
        assert process.rlimit(psutil.RLIMIT_FSIZE)[0] == (limits.file_bytes or psutil.RLIM_INFINITY)
        assert process.rlimit(psutil.RLIMIT_CORE)[0] == 0


@pytest.mark.parametrize(
    ("kilobytes", "where"),
    [(40, "the model"), (300, "the SQL file"), (600, "what is kept"), (3000, "nothing, just yet")],
)
def test_a_full_disk_is_nobodys_model(
    simulator: EnergyPlusSimulator, tmp_path: Path, kilobytes: int, where: str
) -> None:
    with disk(tmp_path / "disk", kilobytes) as small:
        run = prepare(tmp_path, quick(), folder=small / "run", outputs=(ep.EndUses(),))
        outcome = simulator.run(run, on)
        assert (outcome.state, outcome.cause) == (State.FAILED, Cause.INFRASTRUCTURE), where
        assert re.match(r"the disk of the run folders \(EPSTUDY_SCRATCH\) is full: .* make room", outcome.message)
        assert not outcome.metrics
        assert not run.kept.exists() or "parquet" not in str(list(run.kept.iterdir()))
    assert simulator.run(prepare(tmp_path, quick()), on).state is State.DONE


def test_a_disk_that_was_full_between_two_looks_leaves_no_half_result(
    simulator: EnergyPlusSimulator, tmp_path: Path
) -> None:
    """EnergyPlus goes on, and "completes successfully" with a part of its SQL file."""
    with disk(tmp_path / "disk", 60_000) as small:
        filler = small / "filler"

        def full_for_a_while(progress: float | None) -> None:
            if progress is not None and progress > 0.2 and not filler.exists():
                fill(filler)
                (process,) = processes()
                before = process.cpu_times().user
                until(lambda: process.cpu_times().user > before + 1)
                filler.write_bytes(b"")  # there is room again before anybody looks

        outputs = (ep.Variable("Zone Mean Air Temperature", "*", "timestep"),)
        run = prepare(tmp_path, whole(), folder=small / "run", outputs=outputs)
        outcome = simulator.run(run, full_for_a_while)
        assert "Completed Successfully" in (run.folder / "eplusout.end").read_text()
        assert outcome.cause is Cause.INFRASTRUCTURE
        assert 'is full: SQLite says "database or disk is full"' in outcome.message


def test_a_run_folder_that_somebody_removed_is_nobodys_model(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    run = prepare(tmp_path, whole())
    outcome = simulator.run(
        run, lambda progress: shutil.rmtree(run.folder) if progress and run.folder.exists() else None
    )
    assert outcome.cause is Cause.INFRASTRUCTURE
    assert "No such file or directory" in outcome.message
    assert alive(processes()) == []


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_weather_file_that_is_gone_was_a_failure_of_the_model(
    simulator: EnergyPlusSimulator, tmp_path: Path, comes_back: bool
) -> None:
    """The store is deleted, or away for a moment, between the look at the run's files and EnergyPlus' own."""
    run = prepare(tmp_path, quick())
    weather = run.input_path(run.recipe["weather"])
    asked: list[str] = []

    def vanishing(name: str) -> Path:
        asked.append(name)
        if asked.count(name) == 1 and name == weather.name:
            return tmp_path / "away" / name
        if not comes_back:
            weather.unlink(missing_ok=True)
        return run.input_path(name)

    outcome = simulator.run(replace(run, input_path=vanishing), on)
    assert (outcome.state, outcome.cause) == (State.FAILED, Cause.INFRASTRUCTURE)
    assert weather.name in outcome.message
    assert not outcome.settles(None), "another run() tries it again"
