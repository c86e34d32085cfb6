"""Studies that share a pool take turns."""

from __future__ import annotations

from tests.faults.checker import examine
from tests.faults.pools import PrivatePool
from tests.faults.studies import good
from tests.integration.offices import until


def test_a_study_of_two_variants_does_not_wait_behind_a_hundred_of_ones_own(private: PrivatePool) -> None:
    private.begin()
    long = good(private, "long", 100, 0.5).run()
    until(lambda: long.progress().running == 2)
    before = long.progress().done
    short = good(private, "short", 2, 0.5, first=1000).run().wait()
    assert short.progress().done == 2
    assert long.progress().done - before < 50
    assert long.cancel().wait().progress().cancelled > 20
    long.run()
    assert long.wait().progress().done == 100
    assert examine(long, private, extra=2).problems == []
