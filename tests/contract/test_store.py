"""What every store promises: whole or not at all, the first result stays."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from epstudy.core.errors import InputError, StoreError, StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.store import DamagedFileWarning, Store

KEY = "ab" * 32
OTHER = "cd" * 32
DONE = Outcome(State.DONE, metrics={"heating_kwh": 1.25, "unmet_heating_h": float("nan")}, engine="25.2.0")
LATER = Outcome(State.DONE, metrics={"heating_kwh": 9.0}, engine="25.2.0")
FAILED = Outcome(State.FAILED, Cause.SIMULATION, "no such schedule")


def test_a_result_comes_back_as_it_went(make: Callable[[], Store]) -> None:
    assert make().put_outcome(KEY, DONE)
    back = make().outcome(KEY)
    assert back is not None
    assert back.to_json() == DONE.to_json()


def test_the_first_result_stays(make: Callable[[], Store]) -> None:
    store = make()
    assert store.put_outcome(KEY, DONE)
    assert not store.put_outcome(KEY, LATER)
    back = store.outcome(KEY)
    assert back is not None
    assert back.metrics["heating_kwh"] == 1.25


def test_metrics_that_an_earlier_version_did_not_read_join_the_first_result(make: Callable[[], Store]) -> None:
    store = make()
    store.put_outcome(KEY, DONE)
    more = replace(DONE, metrics={"heating_kwh": 9.0, "unmet_heating_h": 2.0, "net_electricity_kwh": -3.5})
    assert not store.put_outcome(KEY, more)
    back = store.outcome(KEY)
    assert back is not None
    assert back.metrics["heating_kwh"] == 1.25
    assert math.isnan(back.metrics["unmet_heating_h"])
    assert back.metrics["net_electricity_kwh"] == -3.5


def test_a_result_wins_over_a_failure_whichever_came_first(make: Callable[[], Store]) -> None:
    store = make()
    store.put_outcome(KEY, FAILED)
    store.put_outcome(KEY, DONE)
    store.put_outcome(KEY, FAILED)
    back = store.outcome(KEY)
    assert back is not None
    assert back.state is State.DONE


def test_a_failure_is_replaced_by_the_next_one_and_can_be_forgotten(make: Callable[[], Store]) -> None:
    store = make()
    store.put_outcome(KEY, FAILED)
    store.put_outcome(KEY, Outcome(State.FAILED, Cause.TIMEOUT, "too slow"))
    back = store.outcome(KEY)
    assert back is not None
    assert back.cause is Cause.TIMEOUT
    store.forget_failures([KEY, OTHER])
    assert store.outcome(KEY) is None


def test_many_outcomes_are_read_at_once_and_absent_ones_left_out(make: Callable[[], Store]) -> None:
    store = make()
    assert store.outcomes([KEY, OTHER]) == {}
    store.put_outcome(KEY, DONE)
    store.put_outcome(OTHER, FAILED)
    assert {key: outcome.state for key, outcome in store.outcomes([KEY, OTHER, "ee" * 32, KEY]).items()} == {
        KEY: State.DONE,
        OTHER: State.FAILED,
    }


def test_inputs_are_kept_once_under_their_content(make: Callable[[], Store]) -> None:
    store = make()
    name = store.put_input(b"a model", ".idf")
    assert store.put_input(b"a model", ".idf") == name
    assert name.endswith(".idf")
    assert store.input_path(name).read_bytes() == b"a model"
    with pytest.raises(StoreError, match="cannot be read"):
        store.input_path("00" * 32 + ".idf")


def test_manifests_are_found_by_name(make: Callable[[], Store]) -> None:
    store = make()
    assert store.studies() == []
    store.put_manifest(_manifest("b"))
    store.put_manifest(_manifest("a"))
    assert store.studies() == ["a", "b"]
    assert store.manifest("a") == _manifest("a")
    with pytest.raises(StudyNotFoundError, match="it holds a, b"):
        store.manifest("c")
    with pytest.raises(InputError):
        store.manifest("../a")


def test_cancelled_is_remembered(make: Callable[[], Store]) -> None:
    store = make()
    store.put_manifest(_manifest("a"))
    assert not store.is_cancelled("a")
    store.set_cancelled("a", cancelled=True)
    store.set_cancelled("a", cancelled=True)
    assert make().is_cancelled("a")
    store.set_cancelled("a", cancelled=False)
    store.set_cancelled("a", cancelled=False)
    assert not store.is_cancelled("a")


def test_two_ways_to_one_store_have_one_identity(make: Callable[[], Store]) -> None:
    assert make().identity() == make().identity()


def _manifest(name: str) -> Manifest:
    return Manifest(name, "energyplus", {}, (), ((),), (KEY,), {})


# what only a folder can be tested for ---------------------------------------------------------------------------


def test_opening_a_store_makes_nothing(folder: Path) -> None:
    Store(str(folder)).outcome(KEY)
    assert Store(str(folder)).studies() == []
    assert not folder.exists()


def test_of_many_writers_at_once_exactly_one_is_first(folder: Path) -> None:
    store = Store(str(folder))
    won = []

    def write(number: int) -> None:
        if store.put_outcome(KEY, Outcome(State.DONE, metrics={"number": float(number)})):
            won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    back = store.outcome(KEY)
    assert len(won) == 1
    assert back is not None
    assert back.metrics["number"] == won[0]
    assert [path.name for path in (folder / "results" / KEY[:2]).iterdir()] == [f"{KEY}.json"]


@pytest.mark.parametrize("damage", [b"", b"half of it", b'deadbeef\n{"key": 1}\n'])
def test_a_damaged_result_counts_as_absent_and_is_written_anew(folder: Path, damage: bytes) -> None:
    store = Store(str(folder))
    store.put_outcome(KEY, DONE)
    path = folder / "results" / KEY[:2] / f"{KEY}.json"
    path.write_bytes(damage)
    with pytest.warns(DamagedFileWarning):
        assert store.outcome(KEY) is None
    with pytest.warns(DamagedFileWarning):
        assert store.put_outcome(KEY, LATER)
    back = store.outcome(KEY)
    assert back is not None
    assert back.metrics["heating_kwh"] == 9.0


def test_somebody_elses_result_under_my_name_counts_as_absent(folder: Path) -> None:
    store = Store(str(folder))
    store.put_outcome(OTHER, DONE)
    path = folder / "results" / KEY[:2] / f"{KEY}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes((folder / "results" / OTHER[:2] / f"{OTHER}.json").read_bytes())
    with pytest.warns(DamagedFileWarning):
        assert store.outcome(KEY) is None


def test_a_changed_input_file_is_noticed_and_mended_by_storing_it_again(folder: Path) -> None:
    store = Store(str(folder))
    name = store.put_input(b"a model", ".idf")
    path = folder / "inputs" / name[:2] / name
    path.write_bytes(b"another")
    with pytest.raises(StoreError, match="is not the file that was stored"):
        store.input_path(name)
    store.put_input(b"a model", ".idf")
    assert store.input_path(name).read_bytes() == b"a model"


def test_a_damaged_manifest_is_told(folder: Path) -> None:
    store = Store(str(folder))
    store.put_manifest(_manifest("a"))
    path = folder / "studies" / "a" / "manifest.json"
    path.write_text(path.read_text().replace("energyplus", "otherplus"))
    with pytest.raises(StoreError, match="is damaged; run the study again"):
        store.manifest("a")


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    folder.write_text("a file in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(str(folder)).put_outcome(KEY, DONE)


def test_results_are_plain_json_that_anyone_can_read(folder: Path) -> None:
    Store(str(folder)).put_outcome(KEY, DONE)
    text = (folder / "results" / KEY[:2] / f"{KEY}.json").read_text().splitlines()[1]
    assert json.loads(text)["metrics"] == {"heating_kwh": 1.25, "unmet_heating_h": None}


def test_files_beside_a_result_are_part_of_it_for_whoever_asks(make: Callable[[], Store]) -> None:
    store = make()
    store.put_outcome(KEY, DONE)
    assert store.outcome(KEY, ["a.parquet"]) is None
    assert store.outcomes([KEY], ["a.parquet"]) == {}
    store.put_artifact(KEY, "a.parquet", b"first")
    assert make().outcome(KEY, ["a.parquet"]) is not None
    assert list(make().outcomes([KEY, OTHER], ["a.parquet"])) == [KEY]
    store.put_artifact(KEY, "a.parquet", b"a newer run")
    path = make().artifact(KEY, "a.parquet")
    assert path is not None
    assert path.read_bytes() == b"a newer run"
    held = make().held_beside(KEY)
    assert held.names == ("a.parquet",)
    assert make().sizes([KEY, OTHER])[0] > len(b"a newer run")
    with pytest.warns(DamagedFileWarning, match="is damaged and was removed"):
        store.discard_artifact(KEY, "a.parquet")
    assert held.path("a.parquet") is None


def test_what_failed_attempts_left_goes_with_the_result(make: Callable[[], Store]) -> None:
    store = make()
    store.put_artifact(KEY, "eplusout.err", b"lost", failed=True)
    assert store.artifact(KEY, "eplusout.err", failed=True) is not None
    store.put_outcome(KEY, DONE.stamped(worker="w", attempts=2, finished="", timeout_s=None))
    assert store.held([KEY]) == {f"{KEY}.json"}


def test_a_failure_beside_an_older_result_counts_for_whoever_lacks_a_file(make: Callable[[], Store]) -> None:
    store = make()
    store.put_outcome(KEY, DONE)
    store.put_outcome(KEY, FAILED)
    for found in (store.outcome(KEY, ["a.parquet"]), store.outcomes([KEY], ["a.parquet"]).get(KEY)):
        assert found is not None
        assert found.state is State.FAILED
    assert store.outcomes([KEY])[KEY].state is State.DONE
