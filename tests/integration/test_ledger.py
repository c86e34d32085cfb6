"""The ledger's transitions on a real Redis: one holder, fenced by its token, whatever comes late or twice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from epstudy.core.contracts import Stop
from epstudy.pool.broker.app import message_id
from epstudy.pool.broker.connection import RedisError, connect, socket_url
from epstudy.pool.ledger.ledger import Lease, Ledger, Mark
from epstudy.processes import redis_server
from tests.support.offices import until

STUDY, DIGEST = "study", "digest"
MINE = Lease(STUDY, DIGEST, 1, "key-1", "mine")
YOURS = replace(MINE, token="yours")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "s"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([redis_server()[0], *options], stdout=subprocess.DEVNULL)
    until(Path(socket).exists)
    yield socket_url(str(socket))
    server.terminate()
    server.wait()


@pytest.fixture
def ledger(url: str) -> Ledger:
    ledger = Ledger(connect(url))
    ledger.redis.flushall()
    assert ledger.open(STUDY, DIGEST, "pppp")
    return ledger


def claim(ledger: Ledger, lease: Lease) -> bool:
    return ledger.claim(lease, f"host:{lease.token}", "supervisor")


def beat(ledger: Ledger, lease: Lease) -> Stop | None:
    return ledger.beat(lease, f"host:{lease.token}", "supervisor", None)


def lose_the_lease(ledger: Ledger) -> None:
    """As when its holder was silent for too long."""
    assert ledger.redis.delete("ep:lease:key-1") == 1


def test_one_of_two_gets_the_lease(ledger: Ledger) -> None:
    assert claim(ledger, MINE)
    assert not claim(ledger, YOURS)
    assert [one.token for one in ledger.running(STUDY)] == ["mine"]


def test_a_zombie_changes_nothing_when_it_comes_back(ledger: Ledger) -> None:
    claim(ledger, MINE)
    lose_the_lease(ledger)
    ledger.move(STUDY, DIGEST, [Mark.RUNNING], Mark.PENDING, [1])
    assert claim(ledger, YOURS)
    assert beat(ledger, MINE) is Stop.SUPERSEDED
    for mark in (Mark.PENDING, Mark.FAILED, Mark.CANCELLED, Mark.DONE):
        ledger.finish(MINE, mark, "crash")
        assert ledger.states(STUDY) == "prpp", f"the zombie marked it {mark}"
    assert [one.token for one in ledger.running(STUDY)] == ["yours"]
    assert beat(ledger, YOURS) is None
    ledger.finish(YOURS, Mark.DONE)
    assert ledger.states(STUDY) == "pdpp"


def test_what_is_done_stays_done(ledger: Ledger) -> None:
    claim(ledger, MINE)
    ledger.finish(MINE, Mark.DONE)
    for mark in (Mark.FAILED, Mark.PENDING):
        ledger.finish(YOURS, mark)
    assert not claim(ledger, YOURS)
    assert ledger.states(STUDY) == "pdpp"


def test_a_beat_brings_back_what_redis_lost(ledger: Ledger) -> None:
    claim(ledger, MINE)
    ledger.redis.flushall()
    ledger.open(STUDY, DIGEST, "pppp")
    assert beat(ledger, MINE) is None
    assert ledger.states(STUDY) == "prpp"
    assert not claim(ledger, YOURS)


def test_a_silent_variant_is_lost_only_when_it_stays_silent(ledger: Ledger) -> None:
    claim(ledger, MINE)
    assert ledger.silent(STUDY) == set()
    lose_the_lease(ledger)
    assert ledger.silent(STUDY) == {1}
    assert ledger.aged(STUDY, "silent", {1}, 0.2) == set()
    until(lambda: ledger.aged(STUDY, "silent", ledger.silent(STUDY), 0.2) == {1}, 5)
    beat(ledger, MINE)
    assert ledger.aged(STUDY, "silent", ledger.silent(STUDY), 0.2) == set()
    lose_the_lease(ledger)
    assert ledger.aged(STUDY, "silent", ledger.silent(STUDY), 0.2) == set(), "it counts from now, not from before"


def test_the_lease_of_a_dead_worker_is_ended_only_if_it_is_still_his(ledger: Ledger) -> None:
    claim(ledger, MINE)
    dead = ledger.running(STUDY)[0]
    assert ledger.expire(STUDY, dead)
    assert ledger.silent(STUDY) == {1}
    ledger.move(STUDY, DIGEST, [Mark.RUNNING], Mark.PENDING, [1])
    claim(ledger, YOURS)
    assert not ledger.expire(STUDY, dead)
    assert ledger.silent(STUDY) == set()


def test_nothing_is_given_out_while_a_study_is_paused_and_what_runs_goes_on(ledger: Ledger) -> None:
    claim(ledger, MINE)
    ledger.pause(STUDY, DIGEST, "by me")
    assert ledger.take(STUDY, 10) == ([], [])
    assert not claim(ledger, replace(MINE, index=2, key="key-2"))
    assert beat(ledger, MINE) is None
    ledger.finish(MINE, Mark.DONE)
    progress = ledger.progress(STUDY)
    assert progress is not None
    assert (progress.done, progress.paused) == (1, "by me")
    ledger.pause(STUDY, DIGEST, "")
    assert ledger.take(STUDY, 10) == ([], [0, 2, 3])


def test_a_variant_that_is_to_wait_is_not_given_out_before(ledger: Ledger) -> None:
    claim(ledger, MINE)
    ledger.finish(MINE, Mark.PENDING, wait_s=0.3)
    assert ledger.take(STUDY, 10) == ([], [0, 2, 3])
    assert not claim(ledger, MINE)
    until(lambda: ledger.take(STUDY, 10) == ([1], []), 5)
    assert claim(ledger, MINE)


def test_whoever_means_another_grid_changes_nothing(ledger: Ledger) -> None:
    claim(ledger, MINE)
    assert ledger.cancel(STUDY, "other") == 0
    assert ledger.move(STUDY, "other", [Mark.PENDING], Mark.DONE, [0]) == 0
    ledger.pause(STUDY, "other", "by me")
    ledger.block(STUDY, "other", "full")
    assert ledger.halt(STUDY).why == ""
    assert ledger.states(STUDY) == "prpp"


def test_a_cancelled_variant_is_told_to_stop_and_ends_cancelled(ledger: Ledger) -> None:
    claim(ledger, MINE)
    assert ledger.cancel(STUDY, DIGEST) == 3
    assert beat(ledger, MINE) is Stop.CANCELLED
    ledger.finish(MINE, Mark.PENDING)
    assert ledger.states(STUDY) == "cccc"
    assert ledger.active() == []


def test_what_came_back_goes_before_what_waits_and_needs_no_room(ledger: Ledger) -> None:
    assert ledger.take(STUDY, 3) == ([], [0, 1, 2])
    claim(ledger, MINE)
    ledger.finish(MINE, Mark.PENDING)
    assert ledger.take(STUDY, 2) == ([1], [])
    ledger.redis.rpush("ep:q", "next", "later")
    ledger.redis.lpush("ep:q", "again")
    ledger.advance("q", 1)
    assert ledger.redis.lrange("ep:q", 0, -1)[-1] == b"again"


def test_who_was_lost_often_runs_alone_in_its_worker(ledger: Ledger) -> None:
    """A worker that goes down takes along what runs there: who has one chance left is not to pay for his neighbours."""
    other, elsewhere = replace(MINE, index=2, key="key-2", token="other"), replace(MINE, index=3, key="key-3")
    assert claim(ledger, other)
    assert not ledger.claim(MINE, "host:1", "supervisor", alone=True), "somebody runs there"
    ledger.finish(other, Mark.DONE, supervisor="supervisor")
    until(lambda: ledger.take(STUDY, 1)[0] == [1], 5)
    assert ledger.claim(MINE, "host:1", "supervisor", alone=True)
    assert not claim(ledger, elsewhere), "it is alone there"
    assert ledger.claim(replace(elsewhere, index=0, key="key-0"), "far:1", "another supervisor")
    ledger.finish(MINE, Mark.FAILED, "lost", supervisor="supervisor")
    until(lambda: 3 in ledger.take(STUDY, 1)[0], 5)
    assert claim(ledger, elsewhere)


def test_a_cancelled_study_keeps_no_variant_that_was_lost(ledger: Ledger) -> None:
    """A child was killed, the study cancelled: the variant waited for ever."""
    claim(ledger, MINE)
    lose_the_lease(ledger)
    ledger.cancel(STUDY, DIGEST)
    ledger.move(STUDY, DIGEST, [Mark.RUNNING], Mark.PENDING, [1])
    assert ledger.states(STUDY) == "cccc"
    assert ledger.active() == []


def test_a_zombie_takes_no_lease_of_what_has_ended(ledger: Ledger) -> None:
    claim(ledger, MINE)
    lose_the_lease(ledger)
    ledger.move(STUDY, DIGEST, [Mark.RUNNING], Mark.FAILED, [1])
    assert beat(ledger, MINE) is Stop.SUPERSEDED
    assert ledger.running(STUDY) == []
    assert claim(ledger, replace(MINE, index=2)), "the lease is free"


def test_a_full_redis_takes_a_cancel(ledger: Ledger) -> None:
    claim(ledger, MINE)
    used = ledger.redis.info("memory")["used_memory"]
    ledger.redis.config_set("maxmemory", used // 2)
    try:
        with pytest.raises(RedisError, match="maxmemory"):
            ledger.redis.set("canary", "1")
        assert ledger.cancel(STUDY, DIGEST) == 3
        assert beat(ledger, MINE) is Stop.CANCELLED
        ledger.finish(MINE, Mark.CANCELLED)
        assert ledger.recount(STUDY) == 0
    finally:
        ledger.redis.config_set("maxmemory", 0)
    assert ledger.states(STUDY) == "cccc"


def test_counts_that_a_cut_file_left_wrong_are_right_again(ledger: Ledger) -> None:
    ledger.redis.hset(f"ep:s:{STUDY}:counts", mapping={"p": -1, "d": 5})
    ledger.redis.srem("ep:studies", STUDY)
    assert ledger.recount(STUDY) == 4
    progress = ledger.progress(STUDY)
    assert progress is not None
    assert (progress.pending, progress.done) == (4, 0)
    assert ledger.active() == [STUDY]


def test_a_glance_says_who_runs_what_and_what_ended(ledger: Ledger) -> None:
    ledger.announce("supervisor", {"host": "here", "slots": 2})
    ledger.open("another", "its digest", "ppr")
    assert claim(ledger, MINE)
    assert ledger.beat(MINE, "host:mine", "supervisor", 0.5) is None
    said = ledger.glance(STUDY, DIGEST)
    assert said is not None
    assert said.marks == b"prpp"
    assert said.counts[Mark.PENDING] == 3
    [running] = said.running
    assert (running.index, running.worker, running.supervisor, running.progress) == (1, "host:mine", "supervisor", 0.5)
    assert 0 <= running.beat_s < 5
    assert [(worker["name"], worker["slots"]) for worker in said.workers] == [("supervisor", 2)]
    assert [(other.study, other.waiting, other.running) for other in said.others] == [("another", 2, 1)]
    assert said.ended == ()

    ledger.finish(MINE, Mark.DONE)
    after = ledger.glance(STUDY, DIGEST, said.known)
    assert after is not None
    assert after.marks == b"pdpp"
    [ended] = after.ended
    assert (ended.index, ended.failed) == (1, False)
    assert 0 <= ended.took_s < 5
    assert abs(ended.at_s - after.at_s) < 5


def test_marks_travel_only_when_the_counts_have_changed(ledger: Ledger) -> None:
    first = ledger.glance(STUDY, DIGEST)
    assert first is not None
    again = ledger.glance(STUDY, DIGEST, first.known)
    assert again is not None
    assert again.marks is None
    assert again.counts == first.counts


def test_a_glance_at_another_grid_says_nothing(ledger: Ledger) -> None:
    assert ledger.glance(STUDY, "another digest") is None
    assert ledger.glance("unknown", DIGEST) is None


def test_what_came_from_the_store_is_no_simulation_that_ended(ledger: Ledger) -> None:
    assert claim(ledger, MINE)
    ledger.finish(MINE, Mark.HELD)
    said = ledger.glance(STUDY, DIGEST)
    assert said is not None
    assert said.ended == ()


def test_a_glance_says_why_nothing_is_given_out(ledger: Ledger) -> None:
    ledger.pause(STUDY, DIGEST, "somebody wanted it")
    said = ledger.glance(STUDY, DIGEST)
    assert said is not None
    assert (said.halt, said.cancelled) == ("somebody wanted it", False)
    ledger.pause(STUDY, DIGEST, "")
    ledger.cancel(STUDY, DIGEST)
    said = ledger.glance(STUDY, DIGEST)
    assert said is not None
    assert (said.halt, said.cancelled) == ("", True)


def test_a_client_does_not_cut_short_the_time_that_another_one_asked_for(ledger: Ledger) -> None:
    ledger.attach(500.0)
    ledger.attach(2.0)
    ledger.glance(STUDY, DIGEST, attach_s=2.0)
    assert ledger.redis.pttl("ep:attached") > 100_000
    ledger.attach(1000.0)
    assert ledger.redis.pttl("ep:attached") > 600_000


def test_while_a_client_tells_of_a_study_it_is_attached(ledger: Ledger) -> None:
    with ledger.telling(60.0), ledger.telling(60.0):
        assert ledger.attached()
    assert not ledger.attached()


def test_whoever_glances_is_attached_also_at_a_redis_that_is_full(ledger: Ledger) -> None:
    assert not ledger.attached()
    ledger.glance(STUDY, DIGEST, attach_s=30.0)
    assert ledger.attached()
    ledger.redis.config_set("maxmemory", "1")
    try:
        assert ledger.glance(STUDY, DIGEST) is not None
    finally:
        ledger.redis.config_set("maxmemory", "0")


def test_foreign_entries_do_not_spoil_a_glance(ledger: Ledger) -> None:
    ledger.redis.hset("ep:workers", "stranger", "no JSON")
    ledger.redis.hset("ep:workers", "list", "[1, 2]")
    assert claim(ledger, MINE)
    said = ledger.glance(STUDY, DIGEST)
    assert said is not None
    assert said.workers == ()
    assert len(said.running) == 1


def wait_in(ledger: Ledger, queue: str, study: str, count: int) -> None:
    """Put so many messages of a study into a queue, as kombu does."""
    for index in range(count):
        ledger.redis.lpush(f"ep:{queue}", json.dumps({"headers": {"lang": "py", "id": message_id(study, index)}}))


def read_order(ledger: Ledger, queue: str) -> list[str]:
    """The messages in the order in which workers read them."""
    waiting: Any = ledger.redis.lrange(f"ep:{queue}", 0, -1)
    return [json.loads(message)["headers"]["id"] for message in reversed(waiting)]


def test_messages_of_several_studies_take_turns_whoever_queued_first(ledger: Ledger) -> None:
    ledger.open("other", DIGEST, "pp")
    ledger.open("third", DIGEST, "ppp")
    for study, count in ((STUDY, 4), ("other", 2), ("third", 3)):
        wait_in(ledger, "q", study, count)
    assert claim(ledger, MINE)  # so its study runs most
    ledger.take_turns("q")
    assert read_order(ledger, "q") == [
        *("other:0", "third:0", "study:0"),
        *("other:1", "third:1", "study:1"),
        *("third:2", "study:2", "study:3"),
    ]


def test_what_is_no_message_of_ours_keeps_its_place_in_the_turns_and_nothing_is_lost(ledger: Ledger) -> None:
    ledger.open("other", DIGEST, "pp")
    wait_in(ledger, "q", STUDY, 2)
    for foreign in ("no message", "", '{"id": 3}'):
        ledger.redis.lpush("ep:q", foreign)
    wait_in(ledger, "q", "other", 1)
    ledger.take_turns("q")
    waiting: Any = ledger.redis.lrange("ep:q", 0, -1)
    assert len(waiting) == 6
    assert b"no message" in waiting
    ledger.redis.set("ep:s", "no list")
    ledger.take_turns("s")
    assert ledger.redis.get("ep:s") == b"no list"
    ledger.take_turns("nothing")
    assert not ledger.redis.exists("ep:nothing")


def test_a_study_that_waits_for_its_turn_has_a_time_by_what_the_others_took(ledger: Ledger) -> None:
    ledger.open("busy", DIGEST, "p" * 20)
    for index in range(6):
        lease = Lease("busy", DIGEST, index, f"busy-{index}", "t")
        assert claim(ledger, lease)
        ledger.finish(lease, Mark.DONE)
    ledger.announce("worker", {"slots": 2})
    waiting = ledger.progress(STUDY)
    assert waiting is not None
    assert waiting.eta_s is not None
    assert waiting.eta_s < 5
    seen = ledger.glance(STUDY, DIGEST)
    assert seen is not None
    assert len(seen.elsewhere_s) == 6
    assert seen.sharing == 2
    assert ledger.glance("busy", DIGEST).elsewhere_s == ()  # type: ignore[union-attr]
