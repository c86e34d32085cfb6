"""A network file system may list a folder as it was half a minute ago: what has ended is read by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.pool.client import Live
from epstudy.results.rows import results_frame
from epstudy.results.states import stored_states, told_keys
from epstudy.results.verification import verify
from epstudy.settings import Settings
from epstudy.store import Store, Wanted
from epstudy.store.files import About

KEYS = tuple(f"{number:02x}" * 32 for number in range(6))
STUDY = Manifest("a", "energyplus", {}, (), tuple(() for _ in KEYS), KEYS, {}, artifacts=("a.parquet",))
DONE = Outcome(State.DONE, metrics={"answer": 1.0})
WRONG = Outcome(State.FAILED, Cause.SIMULATION, "the model is wrong")
ENDED = ["done", "done", "done", "done", "failed", "pending"]

Make = Callable[[], Store]


class OldListings(Store):
    """A store on a mount that gives out each listing as it was when it was asked first, and opens files by name."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.url, cache=store._cache)
        names, listing, folders_with = self._files.names, self._files.listing, self._files.folders_with
        old_names: dict[str, list[str]] = {}
        old_listings: dict[str, dict[str, About]] = {}
        old_folders: dict[tuple[str, str], list[str]] = {}
        self._files.names = lambda folder: old_names.setdefault(folder, names(folder))  # type: ignore[method-assign]
        self._files.listing = lambda folder: old_listings.setdefault(folder, listing(folder))  # type: ignore[method-assign]
        self._files.folders_with = lambda folder, name: (  # type: ignore[method-assign]
            old_folders.setdefault((folder, name), folders_with(folder, name))
        )


@pytest.fixture
def old(make: Make) -> Store:
    """A mount that was looked at in the middle of a study, which has ended since."""
    store = make()
    store.put_manifest(STUDY)
    store.put_artifact(KEYS[0], "a.parquet", b"series")
    store.put_outcome(KEYS[0], DONE)
    store.put_artifact(KEYS[1], "a.parquet", b"series")
    mount = OldListings(make())
    assert len(mount.outcomes(KEYS)) == 1
    assert mount.wanted() == {}
    for key in KEYS[1:4]:
        store.put_artifact(key, "a.parquet", b"series")
        store.put_artifact(key, "extra.err", b"words")
        store.put_outcome(key, DONE)
    store.put_outcome(KEYS[4], WRONG)
    return mount


def test_results_are_all_there_that_wait_said_were_done(old: Store) -> None:
    assert len(old.outcomes(KEYS, STUDY.artifacts)) == 1, "the listing is old indeed"
    told = told_keys(old, STUDY, ENDED)
    assert told == list(KEYS[:5])
    outcomes = old.outcomes(KEYS, STUDY.artifacts, told=told)
    assert list(results_frame(STUDY, outcomes, ENDED)["status"]) == ENDED


def test_they_are_there_without_a_ledger_once_the_study_is_not_under_way_any_more(old: Store, make: Make) -> None:
    assert stored_states(old, STUDY) == ENDED
    make().want("a", Wanted("ann", "r"))
    assert stored_states(old, STUDY) == ["done", *["pending"] * 5], (
        "under way, its files come and go: a listing will do"
    )
    assert old.wanted_of("a") is not None, "that it is under way is known by its name"


def test_verify_calls_no_variant_lost_that_is_not_listed_yet(make: Make, tmp_path: Path) -> None:
    store = make()
    store.put_manifest(STUDY)
    mount = OldListings(make())
    mount.outcomes(KEYS)
    for key in KEYS:
        store.put_artifact(key, "a.parquet", b"series")
        store.put_outcome(key, DONE)
    settings = Settings.load(store=str(tmp_path / "nobody"))
    found = verify(mount, STUDY, Live(settings, mount))
    assert (found.problems, found.notes) == ((), ("6 done of 6",))


def test_kept_files_are_found_that_are_not_listed_yet(old: Store) -> None:
    assert old.names_beside(KEYS[2]) == [("a.parquet", False), ("extra.err", False)]
    assert old.held_beside(KEYS[2]).names == ("a.parquet", "extra.err")
