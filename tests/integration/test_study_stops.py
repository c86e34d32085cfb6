"""A study that goes wrong is found out early: by a probe of its corners, or after some failures of one cause."""

from __future__ import annotations

import pytest

import epstudy as ep
from epstudy.core.outcome import State
from tests.support.offices import LPD, quick

SCHEDULE = "Lights/Core*/schedule_name"


def test_a_study_stops_after_some_failures_of_one_cause(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"NONE-{number}" for number in range(12)]
    one = ep.Study("stops", quick(), {"schedule": ep.Field(SCHEDULE, names)}, stop_after=2)
    one.run(check=False).wait()
    states = list(one.results()["status"])
    assert 2 <= states.count(State.FAILED) <= 4, "two slots may each be at one more"
    assert states.count(State.CANCELLED) == 12 - states.count(State.FAILED)
    assert "stopped after 2 failures of the cause crash (stop_after=2)" in capsys.readouterr().out


def test_retry_goes_on_with_what_was_stopped(store: str) -> None:
    names = ["NONE-A", "NONE-B", *["BLDG_LIGHT_SCH"]]
    parameters = {
        "schedule": ep.Field(SCHEDULE, names),
        "lpd": ep.Field("Lights/Perimeter*/watts_per_floor_area", [3.01, 3.03, 3.05, 3.07]),
    }
    one = ep.Study("goes-on", quick(), parameters, stop_after=1)
    one.run(check=False).wait()
    assert State.CANCELLED in set(one.results()["status"])
    ep.Study("goes-on", quick(), parameters).run(check=False).wait()
    assert list(one.results()["status"]) == [State.FAILED] * 8 + [State.DONE] * 4


def test_a_probe_simulates_the_corners_and_says_what_fails_there(store: str) -> None:
    parameters = {
        "lpd": ep.Field(LPD, [3.02, 4.02, 5.02, 6.02]),
        "radiant": ep.Field("Lights/*/fraction_radiant", [0.1, 0.2, 0.3]),
    }
    good = ep.Study("probed", quick(), parameters)
    assert good.check(probe=True).ok
    assert list(good.results()["status"]).count(State.DONE) == 4
    assert not [name for name in ep.studies().index if name.startswith("probed.")]

    bad = ep.Study("probed-bad", quick(), {"setpoint": ep.Field("Schedule:Compact/HTGSETP_SCH/field_18", [20.5, 60.0])})
    check = bad.check(probe=True)
    assert not check.ok
    assert "probe: setpoint=60" in check.problems[0]


def test_arguments_that_cannot_be() -> None:
    for options in ({"stop_after": 0}, {"stop_after": 1.5}, {"stop_after": True}, {"keep": 3}):
        with pytest.raises(ep.InputError):
            ep.Study("x", quick(), {"lpd": ep.Field(LPD, [1])}, **options)
    problems = (
        ep.Study("x", quick(), {"lpd": ep.Field(LPD, [1])}, keep="sq1", outputs="Electricity:Facility").check().problems
    )
    assert any("sq1" in text and "sql" in text for text in problems)
    assert any("ep.Meter" in text for text in problems)
