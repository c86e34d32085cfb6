"""The panel, made and stepped without a kernel, a page or a pool."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epstudy.core.glance import Glance
from epstudy.core.manifest import MANIFEST_FORMAT
from epstudy.core.outcome import Cause
from epstudy.core.pace import Ended
from epstudy.notebook import panel as panels
from epstudy.notebook.frontend import FrontEnd
from epstudy.notebook.panel import Panel
from epstudy.notebook.source import Source
from tests.unit.notebook.conftest import Axes, Told, busy, done, failed

Make = Callable[[Axes], Told]
GRID = {"lpd": (6.0, 8.0, 10.0, 12.0), "u_value": (1.2, 2.0)}


def shown(source: Told, front_end: FrontEnd = FrontEnd.STATIC) -> Panel:
    return Panel(source, front_end)


class Page:
    """What a page would be sent: the state that each message carries."""

    def __init__(self, panel: Panel) -> None:
        self.messages: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        panel.widget.comm.publish_msg = self._take  # the one place where a widget leaves the process

    def _take(self, _kind: str, data: Any = None, buffers: Any = None, **_: Any) -> None:
        self.messages.append(data)
        self.sizes.append(len(repr(data)) + sum(len(one) for one in buffers or ()))


def test_it_says_in_four_lines_how_a_study_goes(make: Make) -> None:
    source = make(GRID)
    source.put(7, failed("Schedule Name = NOPE, item not found"))
    source.marks, source.says = "rrddhdpf", busy(2)
    lines = repr(shown(source)).splitlines()
    assert len(lines) == 4
    assert lines[0] == "facade: 4 of 8 done (1 from the store), 2 running, 1 waiting, 1 failed"
    assert lines[1].startswith("2 of 2 slots; 10 a minute; ready at ")
    assert lines[2] == "failed: 1 × Schedule Name = NOPE, item not found"
    assert 'live again with ep.Study.open("facade"' in lines[3]


def test_the_view_has_what_each_slot_does(make: Make) -> None:
    source = make(GRID)
    source.marks, source.says = "rrpppppp", busy(2)
    panel = shown(source)
    panel.step()
    [worker] = panel.widget.view["workers"]
    assert (worker["host"], worker["slots"], worker["busy"], worker["beat_s"]) == ("host", 2, 2, 0.5)
    assert [lane["label"] for lane in worker["lanes"]] == ["lpd = 6, u_value = 1.2", "lpd = 6, u_value = 2"]
    assert [lane["progress"] for lane in worker["lanes"]] == [0.25, 0.25]
    assert panel.widget.view["pace"]["median_s"] == 10.0


def test_a_process_keeps_its_slot_and_an_idle_one_is_shown(make: Make) -> None:
    source = make(GRID)
    panel = shown(source)
    source.marks, source.says = "rrpppppp", busy(2)
    panel.step()
    source.marks = "drpppppp"
    source.says = {**busy(2), "running": busy(2)["running"][1:]}
    panel.step()
    first, second = panel.widget.view["workers"][0]["lanes"]
    assert first is None
    assert second["index"] == 1


def test_of_a_worker_with_fewer_slots_no_others_are_shown(make: Make) -> None:
    source = make(GRID)
    panel = shown(source)
    source.marks, source.says = "rrrppppp", busy(3)
    panel.step()
    source.marks, source.says = "drrppppp", {**busy(3), "running": busy(3)["running"][1:]}
    panel.step()
    lanes = panel.widget.view["workers"][0]["lanes"]
    assert sorted(lane["index"] for lane in lanes) == [1, 2]


def test_a_variant_whose_worker_is_silent_is_still_shown(make: Make) -> None:
    source = make(GRID)
    source.marks, source.says = "rppppppp", {**busy(1), "workers": ()}
    panel = shown(source)
    panel.step()
    assert [lane["index"] for lane in panel.widget.view["workers"][0]["lanes"]] == [0]


def test_it_ends_with_the_study_and_is_followed_no_more(make: Make) -> None:
    source = make(GRID)
    source.marks = "ddddddrf"
    panel = shown(source)
    assert panel.step() is not None
    source.marks = "ddddddcf"
    assert panel.step() is None
    assert panel.widget.view["ended"]


def test_when_nothing_changes_it_looks_less_often_and_sends_little(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(GRID)
    source.marks, source.says = "rrpppppp", busy(2)
    panel = shown(source)
    panel.step()
    page = Page(panel)
    begun, delays = panels.time.monotonic(), []
    for minute in range(5):
        monkeypatch.setattr(panels.time, "monotonic", lambda minute=minute: begun + 60 * minute)
        delays.append(panel.step() or 0.0)
    assert delays[0] == panels.TICK_S
    assert delays == sorted(delays)
    assert delays[-1] == 5.0
    assert len(page.messages) == 4  # the kernel lives, is all that they say


def test_only_the_marks_that_changed_are_sent(make: Make) -> None:
    source = make({"n": tuple(range(1000))})
    source.marks = "d" * 10 + "p" * 990
    panel = shown(source)
    panel.step()
    page = Page(panel)
    source.marks = "d" * 11 + "r" + "p" * 988
    panel.step()
    assert "marks" not in page.messages[-1]["state"]
    changes = bytes(panel.widget.changes)
    found = [struct.unpack("<IB", changes[at : at + 5]) for at in range(0, len(changes), 5)]
    assert [(index, chr(mark)) for index, mark in found] == [(10, "d"), (11, "r")]


def test_many_changes_are_sent_as_all_marks(make: Make) -> None:
    source = make({"n": tuple(range(1000))})
    source.marks = "p" * 1000
    panel = shown(source)
    panel.step()
    assert bytes(panel.widget.marks) == b"p" * 1000
    source.marks = "d" * 1000
    panel.step()
    assert bytes(panel.widget.marks) == b"d" * 1000
    assert bytes(panel.widget.changes) == b""


def test_a_page_that_adds_the_changes_has_what_the_ledger_has(make: Make) -> None:
    source = make({"n": tuple(range(300))})
    source.marks = "p" * 300
    panel = shown(source)
    panel.step()
    widget = panel.widget
    chance = np.random.default_rng(5)
    for _ in range(50):
        now = list(source.marks)
        for index in chance.integers(0, 300, size=7):
            now[index] = "pqrdhfc"[chance.integers(0, 7)]
        source.marks = "".join(now)
        panel.step()
        page = bytearray(widget.marks)
        for at in range(0, len(widget.changes), 5):
            index, mark = struct.unpack("<IB", widget.changes[at : at + 5])
            page[index] = mark
        assert page.decode() == source.marks


def test_a_hundred_thousand_variants_are_a_small_message(make: Make) -> None:
    source = make({"a": tuple(range(100)), "b": tuple(range(1000))})
    source.marks = "d" * 20_000 + "p" * 80_000
    panel = shown(source)
    panel.step()
    page = Page(panel)
    for more in range(1, 30):
        source.marks = "d" * (20_000 + 400 * more) + "p" * (80_000 - 400 * more)
        panel.step()
    assert max(page.sizes) < 150_000
    assert sorted(page.sizes)[len(page.sizes) // 2] < 30_000


def test_colours_and_points_come_when_they_are_chosen(make: Make) -> None:
    source = make(GRID)
    for index in range(8):
        source.put(index, done(100.0 + index))
    source.marks = "dddddddd"
    panel = shown(source)
    widget = panel.widget
    panel.ask({"id": "1", "do": "choose", "colour": True, "column": "site_eui_kwh_m2"})
    panel.finish()
    assert list(widget.colours) == [round(254 * n / 7) for n in range(8)]
    triples = np.frombuffer(widget.points, dtype="<f4").reshape(-1, 3)
    assert triples[:, 0].tolist() == [6, 6, 8, 8, 10, 10, 12, 12]
    assert triples[:, 1].tolist() == [100.0 + n for n in range(8)]
    assert widget.view["choice"]["low"], widget.view["choice"]["high"] == (100.0, 107.0)
    assert [one["index"] for one in widget.view["best"]] == [0, 1, 2, 3, 4, 5]


def test_a_question_is_answered_at_the_next_step(make: Make) -> None:
    source = make(GRID)
    source.put(0, done(100.0))
    source.put(1, failed("no such schedule", Cause.CRASH))
    source.marks = "dfpppppp"
    panel = shown(source)
    widget = panel.widget
    panel.ask({"id": "a", "do": "look", "index": 0})
    panel.finish()
    assert widget.told["metrics"] == [["site_eui_kwh_m2", 100.0, "kWh/m2"]]
    assert widget.told["took_s"] == 8.0
    panel.ask({"id": "b", "do": "look", "index": 1})
    panel.finish()
    assert (widget.told["id"], widget.told["cause"], widget.told["message"]) == ("b", "crash", "no such schedule")


def test_what_buttons_ask_for_is_done(make: Make) -> None:
    source = make(GRID)
    for index in (1, 3):
        source.put(index, failed("no such schedule", Cause.CRASH))
    source.put(5, failed("another trouble"))
    source.marks = "dfdfdfpp"
    panel = shown(source)
    panel.step()
    panel.ask({"id": "1", "do": "retry", "cause": "crash", "text": "no such schedule"})
    panel.ask({"id": "2", "do": "retry"})
    panel.ask({"id": "3", "do": "cancel"})
    panel.finish()
    assert source.asked == [("retry", [1, 3]), ("retry", [1, 3, 5]), ("cancel",)]


@pytest.mark.parametrize(
    ("message", "trouble"),
    [
        ({"do": "look", "index": 99}, "there is no variant 99; expected one from 0 to 7"),
        ({"do": "look", "index": "0"}, "index is '0'; expected a whole number"),
        ({"do": "dance"}, "a panel does not know 'dance'"),
        ({}, "a panel does not know None"),
        ({"do": "retry"}, "none of them is failed any more"),
        ({"do": "retry", "cause": "crash", "text": "gone"}, "none of them is failed any more"),
        ({"do": "pause"}, "stands for another grid"),
        ({"do": "run"}, "stands for another grid"),
    ],
)
def test_what_cannot_be_done_is_said(make: Make, message: dict[str, Any], trouble: str) -> None:
    source = make(GRID)
    source.marks = "dddddddp"
    panel = shown(source)
    widget = panel.widget
    if message.get("do") in ("pause", "run"):
        source._store.put_manifest(replace(source.manifest, retries=9))
    panel.ask({"id": "1", **message})
    panel.finish()
    assert trouble in widget.told["trouble"]


def test_an_error_of_its_own_is_said_and_stops_only_the_panel(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(GRID)
    source.marks = "rrpppppp"
    panel = shown(source)
    panel.step()
    widget = panel.widget
    monkeypatch.setattr(source, "glance", lambda _known: 1 / 0)
    assert panel.step() is None
    assert "ZeroDivisionError" in widget.view["note"]
    assert "the study goes on" in widget.view["note"]


def test_without_a_pool_it_shows_what_the_store_has(make: Make) -> None:
    source = make(GRID)
    source.put(0, done(100.0))
    source.put(1, failed("trouble"))
    panel = shown(source)
    panel.step()
    said = repr(panel).splitlines()
    assert said[0] == "facade: 1 of 8 done (1 from the store), 6 waiting, 1 failed"
    assert said[1] == "no pool works on this study; run() goes on"


def test_a_store_that_cannot_be_read_for_a_while_is_told_and_read_later(make: Make) -> None:
    source = make(GRID)
    source.put(0, done(100.0))
    panel = shown(source)
    folder = Path(source._settings.store)
    gone = folder.rename(folder.with_name("unmounted"))
    folder.write_text("no folder")
    assert panel.step() is not None
    assert panel.widget.view["note"]
    assert not panel.widget.view["ended"]
    folder.unlink()
    gone.rename(folder)
    panel.finish()
    assert panel.widget.view["counts"]["cached"] == 1


def test_a_study_whose_name_stands_for_another_grid_is_told_and_left_alone(make: Make) -> None:
    source = make(GRID)
    panel = shown(source)
    assert panel.step() is not None
    source._store.put_manifest(replace(source.manifest, retries=9))
    panel._picture._stored_at = -1e9  # five seconds later
    assert panel.step() is None
    assert panel.widget.view["another"]
    assert panel.widget.view["note"] == "the name of this study stands for another grid by now"
    source._store.put_manifest(source.manifest)
    source.marks = "rrpppppp"  # run again
    assert panel.step() is not None
    assert not panel.widget.view["another"]


def test_what_was_set_aside_does_not_make_a_running_study_cancelled(make: Make) -> None:
    source = make(GRID)
    source.marks, source.says = "rrccccpp", busy(2)
    panel = shown(source)
    panel.step()
    assert panel.widget.view["note"] == ""
    assert panel.widget.view["pace"]["latest_s"] is not None
    source.marks = "ddccccdd"
    panel.step()
    assert panel.widget.view["note"] == "cancelled; run() goes on with what is left"


def test_of_a_large_study_nothing_is_called_the_lowest_before_all_is_read(make: Make) -> None:
    source = make({"n": tuple(range(2001))})
    for index in (3, 4):
        source.put(index, done(100.0 + index))
    source.marks = "dd" + "p" * 1 + "dd" + "p" * 1996
    source.says = {"ended": tuple(Ended(index, False, 999.0, 8.0) for index in (4, 3))}
    panel = shown(source)
    panel.step()
    assert [row["index"] for row in panel.widget.view["latest"]] == [4, 3]
    assert panel.widget.view["best"] == []
    assert "lowest" not in panel._repr_html_()


def test_how_many_messages_are_not_shown_is_told(make: Make) -> None:
    source = make({"n": tuple(range(40))})
    for index in range(30):
        source.put(index, failed(f"{chr(97 + index % 26) * 3}{chr(97 + index // 26)} severe trouble"))
    source.marks = "f" * 30 + "p" * 10
    panel = shown(source)
    panel.finish()
    assert panel.widget.view["groups"] == 30
    assert len(panel.widget.view["failures"]) == 20
    assert "and 25 other messages" in panel._repr_html_()
    assert "and 29 other messages" in repr(panel)


def test_a_finished_panel_has_read_all_that_its_report_shows(make: Make) -> None:
    source = make({"n": tuple(range(1500))})
    for index in range(1500):
        source.put(index, done(1000.0 - index))
    source.marks = "h" * 1500
    panel = shown(source)
    panel.finish()
    assert panel.widget.view["read"]["unread"] == 0
    assert panel.widget.view["best"][0]["index"] == 1499


def test_whoever_points_at_a_variant_without_labels_on_the_page_is_told_its_parameters(make: Make) -> None:
    source = make({"n": tuple(range(20_001))})
    source.marks = "p" * 20_001
    panel = shown(source)
    widget = panel.widget
    panel.ask({"id": "1", "do": "look", "index": 7})
    panel.finish()
    assert widget.told["label"] == "n = 7"


def test_the_line_that_attaches_names_the_store(make: Make) -> None:
    source = make(GRID)
    assert source.attach == f'ep.Study.open("facade", pool="redis://127.0.0.1:1/0", store="{source._settings.store}")'
    assert source.command.startswith("EPSTUDY_STORE=")


def test_a_study_of_the_untouched_model_alone_has_a_panel(make: Make) -> None:
    source = make({})
    source.put(0, done(100.0))
    source.marks = "d"
    panel = shown(source)
    panel.finish()
    assert panel.widget.levels == b""
    assert repr(panel).startswith("facade: 1 of 1 done")


def test_a_paused_study_says_why_and_promises_no_end(make: Make) -> None:
    source = make(GRID)
    source.marks, source.says = "rrddddpp", {**busy(2), "halt": "the disk is full"}
    panel = shown(source)
    panel.step()
    assert panel.widget.view["note"] == "paused: the disk is full"
    assert panel.widget.view["pace"]["latest_s"] is None


def test_names_labels_and_messages_with_markup_are_text_in_the_snapshot(make: Make) -> None:
    evil = "<img src=x onerror=alert(1)>"
    source = make({evil: (evil, "b")})
    source.put(0, done(1.0))
    source.put(1, failed(f'Zone="{evil}" is bad'))
    source.marks = "df"
    panel = shown(source)
    panel.step()
    page = panel._repr_html_()
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_the_snapshot_needs_no_script_and_stays_small(make: Make) -> None:
    source = make({"n": tuple(range(500))})
    for index in range(200):
        source.put(index, failed("x" * 3000 + chr(65 + index % 26) * 5 + " severe trouble"))
    source.marks = "f" * 200 + "p" * 300
    panel = shown(source)
    panel.step()
    page = panel._repr_html_()
    assert "<script" not in page
    assert len(page) < 30_000


def test_more_labels_than_a_page_should_hold_are_not_sent(make: Make) -> None:
    source = make({"n": tuple(range(20_001))})
    source.marks = "p" * 20_001
    widget = shown(source).widget
    assert widget.levels == b""
    assert widget.about["parameters"][0]["labels"] == []


def test_a_page_without_widgets_shows_no_object_under_the_snapshot(make: Make) -> None:
    data, _ = shown(make(GRID), FrontEnd.WIDGETS).widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "object at 0x" not in str(data)
    assert data["text/html"] == "<!-- a live panel -->", "nbconvert and GitHub take HTML before text"
    assert data["text/plain"] == "the live panel of facade; the snapshot above is what it said last"


def test_a_finished_study_is_not_called_paused_when_its_pool_is_silent(make: Make) -> None:
    source = make({"lpd": (6.0, 8.0)})
    source.marks = "dd"
    panel = shown(source)
    panel.step()
    source.marks = ""
    source.put(0, done(100.0))
    source.put(1, done(101.0))
    source._live.trouble = "the pool does not answer (connection refused)"
    panel.step()
    assert panel.widget.view["note"] == ""
    assert "does not answer" not in repr(panel)


def test_seconds_are_no_result(make: Make) -> None:
    source = make({"lpd": (6.0, 8.0)})
    source.put(0, done(math.nan))
    source.put(1, done(math.nan))
    source.marks = "dd"
    panel = shown(source)
    panel.finish()
    view = panel.widget.view
    assert view["columns"] == []
    assert view["choice"]["column"] == ""
    assert "<table>" not in panel._repr_html_(), "no list of results"


def test_a_study_that_ended_says_in_every_kernel_how_long_it_took(make: Make) -> None:
    source = make({"lpd": (6.0, 8.0, 10.0)})
    begun = datetime(2026, 3, 2, 13, 13, tzinfo=UTC)
    source.manifest = replace(source.manifest, written={"at": begun.isoformat()})
    source._store.put_manifest(source.manifest)
    for index, outcome in enumerate((done(100.0), done(101.0), failed("no such schedule"))):
        source.put(index, replace(outcome, finished=(begun + timedelta(minutes=7 * index)).isoformat()))
    panel = shown(source)  # no pool: only the store says it
    panel.finish()
    assert panel.widget.view["pace"]["elapsed_s"] == 14 * 60
    at = (begun + timedelta(minutes=14)).astimezone()
    assert repr(panel).splitlines()[1] == f"2 done, 1 failed in 14 min, ended {at:%Y-%m-%d %H:%M}"


def test_what_has_no_place_in_the_scatter_is_counted(make: Make) -> None:
    source = make({"lpd": (6.0, 8.0, None)})
    for index, eui in enumerate((100.0, math.nan, 101.0)):
        source.put(index, done(eui))
    source.marks = "ddd"
    panel = shown(source)
    panel.finish()
    assert panel.widget.view["choice"]["without"] == 2


def test_what_has_stopped_being_true_stands_in_the_note_once_with_what_to_do(make: Make) -> None:
    source = make(GRID)
    source.marks, source.says = "rrddhdpf", busy(2)
    source.wrong = ["the disk is nearly full; free some", "the clock is wrong; set it", "the clock is wrong; set it"]
    panel = shown(source)
    assert panel._seen()["note"] == "the disk is nearly full; free some; besides, the clock is wrong; set it"
    source.marks = "dddddddf"
    panel.step()
    assert panel._view["note"] == "", "the study has ended"


def test_a_panel_says_what_workers_clocks_and_results_have_against_them(make: Make) -> None:
    told = make(GRID)
    source = Source(told._settings, told.manifest)
    now = time.time()
    away = {"name": "w", "host": "tower", "slots": 1, "epstudy": "1", "manifest": MANIFEST_FORMAT, "seen": now * 1000}
    glance = Glance(at_s=now, counts={}, marks=None, workers=({**away, "clock": now + 3600, "where": ""},))
    texts = [text.partition(";")[0] for text in source.troubles(glance, [3]) if "only" not in text]
    assert texts == [
        "the result of variant 3 is damaged or gone",
        "the worker on tower does not see its store ",
        "the clock of the worker on tower is 60 min ahead of that of Redis",
    ]
    assert source.troubles(replace(glance, workers=()), []) == [], "a pool that was just started says so in a moment"
