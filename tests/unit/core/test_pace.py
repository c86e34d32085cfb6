"""How fast a study goes on: rates and ranges against studies that are played out to their end."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

import pytest

from epstudy.core.pace import ENOUGH, Ended, Pace, pace


def ended(count: int, took_s: float = 10.0, every_s: float = 5.0, now_s: float = 1000.0) -> list[Ended]:
    """Simulations that ended one after the other, the newest just now."""
    return [Ended(index, False, now_s - every_s * index, took_s) for index in range(count)]


def test_nothing_is_foretold_before_five_have_finished() -> None:
    said = pace(ended(ENOUGH - 1), 1000.0, waiting=50, ages_s=[1.0, 2.0], slots=2)
    assert said == Pace(median_s=10.0)
    assert pace(ended(ENOUGH), 1000.0, waiting=50, ages_s=[1.0, 2.0], slots=2).latest_s is not None


def test_the_rate_counts_the_last_minute() -> None:
    assert pace(ended(30), 1000.0, waiting=50, ages_s=[], slots=2).per_minute == pytest.approx(12.0)


def test_the_rate_falls_while_nothing_ends() -> None:
    rates = [
        pace(ended(30), 1000.0 + later, waiting=50, ages_s=[later + 1.0], slots=2).per_minute or 0.0
        for later in (0, 20, 90)
    ]
    assert rates[0] > rates[1] > rates[2] > 0


def test_simulations_that_take_equally_long_are_foretold_closely() -> None:
    said = pace(ended(40), 1000.0, waiting=100, ages_s=[0.0, 5.0], slots=2)
    assert said.soonest_s is not None
    assert said.latest_s is not None
    assert 400 < said.soonest_s < 510 < said.latest_s < 620  # 100 of 10 s, and 15 s of the two, by two at once


def test_more_that_waits_takes_longer() -> None:
    latest = [pace(ended(40), 1000.0, waiting=n, ages_s=[1.0, 2.0], slots=2).latest_s or 0.0 for n in (0, 1, 10, 100)]
    assert latest == sorted(latest)
    assert len(set(latest)) == 4


def test_others_who_use_the_same_slots_make_it_later() -> None:
    alone = pace(ended(40, every_s=5.0), 1000.0, waiting=100, ages_s=[5.0, 1.0], slots=2)
    shared = pace(ended(40, every_s=10.0), 1000.0, waiting=100, ages_s=[5.0], slots=2)
    assert (shared.soonest_s or 0.0) > 1.5 * (alone.soonest_s or 0.0)


def test_what_runs_longer_than_all_before_is_not_said_to_end_at_once() -> None:
    said = pace(ended(40), 1000.0, waiting=0, ages_s=[300.0], slots=2)
    assert (said.latest_s or 0.0) > 0.0


def test_that_nothing_finished_for_long_is_told() -> None:
    assert pace(ended(10), 1100.0, waiting=5, ages_s=[100.0], slots=2).quiet_s == 100.0
    assert pace(ended(10), 1050.0, waiting=5, ages_s=[50.0], slots=2).quiet_s is None


def test_long_simulations_are_not_called_quiet() -> None:
    assert pace(ended(10, took_s=3600.0), 5000.0, waiting=5, ages_s=[3600.0], slots=2).quiet_s is None


def test_without_a_single_end_nothing_is_known() -> None:
    assert pace([], 1000.0, waiting=9, ages_s=[2.0], slots=2) == Pace()


def test_a_pause_is_no_time_that_simulations_take() -> None:
    night_s = 8 * 3600.0
    before = [Ended(index, False, 1000.0 - 5 * index, 10.0) for index in range(50)]
    honest = pace(before, 1000.0, waiting=100, ages_s=[5.0, 1.0], slots=2)
    resumed = pace(before, 1000.0 + night_s, waiting=100, ages_s=[5.0, 1.0], slots=2)
    assert resumed.quiet_s is None
    assert resumed.per_minute is None
    assert (resumed.latest_s or 0.0) < 1.5 * (honest.latest_s or 0.0)
    after = [Ended(index, False, 1100.0 + night_s - 5 * index, 10.0) for index in range(12)]
    later = pace([*after, *before], 1100.0 + night_s, waiting=100, ages_s=[5.0, 1.0], slots=2)
    assert (later.latest_s or 0.0) < 1.5 * (honest.latest_s or 0.0)
    assert later.per_minute == pytest.approx(12.0)


def test_without_a_worker_no_end_is_promised() -> None:
    assert pace(ended(40), 1000.0, waiting=100, ages_s=[], slots=0).latest_s is None


@dataclass(frozen=True)
class Play:
    """A study that is played out: when each simulation began and ended."""

    spans: list[tuple[float, float]]

    @property
    def end_s(self) -> float:
        return max(end for _, end in self.spans)

    def at(self, now_s: float, slots: int) -> Pace:
        over = sorted((span for span in self.spans if span[1] <= now_s), key=lambda span: -span[1])
        running = [now_s - begin for begin, end in self.spans if begin <= now_s < end]
        said = [Ended(0, False, end, end - begin) for begin, end in over[:200]]
        return pace(said, now_s, waiting=len(self.spans) - len(over) - len(running), ages_s=running, slots=slots)


def played(seed: int, count: int, slots: int, spread: float) -> Play:
    """A study of so many simulations on so many slots; each takes about 20 s."""
    chance = random.Random(seed)
    free = [0.0] * slots
    spans = []
    for _ in range(count):
        begin = heapq.heappop(free)
        end = begin + 20.0 * chance.lognormvariate(0.0, spread)
        spans.append((begin, end))
        heapq.heappush(free, end)
    return Play(spans)


@pytest.mark.parametrize(
    ("count", "slots", "spread", "least"),
    [(30, 2, 0.1, 0.9), (200, 2, 0.5, 0.9), (200, 8, 0.5, 0.9), (2000, 32, 1.0, 0.75)],  # the last: a few take ages
)
def test_most_studies_are_ready_within_the_range(count: int, slots: int, spread: float, least: float) -> None:
    hits = []
    for seed in range(40):
        play = played(seed, count, slots, spread)
        for share in (0.3, 0.6, 0.9):
            now_s = share * play.end_s
            said = play.at(now_s, slots)
            if said.soonest_s is not None and said.latest_s is not None:
                hits.append(said.soonest_s <= play.end_s - now_s <= said.latest_s)
    assert len(hits) > 80
    assert sum(hits) / len(hits) > least


def test_a_study_that_waits_behind_others_has_a_range_by_what_theirs_took() -> None:
    said = pace([], 1000.0, waiting=10, ages_s=[], slots=2, elsewhere_s=[4.0] * 6, sharing=2)
    assert said.per_minute is None
    assert said.soonest_s is not None
    assert said.latest_s is not None
    assert said.soonest_s <= 10 * 4.0 / 2 <= 10 * 4.0 <= said.latest_s
    assert pace([], 1000.0, waiting=10, ages_s=[], slots=2, elsewhere_s=[4.0] * 2).latest_s is None
    assert pace([], 1000.0, waiting=10, ages_s=[], slots=0, elsewhere_s=[4.0] * 6).latest_s is None
