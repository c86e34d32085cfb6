"""Another number of slots, again and again while short variants come and go: none is disturbed."""

from __future__ import annotations

import pytest

from epstudy.pool import pool
from epstudy.settings import Settings
from epstudy.store import Store
from tests.faults.pools import PrivatePool
from tests.faults.studies import good
from tests.support.offices import until


def test_many_changes_of_the_number_of_slots_disturb_no_variant(
    private: PrivatePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "60")  # it is looked at when nothing is left to do
    study = good(private, "changing", 200, 0.1).run()
    slots = pool.Pool(Settings.load(), Store(str(private.store)))
    for count in [1, 4, 2, 3] * 2:
        slots.set_slots(count)
        until(lambda count=count: len(private.children()) == count)
    study.wait()
    assert study.progress().done == 200
    assert len(private.log.read_text().splitlines()) == 200, "each began once"
    slots.set_slots(1)
    until(lambda: len(private.children()) == 1)
