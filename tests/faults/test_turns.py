"""Studies that share a pool take turns."""

from __future__ import annotations

from tests.faults.checker import examine
from tests.faults.pools import PrivatePool
from tests.faults.starts import executions
from tests.faults.studies import good
from tests.support.offices import until


def test_a_study_of_two_variants_does_not_wait_behind_a_hundred_of_ones_own(private: PrivatePool) -> None:
    private.begin()
    long = good(private, "long", 100, 3.0).run()
    until(lambda: long.progress().running == 2)
    short = good(private, "short", 2, 0.1, first=1000).run().wait()
    assert short.progress().done == 2
    assert long.progress().pending > 40, "most of it still waits"
    assert long.cancel().wait().progress().complete
    assert examine(short, private, extra=executions(private.log).total()).problems == []
