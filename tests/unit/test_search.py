"""A search finds known optima, tells what it cannot search, and proposes the same from the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats

import epstudy as ep
from epstudy.search import Search, front
from tests.unit.analysis.known import Row, solved, study

SPACE = {"x1": stats.uniform(0, 1), "x2": [0.0, 0.25, 0.5, 0.75, 1.0], "kind": {"good": 0.0, "bad": 1.0}}


def bowl(row: Row) -> float:
    """Least, 0, at x1 = 0.3, x2 = 0.25, "good"."""
    return float((row["x1"] - 0.3) ** 2 + (row["x2"] - 0.25) ** 2 + (row["kind"] == "bad"))


def searched(folder: Path, objectives: Any, space: Mapping[str, Any] = SPACE, **options: Any) -> pd.DataFrame:
    """Run a search as `Study.minimise` does, with `bowl` in place of a pool."""
    one = study(folder, space, **{"sampling": ep.Sobol(8, 1), **options.pop("of_study", {})})
    assert one._plan is not None
    search = Search(one._plan, objectives, **{"n": 60, "batch": 10, "seed": 1, **options})
    while search.ask():
        tried = solved(ep.Study._of(search.plan.name, search.plan, one._settings), bowl)
        results = tried.results()
        search.tell(results)
    return search.evaluations(results)


def test_the_least_is_found(tmp_path: Path) -> None:
    found = searched(tmp_path, "y")
    assert len(found) == 60
    best = found[found["best"]]
    assert (best["y"] == found["y"].min()).all()
    assert best["y"].iloc[0] < 0.01
    assert best["kind"].iloc[0] == "good"
    late, early = (found[found["batch"].isin(which)]["y"].mean() for which in ((4, 5), (0,)))
    assert late < 0.5 * early


def test_the_same_seed_proposes_the_same_and_a_larger_search_goes_on(tmp_path: Path) -> None:
    once, again, other = (searched(tmp_path, "y", n=30, seed=seed)["x1"].tolist() for seed in (1, 1, 2))
    assert once == again != other
    assert searched(tmp_path, "y", n=40)["x1"].tolist()[:30] == once


def test_two_objectives_have_a_front(tmp_path: Path) -> None:
    found = searched(tmp_path, {"y": "min", "light": lambda df: df["x1"] * 10})
    best = found[found["best"]].sort_values("y")
    assert len(best) > 3
    assert best["light"].is_monotonic_decreasing
    assert found.attrs["objectives"] == {"y": "min", "light": "min"}


def test_the_greatest_is_found_too(tmp_path: Path) -> None:
    assert searched(tmp_path, {"y": "max"})["y"].max() > 1.5


def test_where_is_kept_to(tmp_path: Path) -> None:
    found = searched(tmp_path, "y", n=20, of_study={"where": lambda v: v.kind == "bad"})
    assert set(found["kind"]) == {"bad"}
    first = study(tmp_path, SPACE, sampling=ep.Sobol(8, 1)).variants["x1"].iloc[0]
    with pytest.raises(ep.InputError, match="where= refused 200 proposals in a row"):
        searched(tmp_path, "y", of_study={"where": lambda v: v.x1 == first})  # which the search never meets


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        ({}, "there is nothing to minimise"),
        ({"y": "less"}, 'objective "y" is \'less\'; expected "min", "max", or a function'),
        (3, "objectives are 3; expected"),
        ({"yy": "min"}, 'no result "yy" to minimise; did you mean "y"'),
        ({"nothing": "min"}, 'none of 10 variants has a value of "nothing"'),
        ({"own": lambda df: "text"}, 'the objective "own" returns str; expected a number for each variant'),
        ({"own": lambda df: df["y"].sum()}, 'the objective "own" returns float64; expected a number for each variant'),
        ({"own": lambda df: df["y"].iloc[::-1]}, 'the objective "own" returns a Series of other rows'),
        ({"own": lambda df: df["z"]}, 'the objective "own" fails: KeyError'),
        ({"y": lambda df: -df["y"]}, 'the objective "y" has the name of a result'),
        ({"best": lambda df: -df["y"]}, '"best" cannot be the name of a parameter or objective'),
        ({"x1": "min"}, '"x1" cannot be the name of a parameter or objective'),
        ({"status": "min"}, 'no result "status" to minimise'),
    ],
)
def test_what_cannot_be_minimised_is_told(tmp_path: Path, objectives: Any, said: str) -> None:
    with pytest.raises(ep.InputError, match=said):
        searched(tmp_path, objectives)


def test_a_space_without_ends_cannot_be_searched(tmp_path: Path) -> None:
    with pytest.raises(ep.InputError, match=r'"x1" cannot be searched: norm\(0, 1\) has no end'):
        searched(tmp_path, "y", {"x1": stats.norm(0, 1)})


def test_failed_variants_are_rows_and_no_optimum(tmp_path: Path) -> None:
    one = study(tmp_path, SPACE, sampling=ep.Sobol(4, 1))
    assert one._plan is not None
    search = Search(one._plan, "y", n=8, batch=8, seed=1)
    assert search.ask()
    results = solved(ep.Study._of(search.plan.name, search.plan, one._settings), bowl, failed=[0, 1]).results()
    search.tell(results)
    assert not search.ask()
    found = search.evaluations(results)
    assert found["status"].tolist() == ["failed"] * 2 + ["done"] * 6
    assert not found["best"].iloc[:2].any()


def test_the_front_has_what_nothing_beats() -> None:
    table = pd.DataFrame({"a": [1, 2, 3, 2, float("nan")], "b": [3, 2, 1, 3, 0]})
    assert front(table, [False, False]) == [True, True, True, False, False]
    assert front(table, [True, True]) == [False, False, True, True, False]
