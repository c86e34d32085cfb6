"""What every store promises of attempts: noted before they are begun, counted whatever dies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from epstudy.core.outcome import Attempt, Cause
from epstudy.store import DamagedFileWarning, Store

KEY = "ab" * 32
SAME_SHARD = "ab" + "01" * 31
OTHER = "cd" * 32
FIRST = Attempt("tower:41", "2026-03-01T10:00:00+00:00")
SECOND = Attempt("tower:42", "2026-03-01T10:05:00+00:00")


def test_an_attempt_is_plain_json() -> None:
    ended = Attempt("tower:41", "2026-03-01T10:00:00+00:00", Cause.CRASH.value, "t1")
    said = {"worker": "tower:41", "started": "2026-03-01T10:00:00+00:00", "ended": "crash", "token": "t1"}
    assert ended.to_json() == said
    assert Attempt.from_json(ended.to_json()) == ended


def test_attempts_are_counted_where_everybody_sees_them(make: Callable[[], Store]) -> None:
    assert make().attempts(KEY) == []
    assert make().begin_attempt(KEY, FIRST) == 1
    assert make().begin_attempt(KEY, SECOND) == 2
    assert make().attempts(KEY) == [FIRST, SECOND]
    assert make().attempts(SAME_SHARD) == []


def test_how_an_attempt_ended_is_noted_of_the_last_one(make: Callable[[], Store]) -> None:
    store = make()
    store.begin_attempt(KEY, FIRST)
    store.begin_attempt(KEY, SECOND)
    store.end_attempt(KEY, Cause.INFRASTRUCTURE)
    assert [one.ended for one in make().attempts(KEY)] == ["", "infrastructure"]


def test_an_attempt_that_was_stopped_on_purpose_does_not_count(make: Callable[[], Store]) -> None:
    store = make()
    store.begin_attempt(KEY, FIRST)
    store.end_attempt(KEY, Cause.CRASH)
    store.begin_attempt(KEY, SECOND)
    store.undo_attempt(KEY)
    assert [one.ended for one in store.attempts(KEY)] == ["crash"]
    store.undo_attempt(KEY)
    assert store.attempts(KEY) == []
    store.undo_attempt(KEY)
    assert store.begin_attempt(KEY, SECOND) == 1


def test_attempts_that_were_forgotten_while_one_runs_stay_forgotten(make: Callable[[], Store]) -> None:
    store = make()
    store.begin_attempt(KEY, FIRST)
    store.forget_attempts([KEY])
    store.end_attempt(KEY, Cause.CRASH)
    store.undo_attempt(KEY)
    assert store.attempts(KEY) == []


def test_attempts_are_forgotten_by_key(make: Callable[[], Store]) -> None:
    store = make()
    store.forget_attempts([KEY, OTHER])
    for key in (KEY, SAME_SHARD, OTHER):
        store.begin_attempt(key, FIRST)
    store.forget_attempts([KEY, OTHER, "ef" * 32, KEY])
    assert [len(store.attempts(key)) for key in (KEY, SAME_SHARD, OTHER)] == [0, 1, 0]


def test_forgetting_looks_at_shards_and_not_at_keys(folder: Path) -> None:
    """100,000 keys without attempts take no look each: the shard of the only attempt is listed, nothing else."""
    store = Store(str(folder))
    store.begin_attempt(KEY, FIRST)
    looks: list[str] = []
    look = store._files.names
    store._files.names = lambda of: looks.append(of) or look(of)  # type: ignore[method-assign, func-returns-value]
    store.forget_attempts(f"{number:064x}" for number in range(100_000))
    assert looks == ["attempts"]
    store.forget_attempts(f"{number:02x}{number:062x}" for number in range(256))
    assert looks == ["attempts", "attempts", "attempts/ab"]
    assert store.attempts(KEY) == [FIRST]


def test_attempts_leave_no_trace_in_the_results(make: Callable[[], Store]) -> None:
    store = make()
    store.begin_attempt(KEY, FIRST)
    assert store.held([KEY]) == set()
    assert store.held_beside(KEY).names == ()
    assert store.sizes([KEY]) == [0]


def test_a_damaged_file_counts_as_no_attempt(
    make: Callable[[], Store], damage_file: Callable[[Store, str], None]
) -> None:
    store = make()
    store.begin_attempt(KEY, FIRST)
    damage_file(store, f"attempts/ab/{KEY}.json")
    with pytest.warns(DamagedFileWarning, match="counts as no attempt"):
        assert store.attempts(KEY) == []
    with pytest.warns(DamagedFileWarning, match="counts as no attempt"):
        assert store.begin_attempt(KEY, SECOND) == 1
    assert store.attempts(KEY) == [SECOND]


def test_somebody_elses_attempts_are_not_mine(make: Callable[[], Store]) -> None:
    store = make()
    store.begin_attempt(OTHER, FIRST)
    store._files.replace(f"attempts/ab/{KEY}.json", store._files.read(f"attempts/cd/{OTHER}.json"))
    with pytest.warns(DamagedFileWarning):
        assert store.attempts(KEY) == []


def test_an_attempt_is_ended_and_undone_by_its_own_token(make: Callable[[], Store]) -> None:
    """Whoever was frozen, and comes back, does not touch the attempt of who went on."""
    store = make()
    store.begin_attempt(KEY, replace(FIRST, token="a"))
    store.begin_attempt(KEY, replace(SECOND, token="b"))
    store.undo_attempt(KEY, "nobody's")
    store.end_attempt(KEY, Cause.CRASH, "a")
    assert [(one.token, one.ended) for one in store.attempts(KEY)] == [("a", "crash"), ("b", "")]
    store.undo_attempt(KEY, "a")
    assert [one.token for one in store.attempts(KEY)] == ["b"]


def test_what_a_worker_had_begun_when_it_was_told_to_end_does_not_count(make: Callable[[], Store]) -> None:
    store = make()
    store.undo_attempts_of({"tower:41"})
    crashed = replace(FIRST, ended=Cause.CRASH.value)
    for attempt in (crashed, SECOND, FIRST):
        store.begin_attempt(KEY, attempt)
    store.begin_attempt(SAME_SHARD, FIRST)
    store.begin_attempt(OTHER, SECOND)
    make().undo_attempts_of({"tower:41", "tower:43"})
    assert [store.attempts(key) for key in (KEY, SAME_SHARD, OTHER)] == [[crashed, SECOND], [], [SECOND]]
