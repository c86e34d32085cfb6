"""The Pareto front holds what nothing beats, and the figure joins it."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import results


def points(*rows: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["x", "y"], index=[f"v{place}" for place in range(len(rows))])


def dominated_by_any(costs: np.ndarray) -> np.ndarray:
    """The definition, pair by pair."""
    no_worse = (costs[None, :, :] <= costs[:, None, :]).all(axis=2)
    better = (costs[None, :, :] < costs[:, None, :]).any(axis=2)
    return (no_worse & better).any(axis=1)


def test_the_front_of_a_few_points() -> None:
    table = points((1, 5), (2, 3), (3, 4), (4, 1), (2, 3), (1, 6), (float("nan"), 0))
    front = plots.pareto_front(table, {"x": "min", "y": "min"})
    assert front.to_dict() == {"v0": True, "v1": True, "v2": False, "v3": True, "v4": True, "v5": False, "v6": False}
    assert plots.pareto_front(table, {"x": "min", "y": "max"})[lambda on: on].index.tolist() == ["v5"]


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_the_front_is_that_of_the_definition(objectives: int) -> None:
    random = np.random.default_rng(objectives)
    costs = random.integers(0, 12, (400, objectives)).astype(float)
    table = pd.DataFrame(costs, columns=list("abcd")[:objectives])
    front = plots.pareto_front(table, dict.fromkeys(table.columns, "min"))
    assert (front.to_numpy() == ~dominated_by_any(costs)).all()


def test_ten_thousand_variants_that_are_all_on_the_front() -> None:
    x = np.arange(10_000.0)
    began = time.process_time()
    assert plots.pareto_front(pd.DataFrame({"x": x, "y": -x}), {"x": "min", "y": "min"}).all()
    assert time.process_time() - began < 2


def test_the_figure_joins_the_front_by_steps() -> None:
    ax = plots.pareto(points((1, 5), (2, 3), (3, 4), (4, 1)), "x", "y")
    assert ax.lines[0].get_xydata().tolist() == [[1, 5], [2, 3], [4, 1]]
    assert ax.lines[0].get_drawstyle() == "steps-post"
    assert ax.get_xlabel() == "x, less is better"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["4 variants", "front: 3 variants"]


def test_the_variants_of_the_front_are_numbered() -> None:
    ax = plots.pareto(points((1, 5), (2, 3), (3, 4), (4, 1)), "x", "y")
    assert [text.get_text() for text in ax.texts] == ["v0", "v3", "v1"]


def test_numbers_of_a_crowded_front_do_not_meet_and_its_ends_have_theirs() -> None:
    x = np.arange(1000.0)
    ax = plots.pareto(pd.DataFrame({"x": x, "y": -x}), "x", "y")
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert 5 < len(boxes) < 100
    assert {"0", "999"} <= {text.get_text() for text in ax.texts}
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_a_front_of_nothing_was_an_empty_frame() -> None:
    nothing = pd.DataFrame({"x": [1.0, 2.0], "y": [float("nan")] * 2})
    assert [text.get_text() for text in plots.pareto(nothing, "x", "y").texts] == ['no variant has a value of "y"']


def test_more_can_be_better() -> None:
    ax = plots.pareto(points((1, 5), (2, 3), (3, 4), (4, 1)), "x", "y", minimise=(False, True))
    assert ax.lines[0].get_xydata().tolist() == [[4, 1]]
    assert ax.lines[0].get_drawstyle() == "steps-pre"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x, more is better", "y, less is better")


def test_variants_without_a_value_are_counted_at_any_size() -> None:
    for count in (3, 10_000):
        ax = plots.pareto(results(count, failed=2), "eui", "cost")
        assert ax.get_title(loc="right") == f"2 of {count:,} variants have no value"
        ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ({}, "a front needs objectives"),
        ({"eui": "least"}, '"eui" has the sense \'least\'; expected "min" or "max"'),
        ({"eu": "min"}, 'no column "eu"; did you mean "eui"'),
        ({"label": "min"}, "holds 'as built', not numbers"),
    ],
)
def test_what_is_no_objective_is_refused(objectives: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.pareto_front(results(3), objectives)


def test_minimise_is_a_pair() -> None:
    with pytest.raises(InputError, match="minimise=True is no pair"):
        plots.pareto(results(3), "eui", "cost", minimise=True)
