"""Progress as a bar in a terminal, as plain lines elsewhere, as HTML without scripts."""

from __future__ import annotations

import io

from epstudy.core.outcome import Progress
from epstudy.pool.progress import ProgressLines, progress_html


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at(done: int, total: int = 40) -> Progress:
    return Progress(total, total - done, 0, done, 0, 0, 0, workers=1)


def test_without_a_terminal_there_is_a_line_each_ten_percent_and_no_control_character() -> None:
    out = io.StringIO()
    with ProgressLines("s", out) as lines:
        for done in range(41):
            lines.show(at(done))
            lines.show(at(done))
    said = out.getvalue()
    assert said.splitlines() == [f"s: {at(done)}" for done in range(0, 41, 4)]
    assert "\r" not in said
    assert "\x1b" not in said


def test_beside_a_panel_no_line_says_what_was() -> None:
    out = io.StringIO()
    with ProgressLines("s", out, quiet=True) as lines:
        for done in range(41):
            lines.show(at(done))
    assert out.getvalue().splitlines() == [f"s: {at(40)}"]


def test_below_a_panel_in_the_same_cell_there_is_no_line() -> None:
    out = io.StringIO()
    with ProgressLines("s", out, quiet=True, says_end=False) as lines:
        lines.show(at(0))
        lines.show(at(40))
        lines.say("failed: 2 × no such schedule")
    assert out.getvalue() == "s: failed: 2 × no such schedule\n"


def test_a_warning_stays_above_the_bar_and_is_left_to_a_panel() -> None:
    terminal, quiet = Terminal(), io.StringIO()
    with ProgressLines("s", terminal) as lines:
        lines.show(at(0))
        lines.warn("no worker answers")
        lines.show(at(40))
    seen = [line.rsplit("\r", 1)[-1].rstrip() for line in terminal.getvalue().split("\n")]
    assert seen[0] == "s: no worker answers"
    assert "40 of 40 done" in seen[1]
    with ProgressLines("s", quiet, quiet=True) as lines:
        lines.warn("no worker answers")
    assert quiet.getvalue() == ""


def test_a_terminal_has_one_line_that_is_redrawn() -> None:
    out = Terminal()
    with ProgressLines("s", out) as lines:
        lines.show(at(0))
        lines.show(at(40))
    said = out.getvalue()
    assert said.count("\n") == 1
    assert said.endswith("\n")
    assert "[" + "#" * 30 + "]" in said
    assert "40 of 40 done" in said.rsplit("\r", 1)[1]


def test_html_escapes_names_and_shows_the_counts() -> None:
    said = progress_html("<script>x</script>", Progress(4, 1, 1, 1, 1, 0, 0))
    assert "<script>" not in said
    assert "1 of 4 done, 1 running, 1 pending, 1 failed" in said
