"""What every store promises of `clean`: what a study refers to stays, what is nobody's goes after a while."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from epstudy.core.errors import InputError, StoreError, StudyNotFoundError
from epstudy.core.manifest import MANIFEST_FORMAT, Manifest
from epstudy.core.outcome import Attempt, Cause, Outcome, State
from epstudy.store import Cleaned, DamagedFileWarning, Store, Wanted
from epstudy.store.checksummed import seal, unseal

KEYS = [letter * 64 for letter in "abcdef"]
DONE = Outcome(State.DONE, metrics={"heating_kwh": 1.25})
FAILED = Outcome(State.FAILED, Cause.SIMULATION, "no such schedule")
Make = Callable[[], Store]


def manifest(*keys: str, name: str = "office", **recipe: str) -> Manifest:
    return Manifest(name, "energyplus", recipe, (), ((),) * len(keys), keys, {})


def names(store: Store) -> set[str]:
    """Every file of a store that a study may have, without those of the studies themselves."""
    files = store._files
    folders = [f"{top}/{shard}" for top in ("results", "inputs", "attempts") for shard in files.names(top)]
    return {f"{folder}/{name}" for folder in folders for name in files.names(folder)}


def age(store: Store, *, hours: float = 2, only: str = "") -> None:
    """Have the files be so old."""
    then = datetime.now(UTC) - timedelta(hours=hours)
    if store._files.remote:
        root = store._files.shown("")
        for path, file in store._files._files._fs.store.items():  # type: ignore[attr-defined]
            if path.startswith(root + only):
                file.created = then
    else:
        for file in Path(store.url).rglob("*"):
            if file.is_file() and file.relative_to(store.url).as_posix().startswith(only):
                os.utime(file, (then.timestamp(), then.timestamp()))


def noted(store: Store) -> dict[str, float]:
    said = unseal(store._files.read("clean.json"))
    assert said is not None
    return said


def days_later(store: Store, days: float) -> None:
    """What was noted was noted so many days ago."""
    store._files.replace("clean.json", seal({one: seen - days * 86400 for one, seen in noted(store).items()}))


def kinds(things: tuple[Any, ...]) -> list[str]:
    return sorted(one.kind for one in things)


@pytest.fixture
def office(make: Make) -> Store:
    """A store of two hours ago: "office" has the first two keys and one input, everything else is nobody's."""
    store = make()
    mine, nobodys = store.put_input(b"my model", ".idf"), store.put_input(b"another model", ".idf")
    assert mine != nobodys
    for key in (KEYS[0], KEYS[2]):
        store.put_artifact(key, "a.parquet", b"series")
        store.put_outcome(key, DONE)
    for key in (KEYS[1], KEYS[3]):
        store.put_artifact(key, "err", b"** Severe **", failed=True)
        store.put_outcome(key, FAILED)
        store.begin_attempt(key, Attempt("tower:1", ""))
    store.put_manifest(manifest(KEYS[0], KEYS[1], model=mine))
    age(store)
    return store


def test_what_a_study_refers_to_stays_and_the_rest_goes(make: Make, office: Store) -> None:
    before = names(office)
    said = make().clean(after_days=0)
    mine = {one for one in before if KEYS[0] in one or KEYS[1] in one or office.put_input(b"my model", ".idf") in one}
    assert len(mine) == 3 + 3 + 1 + 1, "result, series and digests; failure, log and digests; its attempts; the model"
    assert names(office) == mine
    assert kinds(said.removed) == ["failure", "input", "leftover", "result"]
    assert said.left == ()
    assert said.studies == 1
    assert sum(one.size for one in said.removed) > 0
    assert office.damage(office.manifest("office")) == []
    assert make().clean(after_days=0).removed == ()


def test_it_takes_two_looks_so_many_days_apart(make: Make, office: Store) -> None:
    before = names(office)
    first = make().clean(after_days=30)
    assert (first.removed, kinds(first.left)) == ((), ["failure", "input", "leftover", "result"])
    assert first.due == pytest.approx(time.time() + 30 * 86400, abs=60)
    assert names(office) == before
    days_later(office, 29.9)
    assert make().clean(after_days=30).removed == ()
    assert names(office) == before
    days_later(office, 0.2)
    assert len(make().clean(after_days=30).removed) == 4
    assert len(names(office)) == 8
    assert noted(office) == {}


def test_a_grid_that_is_narrowed_for_a_day_loses_nothing(make: Make, office: Store) -> None:
    before = names(office)
    make().clean(after_days=30)
    days_later(office, 29)
    office.put_manifest(manifest(*KEYS, model="another", other=office.put_input(b"another model", ".idf")))
    make().clean(after_days=30)
    assert noted(office).keys() == {office.put_input(b"my model", ".idf").removesuffix(".idf")}
    office.put_manifest(manifest(KEYS[0]))
    days_later(office, 2)
    age(office)
    make().clean(after_days=30)
    assert {one for one in before if "results/" in one} <= names(office), "what was noted a month ago is forgotten"


def test_verdicts_on_models_go_when_they_are_old(make: Make, office: Store) -> None:
    """The first is of a model that a study has: without it, the model is just tried out again."""
    store = make()
    mine = store.put_input(b"my model", ".idf").partition(".")[0]
    for content in (mine, KEYS[4]):
        store.put_tried(content, DONE)
    age(store, hours=20 * 24)
    store.put_tried(KEYS[5], FAILED)
    assert "verdict" not in kinds(store.clean(after_days=30).removed)
    assert kinds(store.clean(after_days=10, dry=True).removed).count("verdict") == 2
    assert store.tried(mine) == DONE
    assert kinds(store.clean(after_days=10).removed).count("verdict") == 2
    assert [store.tried(content) for content in (mine, KEYS[4], KEYS[5])] == [None, None, FAILED]
    assert store.manifest("office") is not None


def test_what_is_young_stays_whatever_is_asked(make: Make, office: Store) -> None:
    age(office, hours=0.9)
    before = names(office)
    said = make().clean(after_days=0)
    assert said.removed == ()
    assert names(office) == before
    assert said.due == pytest.approx(time.time() + 360, abs=60)
    age(office, hours=0, only=f"results/cc/{KEYS[2]}.a.parquet")
    age(office, hours=2, only=f"results/cc/{KEYS[2]}.json")
    make().clean(after_days=0)
    assert names(office) == before, "a result is as young as what stands beside it"


def test_what_has_no_known_time_counts_as_young(folder: Path) -> None:
    store = Store(str(folder))
    store.create()
    store.put_outcome(KEYS[0], DONE)
    age(store)
    os.utime(folder / "results" / "aa" / f"{KEYS[0]}.json", (0, 0))
    assert store.clean(after_days=0).removed == ()


def test_a_model_that_is_stored_again_is_young_again(make: Make, office: Store) -> None:
    """A study of today finds its model in the store, and its manifest comes a moment later."""
    name = office.put_input(b"another model", ".idf")
    assert "input" not in kinds(make().clean(after_days=0).removed)
    assert make().input_path(name).read_bytes() == b"another model"
    age(office, hours=0.4)
    seen = office._files.about(f"inputs/{name[:2]}/{name}")
    office.put_input(b"another model", ".idf")
    assert office._files.about(f"inputs/{name[:2]}/{name}") == seen, "one that is young is not written again"


def test_a_study_that_is_stored_between_two_looks_keeps_what_it_refers_to(make: Make, office: Store) -> None:
    store = make()
    replace_file = store._files.replace

    def note(name: str, content: bytes) -> None:
        replace_file(name, content)
        if name == "clean.json":
            office.put_manifest(manifest(KEYS[2], name="other"))
            office.put_manifest(manifest(KEYS[0], KEYS[1], KEYS[3], model=office.put_input(b"my model", ".idf")))

    store._files.replace = note  # type: ignore[method-assign]
    said = store.clean(after_days=0)
    assert kinds(said.removed) == ["input"]
    assert {one.partition("/")[2][3:67] for one in names(office) if "results" in one} == {*KEYS[:4]}
    assert noted(office) == {}


def test_a_model_that_is_stored_again_between_two_looks_stays(make: Make, office: Store) -> None:
    """Its manifest comes a moment later, when it is too late to see it."""
    store = make()
    replace_file = store._files.replace

    def note(name: str, content: bytes) -> None:
        replace_file(name, content)
        if name == "clean.json":
            office.put_input(b"another model", ".idf")

    store._files.replace = note  # type: ignore[method-assign]
    said = store.clean(after_days=0)
    assert kinds(said.removed) == ["failure", "leftover", "result"]
    assert kinds(said.left) == ["input"]


@pytest.mark.parametrize("how", ["damaged", "later"])
def test_a_manifest_that_cannot_be_read_stops_it(
    make: Make, office: Store, damage_file: Callable[[Store, str], None], how: str
) -> None:
    office.put_manifest(manifest(KEYS[2], name="broken"))
    if how == "damaged":
        damage_file(office, "studies/broken/manifest.json")
    else:
        office._files.replace("studies/broken/manifest.json", seal({"manifest": MANIFEST_FORMAT + 1}))
    age(office)
    before = names(office)
    with pytest.raises(StoreError, match=r"broken/manifest.json .* nothing is removed: .* clean --forget broken$"):
        make().clean(after_days=0, forget=["office"])
    assert names(office) == before
    assert office.studies() == ["broken", "office"]
    assert make().clean(after_days=0, forget=["broken"]).forgotten == ("broken",)
    assert KEYS[2] not in " ".join(names(office))


def test_a_manifest_that_the_system_does_not_give_out_stops_it(folder: Path) -> None:
    store = Store(str(folder))
    store.put_manifest(manifest(KEYS[0]))
    store.put_outcome(KEYS[1], DONE)
    (folder / "studies" / "broken" / "manifest.json").mkdir(parents=True)
    age(store)
    with pytest.raises(
        StoreError, match=r"broken/manifest.json .* nothing is removed: .* cannot be read: .* is a folder"
    ):
        store.clean(after_days=0)
    assert store.outcome(KEYS[1]) is not None


def test_a_report_that_is_queued_keeps_what_it_refers_to(
    make: Make, office: Store, damage_file: Callable[[Store, str], None]
) -> None:
    notebook = office.put_input(b"a notebook", ".ipynb")
    request = "reports/20260301-ab12/request.json"
    office._files.replace(request, seal({"notebook": notebook}))
    age(office)
    make().clean(after_days=0)
    assert make().input_path(notebook).read_bytes() == b"a notebook"
    damage_file(office, request)
    with pytest.raises(StoreError, match=r"request.json .* or remove it: epstudy reports remove 20260301-ab12$"):
        make().clean(after_days=0)
    office._files.remove(request)
    assert kinds(make().clean(after_days=0).removed) == ["input"]


def test_a_dry_run_changes_nothing_and_tells_the_same(make: Make, office: Store) -> None:
    office.put_manifest(manifest(KEYS[4], name="old"))
    office.put_outcome(KEYS[4], DONE)
    age(office)
    before = names(office)
    dry = make().clean(after_days=0, forget=["old"], dry=True)
    assert (names(office), office.studies()) == (before, ["office", "old"])
    assert office.cleaned() is None
    assert office._files.names("parts") == []
    wet = make().clean(after_days=0, forget=["old"])
    assert office._files.names("parts") == []
    assert replace(dry, dry=False, due=None) == wet
    assert kinds(wet.removed).count("result") == 2


def test_a_clean_that_is_interrupted_leaves_no_result_without_its_files(make: Make, office: Store) -> None:
    make().clean(after_days=30)
    days_later(office, 31)
    store = make()
    remove, gone = store._files.remove, []

    def refuse(name: str) -> None:
        if name.startswith("results/"):
            if gone:
                raise StoreError("the store cannot be written: Read-only file system")
            gone.append(name)
        remove(name)

    store._files.remove = refuse  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="Read-only"):
        store.clean(after_days=30)
    assert gone == [f"results/cc/{KEYS[2]}.json"], "first what makes the others count"
    assert f"results/cc/{KEYS[2]}.a.parquet" in names(office)
    make().clean(after_days=30)
    assert len(names(office)) == 8, "the next one goes on: what was noted is noted still"


def test_a_damaged_note_counts_as_an_empty_one(
    make: Make, office: Store, damage_file: Callable[[Store, str], None]
) -> None:
    before = names(office)
    make().clean(after_days=30)
    days_later(office, 31)
    damage_file(office, "clean.json")
    with pytest.warns(DamagedFileWarning, match=r"clean.json is damaged"):
        assert make().clean(after_days=30).removed == ()
    assert names(office) == before
    assert min(noted(office).values()) > time.time() - 60


def test_every_clean_writes_when_it_was(make: Make) -> None:
    make().put_manifest(manifest(KEYS[0]))
    assert make().cleaned() is None
    make().clean(after_days=30)
    assert make().cleaned() == pytest.approx(time.time(), abs=60)
    age(make(), hours=30)
    assert make().cleaned() == pytest.approx(time.time() - 30 * 3600, abs=60)
    make().clean(after_days=30)
    assert make().cleaned() == pytest.approx(time.time(), abs=60)


def test_files_that_are_none_of_the_store_stay(make: Make, office: Store) -> None:
    strange = ["results/cc/cc-notes.txt", "results/ff/README", "inputs/.DS_Store", f"results/aa/{'ee' * 32}.json"]
    for name in strange:
        office._files.replace(name, b"mine")
    age(office)
    assert len(make().clean(after_days=0).removed) == 4
    assert all(office._files.about(name) is not None for name in strange)


def test_a_study_that_is_forgotten_leaves_its_results_for_a_while(make: Make, office: Store) -> None:
    before = names(office)
    said = make().clean(after_days=30, forget=["office"])
    assert (said.forgotten, office.studies(), names(office)) == (("office",), [], before)
    assert kinds(said.left) == ["failure", "failure", "input", "input", "leftover", "leftover", "result", "result"]
    days_later(office, 31)
    make().clean(after_days=30)
    assert names(office) == set()


def test_a_study_that_is_under_way_or_unknown_is_not_forgotten(make: Make, office: Store) -> None:
    office.want("office", Wanted("ann"))
    with pytest.raises(
        InputError, match='"office" is under way, or ended just now; wait, or epstudy cancel office first'
    ):
        make().clean(after_days=0, forget=["office"])
    with pytest.raises(StudyNotFoundError, match="it holds office"):
        make().clean(after_days=0, forget=["nowhere"])
    assert len(names(office)) > 8
    office.set_cancelled("office", cancelled=True)
    assert make().clean(after_days=0, forget=["office"]).forgotten == ("office",)
    assert office.wanted() == {}


def test_studies_that_were_not_run_for_long_are_forgotten(make: Make, office: Store) -> None:
    for name in ("young", "busy"):
        office.put_manifest(manifest(KEYS[2], name=name))
    office.want("busy", Wanted("ann"))
    for name, days in (("office", 31), ("young", 29), ("busy", 31)):
        age(office, hours=days * 24, only=f"studies/{name}/")
    assert make().clean(after_days=30, forget_older_days=30).forgotten == ("office",)
    assert office.studies() == ["busy", "young"]
    assert make().clean(after_days=30, forget_older_days=0).forgotten == ("young",)


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf")])
def test_a_number_of_days_that_is_none_is_refused(make: Make, office: Store, days: float) -> None:
    for said in ({"after_days": days}, {"after_days": 1, "forget_older_days": days}):
        with pytest.raises(InputError, match="is no number of days"):
            make().clean(**said)  # type: ignore[arg-type]


def test_where_there_is_no_store_none_is_made(folder: Path) -> None:
    with pytest.raises(StoreError, match="there is no store in"):
        Store(str(folder)).clean(after_days=30)
    assert not folder.exists()


def test_it_is_told_in_a_few_lines(make: Make, office: Store) -> None:
    def lines(**options: Any) -> list[str]:
        said: Cleaned = make().clean(**{"after_days": 30, **options})
        return said.lines()

    day = (datetime.now() + timedelta(days=30)).date().isoformat()
    found, *_ = lines(dry=True)[1:]
    assert found.startswith("1 result, 1 failure, 1 input and 1 leftover of no study (")
    assert found.endswith(f" kB): to be removed from {day} on; --after 0 does so now with what is older than an hour")
    assert lines()[0] == "1 study looked at"
    assert lines()[1] == found.replace(": to be", ": noted, to be")
    assert lines(after_days=0)[1] == found.partition(": ")[0] + ": removed"
    assert lines() == ["1 study looked at", "nothing to remove: every result and every input is a study's"]
    assert lines(forget=["office"], dry=True)[1] == "would be forgotten: office"
