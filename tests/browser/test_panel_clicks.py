"""Clicks that come twice, or while the panel changes: nothing moves under a pointer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress

import pytest

import epstudy as ep
from tests.browser.conftest import Open
from tests.browser.lab import until
from tests.browser.panels import LPD, SCHEDULE, SETUP, PanelOf

SOME_FAIL = f"""
levels = [round(FIRST + 0.01 * place, 2) for place in range(COUNT)]
study = ep.Study("NAME", office(), {{
    "lpd": ep.Field("{LPD}", levels),
    "schedule": ep.Field("{SCHEDULE}", ["NOPE", "BLDG_LIGHT_SCH"]),
}})
study.run(check=False)
"""
"""The first variant of each two fails within a second."""


@pytest.fixture
def name(request: pytest.FixtureRequest, session_store: str) -> Iterator[str]:
    """The name of the test's own study, which is cancelled at its end: the next test needs the slots."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    yield name
    with suppress(ep.StudyNotFoundError):
        ep.Study.open(name, store=session_store).cancel()


def some_fail(name: str, first: float, count: int) -> str:
    """A cell that begins a study of which every second variant fails."""
    return SOME_FAIL.replace("NAME", name).replace("FIRST", str(first)).replace("COUNT", str(count))


RECORDER = """root => {
    const inside = node => node.getBoundingClientRect().top - root.getBoundingClientRect().top;
    const names = 'button, select, canvas.ep-map';
    const seen = new Map();
    window.testMoves = [];
    const look = () => {
        for (const node of root.querySelectorAll(names)) {
            if (getComputedStyle(node).visibility === 'hidden' || !node.offsetParent) { seen.delete(node); continue; }
            const box = node.getBoundingClientRect();
            const now = [box.left, inside(node)];
            const was = seen.get(node);
            seen.set(node, now);
            if (was && Math.max(Math.abs(was[0] - now[0]), Math.abs(was[1] - now[1])) > 0.5)
                window.testMoves.push([node.title || node.ariaLabel, was, now, root.dataset.testPointer]);
        }
        window.testLook = requestAnimationFrame(look);
    };
    look();
}"""
"""Notes, at each frame, which of the panel's controls have moved in it."""


def test_a_double_click_on_cancel_asks_and_does_nothing_else(
    open_notebook: Open, name: str, session_store: str
) -> None:
    notebook = open_notebook(SETUP, some_fail(name, 70.0, 40))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait(r"[3-9] failed")
    study = ep.Study.open(name, store=session_store)

    panel.button("Cancel").dblclick()
    panel.wait("Stop what runs")
    place = panel.button("No").bounding_box()
    notebook.screenshot("question")
    panel.button("No").click()
    until(lambda: panel.button("Cancel").is_visible(), "the question is gone")
    assert panel.button("Cancel").bounding_box() == place
    assert study.progress().cancelled == 0

    panel.button("Cancel").press("Enter")
    panel.button("Yes, cancel").dblclick()
    panel.wait(r"80 of 80 ended:(.|\n)* \d+ failed\s+\d+ cancelled")
    box = panel.button("Retry failed").bounding_box()
    assert place is not None
    assert box is not None
    for _ in range(3):  # whoever goes on clicking where Cancel was
        notebook.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    assert box["x"] + box["width"] <= place["x"]
    until(lambda: study.progress().complete, "all has ended")
    assert study.progress().cancelled > 0
    assert panel.counts["cancelled"] == study.progress().cancelled
    notebook.screenshot("cancelled")
    assert notebook.errors == []


def test_a_double_click_on_pause_pauses(open_notebook: Open, name: str, session_store: str) -> None:
    notebook = open_notebook(SETUP, some_fail(name, 72.0, 60))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait_ended(2)
    panel.button("Pause").dblclick()
    panel.wait("paused: ")
    until(lambda: panel.button("Resume").is_visible(), "it can be resumed")
    study = ep.Study.open(name, store=session_store)
    until(lambda: study.progress().running == 0, "what ran has ended")
    assert study.progress().paused
    panel.button("Resume").dblclick()
    panel.wait_more()
    assert not study.progress().paused
    assert notebook.errors == []


def test_no_button_does_a_thing_twice_for_a_double_click(open_notebook: Open, name: str) -> None:
    """All of them, while the study runs and the panel is drawn again and again."""
    notebook = open_notebook(SETUP, some_fail(name, 84.0, 150))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    group = panel.group("NOPE")
    buttons = {
        "retry": [group.get_by_role("button", name="retry these"), panel.button("Retry failed")],
        "pause": [panel.button("Pause")],
        "log": [group.get_by_role("button", name="log")],  # a click so soon in the same place would belong to the last
        "resume": [panel.button("Resume")],
    }
    panel.wait(r"[2-9] failed")
    for asked, several in buttons.items():
        for times, button in enumerate(several, start=1):
            button.dblclick()
            until(lambda: asked in notebook.asked, asked)  # noqa: B023
            panel.wait("paused: ") if asked in ("pause", "log") else panel.wait_more()
            assert notebook.asked.count(asked) == times, asked

    panel.root.locator("canvas.ep-map").dblclick(position={"x": 3, "y": 3})
    panel.button("close").dblclick()
    until(lambda: not panel.button("close").is_visible(), "the details are closed")
    for question in (panel.button("Cancel"), panel.button("No")):
        question.dblclick()
    until(lambda: not panel.button("No").is_visible(), "the question is gone")
    assert "cancel" not in notebook.asked

    panel.button("Cancel").press("Enter")
    panel.button("Yes, cancel").dblclick()
    panel.wait(r"300 of 300 ended:")
    panel.button("Go on").dblclick()
    panel.wait(r"\d waiting")
    assert [notebook.asked.count(one) for one in ("cancel", "run", "pause", "resume", "retry")] == [1, 1, 1, 1, 2]
    assert notebook.errors == []


@pytest.mark.parametrize("over", ["Retry failed", "+", "the result that is shown", "copy"])
def test_nothing_moves_under_a_pointer(open_notebook: Open, name: str, over: str) -> None:
    """While a study of which some variants fail runs from its first to its last one."""
    first = 74.0 + 2 * ["Retry failed", "+", "the result that is shown", "copy"].index(over)
    notebook = open_notebook(SETUP, some_fail(name, first, 6))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    control = panel.root.get_by_label(over) if over.startswith("the") else panel.root.locator("button", has_text=over)
    control = panel.root.get_by_label("one slot more") if over == "+" else control
    until(lambda: control.first.bounding_box() is not None, "it is there")
    box = control.first.bounding_box()
    assert box is not None
    panel.root.evaluate(RECORDER)
    notebook.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    panel.wait_all()
    panel.wait_still()
    moves = notebook.page.evaluate("() => window.testMoves")
    top = box["y"] - panel.root.bounding_box()["y"]  # type: ignore[index]
    above = [one for one in moves if one[1][1] <= top + 1]
    assert not above, json.dumps(above, indent=1)
    notebook.screenshot("ended")
    assert notebook.errors == []
