"""What the user's own functions must not do, told by check() before anything is queued, and again by the worker."""

from __future__ import annotations

import ctypes
import importlib
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import idfkit
import numpy as np
import pandas as pd
import pytest

import epstudy as ep
from epstudy.core.contracts import Run
from epstudy.core.errors import InputError
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.engines.energyplus.run.measures import run
from epstudy.engines.energyplus.run.simulator import EnergyPlusSimulator
from epstudy.store import Store
from tests.support.offices import CHICAGO, OFFICE, quick


def refers(model: Any, path: str) -> None:
    model.add("Schedule:File", "Levels", {"file_name": path, "column_number": 1, "rows_to_skip_at_top": 0})


def plugs_in(model: Any, module: str) -> None:
    model.add("PythonPlugin:Instance", "Mine", {"python_module_name": module, "plugin_class_name": "Mine"})


def dims(model: Any, watts: float) -> None:
    for light in model["Lights"]:
        light.watts_per_floor_area = watts


def reads_table(model: Any, path: str) -> None:
    dims(model, float(pd.read_csv(path)["lpd"][0]))


def reads_text(model: Any, path: str) -> None:
    dims(model, float(Path(path).read_text()))


def reads_and_says_nothing(model: Any, path: str) -> None:
    try:
        dims(model, float(Path(path).read_text()))
    except ValueError:
        dims(model, 8.0)


def reads_by_the_system(model: Any, path: str) -> None:
    dims(model, float(os.read(os.open(path, os.O_RDONLY), 10)))


def connects(model: Any, path: str) -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=1)


def starts_a_program(model: Any, path: str) -> None:
    subprocess.run(["true"], check=True)


def imports_from_beside(model: Any, path: str) -> None:
    importlib.import_module("levels_beside_the_notebook")


def leaves(model: Any, code: float) -> None:
    sys.exit(code)


def interrupts(model: Any, code: int) -> None:
    raise KeyboardInterrupt


def ends_python_elsewhere(model: Any, home: int) -> None:
    dims(model, 7.7)
    if os.getppid() != home:
        os._exit(0)


def is_interrupted_elsewhere(model: Any, home: int) -> None:
    dims(model, 7.9)
    if os.getppid() != home:
        raise KeyboardInterrupt


def prints_a_word(model: Any, word: str) -> None:
    print(word)
    dims(model, 7.9)


def crashes_elsewhere(model: Any, home: int) -> None:
    dims(model, 7.8)
    if os.getppid() != home:
        ctypes.string_at(0)


def prints_on(model: Any, lines: int) -> None:
    for _ in range(int(lines)):
        print("x" * 999)
    dims(model, 7.6)


def gives_a_number(model: Any, value: float) -> float:
    return value * 2


def gives_the_model(model: Any, value: float) -> Any:
    return model


def does_what_is_fine(model: Any, value: float) -> None:
    """Files of its own, those of packages, packages that nobody has loaded yet, warnings, a seed."""
    import colorsys
    import wave  # noqa: F401

    import scipy.io.wavfile  # noqa: F401
    import yaml  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "own.txt").write_text("7.5")
        own = float((Path(folder) / "own.txt").read_text())
    warnings.warn("careful", UserWarning, stacklevel=1)
    table = pd.read_csv(io.StringIO("lpd\n1"))
    colorsys.rgb_to_hls(0, 0, 0)
    Path(os.devnull).read_text()
    np.random.seed(3)
    pd.Timestamp("2026-01-01", tz="Europe/Berlin")
    dims(model, own + float(table["lpd"][0]) + float(np.random.default_rng(1).random()) + float(np.random.random()))


@pytest.fixture
def levels(tmp_path: Path) -> str:
    path = tmp_path / "levels.csv"
    path.write_text("lpd\n5.5\n")
    return str(path)


@pytest.fixture
def number(tmp_path: Path) -> str:
    path = tmp_path / "number.txt"
    path.write_text("5.5")
    return str(path)


@pytest.fixture
def simulator() -> Iterator[EnergyPlusSimulator]:
    made = EnergyPlusSimulator()
    yield made
    made.close()


def said(function: Any, value: Any) -> ep.Check:
    return ep.Study("said", quick(), {"m": ep.Measure(function, {"level": value})}).check()


def worker_says(simulator: EnergyPlusSimulator, tmp_path: Path, function: Any, value: Any) -> Outcome:
    """What a worker makes of a measure that nobody has checked."""
    prepared = quick().prepare({"m": ep.Measure(function, {"level": value})})
    store = Store(str(tmp_path / "store"))
    for name, content in prepared.files.items():
        store.put_input(content, name[name.index(".") :])
    assert prepared.recipe is not None
    (tmp_path / "run").mkdir()
    edits = list(prepared.edits["m"][0])
    made = Run(prepared.recipe, edits, tmp_path / "run", store.input_path, sources=prepared.sources, allow_code=True)
    return simulator.run(made, lambda progress: None)


def test_a_file_that_a_measure_has_the_model_read_was_in_no_key(
    simulator: EnergyPlusSimulator, tmp_path: Path, levels: str
) -> None:
    check = said(refers, levels)
    assert f'measure "refers" has the model read "{levels}" (Schedule:File "Levels"), which is not in the key' in str(
        check
    )
    assert "Schedule:Compact" in str(check)
    outcome = worker_says(simulator, tmp_path, refers, levels)
    assert (outcome.state, outcome.cause) == (State.FAILED, Cause.INPUT)
    assert "which is not in the key" in outcome.message


def test_a_measure_does_not_get_around_trusted() -> None:
    assert 'has the model read "mine" (PythonPlugin:Instance "Mine")' in str(said(plugs_in, "mine"))


def test_a_measure_may_use_a_file_that_the_base_model_names(levels: str, store: str) -> None:
    folder = Path(levels).parent
    Path(levels).write_text("lpd\n" + "1\n" * 8760)
    document = idfkit.load_idf(str(OFFICE))
    refers(document, "levels.csv")
    document["Schedule:File"]["Levels"].rows_to_skip_at_top = 1
    (folder / "office.idf").write_text(str(idfkit.write_idf(document)))
    engine = ep.EnergyPlus(folder / "office.idf", weather=CHICAGO, period="design-days")

    study = ep.Study("refers-again", engine, {"m": ep.Measure(refers_again, ["levels.csv"])})
    assert study.check().ok, study.check()
    study.run().wait().results(strict=True)


def refers_again(model: Any, path: str) -> None:
    model.add("Schedule:File", "Again", {"file_name": path, "column_number": 1, "rows_to_skip_at_top": 1})


READERS = {
    reads_table: "levels",
    reads_text: "number",
    reads_and_says_nothing: "number",
    reads_by_the_system: "number",
}


@pytest.mark.parametrize("function", READERS)
def test_a_file_that_a_measure_reads_was_in_no_key(function: Any, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(READERS[function])
    check = said(function, path)
    assert not check.ok
    assert f'measure "{function.__name__}" reads {path}, which is not in the key' in str(check)
    assert "give what is needed of it by the levels" in str(check)
    assert Path(path).read_text()


def test_a_worker_does_not_read_for_a_measure_either(
    simulator: EnergyPlusSimulator, tmp_path: Path, number: str
) -> None:
    outcome = worker_says(simulator, tmp_path, reads_text, number)
    assert (outcome.state, outcome.cause) == (State.FAILED, Cause.INPUT)
    assert f'measure "reads_text" reads {number}, which is not in the key' in outcome.message


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (connects, "opens a connection"),
        (starts_a_program, "starts another program"),
    ],
)
def test_a_measure_asks_nobody_else(function: Any, what: str) -> None:
    assert f'measure "{function.__name__}" {what}; what comes of that is not in the key' in str(said(function, "x"))


def test_a_module_beside_the_notebook_is_not_imported_by_a_detour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "levels_beside_the_notebook.py").write_text("LPD = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "of no installed package. Import the function itself" in str(said(imports_from_beside, "x"))


def test_what_does_no_harm_is_let_through(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="careful"):
        check = said(does_what_is_fine, 1.0)
    assert check.ok, check
    with pytest.warns(UserWarning, match="careful"):
        outcome = worker_says(simulator, tmp_path, does_what_is_fine, 1.0)
    assert outcome.state is State.DONE, outcome.message


def test_other_threads_and_what_comes_after_are_not_disturbed(number: str) -> None:
    inside, outside = threading.Event(), threading.Event()
    read: list[str] = []

    def other() -> None:
        assert inside.wait(20)
        read.append(Path(number).read_text())
        print("of another thread")
        outside.set()

    def measure(model: Any, value: float) -> None:
        inside.set()
        assert outside.wait(20)
        Path(number).read_text()

    thread = threading.Thread(target=other)
    thread.start()
    before = sys.stdout
    with pytest.raises(InputError, match=r"reads .*number\.txt"):
        run({}, "m", measure, 1.0)
    thread.join()
    assert read == ["5.5"]
    assert Path(number).read_text() == "5.5"
    assert sys.stdout is before


def test_sys_exit_in_a_measure_ended_the_notebook(simulator: EnergyPlusSimulator, tmp_path: Path) -> None:
    assert 'measure "leaves" fails for 0.0: SystemExit: 0.0' in str(said(leaves, 0))
    outcome = worker_says(simulator, tmp_path, leaves, 0)
    assert (outcome.cause, outcome.message) == (Cause.INPUT, 'measure "leaves" fails for 0.0: SystemExit: 0.0')


def test_an_error_of_epstudy_in_a_measure_raised_out_of_check() -> None:
    def measure(model: Any, name: str) -> None:
        raise ep.StudyNotFoundError(name)

    with pytest.raises(InputError, match=r'measure "m" fails for .gone.: StudyNotFoundError: gone'):
        run({}, "m", measure, "gone")


def test_an_interrupt_of_the_notebook_still_interrupts() -> None:
    with pytest.raises(KeyboardInterrupt):
        said(interrupts, 0)


def test_an_interrupt_that_a_worker_makes_itself_is_the_measures_failure(
    simulator: EnergyPlusSimulator, tmp_path: Path
) -> None:
    outcome = worker_says(simulator, tmp_path, is_interrupted_elsewhere, os.getppid())
    assert (outcome.cause, outcome.message) == (Cause.INPUT, "a measure raises KeyboardInterrupt")


@pytest.mark.parametrize(
    ("function", "cause", "how"),
    [
        (ends_python_elsewhere, Cause.INPUT, "ended with code 0"),
        (crashes_elsewhere, Cause.CRASH, "crashed: SIGSEGV"),
    ],
)
def test_a_measure_that_ended_the_process_was_told_as_energyplus_crashed(
    simulator: EnergyPlusSimulator, tmp_path: Path, function: Any, cause: Cause, how: str
) -> None:
    outcome = worker_says(simulator, tmp_path, function, os.getppid())
    assert outcome.cause is cause
    assert f"the process that makes the model {how}, before EnergyPlus started" in outcome.message
    assert f'measure "{function.__name__}"' in outcome.message


def test_a_name_of_a_module_beside_the_notebook_failed_on_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "measures_beside.py").write_text("def meas(model, value):\n    model['Lights'][0].name = value\n")
    monkeypatch.syspath_prepend(tmp_path)
    check = ep.Study("beside", quick(), {"m": ep.Measure("measures_beside:meas", ["x"])}).check()
    assert '"measures_beside" of "measures_beside:meas" is no installed package' in str(check)
    assert "from measures_beside import meas, then ep.Measure(meas, ...)" in str(check)


def test_a_measure_that_prints_without_end_filled_the_disk(
    simulator: EnergyPlusSimulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = worker_says(simulator, tmp_path, prints_on, 20_000)
    assert outcome.state is State.DONE, outcome.message
    assert 1_000_000 < len(capsys.readouterr().out) < 1_001_000
    console = (tmp_path / "run" / "console.txt").read_text()
    assert 1_000_000 < len(console) < 1_010_000
    assert "[more than 1000000 characters printed; the rest is left out]" in console


def test_what_a_measure_printed_came_into_the_console_of_the_next_run(
    simulator: EnergyPlusSimulator, tmp_path: Path
) -> None:
    assert worker_says(simulator, tmp_path, prints_a_word, "verbatim").state is State.DONE
    assert "verbatim" in (tmp_path / "run" / "console.txt").read_text()


def test_a_measure_that_returns_a_number_got_no_word() -> None:
    check = said(gives_a_number, 2.0)
    assert "changes nothing in the model at 'level'; its function returns float, and must edit the model" in str(check)
    assert "must edit" not in str(said(gives_the_model, 2.0))
