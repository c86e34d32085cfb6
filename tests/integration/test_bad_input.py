"""Bad input gets one clear error that names the thing and the remedy, and nothing is queued."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import epstudy as ep
from tests.support.offices import CHICAGO, LPD, OFFICE, quick


@pytest.fixture(autouse=True)
def nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    from epstudy.pool.private_pool import runtime_for

    store = tmp_path / "store"
    monkeypatch.setenv("EPSTUDY_STORE", str(store))
    yield store
    assert not store.exists(), "nothing was stored"
    assert not runtime_for(str(store)).folder.exists(), "no pool was started"


@pytest.mark.parametrize("name", ["../x", "", "x" * 300, "a/b", None])
def test_a_study_name_that_is_no_plain_name(name: str) -> None:
    with pytest.raises(ep.InputError, match="is not a study name"):
        ep.Study(name, quick(), {"lpd": ep.Field(LPD, [6.0])})
    with pytest.raises(ep.InputError, match="is not a study name"):
        ep.Study.open(name)


def test_an_empty_grid() -> None:
    for parameters in ({}, {"lpd": ep.Field(LPD, [])}):
        with pytest.raises(ep.InputError, match="the grid is empty"):
            ep.Study("s", quick(), parameters)


def test_two_parameters_of_one_name() -> None:
    pairs = [("lpd", ep.Field(LPD, [6.0])), ("lpd", ep.Field("Lights/*/fraction_radiant", [0.5]))]
    with pytest.raises(ep.InputError, match='two parameters are called "lpd"'):
        ep.Study("s", quick(), pairs)


@pytest.mark.parametrize("name", ["status", "heating_kwh", "variant", "", 3])
def test_a_parameter_with_the_name_of_a_result(name: str) -> None:
    with pytest.raises(ep.EpstudyError, match=r"of a result|the results have|no name of a parameter"):
        ep.Study("s", quick(), {name: ep.Field(LPD, [6.0])}).run()


def test_what_is_no_parameter_or_engine() -> None:
    with pytest.raises(ep.InputError, match=r'parameter "lpd" is \[6.0\]; expected ep.Field'):
        ep.Study("s", quick(), {"lpd": [6.0]})
    with pytest.raises(ep.InputError, match=r"engine is 'office.idf'; expected an engine such as ep.EnergyPlus"):
        ep.Study("s", "office.idf", {"lpd": ep.Field(LPD, [6.0])})


@pytest.mark.parametrize("parameters", [None, 3, [ep.Field(LPD, [6.0])], ep.Field(LPD, [6.0]), "lpd"])
def test_parameters_that_are_no_dict(parameters: object) -> None:
    with pytest.raises(ep.InputError, match="expected a dict"):
        ep.Study("s", quick(), parameters)


@pytest.mark.parametrize(
    "options", [{"timeout": "5"}, {"timeout": True}, {"timeout": 0}, {"timeout": -1}, {"retries": -1}, {"retries": 1.5}]
)
def test_impossible_options(options: dict[str, float]) -> None:
    with pytest.raises(ep.InputError, match="expected"):
        ep.Study("s", quick(), {"lpd": ep.Field(LPD, [6.0])}, **options)


def test_no_such_model_and_no_such_weather_are_one_error() -> None:
    study = ep.Study("s", ep.EnergyPlus("nowhere.idf", weather="nowhere.epw"), {"lpd": ep.Field(LPD, [6.0])})
    assert not study.check().ok
    with pytest.raises(
        ep.CheckError, match=r"(?s)2 problems; nothing was queued.*no model nowhere.idf.*no weather file"
    ) as error:
        study.run()
    assert error.value.check.problems == study.check().problems
    with pytest.raises(ep.CheckError):
        study.run(check=False)


def test_every_wrong_target_and_level_in_one_error() -> None:
    parameters = {
        "a": ep.Field("Lihgts/*/watts_per_floor_area", [6.0]),
        "b": ep.Field("Lights/Kore_ZN_Lights/watts_per_floor_area", [6.0]),
        "c": ep.Field("Lights/*/wats_per_floor_area", [6.0]),
        "d": ep.Field("Lights/*/fraction_radiant", [0.5, 1.5]),
        "e": ep.Field("Lights/*/fraction_visible", ["a lot"]),
    }
    with pytest.raises(ep.CheckError) as error:
        ep.Study("s", quick(), parameters).run()
    said = "\n".join(error.value.check.problems)
    for words in ('"Lights"?', '"Core_ZN_Lights"', '"watts_per_floor_area"?', "level 1.5", "level 'a lot'"):
        assert words in said
    assert len(error.value.check.problems) == 5


def test_a_model_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "old.idf"
    path.write_bytes(OFFICE.read_bytes().replace(b"25.2", b"9.2", 1))
    assert b"9.2" in path.read_bytes()
    study = ep.Study("s", ep.EnergyPlus(path, weather=CHICAGO), {"lpd": ep.Field(LPD, [6.0])})
    with pytest.raises(ep.CheckError, match=r"is of EnergyPlus version 9.2, the engine is 25.2.0.*IDFVersionUpdater"):
        study.run()


@pytest.fixture(params=["nobody listens", "nobody answers", "no such host"])
def silent_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A Redis URL at which there is none: a closed port, a port that takes connections and is silent, no host."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        if request.param == "nobody answers":
            server.listen()
        host = "no-such-host.invalid" if request.param == "no such host" else "127.0.0.1"
        yield f"redis://:secret@{host}:{port}/0"


def test_a_redis_that_nobody_answers_at(silent_url: str) -> None:
    study = ep.Study("s", quick(), {"lpd": ep.Field(LPD, [6.0])}, pool=silent_url)
    started = time.monotonic()
    with pytest.raises(ep.PoolError, match=r"no Redis answers at redis://:\*\*\*@.*EPSTUDY_REDIS_URL") as error:
        study.run()
    assert time.monotonic() - started < 5.0
    assert "secret" not in str(error.value)


def test_a_url_that_is_none() -> None:
    with pytest.raises(ep.InputError, match="is no Redis URL"):
        ep.Study("s", quick(), {"lpd": ep.Field(LPD, [6.0])}, pool="localhost:6379").run()
