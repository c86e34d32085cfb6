"""What cannot be made fails under its own label, and a model that EnergyPlus refuses at once is told by check()."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

import epstudy as ep
from epstudy.pool.acceptance import _TRIED
from epstudy.store import Store
from tests.support.offices import CHICAGO, LPD, OFFICE, quick

BASE = OFFICE.read_text(encoding="latin-1")


def opens(model: Any, value: float) -> None:
    with open("/nowhere/levels.csv") as file:  # noqa: PTH123
        model["Lights"][0].watts_per_floor_area = float(file.read()) * value


def test_a_measure_that_opens_a_file_was_the_untouched_model_with_check_false(store: str, tmp_path: Path) -> None:
    parameters: dict[str, Any] = {
        "measure": ep.Measure(opens, [1.0, None]),
        "city": ep.Weather({"here": CHICAGO, "gone": tmp_path / "nowhere.epw"}),
    }
    study = ep.Study("refused", quick(), parameters, baseline=True)
    with pytest.raises(ep.CheckError) as error:
        study.run()
    study.run(check=False).wait(timeout=120)
    results = study.results()
    done = results["status"] == "done"
    assert done.sum() == 2
    assert set(results[done]["city"].dropna()) == {"here"}
    assert results[done]["measure"].isna().all(), "the level that leaves the model as it is, and the baseline"
    failures = study.failures()
    assert len(failures) == 3
    assert set(failures["cause"]) == {"input"}
    assert set(failures["attempts"]) == {0}, "none was simulated"
    assert set(failures["message"]) == set(error.value.check.problems)
    assert study.estimate().to_run == 0
    refused = int(failures.index[0])
    assert "cannot be made" in " ".join(study.why(refused).index)
    with pytest.raises(ep.InputError, match=r"cannot be made: parameter"):
        study.export(refused, tmp_path / "row")
    assert not (tmp_path / "row").exists()
    again = ep.Study.open("refused").retry().wait(timeout=60)
    assert again.progress().failed == 3, "and retry simulates nothing else either"


def changed(folder: Path, old: str, new: str) -> Path:
    assert old in BASE
    path = folder / "model.idf"
    path.write_text(BASE.replace(old, new, 1), encoding="latin-1")
    return path


def engines() -> list[psutil.Process]:
    """The processes of EnergyPlus that this one has started."""
    children = psutil.Process().children()
    return [child for child in children if "epstudy.engines.energyplus.run.process" in child.cmdline()]


def study_of(path: Path, levels: tuple[Any, ...] = (6.0, 7.0), target: str = LPD, **options: Any) -> ep.Study:
    engine = ep.EnergyPlus(path, weather=CHICAGO, period="design-days")
    return ep.Study("tried", engine, {"x": ep.Field(target, levels)}, **options)


@pytest.mark.usefixtures("own_store")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  Building,", "  Building,Second;\n  Building,", "no more than 1"),
        ("  Lights,", "  Lights,Odd,Core_ZN,No such schedule,Watts/Area,,5;\n  Lights,", "NO SUCH SCHEDULE"),
    ],
)
def test_a_model_that_energyplus_refuses_at_once_passed_the_check(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """The second one makes EnergyPlus 25.2 crash."""
    study = study_of(changed(tmp_path, old, new))
    check = study.check()
    assert len(check.problems) == 1
    assert said in check.problems[0]
    assert "the engine refuses the model at once" in check.problems[0]
    with pytest.raises(ep.CheckError, match="nothing was queued"):
        study.run()
    assert not engines(), "what tried it is gone"


@pytest.mark.usefixtures("own_store")
def test_what_the_levels_mend_is_no_problem_and_the_baseline_is_warned_of(tmp_path: Path) -> None:
    target = "Building/*/solar_distribution"
    path = changed(tmp_path, "FullInteriorAndExterior", "NoSuchDistribution")
    mended = ("FullExterior", "MinimalShadowing")
    assert study_of(path, mended, target).check().warnings == ()
    check = study_of(path, mended, target, baseline=True).check()
    assert check.ok
    [said] = [text for text in check.warnings if "refuses" in text]
    assert "refuses the model as it is, and takes the model with x=MinimalShadowing" in said


def test_the_same_files_are_tried_once(own_store: str, tmp_path: Path) -> None:
    path = changed(tmp_path, "  Building,", "  ! tried once\n  Building,")
    Store(own_store).create()
    assert study_of(path).check().ok
    (kept,) = Path(own_store, "tried").iterdir()
    _TRIED.clear()  # as in another kernel
    before = kept.stat().st_mtime_ns
    assert study_of(path, (8.0, 9.0)).check().ok, "other levels, the same model"
    assert [one.stat().st_mtime_ns for one in Path(own_store, "tried").iterdir()] == [before]
    assert not engines()


@pytest.mark.usefixtures("own_store")
def test_a_name_that_energyplus_does_not_list_was_told_only_after_the_run(tmp_path: Path) -> None:
    outputs = [
        ep.Meter("Electricty:Facility"),
        ep.Meter("InteriorLights:Electricity:*"),
        ep.Variable("Zone Mean Air Temprature", "Core_ZN"),
        ep.Variable("Zone Mean Air Temperature"),
    ]
    study = study_of(changed(tmp_path, "  Building,", "  ! listed\n  Building,"), outputs=outputs)
    for _ in range(2):  # the second time from memory
        check = study.check()
        assert check.ok
        meter, variable = check.warnings
        assert 'the model as it is has no meter "electricty:facility"; did you mean "Electricity:Facility"' in meter
        assert 'no variable "zone mean air temprature"; did you mean "Zone Mean Air Temperature"' in variable


def test_trying_a_model_out_makes_no_store(own_store: str, tmp_path: Path) -> None:
    assert study_of(changed(tmp_path, "  Building,", "  ! no store\n  Building,")).check().ok
    assert not Path(own_store).exists()
