"""The panel over a real pool and real EnergyPlus, and what notebooks keep of it that no page looks at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

import epstudy as ep
from epstudy.pool import private_pool
from epstudy.settings import Settings
from tests.support.offices import LPD, quick, until

ROOT = Path(__file__).parents[2]

STUDY = """
import epstudy as ep
from tests.support.offices import *
study = ep.Study("seen-by-nobody", quick(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0])})
study.run()
"""


def views(study: ep.Study) -> dict[str, Any]:
    """What the panel of a study shows after another look."""
    panel = study.panel()
    panel.step()
    return dict(panel.widget.view)


def test_it_shows_what_runs_where_and_how_it_ends(own_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "600")  # the store alone does not tell what was simulated from what was there
    study = ep.Study("watched", quick(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0, 9.0, 10.0, 11.0])}).run()
    running = until(lambda: (view := views(study))["counts"]["running"] and view, limit_s=60)
    lanes = [lane for worker in running["workers"] for lane in worker["lanes"] if lane]
    assert lanes[0]["label"].startswith("lpd = ")
    assert running["queue"]["my_slots"] >= 1
    assert running["workers"][0]["host"]
    study.wait()
    view = views(study)
    assert view["counts"] == {"done": 6, "cached": 0, "running": 0, "waiting": 0, "failed": 0, "cancelled": 0}
    assert view["ended"]
    assert [row["value"] for row in view["best"]] == sorted(study.results()[view["choice"]["column"]].round(6))
    assert "6 of 6 done" in repr(study.panel())


def test_a_design_day_study_shows_the_meters_and_sizes_that_it_asked_for(own_store: str) -> None:
    """It has no energies, and seconds of computing are no result."""
    outputs = [ep.ComponentSizes(), ep.Meter("Electricity:Facility", "hourly")]
    study = ep.Study("sized", quick(), {"lpd": ep.Field(LPD, [6.0, 12.0])}, outputs=outputs).run().wait()
    view = until(lambda: (view := views(study))["read"]["done"] == 2 and view)
    meter = "highest Electricity:Facility [kWh]"
    assert view["choice"]["column"] == meter
    highest = study.timeseries("Electricity:Facility").max()
    assert [row["value"] for row in view["best"]] == [float(f"{highest[index]:.6g}") for index in (0, 1)]
    sizes = study.table("ComponentSizes").query("variant == 1 and component_class == 'Fan:ConstantVolume'")
    for size in sizes.to_dict("records"):
        assert f"{size['component']}, {size['description']} [{size['unit']}]" in view["columns"]
    assert len(sizes)
    assert "seconds" not in view["columns"]
    assert f"lowest {meter}" in study.panel()._repr_html_()


def test_its_buttons_cancel_and_go_on(own_store: str) -> None:
    study = ep.Study("steered", quick(), {"lpd": ep.Field(LPD, [6.0 + n / 10 for n in range(12)])}).run()
    panel = study.panel()
    until(lambda: views(study)["counts"]["running"], limit_s=60)
    panel.ask({"id": "1", "do": "cancel"})
    until(lambda: views(study)["ended"])
    assert views(study)["counts"]["cancelled"] > 0
    panel.ask({"id": "2", "do": "run"})
    until(lambda: views(study)["counts"]["done"] + views(study)["counts"]["cached"] == 12, limit_s=120)


def test_a_keeper_that_was_killed_is_started_again_by_the_panel(own_store: str) -> None:
    study = ep.Study("unattended", quick(), {"lpd": ep.Field(LPD, [6.0 + n / 10 for n in range(8)])}).run()
    until(lambda: views(study)["counts"]["running"], limit_s=60)
    keeper = private_pool.runtime_for(own_store).keeper()
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    study.panel().wake()  # nobody waits; a cell shows it
    view = until(lambda: (view := views(study))["ended"] and view, limit_s=120)
    assert view["counts"]["done"] + view["counts"]["cached"] == 8


def test_a_pool_that_was_stopped_stays_so(own_store: str) -> None:
    study = ep.Study("stopped", quick(), {"lpd": ep.Field(LPD, [6.0 + n / 10 for n in range(8)])}).run()
    until(lambda: views(study)["counts"]["running"], limit_s=60)
    assert private_pool.stop(Settings.load())
    until(lambda: views(study)["note"] == "no pool works on this study; run() goes on")
    assert views(study)["away"]
    assert private_pool.runtime_for(own_store).keeper() is None


def test_one_panel_for_all_cells_that_show_a_study(own_store: str) -> None:
    def study() -> ep.Study:
        return ep.Study("same", quick(), {"lpd": ep.Field(LPD, [6.0, 7.0])})

    panel = study().run().panel()
    assert study().panel() is panel
    assert ep.Study.open("same").panel() is panel
    study().wait()


@pytest.mark.parametrize("program", ["papermill", "nbconvert"])
def test_a_notebook_that_nobody_looks_at_keeps_the_last_snapshot(program: str, own_store: str, tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(text) for text in (STUDY, "df = study.wait().results()")]
    given, executed = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), given)
    command = {
        "papermill": ["papermill", str(given), str(executed)],
        "nbconvert": ["nbconvert", "--to", "notebook", "--execute", str(given), "--output", str(executed)],
    }[program]
    subprocess.run(
        [sys.executable, "-m", *command],
        check=True,
        timeout=600,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path / "ipython")},
    )
    said = nbformat.read(executed, as_version=4)
    [shown] = [out["data"] for out in said.cells[0].outputs if "data" in out]
    assert shown["text/plain"].startswith("seen-by-nobody: 3 of 3 done")
    assert "epstudy-static" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    assert "widget-view" not in json.dumps(said)
    printed = "".join(out.get("text", "") for out in said.cells[1].outputs)
    assert "seen-by-nobody: 3 of 3 done" in printed
    assert "\r" not in printed
