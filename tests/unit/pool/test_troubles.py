"""What has stopped being true while a study runs is said once, with what to do."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from epstudy.core.manifest import MANIFEST_FORMAT, Manifest
from epstudy.core.outcome import Progress
from epstudy.pool.client import Live
from epstudy.pool.troubles import (
    News,
    clock_troubles,
    input_troubles,
    kind_of,
    result_troubles,
    store_troubles,
    study_troubles,
    worker_troubles,
)
from epstudy.settings import Settings
from epstudy.store import Store

KEY = "ab" * 32
STUDY = Manifest("a", "energyplus", {}, (), ((),), (KEY,), {})
WELL = {
    "host": "tower",
    "epstudy": "1.0",
    "manifest": MANIFEST_FORMAT,
    "abilities": ["EnergyPlus 25.2"],
    "where": "1-2",
    "path": "/data/store",
    "clock": 1000.0,
    "seen": 1_000_000.0,
    "files_ahead": 0.0,
    "free": 10**12,
}


def worker(**others: Any) -> dict[str, Any]:
    return {**WELL, **others}


def test_of_a_pool_that_is_well_nothing_is_said() -> None:
    assert worker_troubles(replace(STUDY, needs="EnergyPlus 25.2"), [worker()], private=False) == []
    assert clock_troubles([worker(), worker(clock=1004.0)], 1000.0, 1005.0) == []


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"epstudy": "0.9", "manifest": 1}, r"workers have epstudy 0\.9, which cannot read .* update them"),
        ({"abilities": ["EnergyPlus 24.1"]}, r"no worker has EnergyPlus 25\.2; they have EnergyPlus 24\.1: start one"),
        ({"where": ""}, r"the worker on tower does not see its store /data/store; mount it there"),
        (
            {"free": 2_000_000},
            r"only 2 MB are left on the disk on tower where simulations run; free some, or set EPSTUDY",
        ),
    ],
    ids=["version", "engine", "mount", "disk"],
)
def test_what_a_worker_lacks_is_said_with_what_to_do(others: dict[str, Any], said: str) -> None:
    (text,) = worker_troubles(replace(STUDY, needs="EnergyPlus 25.2"), [worker(**others)], private=False)
    assert re.match(said, text), text


def test_a_worker_that_looked_just_before_the_store_was_made_is_not_told_to_mount_it() -> None:
    blind = worker(where="")
    assert worker_troubles(STUDY, [blind], private=False, opened_s=999.0) == []
    (text,) = worker_troubles(STUDY, [blind], private=False, opened_s=990.0)
    assert "does not see its store" in text


def test_that_nobody_simulates_is_said() -> None:
    assert worker_troubles(STUDY, [], private=False) == ["no worker answers; start some with `epstudy worker`"]
    assert worker_troubles(STUDY, [], private=True) == ["no worker answers; epstudy pool stop, then run() again"]


@pytest.mark.parametrize(
    ("others", "now_s", "said"),
    [
        ({"clock": 4600.0}, 1000.0, "the clock of the worker on tower is 60 min ahead of that of Redis; set it by NTP"),
        ({"clock": 970.0}, 1000.0, "the clock of the worker on tower is 30 s behind that of Redis"),
        ({}, 8200.0, "the clock of this machine is 2 h ahead of that of Redis"),
        ({"files_ahead": -60.0}, 1000.0, "the clock of the file server of the store is 60 s behind that of Redis"),
    ],
)
def test_a_wrong_clock_is_said_and_whose_it_is(others: dict[str, Any], now_s: float, said: str) -> None:
    texts = clock_troubles([worker(**others)], 1000.0, now_s)
    assert texts[0].startswith(said)


def test_a_worker_of_an_earlier_version_says_nothing_of_its_clock_and_store() -> None:
    earlier = {"host": "tower", "epstudy": "1.0", "manifest": MANIFEST_FORMAT, "seen": 1_000_000.0}
    assert clock_troubles([earlier], 1000.0, 1000.0) == []
    assert worker_troubles(STUDY, [earlier], private=False) == []


def test_a_weather_file_that_is_damaged_after_it_was_queued_is_said(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.create()
    weather, other = store.put_input(b"a year", ".epw"), store.put_input(b"another", ".epw")
    study = replace(STUDY, recipe={"weather": weather, "external": {"x.csv": other}})
    assert input_troubles(store, study) == []
    store.input_path(weather).write_bytes(b"half a")
    store.input_path(other).unlink()
    texts = input_troubles(Store(store.url), study)
    assert len(texts) == 2
    assert all("run the study again" in text for text in texts)


def test_a_store_that_is_gone_is_said_once(tmp_path: Path) -> None:
    settings = Settings.load(store=str(tmp_path / "store"))
    store = Store(settings.store)
    store.put_manifest(STUDY)
    live = Live(settings, store)
    assert [text for text in study_troubles(store, STUDY, live) if "only" not in text] == []
    shutil.move(settings.store, tmp_path / "away")
    (text,) = study_troubles(store, STUDY, live)
    assert "is not there any more" in text
    assert store_troubles(store) == [text]


def test_whoever_waits_is_told_of_a_trouble_once(tmp_path: Path) -> None:
    """Also when its figures change, and not at all of what the progress says itself."""
    settings = Settings.load(store=str(tmp_path / "store"), redis_url="redis://127.0.0.1:1/0")
    store = Store(settings.store)
    store.create()
    weather = store.put_input(b"a year", ".epw")
    study = replace(STUDY, recipe={"weather": weather})
    under_way = Progress(9, 9, 0, 0, 0, 0, 0)

    def look(news: News, progress: Progress) -> list[str]:
        news._next_look = news._watch._next_look = 0.0  # five seconds later
        return [text for text in news.look(progress) if "are left on the disk" not in text]

    news = News(Live(settings, store), store, study)
    assert look(news, under_way) == []
    store.input_path(weather).write_bytes(b"half a")
    (text,) = look(news, under_way)
    assert "is not the file that was stored" in text
    assert look(news, under_way) == []
    assert look(News(Live(settings, store), store, study), replace(under_way, paused=text)) == []
    apart = [f"the clock of tower is {span} ahead of that of Redis" for span in ("60 s", "75 s", "2 min")]
    assert len({kind_of(text) for text in apart}) == 1
    assert kind_of(apart[0]) != kind_of("the clock of castle is 60 s ahead of that of Redis")


def test_results_that_are_gone_are_named() -> None:
    assert result_troubles([]) == []
    assert result_troubles([7, 3]) == ["the result of variant 3, 7 is damaged or gone; run() makes it again"]
