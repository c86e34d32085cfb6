"""What every store promises of queued reports: a request is whole, the first end stays, damage is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from epstudy.core.errors import InputError, StoreError
from epstudy.store import ReportEnd, ReportRequest, Store
from epstudy.store.checksummed import seal

FIRST, SECOND = "20261128-221530-a1b2c3", "20261128-221531-000000"
REQUEST = ReportRequest(
    identity=FIRST,
    key="0" * 64,
    notebook="office.ipynb",
    inputs={"office.ipynb": "ab.ipynb"},
    parameters={"city": "'miami'"},
    page="build/miami.html",
    code=False,
    allow_failures=True,
    user="ann",
    pool="group",
    asked_at="2026-11-28T22:15:30+00:00",
)
END = ReportEnd("ended", ("office: 2 of 2 done",), ("a trouble",), {"page.html": "ab"}, 12.0)


def test_requests_are_asked_of_their_pool_oldest_first_until_nobody_is_to_execute_them(
    make: Callable[[], Store],
) -> None:
    reports = make().reports
    assert reports.asked("group") == []
    reports.put(replace(REQUEST, identity=SECOND))
    reports.put(REQUEST)
    reports.put(replace(REQUEST, identity="20261128-221532-ffffff", pool="a private one"))
    assert make().reports.request(FIRST) == REQUEST
    assert make().reports.asked("group") == [FIRST, SECOND]
    reports.unask(FIRST)
    assert make().reports.asked("group") == [SECOND]
    assert make().reports.identities() == [FIRST, SECOND, "20261128-221532-ffffff"]


def test_the_first_end_stays_unless_it_is_damaged(
    make: Callable[[], Store], damage_file: Callable[[Store, str], None]
) -> None:
    reports = make().reports
    reports.put(REQUEST)
    assert reports.end(FIRST) is None
    assert reports.put_end(FIRST, END)
    assert not reports.put_end(FIRST, ReportEnd("cancelled"))
    assert make().reports.end(FIRST) == END
    damage_file(make(), f"reports/{FIRST}/end.json")
    assert make().reports.end(FIRST) is None
    reports.put_end(FIRST, ReportEnd("cancelled"))
    assert make().reports.end(FIRST) == ReportEnd("cancelled")
    reports._files.replace(f"reports/{FIRST}/end.json", seal({"state": "ended"}))
    assert make().reports.end(FIRST) is None, "another epstudy's, that says less"


def test_a_file_of_a_report_that_is_not_what_was_written_is_told(
    make: Callable[[], Store], damage_file: Callable[[Store, str], None]
) -> None:
    reports = make().reports
    reports.put(REQUEST)
    name = reports.put_file(FIRST, ".html", b"<h1>How much light?</h1>")
    assert reports.put_file(FIRST, ".html", b"<h1>How much light, once more?</h1>") != name
    assert make().reports.file(FIRST, name) == b"<h1>How much light?</h1>"
    damage_file(make(), f"reports/{FIRST}/{name}")
    with pytest.raises(StoreError, match=r"\.html is damaged or gone; queue the report again"):
        make().reports.file(FIRST, name)
    with pytest.raises(StoreError, match="is damaged or gone"):
        make().reports.file(FIRST, "ab.html")


def test_a_damaged_request_is_told_and_can_be_removed(
    make: Callable[[], Store], damage_file: Callable[[Store, str], None]
) -> None:
    reports = make().reports
    reports.put(REQUEST)
    damage_file(make(), f"reports/{FIRST}/request.json")
    with pytest.raises(InputError, match=f"is damaged; epstudy reports remove {FIRST}"):
        make().reports.request(FIRST)
    reports.remove(FIRST)
    assert make().reports.identities() == []
    assert make().reports.asked("group") == []


def test_a_report_is_not_put_in_the_place_of_another_one(make: Callable[[], Store]) -> None:
    reports = make().reports
    assert reports.put(REQUEST)
    assert not reports.put(replace(REQUEST, user="bob"))
    assert make().reports.request(FIRST).user == "ann"


def test_a_request_of_another_epstudy_is_left_to_it(make: Callable[[], Store]) -> None:
    store = make()
    store.reports.put(REQUEST)
    store._files.replace(f"reports/{FIRST}/request.json", seal({**asdict(REQUEST), "format": 2, "nice": 7}))
    with pytest.raises(StoreError, match="was queued by another version of epstudy"):
        store.reports.request(FIRST)
    assert store.reports.asked("group") == [FIRST]


def test_an_entry_that_cannot_be_read_holds_up_no_other(folder: Path) -> None:
    reports = Store(str(folder)).reports
    reports.put(REQUEST)
    (folder / "asked" / SECOND).mkdir()
    assert reports.asked("group") == [FIRST]


def test_a_report_is_cancelled_and_removed(make: Callable[[], Store]) -> None:
    reports = make().reports
    reports.put(REQUEST)
    assert not reports.is_cancelled(FIRST)
    reports.cancel(FIRST)
    assert make().reports.is_cancelled(FIRST)
    reports.put_file(FIRST, ".html", b"")
    reports.remove(FIRST)
    with pytest.raises(InputError, match=f'no queued report "{FIRST}" .* it holds none'):
        make().reports.request(FIRST)


@pytest.mark.parametrize("identity", ["", "..", "../studies", f"{FIRST}/..", "20261128-221530-A1B2C3"])
def test_a_name_that_is_no_report_reaches_no_file(make: Callable[[], Store], identity: str) -> None:
    reports = make().reports
    reports.put(REQUEST)
    for act in (reports.request, reports.end, reports.cancel, reports.remove, reports.is_cancelled):
        with pytest.raises(InputError, match="no queued report is called"):
            act(identity)
    assert make().reports.request(FIRST) == REQUEST
