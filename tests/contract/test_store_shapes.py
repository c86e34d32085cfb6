"""Files of a store that are not what they should be: each is told in words, or counts as damaged; never a KeyError."""

from __future__ import annotations

import json
import random
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from epstudy.core.errors import EpstudyError, StoreError
from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Attempt, Cause, Outcome, State
from epstudy.store import ReportEnd, ReportRequest, Store, Wanted
from epstudy.store.checksummed import seal, unseal

KEY = "ab" * 32
AXIS = Axis("u", "field", ("a/b/c",), (1.0, 2.0), (1.0, 2.0), (({"set": "a/b/c", "to": 1.0},), ()), ("x", "y"))
STUDY = Manifest(
    "a", "energyplus", {"build": "25.2"}, (AXIS,), ((0,), (1,)), (KEY, "cd" * 32), {"heating_kwh": "kWh"}, baseline=1
)
REPORT = "20260301-120000-abcdef"
REQUEST = ReportRequest(REPORT, KEY, "n.ipynb", {"n.ipynb": "x"}, {"n": "1"}, "n.html", True, False, "ann", "group", "")


@dataclass(frozen=True)
class File:
    """A kind of file: its name, what writes it, and all that reads it."""

    name: str
    write: Callable[[Store], object]
    read: Callable[[Store], object]
    sealed: bool = True


def _read_manifest(store: Store) -> None:
    manifest = store.manifest("a")
    for index in range(len(manifest)):
        manifest.variant(index)
        manifest.edits(index)
    assert manifest.digest


FILES = {
    "store.json": File("store.json", lambda store: store.create(), lambda store: store.confirm(), sealed=False),
    "manifest": File("studies/a/manifest.json", lambda store: store.put_manifest(STUDY), _read_manifest),
    "manifest when the store is cleaned": File(
        "studies/a/manifest.json", lambda store: store.put_manifest(STUDY), lambda store: store.clean(after_days=1)
    ),
    "wanted": File(
        "wanted/a",
        lambda store: store.want("a", Wanted("group", "r", "failed", (0, 1), STUDY.digest)),
        lambda store: (store.wanted(), store.wanted_of("a")),
    ),
    "result": File(
        f"results/ab/{KEY}.json",
        lambda store: store.put_outcome(KEY, Outcome(State.DONE, metrics={"heating_kwh": 1.0}, timeout_s=3.0)),
        lambda store: (store.outcome(KEY), store.outcomes([KEY]), store.ends([KEY]), store.damage(STUDY)),
    ),
    "failure": File(
        f"results/ab/{KEY}.failed.json",
        lambda store: store.put_outcome(KEY, Outcome(State.FAILED, Cause.TIMEOUT, "slow", details={"fatal": "x"})),
        lambda store: (store.outcome(KEY), store.outcomes([KEY]), store.ends([KEY]), store.damage(STUDY)),
    ),
    "digests": File(
        f"results/ab/{KEY}.files.json",
        lambda store: store.put_artifact(KEY, "a.parquet", b"series"),
        lambda store: (store.names_beside(KEY), store.artifact(KEY, "a.parquet"), store.damage(STUDY)),
    ),
    "attempts": File(
        f"attempts/ab/{KEY}.json",
        lambda store: store.begin_attempt(KEY, Attempt("tower:1", "then", token="t")),
        lambda store: (store.attempts(KEY), store.undo_attempt(KEY, "t")),
    ),
    "request of a report": File(
        f"reports/{REPORT}/request.json",
        lambda store: store.reports.put(REQUEST),
        lambda store: (store.reports.asked("group"), store.reports.request(REPORT)),
    ),
    "end of a report": File(
        f"reports/{REPORT}/end.json",
        lambda store: store.reports.put_end(REPORT, ReportEnd("ended", ("a",), (), {"page": "x.html"}, 1.0)),
        lambda store: store.reports.end(REPORT),
    ),
    "note of the last clean": File(
        "clean.json",
        lambda store: (store.put_manifest(STUDY), store.clean(after_days=1)),
        lambda store: store.clean(after_days=1),
    ),
    "why it is paused": File(
        "studies/a/paused",
        lambda store: store.set_paused("a", paused=True, why="the night"),
        lambda store: (store.why_paused("a"), store.is_paused("a")),
        sealed=False,
    ),
}

WRONG: list[Any] = [None, True, -1, 1e300, "text", "0-x", [], [1], [[]], {}, {"a": 1}, [None], [{}], 99]


def _others(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places in plain JSON where something else may stand."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inside:
        yield from _others(item, (*path, name))


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Plain JSON with something else at a place; without it when `new` is Ellipsis."""
    if not path:
        return {} if new is ... else new
    changed = dict(value) if isinstance(value, dict) else list(value)
    if len(path) > 1:
        changed[path[0]] = _with(value[path[0]], path[1:], new)
    elif new is ...:
        del changed[path[0]]
    else:
        changed[path[0]] = new
    return changed


def _contents(content: bytes, *, sealed: bool) -> Iterator[bytes]:
    """What may stand in the place of a content: cut off, emptied, of another kind, of another version."""
    text = b"" if sealed else content
    yield from (b"", b"\0" * len(content), content[: len(content) // 2], content[:-2], b"\xff\xfe{}", b"[]", b"null")
    yield from (b"[" * 100_000, b"{}", b'{"id": 1}', b'{"id": ""}', text + b"\n\xe9")
    stored = unseal(content) if sealed else None
    if stored is None:
        return
    chance = random.Random(1)
    places = list(_others(stored))
    for path in places:
        for new in (..., *chance.sample(WRONG, 5)):
            other = _with(stored, path, new)
            yield seal(other)
    yield seal({**stored, "manifest": 99, "format": 99, "more": 1})


def _tell(read: Callable[[], object]) -> str:
    """What a reader says of a file; anything but one of our errors goes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read()
        except EpstudyError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_any_other_shape_is_told_or_counts_as_damaged(make: Callable[[], Store], kind: str) -> None:
    file = FILES[kind]
    store = make()
    file.write(store)
    content = store._files.read(file.name)
    assert _tell(lambda: file.read(make())) == "", "as it was written it can be read"
    file.write(store)
    for other in _contents(content, sealed=file.sealed):
        make()._files._files.replace(file.name, other)
        words = _tell(lambda: file.read(make()))
        assert "Error:" not in words, (other, words)
    make()._files._files.replace(file.name, content)
    assert _tell(lambda: file.read(make())) == "", "and put back it can be read again"


@pytest.mark.parametrize("kind", FILES)
def test_a_folder_in_the_place_of_a_file_is_named(make: Callable[[], Store], kind: str) -> None:
    file = FILES[kind]
    store = make()
    if store._files.remote:
        return  # an object store has no folders
    file.write(store)
    path = store._files.local_path(file.name)
    path.unlink()
    path.mkdir()
    words = _tell(lambda: file.read(make()))
    if words:
        assert f"{path} is a folder, where a file of the store should be; move it away" in words
    words = _tell(lambda: file.write(make()))
    assert "Is a directory" not in words


def test_a_manifest_of_another_shape_names_the_file_and_what_to_do(make: Callable[[], Store]) -> None:
    store = make()
    store.put_manifest(STUDY)
    stored = STUDY.to_json()
    del stored["axes"]
    store._files.replace("studies/a/manifest.json", seal(stored))
    with pytest.raises(StoreError) as told:
        make().manifest("a")
    assert str(told.value) == (
        f'{store._files.shown("studies/a/manifest.json")} is no manifest of a study: it has no "axes"; '
        'run the study "a" again, or forget it: epstudy clean --forget a'
    )


def test_a_result_of_a_later_version_with_more_fields_can_be_read(make: Callable[[], Store]) -> None:
    store = make()
    outcome = Outcome(State.DONE, metrics={"heating_kwh": 1.0})
    store._files.replace(f"results/ab/{KEY}.json", seal({"key": KEY, **outcome.to_json(), "colour": "red"}))
    assert make().outcome(KEY) == outcome


def test_a_store_of_a_later_version_says_so(make: Callable[[], Store]) -> None:
    make()._files._files.replace("store.json", json.dumps({"format": 2, "id": uuid.uuid4().hex}).encode())
    with pytest.raises(StoreError, match=r"store\.json was written by another version of epstudy"):
        make().confirm()
