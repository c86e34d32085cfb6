"""A parameter is only called idle when nothing that was asked for or stands in the results moved."""

from __future__ import annotations

from pathlib import Path

import pytest

import epstudy as ep
from epstudy.results import effects
from epstudy.store import Store
from tests.support.shoebox import shoebox

TAP = """
  WaterUse:Equipment, Tap, , 0.0001, Always;
  Material, Nowhere, Rough, 0.1, 0.04, 40, 900;
"""
INSULATION = ep.Field("Material/Wool/thickness", [0.02, 0.3])
NOWHERE = ep.Field("Material/Nowhere/thickness", [0.1, 0.2])


def test_temperatures_of_a_free_running_room_and_water_are_effects(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = ep.Study(
        "free-running",
        shoebox(tmp_path / "in.idf", TAP, heated=False),
        {"wool": INSULATION, "tap": ep.Scale("WaterUse:Equipment/*/peak_flow_rate", [0.5, 1.0]), "nowhere": NOWHERE},
        outputs=[ep.Variable("Zone Mean Air Temperature")],
    )
    frame = study.run().wait().results(strict=True)
    said = [line for line in capsys.readouterr().out.splitlines() if "same numbers" in line]
    assert said == ["free-running: nowhere: all levels gave the same numbers, also in the outputs that were asked for"]
    assert frame.groupby("wool")["site_energy_kwh"].nunique().eq(1).all(), "no energy tells the levels apart"
    assert frame.groupby("tap")["water_m3"].unique().map(list).to_dict() == {
        0.5: [pytest.approx(30.24)],
        1.0: [pytest.approx(60.48)],
    }

    contents = effects.Contents(Store(store), study._own_manifest())
    pair = frame[(frame["wool"] == 0.3) & (frame["tap"] == 1.0)].index.tolist()
    assert contents.are_alike(pair)
    assert not contents.are_alike(frame.index.tolist())
    contents = effects.Contents(Store(store), study._own_manifest())
    contents._left = 1000
    assert not contents.are_alike(pair), "what was not compared is not called the same"
