"""What is asked for by a request, on every store: the store alone says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.pool.request import asked, joined, under_way
from epstudy.store import DamagedFileWarning, Store, Wanted
from epstudy.store.checksummed import seal
from tests.support.offices import until

KEYS = tuple(f"{number:02x}" * 32 for number in range(6))
STUDY = Manifest("a", "energyplus", {}, (), tuple(() for _ in KEYS), KEYS, {})
DONE = Outcome(State.DONE, metrics={"answer": 1.0})
LOST = Outcome(State.FAILED, Cause.LOST, "its worker died")
WRONG = Outcome(State.FAILED, Cause.SIMULATION, "the model is wrong")

Make = Callable[[], Store]


def begun(store: Store, wanted: Wanted) -> Wanted:
    """The request, begun later than all that is in the store, by the store's own clock."""
    last = max((at for _, at in store.ends(KEYS).failed.values()), default=0.0)
    later: Wanted = until(lambda: (at := store.want("a", wanted)).since > last and at)
    return later


def fail(store: Store, place: int, outcome: Outcome, since: float) -> None:
    """Have a variant fail after that time, by the store's own clock."""
    until(lambda: store.put_outcome(KEYS[place], outcome) and store.ends([KEYS[place]]).failed[KEYS[place]][1] > since)


def test_what_failed_since_the_request_began_is_not_done_again(make: Make) -> None:
    store = make()
    for place, outcome in enumerate((DONE, LOST, WRONG)):
        store.put_outcome(KEYS[place], outcome)
    wanted = begun(store, Wanted("ann", "r", grid=STUDY.digest))
    assert asked(make(), STUDY, wanted).marks == "hpfppp", "a lost one is worth another try, a wrong one is not"
    fail(store, 1, LOST, wanted.since)
    fail(store, 3, LOST, wanted.since)
    again = asked(make(), STUDY, make().wanted()["a"])
    assert (again.marks, again.causes, again.pending) == ("hfffpp", {"lost": 2}, [4, 5])
    assert asked(make(), STUDY, begun(store, Wanted("ann", "s", grid=STUDY.digest))).marks == "hpfppp"


def test_the_variants_that_were_named_are_all_that_is_asked_for(make: Make) -> None:
    store = make()
    store.put_outcome(KEYS[0], DONE)
    store.put_outcome(KEYS[1], WRONG)
    wanted = begun(store, Wanted("ann", "r", variants=(0, 2, 3), grid=STUDY.digest))
    assert asked(make(), STUDY, wanted).marks == "hfppcc"
    fail(store, 2, WRONG, wanted.since)
    assert asked(make(), STUDY, wanted).marks == "hffpcc"
    assert asked(make(), STUDY, replace(wanted, grid="another")).marks == "hffppp", "those of another grid name nothing"


def test_a_study_is_under_way_as_long_as_something_that_was_asked_has_no_end(make: Make) -> None:
    store = make()
    wanted = begun(store, Wanted("ann", "r", variants=(1,), grid=STUDY.digest))
    assert under_way(make(), STUDY) == wanted
    assert under_way(make(), replace(STUDY, keys=KEYS[::-1])) is None, "it is another grid"
    store.set_cancelled("a", cancelled=True)
    assert under_way(make(), STUDY) is None
    store.set_cancelled("a", cancelled=False)
    store.put_outcome(KEYS[1], DONE)
    assert under_way(make(), STUDY) is None


ALL, MISSING, SOME = Wanted("ann", since=5.0), Wanted("ann", only="missing"), Wanted("ann", variants=(3, 7), since=5.0)


@pytest.mark.parametrize(
    ("before", "more", "both"),
    [
        (None, SOME, SOME),
        (ALL, SOME, ALL),
        (SOME, ALL, ALL),
        (SOME, replace(SOME, variants=(1, 7)), replace(SOME, variants=(1, 3, 7))),
        (replace(MISSING, since=5.0), ALL, ALL),
        (ALL, MISSING, ALL),
        (replace(MISSING, since=5.0), SOME, MISSING),
    ],
)
def test_what_is_asked_of_a_study_under_way_comes_to_what_was_asked_before(
    before: Wanted | None, more: Wanted, both: Wanted
) -> None:
    found = joined(before, replace(more, request="new", since=0.0))
    assert found == replace(both, request="new")
    assert found.since == (0.0 if before is None else 5.0), "what failed since then stays failed"


def test_a_hundred_thousand_variants_are_named_in_a_few_characters(make: Make) -> None:
    store = make()
    variants = tuple(number for number in range(100_000) if number not in (7, 500))
    store.want("a", Wanted("ann", "r", variants=variants))
    assert make().wanted() == {"a": Wanted("ann", "r", variants=variants)}
    assert len(store._files.read("wanted/a")) < 300
    store.want("a", Wanted("ann", "r", variants=()))
    assert make().wanted()["a"].variants == ()


def test_a_note_of_an_earlier_version_is_read(make: Make) -> None:
    store = make()
    store._files.replace("wanted/a", seal({"pool": "ann", "request": "r", "only": "failed"}))
    wanted = make().wanted()["a"]
    assert (wanted, wanted.variants) == (Wanted("ann", "r", "failed"), None)
    assert wanted.since > 0
    store.put_outcome(KEYS[0], DONE)
    assert asked(make(), STUDY, wanted).marks == "hccccc"


def test_a_damaged_result_is_found_at_once_in_a_small_study_and_when_it_is_read_in_a_large_one(
    make: Make, damage_file: Callable[[Store, str], None]
) -> None:
    """To know what is done of 100,000 variants took 11 seconds, in which every result was read."""
    store = make()
    store.put_outcome(KEYS[0], DONE)
    damage_file(store, f"results/{KEYS[0][:2]}/{KEYS[0]}.json")
    with pytest.warns(DamagedFileWarning):
        assert asked(make(), STUDY).marks == "pppppp"
    many = (KEYS[0], *(f"{number:064x}" for number in range(1, 5001)))
    large = replace(STUDY, keys=many, rows=tuple(() for _ in many))
    assert asked(make(), large).marks == "h" + "p" * 5000
    with pytest.warns(DamagedFileWarning):
        assert make().outcomes(many) == {}
    assert asked(make(), large).marks == "p" * 5001


def test_what_is_read_for_long_gives_signs_of_life(make: Make) -> None:
    signs: list[int] = []
    make().ends([f"{number:064x}" for number in range(2500)], alive=lambda: signs.append(1))
    assert len(signs) == 3
