"""What a group's pool refuses and where it sends studies: code from notebooks, engines that no worker has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import epstudy as ep
from epstudy.core.contracts import Prepared
from epstudy.core.outcome import State
from epstudy.pool.pool import Pool
from epstudy.settings import Settings
from epstudy.store import Store
from tests.integration.test_compose import Group, running_group
from tests.support.offices import LPD, quick


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with running_group(tmp_path_factory.mktemp("group"), workers=1) as started:
        yield started


@pytest.fixture(autouse=True)
def _notebook(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    group.configure(monkeypatch)


def darken(model: Any, factor: float) -> None:
    for lights in model["Lights"]:
        lights.watts_per_floor_area *= factor


def test_code_from_a_notebook_is_refused_by_the_check_and_by_the_worker() -> None:
    study = ep.Study("code", quick(), {"factor": ep.Measure(darken, [0.5])})
    check = study.check()
    assert not check.ok
    assert "execute no code from notebooks" in str(check)
    with pytest.raises(ep.CheckError):
        study.run()
    study.run(check=False).wait()
    failed = study.failures()
    assert list(failed["cause"]) == ["infrastructure"], "it says nothing about the model: the next run() tries again"
    assert "do not execute code from notebooks" in failed["message"].iloc[0]


def test_a_function_that_is_installed_on_both_sides_runs() -> None:
    study = ep.Study(
        "wwr", quick(), {"wwr": ep.Measure("idfkit.geometry:set_wwr", [0.2, 0.4])}, outputs=ep.ComponentSizes()
    )
    assert study.check().ok
    assert list(study.run().wait().results()["status"]) == ["done", "done"]
    sizes = study.table("ComponentSizes")
    cooling = sizes[sizes["component_class"].str.contains("Coil:Cooling") & (sizes["unit"] == "W")]
    less, more = cooling.groupby("variant")["value"].sum()
    assert more > less


def test_a_notebook_does_not_change_the_slots_of_a_group(group: Group) -> None:
    settings = Settings.load()
    with pytest.raises(ep.InputError, match="epstudy worker --slots"):
        Pool(settings, Store(settings.store)).set_slots(2)


class Elsewhere:
    """The small office as a notebook sees it whose EnergyPlus no worker has."""

    kind = "energyplus"

    def prepare(self, *arguments: Any, **options: Any) -> Prepared:
        return replace(quick().prepare(*arguments, **options), needs="energyplus-9.6.0-f420c06a69")


def test_a_study_goes_only_to_workers_that_have_its_engine() -> None:
    study = ep.Study("elsewhere", Elsewhere(), {"lpd": ep.Field(LPD, [1.21])})
    assert "no worker of this pool has energyplus-9.6.0-f420c06a69" in str(study.check())
    assert "they have energyplus-25.2.0-cf7368216c" in str(study.check())
    study.run(check=False)
    with pytest.raises(TimeoutError):
        study.wait(timeout=4)
    assert list(study.results()["status"]) == [State.PENDING], "it waits for a worker that has it"
    study.cancel()
    other = ep.Study("here", quick(), {"lpd": ep.Field(LPD, [1.22])}).run().wait()
    assert list(other.results()["status"]) == [State.DONE]
