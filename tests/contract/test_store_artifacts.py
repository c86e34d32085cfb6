"""What every store promises of the files beside results: they are what was written, or they are not there."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.store import DamagedFileWarning, Store

KEY = "ab" * 32
OTHER = "cd" * 32
RECORD = f"results/ab/{KEY}.files.json"
DONE = Outcome(State.DONE, metrics={"heating_kwh": 1.25}, engine="25.2.0")
FAILED = Outcome(State.FAILED, Cause.SIMULATION, "no such schedule")

Damage = Callable[[Store, str], None]


def content(store: Store, name: str, *, failed: bool = False) -> bytes | None:
    path = store.artifact(KEY, name, failed=failed)
    return None if path is None else path.read_bytes()


def test_a_file_comes_back_as_it_went(make: Callable[[], Store]) -> None:
    store = make()
    store.put_artifact(KEY, "a.parquet", b"series")
    store.put_artifact(KEY, "in.idf", b"model", failed=True)
    assert content(make(), "a.parquet") == b"series"
    assert content(make(), "in.idf") is None
    assert content(make(), "in.idf", failed=True) == b"model"
    store.put_artifact(KEY, "a.parquet", b"of a newer run")
    assert content(store, "a.parquet") == b"of a newer run"


def test_digests_are_no_files_beside_a_result(make: Callable[[], Store]) -> None:
    store = make()
    store.put_artifact(KEY, "a.parquet", b"series")
    store.put_artifact(KEY, "in.idf", b"model", failed=True)
    assert store.held_beside(KEY).names == ("a.parquet",)
    assert store.held([KEY]) == {f"{KEY}.a.parquet", f"{KEY}.failed.in.idf"}
    assert store.outcome(KEY) is None
    assert store.outcomes([KEY]) == {}


@pytest.mark.parametrize("name", ["json", "files.json", "failed.json", "failed.a"])
def test_a_file_has_no_name_that_the_store_has_use_for(make: Callable[[], Store], name: str) -> None:
    with pytest.raises(ValueError, match="the store has its own"):
        make().put_artifact(KEY, name, b"x")


@pytest.mark.parametrize("failed", [False, True])
def test_a_damaged_file_is_removed_and_can_be_made_again(
    make: Callable[[], Store], damage_file: Damage, failed: bool
) -> None:
    store = make()
    store.put_outcome(KEY, FAILED if failed else DONE)
    store.put_artifact(KEY, "a.parquet", b"series", failed=failed)
    store.put_artifact(KEY, "b.parquet", b"table", failed=failed)
    damage_file(store, f"results/ab/{KEY}.{'failed.' if failed else ''}a.parquet")
    with pytest.warns(DamagedFileWarning, match=r"a\.parquet is damaged and was removed; run\(\) makes it again"):
        assert content(make(), "a.parquet", failed=failed) is None
    assert content(make(), "a.parquet", failed=failed) is None
    assert content(make(), "b.parquet", failed=failed) == b"table"
    assert failed or make().outcome(KEY, ["a.parquet"]) is None
    store.put_artifact(KEY, "a.parquet", b"series", failed=failed)
    assert content(make(), "a.parquet", failed=failed) == b"series"


def test_a_large_file_can_be_looked_at_before_it_is_compared(make: Callable[[], Store], damage_file: Damage) -> None:
    store = make()
    store.put_artifact(KEY, "eplusout.sql", b"SQLite and much more")
    damage_file(store, f"results/ab/{KEY}.eplusout.sql")
    path = store.held_beside(KEY, compare=False).path("eplusout.sql")
    assert path is not None
    assert path.read_bytes().startswith(b"SQLite")
    with pytest.warns(DamagedFileWarning):
        assert store.held_beside(KEY).path("eplusout.sql") is None
    assert store.held_beside(KEY, compare=False).path("eplusout.sql") is None


def test_an_emptied_file_is_damaged_and_an_empty_one_is_not(make: Callable[[], Store]) -> None:
    store = make()
    store.put_artifact(KEY, "eplusout.csv", b"")
    assert content(make(), "eplusout.csv") == b""
    store.put_artifact(KEY, "a.parquet", b"series")
    store._files.replace(f"results/ab/{KEY}.a.parquet", b"")
    with pytest.warns(DamagedFileWarning):
        assert content(make(), "a.parquet") is None


def test_a_file_without_digest_is_of_an_older_store_and_taken(make: Callable[[], Store]) -> None:
    store = make()
    store._files.replace(f"results/ab/{KEY}.a.parquet", b"old")
    assert content(store, "a.parquet") == b"old"
    store.put_artifact(KEY, "b.parquet", b"new")
    assert content(make(), "a.parquet") == b"old"


def test_a_writer_that_died_between_digest_and_file_leaves_a_good_file(make: Callable[[], Store]) -> None:
    """The digest comes first and those before stay: whichever file is there, it is one that was written."""
    store = make()
    store.put_artifact(KEY, "a.parquet", b"first")
    store.put_artifact(KEY, "a.parquet", b"second")
    store._files.replace(f"results/ab/{KEY}.a.parquet", b"first")  # as if the second one had not been put into place
    assert content(make(), "a.parquet") == b"first"
    store.put_artifact(KEY, "a.parquet", b"third")
    assert content(make(), "a.parquet") == b"third"


def test_what_an_older_epstudy_writes_without_a_digest_is_discarded_at_most_once(make: Callable[[], Store]) -> None:
    store = make()
    store.put_artifact(KEY, "a.parquet", b"with its digest")
    store._files.replace(f"results/ab/{KEY}.a.parquet", b"without")
    with pytest.warns(DamagedFileWarning):
        assert content(store, "a.parquet") is None
    store._files.replace(f"results/ab/{KEY}.a.parquet", b"without")
    assert content(make(), "a.parquet") == b"without"


def test_the_same_content_again_changes_no_record(make: Callable[[], Store]) -> None:
    store = make()
    store.put_artifact(KEY, "a.parquet", b"series")
    mark = store._files.about(RECORD)
    store.put_artifact(KEY, "a.parquet", b"series")
    assert store._files.about(RECORD) == mark


def test_damaged_digests_are_told_and_the_files_taken_as_they_are(
    make: Callable[[], Store], damage_file: Damage
) -> None:
    store = make()
    store.put_artifact(KEY, "a.parquet", b"series")
    damage_file(store, RECORD)
    with pytest.warns(DamagedFileWarning, match=r"files\.json is damaged and was removed"):
        assert content(make(), "a.parquet") == b"series"
    assert content(make(), "a.parquet") == b"series"


def test_failures_that_are_forgotten_take_their_digests_along(make: Callable[[], Store]) -> None:
    store = make()
    store.put_outcome(KEY, FAILED)
    store.put_artifact(KEY, "in.idf", b"model", failed=True)
    store.put_artifact(KEY, "a.parquet", b"series")
    store.forget_failures([KEY, OTHER])
    assert sorted(store._files.names("results/ab")) == [f"{KEY}.a.parquet", f"{KEY}.files.json"]
    assert content(make(), "a.parquet") == b"series"


def test_a_file_is_compared_once_for_as_long_as_it_does_not_change(folder: Path) -> None:
    store = Store(str(folder))
    store.put_artifact(KEY, "a.parquet", b"series")
    reads: list[str] = []
    read = store._files.read
    store._files.read = lambda name: reads.append(name) or read(name)  # type: ignore[method-assign, func-returns-value]
    for _ in range(3):
        assert content(store, "a.parquet") == b"series"
    assert reads == [RECORD]
    path = folder / "results" / "ab" / f"{KEY}.a.parquet"
    path.write_bytes(b"serieS")
    os.utime(path, ns=(0, 0))
    with pytest.warns(DamagedFileWarning):
        assert content(store, "a.parquet") is None


# damage ---------------------------------------------------------------------------------------------------------


def manifest(*keys: str) -> Manifest:
    return Manifest("a", "energyplus", {}, (), ((),) * len(keys), keys, {}, artifacts=("a.parquet",))


def fill(store: Store) -> None:
    for key in (KEY, OTHER):
        store.put_outcome(key, DONE)
        store.put_outcome(key, FAILED)
        store.put_artifact(key, "a.parquet", b"series")
        store.put_artifact(key, "12345678.eplusout.sql", b"kept by another study")
        store.put_artifact(key, "in.idf", b"model", failed=True)


def test_a_store_without_damage_has_none(make: Callable[[], Store]) -> None:
    assert make().damage(manifest(KEY, OTHER)) == []
    fill(make())
    assert make().damage(manifest(KEY, OTHER)) == []


@pytest.mark.parametrize(
    ("file", "becomes"),
    [
        ("json", "counts as absent; run() makes it again"),
        ("failed.json", "counts as absent; run() makes it again"),
        ("a.parquet", "was removed; run() makes it again"),
        ("12345678.eplusout.sql", "was removed; run() makes it again"),
        ("failed.in.idf", "was removed; run() makes it again"),
        ("files.json", "was removed; what it has digests of is taken as it is"),
        ("failed.files.json", "was removed; what it has digests of is taken as it is"),
    ],
)
def test_every_damaged_file_is_named_with_its_variants(
    make: Callable[[], Store], damage_file: Damage, file: str, becomes: str
) -> None:
    store = make()
    fill(store)
    name = f"results/cd/{OTHER}.{file}"
    damage_file(store, name)
    assert make().damage(manifest(KEY, OTHER)) == [f"variant 1: {name} is damaged and {becomes}"]
    remaining = make().damage(manifest(OTHER, KEY, OTHER))
    if "removed" in becomes:
        assert remaining == []
        assert name not in {f"results/cd/{one}" for one in store._files.names("results/cd")}
    else:
        assert remaining == [f"variants 0, 2: {name} is damaged and {becomes}"]


def test_damage_is_found_in_a_file_that_was_whole_when_it_was_read(folder: Path) -> None:
    """A bad disk changes no time of a file."""
    store = Store(str(folder))
    fill(store)
    path = store.artifact(KEY, "a.parquet")
    assert path is not None
    times = path.stat()
    path.write_bytes(b"serieS")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len(store.damage(manifest(KEY))) == 1


def test_other_studies_damage_is_not_mine(make: Callable[[], Store], damage_file: Damage) -> None:
    store = make()
    fill(store)
    damage_file(store, f"results/cd/{OTHER}.json")
    assert store.damage(manifest(KEY)) == []


def test_looking_for_damage_warns_of_nothing(make: Callable[[], Store], damage_file: Damage) -> None:
    store = make()
    fill(store)
    for file in ("json", "failed.json", "a.parquet", "files.json"):
        damage_file(store, f"results/ab/{KEY}.{file}")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        lines = store.damage(manifest(KEY))
    assert [str(one.message) for one in said] == []
    assert len(lines) == 3, "the file whose digest is damaged too is taken as it is"


def test_the_record_is_plain_json_that_anyone_can_read(folder: Path) -> None:
    Store(str(folder)).put_artifact(KEY, "a.parquet", b"series")
    text = (folder / RECORD).read_text().splitlines()[1]
    assert list(json.loads(text)["files"]) == ["a.parquet"]
