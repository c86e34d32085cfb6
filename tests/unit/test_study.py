"""What a Study says of itself, and the list of studies."""

from __future__ import annotations

from pathlib import Path

import pytest

import epstudy as ep
from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.store import Store

KEYS = tuple(f"{place}" * 64 for place in "012")
AXIS = Axis("lpd", "field", ("x",), (6, 8, 10), (6.0, 8.0, 10.0), ((),) * 3)
MANIFEST = Manifest("office", "energyplus", {}, (AXIS,), ((0,), (1,), (2,)), KEYS, {"heating_kwh": "kWh"})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("EPSTUDY_STORE", str(tmp_path / "store"))
    store = Store(str(tmp_path / "store"))
    store.create()
    return store


def test_the_text_of_a_study_that_was_never_run_reads_no_file(store: Store) -> None:
    engine = ep.EnergyPlus("gone.idf", weather="gone.epw")
    study = ep.Study("office", engine, {"lpd": ep.Field("Lights/*/watts_per_floor_area", [6.0, 8.0, 10.0])})
    assert repr(study) == 'Study("office": 3 variants)'
    assert study._repr_html_() == "<div><b>office</b>: 3 variants</div>"


def test_studies_are_counted_by_their_files(store: Store) -> None:
    store.put_manifest(MANIFEST)
    store.put_outcome(KEYS[0], Outcome(State.DONE, metrics={"heating_kwh": 1.5}))
    store.put_outcome(KEYS[1], Outcome(State.FAILED, Cause.SIMULATION, "no such schedule"))
    (row,) = ep.studies().reset_index().to_dict("records")
    assert (row["study"], row["variants"], row["done"], row["failed"]) == ("office", 3, 1, 1)
    assert repr(ep.Study.open("office")) == 'Study("office": 1 of 3 done (1 from the store), 1 pending, 1 failed)'


def test_a_manifest_that_cannot_be_read_was_a_study_that_was_never_run(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.put_manifest(MANIFEST)
    study = ep.Study.open("office")
    assert study._was_run()
    manifest = Path(store.url, "studies", "office", "manifest.json")
    manifest.unlink()
    assert not study._was_run()
    manifest.mkdir()
    with pytest.raises(ep.StoreError, match="cannot be read"):
        study._was_run()
    study._ipython_display_()  # outside IPython it prints what would be shown
    assert "cannot be read" in capsys.readouterr().out
