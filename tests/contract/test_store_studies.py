"""What every store promises of studies that are cancelled, paused or under way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from epstudy.core.errors import InputError, StoreError, StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.store import DamagedFileWarning, Store, Wanted
from epstudy.store.folder import Folder
from epstudy.store.opening import Guarded
from epstudy.store.studies import WantedStudies


def manifest(name: str, sampling: str = "grid") -> Manifest:
    return Manifest(name, "energyplus", {}, (), ((),), ("ab" * 32,), {}, sampling=sampling)


@pytest.mark.parametrize("note", ["cancelled", "paused"])
def test_a_study_is_paused_as_it_is_cancelled(make: Callable[[], Store], note: str) -> None:
    other = {"cancelled": "paused", "paused": "cancelled"}[note]

    def put(there: bool, why: str = "") -> None:
        getattr(make(), f"set_{note}")("a", there, why)

    def is_so(which: str) -> bool:
        return bool(getattr(make(), f"is_{which}")("a"))

    def why() -> str:
        return str(getattr(make(), f"why_{note}")("a"))

    assert (is_so(note), why()) == (False, "")
    put(True, "das Büro ist zu")
    assert (is_so(note), why(), is_so(other)) == (True, "das Büro ist zu", False)
    put(True)
    assert (is_so(note), why()) == (True, "")
    put(False)
    put(False)
    assert (is_so(note), why()) == (False, "")


def test_a_paused_study_without_a_manifest_is_no_study(make: Callable[[], Store]) -> None:
    make().set_paused("a", paused=True)
    assert make().studies() == []


def test_studies_under_way_are_known_by_name(make: Callable[[], Store]) -> None:
    store = make()
    assert store.wanted() == {}
    store.want("b", Wanted("ann"))
    store.want("a", Wanted("bob"))
    assert make().wanted() == {"a": Wanted("bob"), "b": Wanted("ann")}
    assert list(make().wanted()) == ["a", "b"]
    store.unwant("a")
    store.unwant("a")
    assert make().wanted() == {"b": Wanted("ann")}


def test_whoever_looks_again_sees_what_has_changed(make: Callable[[], Store]) -> None:
    mine, other = make(), make()
    other.want("a", Wanted("ann"))
    assert mine.wanted() == {"a": Wanted("ann")}
    other.want("a", Wanted("bob"))
    assert mine.wanted() == {"a": Wanted("bob")}
    other.unwant("a")
    assert mine.wanted() == {}
    other.want("a", Wanted("bob"))
    assert mine.wanted() == {"a": Wanted("bob")}


def test_what_has_not_changed_is_not_read_again(make: Callable[[], Store]) -> None:
    store = make()
    for number in range(3):
        store.want(f"study-{number}", Wanted("ann"))
    reads: list[str] = []
    read = store._files.read
    store._files.read = lambda name: reads.append(name) or read(name)  # type: ignore[method-assign, func-returns-value]
    for _ in range(2):
        assert len(store.wanted()) == 3
    assert sorted(reads) == [f"wanted/study-{number}" for number in range(3)]
    store.want("study-1", Wanted("bob"))
    store.wanted()
    assert reads[3:] == ["wanted/study-1"]


def test_a_damaged_entry_is_left_out_and_the_others_are_not(
    make: Callable[[], Store], damage_file: Callable[[Store, str], None]
) -> None:
    store = make()
    store.want("a", Wanted("ann"))
    store.want("b", Wanted("bob"))
    store.want("c", Wanted("cem"))
    damage_file(store, "wanted/a")
    store._files.replace("wanted/b", b"")
    with pytest.warns(DamagedFileWarning, match="damaged") as said:
        assert store.wanted() == {"c": Wanted("cem")}
    assert len(said) == 2
    assert store.wanted() == {"c": Wanted("cem")}, "told once for each damage"
    store.want("a", Wanted("ann"))
    assert list(store.wanted()) == ["a", "c"]


def test_what_a_file_system_leaves_among_the_entries_is_no_study(make: Callable[[], Store]) -> None:
    store = make()
    store.want("a", Wanted("ann"))
    store._files.replace("wanted/.nfs000001", b"left")
    store._files.replace("wanted/a~", b"left")
    assert list(store.wanted()) == ["a"]


def test_an_entry_that_cannot_be_read_is_not_the_others_trouble(folder: Path) -> None:
    store = Store(str(folder))
    store.want("a", Wanted("ann"))
    store.want("b", Wanted("bob"))
    (folder / "wanted" / "a").unlink()
    (folder / "wanted" / "a").symlink_to("/proc/self/mem")  # a file whose first byte gives an input/output error
    with pytest.warns(DamagedFileWarning, match='study "a" is not gone on with: .* cannot be read: Input/output error'):
        assert store.wanted() == {"b": Wanted("bob")}


def test_a_removed_study_leaves_nothing(make: Callable[[], Store]) -> None:
    store = make()
    store.put_manifest(manifest("a"))
    store.put_manifest(manifest("ab"))
    store.set_cancelled("a", cancelled=True)
    store.set_paused("a", paused=True)
    for name in ("a", "ab"):
        store.want(name, Wanted("ann"))
    store.remove_study("a")
    store.remove_study("a")
    assert store.studies() == ["ab"]
    assert list(store.wanted()) == ["ab"]
    assert not store.is_cancelled("a")
    assert not store.is_paused("a")


def test_no_folder_of_a_removed_study_is_left(folder: Path) -> None:
    store = Store(str(folder))
    store.put_manifest(manifest("a"))
    store.set_paused("a", paused=True)
    store.remove_study("a")
    assert list((folder / "studies").iterdir()) == []


@pytest.mark.parametrize("name", ["../a", "a/b", "", "/a", "-a", "a\0b"])
def test_no_file_is_written_under_what_is_no_name(make: Callable[[], Store], name: str) -> None:
    for write in (
        lambda: make().want(name, Wanted("ann")),
        lambda: make().unwant(name),
        lambda: make().set_paused(name, paused=True),
        lambda: make().set_cancelled(name, cancelled=True),
        lambda: make().remove_study(name),
    ):
        with pytest.raises(InputError):
            write()


# a file system that folds upper and lower case -------------------------------------------------------------------


class Folding(Folder):
    """A folder of a file system that keeps the case of a name, and takes every case of it as the same, as macOS'."""

    def _path(self, name: str) -> Path:
        path = Path(self._root)
        for part in name.split("/"):
            there = os.listdir(path) if path.is_dir() else []  # noqa: PTH208
            path /= next((other for other in there if other.casefold() == part.casefold()), part)
        return path


@pytest.fixture
def folding(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store._files = Guarded(Folding(store.url, Path(store.url)))
    store._wanted = WantedStudies(store._files)
    return store


@pytest.mark.parametrize(("first", "second"), [("Office", "office"), ("büro", "Büro"), ("STRASSE", "straße")])
def test_office_does_not_take_the_place_of_Office(folding: Store, first: str, second: str) -> None:  # noqa: N802
    folding.put_manifest(manifest(first))
    with pytest.raises(StoreError, match=f'takes the names "{second}" and "{first}" as one, .* another name'):
        folding.put_manifest(manifest(second, "sobol"))
    assert folding.manifest(first).sampling == "grid"
    with pytest.raises(StudyNotFoundError, match=f'no study "{second}" .* it holds {first}'):
        folding.manifest(second)
    with pytest.raises(StudyNotFoundError):
        folding.remove_study(second)
    with pytest.raises(StudyNotFoundError):
        folding.clean(after_days=0, forget=[second])
    folding.put_manifest(manifest(first, "sobol"))
    assert folding.studies() == [first]


def test_Office_and_office_are_two_studies_where_the_file_system_keeps_them_apart(make: Callable[[], Store]) -> None:  # noqa: N802
    store = make()
    store.put_manifest(manifest("Office"))
    store.put_manifest(manifest("office", "sobol"))
    assert [store.manifest(name).sampling for name in ("Office", "office")] == ["grid", "sobol"]
    assert store.studies() == ["Office", "office"]
