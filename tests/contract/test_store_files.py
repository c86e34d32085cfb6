"""What every store promises of its files: whole or not at all, and a store that fails says why."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from epstudy.core.errors import StoreError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Attempt, Cause, Outcome, State
from epstudy.store import Store, Wanted
from epstudy.store.checksummed import unseal
from epstudy.store.objects import Objects
from tests.contract.dying_writer import WRITES

KEY = "ab" * 32
DONE = Outcome(State.DONE, metrics={"heating_kwh": 1.25})
FAILED = Outcome(State.FAILED, Cause.TIMEOUT, "too slow")
MANIFEST = Manifest("a", "energyplus", {}, (), ((),), (KEY,), {})

WRITERS: dict[str, Callable[[Store], object]] = {
    "probe_write": lambda store: store.probe_write(),
    "put_input": lambda store: store.put_input(b"a model", ".idf"),
    "put_outcome": lambda store: store.put_outcome(KEY, DONE),
    "put_failure": lambda store: store.put_outcome(KEY, FAILED),
    "put_artifact": lambda store: store.put_artifact(KEY, "a.parquet", b"series"),
    "put_manifest": lambda store: store.put_manifest(MANIFEST),
    "begin_attempt": lambda store: store.begin_attempt(KEY, Attempt("tower:1", "")),
    "set_cancelled": lambda store: store.set_cancelled("a", cancelled=True, why="enough"),
    "set_paused": lambda store: store.set_paused("a", paused=True, why="the night"),
    "want": lambda store: store.want("a", Wanted("ann")),
}
REMOVERS: dict[str, Callable[[Store], object]] = {
    "unwant": lambda store: store.unwant("a"),
    "set_paused": lambda store: store.set_paused("a", paused=False),
    "remove_study": lambda store: store.remove_study("a"),
}
READERS: dict[str, Callable[[Store], object]] = {
    "outcome": lambda store: store.outcome(KEY),
    "outcomes": lambda store: store.outcomes([KEY]),
    "ends": lambda store: store.ends([KEY]).done | store.ends([KEY]).failed.keys(),
    "held": lambda store: store.held([KEY]),
    "held_beside": lambda store: store.held_beside(KEY),
    "sizes": lambda store: store.sizes([KEY]),
    "artifact": lambda store: store.artifact(KEY, "a.parquet"),
    "input_path": lambda store: store.input_path("00" * 32 + ".idf"),
    "attempts": lambda store: store.attempts(KEY),
    "forget_attempts": lambda store: store.forget_attempts([KEY]),
    "undo_attempts_of": lambda store: store.undo_attempts_of(["tower:1"]),
    "forget_failures": lambda store: store.forget_failures([KEY]),
    "manifest": lambda store: store.manifest("a"),
    "manifest_mark": lambda store: store.manifest_mark("a"),
    "studies": lambda store: store.studies(),
    "wanted": lambda store: store.wanted(),
    "is_cancelled": lambda store: store.is_cancelled("a"),
    "why_paused": lambda store: store.why_paused("a"),
    "identity": lambda store: store.identity(),
    "damage": lambda store: store.damage(MANIFEST),
    "cleaned": lambda store: store.cleaned(),
    "clear_parts": lambda store: store.clear_parts(),
}


# a store that fails says why ------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [*WRITERS, *REMOVERS])
def test_a_file_where_the_folder_should_be_is_told_by_whoever_writes(folder: Path, write: str) -> None:
    folder.write_text("a file in the way")
    with pytest.raises(StoreError) as said:
        {**WRITERS, **REMOVERS}[write](Store(str(folder)))
    verb = "read" if write in ("begin_attempt", "put_manifest", "put_artifact") else "written"  # they look first
    assert str(said.value) == f"the store {folder} cannot be {verb}: Not a directory"
    assert folder.read_text() == "a file in the way"


@pytest.mark.parametrize("read", READERS)
def test_a_file_where_the_folder_should_be_is_told_by_whoever_reads(folder: Path, read: str) -> None:
    folder.write_text("a file in the way")
    with pytest.raises(StoreError) as said:
        READERS[read](Store(str(folder)))
    assert str(said.value) == f"the store {folder} cannot be read: Not a directory"


@pytest.mark.parametrize("read", READERS)
def test_a_store_that_leads_nowhere_is_not_taken_for_an_empty_one(folder: Path, read: str) -> None:
    folder.symlink_to(folder)
    with pytest.raises(StoreError, match=r"cannot be read: Too many levels of symbolic links$"):
        READERS[read](Store(str(folder)))


@pytest.mark.parametrize("write", WRITERS)
def test_an_object_store_that_refuses_is_told(write: str, tmp_path: Path) -> None:
    place = uuid.uuid4().hex
    fsspec.filesystem("memory").pipe_file(f"/{place}", b"a file in the way")
    with pytest.raises(StoreError, match=f"the store memory://{place} cannot be written: FileExistsError"):
        WRITERS[write](Store(f"memory://{place}", cache=tmp_path))


class RefusedError(Exception):
    """As botocore's: no OSError."""


class Refusing(MemoryFileSystem):
    """Answers every call with an error of its own."""

    protocol = "refusing"

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise RefusedError("403\nwho are you?")

    cat_file = pipe_file = rm_file = info = ls = glob = _refuse


@pytest.mark.parametrize("call", [*WRITERS, *REMOVERS, *READERS])
def test_an_error_of_an_object_store_that_is_none_of_the_system_is_told(call: str, tmp_path: Path) -> None:
    """Workers took botocore's errors for the variant's, and notebooks showed forty lines of them."""
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    store = Store("refusing://bucket", cache=tmp_path)
    with pytest.raises(StoreError) as said:
        {**WRITERS, **REMOVERS, **READERS}[call](store)
    told = r"the store refusing://bucket cannot be (read|written): RefusedError: 403 who are you\?"
    assert re.fullmatch(told, str(said.value))


@pytest.mark.parametrize("read", [one for one in READERS if one not in ("input_path", "manifest")])
def test_what_is_not_there_is_no_error(make: Callable[[], Store], read: str) -> None:
    found = READERS[read](make())
    assert found in (None, [], {}, set(), "", False, 0, [0]) or getattr(found, "names", None) == ()


def test_a_store_that_can_be_written_passes_the_probe_and_keeps_nothing_of_it(make: Callable[[], Store]) -> None:
    store = make()
    store.probe_write()
    assert store._files.names("parts") == []
    assert store.studies() == []


@contextmanager
def small_disk(folder: Path, options: str = "size=1m") -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted


def fill(disk: Path) -> Path:
    """A file that leaves no room."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        while shutil.disk_usage(disk).free:
            file.write(b"x" * 4096)
    return filler


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_told_and_shows_no_half_file(disk: Path, write: str) -> None:
    store = Store(str(disk))
    store.create()
    filler = fill(disk)
    with pytest.raises(StoreError) as said:
        WRITERS[write](store)
    assert str(said.value) == f"the store {disk} cannot be written: No space left on device"
    assert {path.name for path in disk.rglob("*") if path.is_file()} == {"store.json", "filler"}
    filler.unlink()
    WRITERS[write](store)
    assert store._files.names("parts") == []


def test_a_disk_that_fills_up_keeps_what_was_there(disk: Path) -> None:
    store = Store(str(disk))
    for write in WRITERS.values():
        write(store)
    filler = fill(disk)
    with pytest.raises(StoreError, match=r"No space left on device$"):
        store.put_artifact(KEY, "a.parquet", b"longer" * 100_000)
    with pytest.raises(StoreError, match=r"No space left on device$"):
        store.begin_attempt(KEY, Attempt("tower:2", "x" * 8192))
    assert store.outcome(KEY, ["a.parquet"]) is not None
    assert [one.worker for one in store.attempts(KEY)] == ["tower:1"]
    assert store.damage(MANIFEST) == []
    filler.unlink()
    store.put_artifact(KEY, "a.parquet", b"longer" * 100_000)
    path = store.artifact(KEY, "a.parquet")
    assert path is not None
    assert path.stat().st_size == 600_000


def test_a_disk_that_is_read_only_is_told_and_can_be_read(disk: Path) -> None:
    store = Store(str(disk))
    for write in WRITERS.values():
        write(store)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for write in WRITERS:
        if write not in ("put_input", "put_outcome"):  # what is there already is not written again
            with pytest.raises(StoreError) as said:
                WRITERS[write](store)
            assert str(said.value) == f"the store {disk} cannot be written: Read-only file system"
    for remove in REMOVERS.values():
        with pytest.raises(StoreError, match=r"cannot be written: Read-only file system$"):
            remove(store)
    assert store.outcome(KEY) is not None


# a writer that is killed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITES)
def test_a_writer_that_is_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    """kill -9 before and after every mkdir, open, half of a write, fsync, link, rename and removal."""
    program = [sys.executable, "-m", "tests.contract.dying_writer", str(tmp_path), name]
    subprocess.run(program, check=True, cwd=Path(__file__).parents[2], timeout=600)
    stores = sorted((path for path in tmp_path.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    old, new = _seen_by_itself(tmp_path / "old", name, wrote=False), _seen_by_itself(tmp_path / "new", name, wrote=True)
    seen, left = [], []
    for folder in stores:
        _check_every_file_is_whole(folder)
        store = Store(str(folder))
        seen.append(WRITES[name].look(store))
        parts = store._files.names("parts")
        assert store.clear_parts() == len(parts)
        assert store._files.names("parts") == []
        assert WRITES[name].look(store) == seen[-1]
        left.append(len(parts))
    assert all(one in (old, new) for one in seen)
    changes = [number for number in range(1, len(seen)) if seen[number] != seen[number - 1]]
    assert len(changes) <= 1, "once it is seen it stays"
    assert (seen[0], seen[-1]) == (old, new)
    assert max(left) == 1, "some of them were killed while they wrote"
    assert (left[0], left[-1]) == (0, 0)
    assert len(stores) >= 10


def _seen_by_itself(folder: Path, name: str, *, wrote: bool) -> object:
    store = Store(str(folder))
    WRITES[name].before(store)
    if wrote:
        WRITES[name].write(store)
    return WRITES[name].look(store)


def _check_every_file_is_whole(folder: Path) -> None:
    whole = {b"once", b"twice", b"a model", b"the one before" * 999, b"the one after" * 999}
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name != "parts" and path.name != "store.json":
            assert path.read_bytes() in whole or unseal(path.read_bytes()) is not None, path


def part(store: Store, host: str, pid: int, *, days: float = 0) -> str:
    """A part as a process of that host leaves it."""
    name = f"{host}-{pid}-{uuid.uuid4().hex}.part"
    store._files.replace(f"parts/{name}", b"half of i")
    written = time.time() - days * 86400
    os.utime(store._files.local_path(f"parts/{name}"), (written, written))
    return name


def test_parts_of_the_living_stay_and_those_of_the_dead_go(folder: Path) -> None:
    store = Store(str(folder))
    assert store.clear_parts() == 0
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    here = socket.gethostname()
    part(store, here, child.pid)
    stay = {part(store, here, os.getpid()), part(store, "other-host", child.pid, days=0.9)}
    part(store, here, os.getpid(), days=1.1)  # of a process that had this number before
    part(store, "other-host", os.getpid(), days=1.1)
    assert store.clear_parts() == 3
    assert set(store._files.names("parts")) == stay
    assert store.clear_parts() == 0


def test_parts_on_an_object_store_go_too(tmp_path: Path) -> None:
    store = Store(f"memory://{uuid.uuid4().hex}", cache=tmp_path)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    for host in (socket.gethostname(), "other"):
        store._files.replace(f"parts/{host}-{child.pid}-{uuid.uuid4().hex}.part", b"half of i")
    assert store.clear_parts() == 1
    (stays,) = store._files.names("parts")
    assert stays.startswith("other-")


def test_only_what_is_whole_stands_among_the_results(folder: Path) -> None:
    """Parts have a folder of their own, also while somebody writes."""
    store = Store(str(folder))
    seen: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            seen.update(path.name for path in (folder / "results").rglob("*") if path.is_file())

    watcher = threading.Thread(target=look)
    watcher.start()
    for number in range(100):
        store.put_artifact(KEY, "a.parquet", bytes(100_000 + number))
    ended.set()
    watcher.join()
    assert seen == {f"{KEY}.a.parquet", f"{KEY}.files.json"}
    assert store._files.names("parts") == []


def test_a_folder_that_goes_away_under_a_writer_is_made_again(folder: Path) -> None:
    store, other = Store(str(folder)), Store(str(folder))
    ended = threading.Event()

    def remove() -> None:
        while not ended.is_set():
            other.remove_study("a")
            ended.wait(0.0005)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for _ in range(300):
            store.set_paused("a", paused=True)
    finally:
        ended.set()
        remover.join()
    store.set_paused("a", paused=True, why="it is there")
    assert store.why_paused("a") == "it is there"


# input files on object stores -----------------------------------------------------------------------------------


def test_a_damaged_copy_of_an_input_file_is_copied_again(tmp_path: Path) -> None:
    store = Store(f"memory://{uuid.uuid4().hex}", cache=tmp_path / "cache")
    name = store.put_input(b"a model", ".idf")
    path = store.input_path(name)
    assert path.read_bytes() == b"a model"
    path.write_bytes(b"")  # as after a power cut
    assert store.input_path(name).read_bytes() == b"a model"


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    store = Store(f"memory://{uuid.uuid4().hex}", cache=tmp_path / "cache")
    store.put_artifact(KEY, "a.parquet", b"series")
    with pytest.raises(StoreError, match=r"cannot be read into .*cache.*: Not a directory$"):
        store.artifact(KEY, "a.parquet")


class Exclusive(LocalFileSystem):
    """Files of this machine under the promise that S3 gives for mode="create": of two writers one gets an error."""

    protocol = "exclusive"

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Write a file; with mode="create" only where there is none."""
        with Path(path).open("xb" if mode == "create" else "wb") as file:
            file.write(value)


def memory(folder: Path) -> Objects:
    return Objects(f"memory://{folder}", MemoryFileSystem(), f"/{uuid.uuid4().hex}", lambda: folder / "cache")


def exclusive(folder: Path) -> Objects:
    return Objects(f"exclusive://{folder}", Exclusive(), str(folder), lambda: folder / "cache")


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns after microseconds: two that write at one moment meet."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("files", [memory, exclusive])
def test_of_two_writers_at_one_moment_one_is_told_that_it_was_first(
    files: Callable[[Path], Objects], tmp_path: Path
) -> None:
    objects = files(tmp_path)
    told = [told_by_two(lambda name=str(number): objects.create(name, b"{}")) for number in range(1000)]
    assert told == [[False, True]] * len(told)


def test_what_keeps_a_file_from_being_created_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: No such file or directory"):
        exclusive(tmp_path).create("no folder/a.json", b"{}")


def told_by_two(write: Callable[[], bool]) -> list[bool]:
    """What two threads are told that write at the same moment, sorted."""
    told: list[bool] = []
    ready = threading.Barrier(2)

    def begin() -> None:
        ready.wait()
        told.append(write())

    writers = [threading.Thread(target=begin) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return sorted(told)
