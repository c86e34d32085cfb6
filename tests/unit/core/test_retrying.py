"""How often a variant is tried: crashes twice, what the machine did a few times more, everything else once."""

from __future__ import annotations

import pytest

from epstudy.core.outcome import Attempt, Cause
from epstudy.core.retrying import epitaph, given_up, is_last_chance, pause_s

LOST = ""
CRASH = Cause.CRASH.value
UNWELL = Cause.INFRASTRUCTURE.value


def attempts(*ends: str) -> list[Attempt]:
    return [Attempt(f"host:{place}", "2026-01-01T00:00:00+00:00", end) for place, end in enumerate(ends)]


@pytest.mark.parametrize(
    ("ends", "retries", "expected"),
    [
        ((), 2, None),
        ((LOST, LOST), 2, None),
        ((LOST, LOST, LOST), 2, Cause.LOST),
        ((LOST,), 0, Cause.LOST),
        ((CRASH,), 0, None),
        ((CRASH, CRASH), 9, Cause.CRASH),
        ((CRASH, LOST, LOST, CRASH), 2, Cause.CRASH),
        ((LOST, CRASH, LOST), 2, None),
        ((UNWELL, UNWELL, UNWELL), 2, Cause.INFRASTRUCTURE),
        ((UNWELL, LOST, LOST), 2, None),
        ((UNWELL, LOST, UNWELL, LOST, LOST), 2, Cause.LOST),
    ],
)
def test_a_variant_is_given_up_by_its_cause(ends: tuple[str, ...], retries: int, expected: Cause | None) -> None:
    assert given_up(attempts(*ends), retries) is expected


def test_the_first_loss_is_tried_again_at_once_and_what_the_machine_could_not_do_later_and_later() -> None:
    assert pause_s(attempts(LOST)) == 0
    assert pause_s(attempts(CRASH)) == 0
    waits = [pause_s(attempts(*[UNWELL] * times)) for times in range(1, 12)]
    assert waits[:4] == [1, 2, 4, 8]
    assert waits == sorted(waits)
    assert waits[-1] == 60


def test_who_was_the_last_one_is_named() -> None:
    assert "3 times, the last one was host:2" in epitaph(attempts(LOST, LOST, LOST), Cause.LOST)
    assert "crashed 2 times" in epitaph(attempts(CRASH, CRASH), Cause.CRASH)


@pytest.mark.parametrize(
    ("ends", "retries", "expected"),
    [((), 0, False), ((), 2, False), ((LOST,), 2, False), ((LOST, LOST), 2, True), ((LOST,), 1, True)],
)
def test_who_was_lost_often_has_his_last_chance_alone(ends: tuple[str, ...], retries: int, expected: bool) -> None:
    assert is_last_chance(attempts(*ends), retries) is expected


def test_crashes_and_an_unwell_machine_are_no_losses() -> None:
    assert not is_last_chance(attempts(CRASH, UNWELL, UNWELL), 2)
