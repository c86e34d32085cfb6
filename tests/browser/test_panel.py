"""The live panel of a study, as whoever sits before it has it: it runs, is reloaded, left, restarted, clicked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import pytest

import epstudy as ep
from epstudy.core.outcome import Outcome
from epstudy.store import Store
from tests.browser.conftest import Open
from tests.browser.lab import Lab, until
from tests.browser.panels import LPD, SCHEDULE, SETUP, PanelOf, begin
from tests.support.offices import alive, processes_of

FIRST_STUDY = Path(__file__).parents[2] / "notebooks" / "01-first-study.ipynb"
LONG_S = 1500.0  # a limit, as PATIENCE_S, of annual runs
MANY = 300  # variants of a study that outlasts the test: more than a minute
WAIT = "study.wait(); print('waited')"


@pytest.fixture
def name(request: pytest.FixtureRequest, session_store: str) -> Iterator[str]:
    """The name of the test's own study, which is cancelled at its end: the next test needs the slots."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    yield name
    for one in (name, f"{name}-others"):
        with suppress(ep.StudyNotFoundError):
            ep.Study.open(one, store=session_store).cancel()


def opened(name: str, store: str) -> ep.Study:
    """The study as another process sees it."""
    return ep.Study.open(name, store=store)


@pytest.mark.timeout(3600)
def test_the_first_study_runs_to_nine_of_nine(open_notebook: Open) -> None:
    cells = [cell.source for cell in nbformat.read(FIRST_STUDY, as_version=4).cells if cell.cell_type == "code"]
    run = next(index for index, source in enumerate(cells) if "study.run()" in source)
    wait = next(index for index, source in enumerate(cells) if "study.wait()" in source)
    notebook = open_notebook(*cells)
    for cell in range(wait):
        notebook.run(cell)
    panel = PanelOf(notebook, run)
    panel.wait("running")
    notebook.run(wait, wait=False)
    panel.wait(r"slot 1\s+#\d lpd = \d+, u_value = [\d.]+\s+[1-9]\d* %")  # while wait() blocks
    notebook.scroll_to(run)
    notebook.screenshot("runs")
    panel.wait(r"9 of 9 ended:\s+9 done", limit_s=LONG_S)
    notebook.wait_end(wait)
    for cell in range(wait + 1, len(cells)):
        notebook.run(cell)
    notebook.scroll_to(run)
    notebook.screenshot("ended")
    assert notebook.errors == []


def test_a_kernel_that_is_restarted_leaves_the_snapshot(open_notebook: Open, name: str, session_store: str) -> None:
    notebook = open_notebook(SETUP, begin(name, 20.0, MANY), f'import epstudy as ep\nep.Study.open("{name}")')
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait_ended(3)
    until(lambda: f"{name}: 0 of" not in notebook.html(1), "a snapshot of the study under way")
    notebook.save()
    notebook.restart_kernel()
    notebook.reload()
    until(lambda: "model not found" in notebook.html(1), "Lab finds no model")
    seen = panel.wait(rf"(^|\n){name}: \d+ of {MANY} done, \d+ running, \d+ waiting\n")
    assert f'live again with ep.Study.open("{name}")' in seen
    assert not re.search("not found|Loading|ended:", seen)
    notebook.screenshot("restarted")
    done = notebook.number(1, rf"{name}: (\d+) of")
    until(lambda: opened(name, session_store).progress().done > done, "the study goes on without the kernel")

    notebook.run(2)  # in the new kernel, which knows nothing
    again = PanelOf(notebook, 2)
    again.wait_ended(done + 1)
    again.wait_more()
    assert again.root.is_visible()
    notebook.screenshot("opened")
    assert [error for error in notebook.errors if "widget model not found" not in error] == []


def test_a_study_that_ended_while_its_kernel_was_gone(open_notebook: Open, name: str, session_store: str) -> None:
    notebook = open_notebook(SETUP, begin(name, 23.0, 4), f'import epstudy as ep\nep.Study.open("{name}")')
    notebook.run(0)
    notebook.run(1)
    notebook.restart_kernel()
    until(lambda: opened(name, session_store).progress().complete, "the study ends by itself")
    notebook.run(2)
    panel = PanelOf(notebook, 2)
    panel.wait(r"4 of 4 ended:\s+4 (done|from the store)")
    panel.wait(r"4 done in \d+ (s|min), ended ")
    assert panel.root.is_visible()
    assert notebook.errors == []


def test_a_page_that_is_reloaded_has_the_panel_live_again(open_notebook: Open, name: str) -> None:
    notebook = open_notebook(SETUP, begin(name, 24.0, MANY), WAIT)
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait_ended(2)
    notebook.reload()
    panel.wait_ended(2)
    panel.wait_more()
    assert panel.root.is_visible()
    assert f"{name}: " not in panel.text  # the snapshot is hidden

    notebook.run(2, wait=False)  # a kernel that is busy does not tell a new page of its widgets
    panel.wait_more()
    notebook.reload(wait=False)
    seen = panel.wait(rf"(^|\n){name}: \d+ of {MANY} done")
    assert not re.search("not found|Loading|ended:", seen)
    assert not notebook.ended(2)
    notebook.screenshot("blocked")
    notebook.interrupt()
    panel.wait_ended(2)
    panel.wait_more()
    assert panel.root.is_visible()
    notebook.screenshot("back")
    assert notebook.errors == []


def test_a_panel_whose_kernel_is_killed_says_so_and_the_study_goes_on(
    open_notebook: Open, name: str, lab: Lab, session_store: str
) -> None:
    notebook = open_notebook(SETUP, begin(name, 28.0, MANY))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait_ended(2)
    kernel = notebook.kernel_id()
    [process] = [one for pid in lab.kernel_pids() if kernel in " ".join((one := psutil.Process(pid)).cmdline())]
    process.kill()
    seen = panel.wait("No news from this notebook's kernel since")
    assert f'The study goes on without it: ep.Study.open("{name}")' in seen
    assert panel.root.locator(".ep-bar").evaluate("bar => Number(getComputedStyle(bar).opacity)") < 0.5
    notebook.screenshot("grey")
    finished = opened(name, session_store).progress().finished
    until(lambda: opened(name, session_store).progress().finished > finished, "the study goes on")


def test_pause_and_resume_from_the_panel(open_notebook: Open, name: str, session_store: str) -> None:
    notebook = open_notebook(SETUP, begin(name, 36.0, MANY), WAIT)
    notebook.run(0)
    notebook.run(1)
    notebook.run(2, wait=False)
    panel = PanelOf(notebook, 1)
    panel.wait_ended()
    panel.button("Pause").click()
    panel.wait(r"ended:\s+\d+ done\s+\d+ waiting\s+for .*\s+paused: ")  # what ran has ended
    progress = opened(name, session_store).progress()
    assert (progress.running, progress.paused) == (0, "by pause(); resume() goes on")
    assert progress.finished > 0
    notebook.screenshot("paused")
    assert not notebook.ended(2)
    panel.button("Resume").click()
    panel.wait_more()
    assert "paused:" not in panel.text
    assert not notebook.ended(2)
    assert notebook.errors == []


STATES = """root => {
    const state = node => node?.innerText.match(/waiting|running|done|failed/)?.[0];
    window.testStates = [];
    const look = () => {
        const nodes = ['.ep-spot', '.ep-detail .ep-what'].map(name => root.querySelector(name));
        const pair = nodes.map(state).join(' ');
        if (testStates.at(-1) !== pair) testStates.push(pair);
        requestAnimationFrame(look);
    };
    look();
}"""
"""Notes, at each frame, the state in the line below the map and the one in the details."""


def test_a_pinned_variant_has_one_state(open_notebook: Open, name: str) -> None:
    """The line below the map said "waiting", and the details "done"."""
    notebook = open_notebook(SETUP, begin(name, 33.0, 12))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait(r"[1-9]\d* waiting")
    panel.root.locator("canvas.ep-map").focus()
    for key in ("ArrowRight", *11 * ["ArrowRight"], "Enter"):
        notebook.page.keyboard.press(key)
    panel.wait(r"#11 · lpd = 33.11 · waiting")
    panel.root.evaluate(STATES)
    panel.wait_all()
    panel.wait(r"close\n+#11 · lpd = 33.11 · done")
    seen = notebook.page.evaluate("() => window.testStates")
    assert {pair.count(pair.split()[0]) for pair in seen} == {2}, seen
    assert (seen[0], seen[-1]) == ("waiting waiting", "done done")
    notebook.screenshot("pinned")
    assert notebook.errors == []


def test_a_study_that_waits_behind_ones_own_others_says_when_it_is_ready(open_notebook: Open, name: str) -> None:
    """Before five of its own have ended: by what the others' simulations took."""
    notebook = open_notebook(SETUP, begin(f"{name}-others", 44.0, MANY), begin(name, 48.0, MANY))
    notebook.run(0)
    notebook.run(1)
    others = PanelOf(notebook, 1)
    others.wait_ended(6)
    notebook.run(2)
    panel = PanelOf(notebook, 2)
    notebook.scroll_to(2)
    panel.wait(rf"\b[0-4] of {MANY} ended:(.|\n)*ready at \d.*, in \d+ (s|min|h)")
    notebook.screenshot("behind")
    panel.wait_ended(6)
    panel.wait(r"a minute · ready at ")
    assert notebook.errors == []


def test_more_and_fewer_slots_from_the_panel(open_notebook: Open, name: str) -> None:
    notebook = open_notebook(SETUP, begin(name, 32.0, MANY))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait("2 of 2 slots are this study's")
    panel.button("one slot more").click()
    panel.wait(r"3 of 3 slots are this study's(.|\n)*slot 3\s+#\d+ lpd = ")
    notebook.screenshot("three")
    panel.button("one slot less").click()
    panel.wait("2 of 2 slots are this study's")
    assert "slot 3" not in panel.text
    assert notebook.errors == []


FAILING = f"""
study = ep.Study("NAME", office(), {{
    "schedule": ep.Field("{SCHEDULE}", ["BLDG_LIGHT_SCH", "NOPE"]),
    "lpd": ep.Field("{LPD}", [41.0, 41.01, -41.0]),
}})
study.run(check=False)
"""


def test_a_group_of_failures_is_looked_at_and_tried_again(open_notebook: Open, name: str, session_store: str) -> None:
    notebook = open_notebook(SETUP, FAILING.replace("NAME", name))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait(r"6 of 6 ended:\s+2 (done|from the store)\s+4 failed")
    crashed, refused = panel.group("Schedule Name = NOPE"), panel.group("Expected number greater than or equal to")
    assert re.match(r"2\s+crash\s.*schedule = NOPE", crashed.inner_text())
    assert re.match(r"2\s+simulation\s.*lpd = -41", refused.inner_text())
    crashed.get_by_role("button", name="log").click()
    log = panel.root.locator(".ep-log").filter(has_text="** Severe  ** GetInternalHeatGains: Lights = CORE_ZN_LIGHTS")
    log.filter(has_text="Schedule Name = NOPE, item not found.").wait_for()
    notebook.screenshot("log")

    def simulated() -> dict[int, str]:
        return {index: str(outcome.finished) for index, outcome in outcomes(name, session_store).items()}

    def begun_again(before: dict[int, str]) -> set[int]:
        now = simulated()
        return {index for index in before if now.get(index) != before[index]}

    first = simulated()
    panel.record_counts()  # "6 of 6" stands there also before the click is heard
    crashed.get_by_role("button", name="retry these").click()
    panel.wait_recorded("^[45] of 6 ended")
    panel.wait(r"6 of 6 ended:\s+2 (done|from the store)\s+4 failed")
    assert begun_again(first) == {3, 4}
    assert set(simulated()) == set(range(6))

    second = simulated()
    panel.record_counts()
    panel.button("Retry failed").click()
    panel.wait_recorded("^[2-5] of 6 ended")
    panel.wait(r"6 of 6 ended:\s+2 (done|from the store)\s+4 failed")
    assert begun_again(second) == {2, 3, 4, 5}
    assert set(simulated()) == set(range(6))
    assert notebook.errors == []


def outcomes(name: str, store: str) -> dict[int, Outcome]:
    """What the store holds, by variant."""
    manifest = Store(store).manifest(name)
    held = Store(store).outcomes(manifest.keys, manifest.artifacts)
    return {index: held[key] for index, key in enumerate(manifest.keys) if key in held}


@pytest.mark.timeout(3600)
def test_cancel_from_the_panel_kills_the_simulators(open_notebook: Open, name: str, session_store: str) -> None:
    notebook = open_notebook(SETUP, begin(name, 40.0, 3, 'office(period="annual")'), WAIT)
    notebook.run(0)
    notebook.run(1)
    notebook.run(2, wait=False)
    panel = PanelOf(notebook, 1)
    panel.wait(r"slot 1\s+#\d lpd = [\d.]+\s+[1-9]\d* %(.|\n)*slot 2\s+#\d lpd = [\d.]+\s+[1-9]\d* %", limit_s=LONG_S)
    simulators = [one for one in alive(processes_of(session_store)) if is_simulator(one)]
    assert len(simulators) == 2
    assert not panel.button("Yes, cancel").is_visible()
    panel.button("Cancel").click()
    assert alive(simulators) == simulators  # it asks first
    panel.button("Yes, cancel").click()
    until(lambda: not alive(simulators), "the simulators are dead")
    panel.wait(r"3 of 3 ended:\s+3 cancelled")
    notebook.wait_end(2)
    assert "waited" in notebook.text(2)
    assert opened(name, session_store).progress().cancelled == 3
    assert not panel.button("Cancel").is_visible()
    notebook.screenshot("cancelled")

    panel.button("Go on").click()
    panel.wait(r"3 of 3 ended:\s+3 done", limit_s=LONG_S)
    notebook.screenshot("done")
    assert (opened(name, session_store).results()["status"] == "done").all()
    assert notebook.errors == []


def is_simulator(process: psutil.Process) -> bool:
    """Whether this is a process in which EnergyPlus runs."""
    with suppress(psutil.Error):
        return "epstudy.engines.energyplus.run.process" in process.cmdline()
    return False


IMAGE = "<img src=x onerror=alert(1)>"
SCRIPT = "<script>alert(2)</script>"
INJECTED = f"""
from pathlib import Path
Path("injected.idf").write_text(Path(ref_models["small_office"]).read_text().replace("Core_ZN", "{IMAGE}"))
office = ep.EnergyPlus("injected.idf", weather=weather_files["usa_il_chicago"], period="design-days")
study = ep.Study("NAME", office, {{
    "lpd": ep.Field("Lights/*/watts_per_floor_area", {{"{SCRIPT}": 42.0, "{IMAGE}": 42.01}}),
    "schedule": ep.Field("Lights/*/schedule_name", {{"as it was": "BLDG_LIGHT_SCH", "<b id=bold>none</b>": "NOPE"}}),
}})
study.run(check=False)
"""


def test_what_a_model_names_is_text_in_panel_log_and_snapshot(open_notebook: Open, name: str) -> None:
    notebook = open_notebook(SETUP, INJECTED.replace("NAME", name), WAIT)
    said: list[str] = []
    notebook.page.on("dialog", lambda dialog: said.append(f"{dialog.type} {dialog.message}"))

    def injected() -> list[str]:
        alerts = [one for one in said if not one.startswith("beforeunload")]
        return alerts + [one for one in ("img[src=x]", "#bold") if notebook.page.locator(one).count()]

    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait(r"4 of 4 ended:\s+2 done\s+2 failed")
    notebook.run(2)
    notebook.scroll_to(1)
    seen = panel.wait("schedule = <b id=bold>none</b>")
    assert SCRIPT in seen  # in the column of the results
    panel.root.locator("canvas.ep-map").focus()
    notebook.page.keyboard.press("ArrowRight")
    panel.wait(f"#0 · lpd = {SCRIPT}".replace("(", r"\(").replace(")", r"\)"))
    panel.button("log").click()
    panel.root.locator(".ep-log").filter(has_text=IMAGE.upper()).wait_for()
    notebook.screenshot("live")
    assert injected() == []

    notebook.save()
    notebook.restart_kernel()
    notebook.reload()
    seen = panel.wait(rf"(^|\n){name}: 2 of 4 done, 2 failed")
    assert "schedule = <b id=bold>none</b>" in seen
    assert SCRIPT in seen
    notebook.screenshot("restarted")
    assert injected() == []


def test_the_keyboard_reaches_all_of_the_panel(open_notebook: Open, name: str) -> None:
    notebook = open_notebook(SETUP, FAILING.replace("NAME", name))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait(r"6 of 6 ended:\s+2 (done|from the store)\s+4 failed")
    bar = panel.root.get_by_role("progressbar", name=f"progress of {name}")
    assert [bar.get_attribute(f"aria-value{end}") for end in ("min", "now", "max")] == ["0", "6", "6"]

    panel.root.locator("canvas.ep-map").focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        notebook.page.keyboard.press(key)
    panel.wait(r"#1 · schedule = BLDG_LIGHT_SCH, lpd = 41.01 · (.|\n)*close\n(.|\n)*warnings: \d+")
    for key in ("ArrowRight", "Enter"):
        notebook.page.keyboard.press(key)
    panel.wait(r"simulation, attempt 1: <root>\[Lights\]")
    notebook.screenshot("details")
    notebook.page.keyboard.press("Escape")
    assert not panel.button("close").is_visible()

    wanted = {one.inner_text() for one in panel.root.get_by_role("button").all() if one.is_visible()}
    assert wanted == {"Retry failed", "log", "retry these", "copy"}
    panel.button("Retry failed").focus()
    reached = {"Retry failed"}
    for _ in range(30):
        notebook.page.keyboard.press("Tab")
        reached.add(
            panel.root.evaluate("root => root.contains(document.activeElement) && document.activeElement.innerText")
        )
    assert reached >= wanted
    assert notebook.errors == []


CONTRAST = """root => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const back = channels(getComputedStyle(root).backgroundColor).slice(0, 3);
    const light = colour => colour.map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
    const ratio = node => {
        const [r, g, b, alpha = 1] = channels(getComputedStyle(node).color);
        const front = light([r, g, b].map((c, k) => alpha * c + (1 - alpha) * back[k]));
        return (Math.max(front, light(back)) + 0.05) / (Math.min(front, light(back)) + 0.05);
    };
    const texts = [root, ...root.querySelectorAll('.ep-quiet, .ep-button, .ep-select, th, caption, .ep-log')];
    return {back: light(back), least: Math.min(...texts.map(ratio))};
}"""
"""How light the panel's background is, and its least contrast of text, as WCAG 2.2 defines both."""


def test_the_panel_is_readable_in_both_themes(open_notebook: Open, name: str) -> None:
    notebook = open_notebook(SETUP, FAILING.replace("NAME", name))
    notebook.run(0)
    notebook.run(1)
    panel = PanelOf(notebook, 1)
    panel.wait(r"6 of 6 ended:\s+2 (done|from the store)\s+4 failed")
    panel.button("log").first.click()
    light = panel.root.evaluate(CONTRAST)
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    try:
        notebook.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
        until(lambda: panel.root.evaluate(CONTRAST)["back"] < 0.1, "the panel is dark")
        dark = panel.root.evaluate(CONTRAST)
        notebook.screenshot("dark")
    finally:
        notebook.command("apputils:change-theme", theme="JupyterLab Light")  # the setting is the server's
    notebook.page.locator("body[data-jp-theme-light=true]").wait_for(state="attached")
    assert light["back"] > 0.9
    assert min(light["least"], dark["least"]) >= 4.5
    notebook.screenshot("light")
    assert notebook.errors == []
