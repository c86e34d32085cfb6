"""The checker and `verify()` fail when they should: a study that ended well is doctored, in one way at a time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from shortengine import MARKER, TRACE, name_of

import epstudy as ep
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Attempt
from epstudy.store import DamagedFileWarning, Store, Wanted
from tests.faults import checker
from tests.faults.checker import Found, examine, read_verified
from tests.faults.pools import GroupPool
from tests.faults.studies import mixed
from tests.support.offices import until

NAME = "whole"
BEHAVIOURS = {"good": 4, "wrong": 1, "segfault": 1}
WRONG = 4  # the index of the variant that is wrong
_FOLDERS = ("results", "attempts", "parts", "wanted", "studies")


@dataclass(frozen=True)
class Patient:
    """A study that has ended, and its pool."""

    study: ep.Study
    pool: GroupPool
    store: Store
    manifest: Manifest

    def file(self, end: str = "json", index: int = 0) -> Path:
        """The path of a file under the key of a variant."""
        key = self.manifest.keys[index]
        return self.pool.store / "results" / key[:2] / f"{key}.{end}"

    def rewrite(self, said: dict[str, Any], end: str = "json") -> None:
        """Write JSON behind a digest that is right, as an outcome of variant 0."""
        text = json.dumps(said).encode()
        self.file(end).write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text + b"\n")

    def read(self, index: int = 0, end: str = "json") -> dict[str, Any]:
        said = read_verified(self.file(end, index))
        assert said is not None
        return said

    def note_start(self, index: int) -> None:
        """Write into the log that a variant was started once more."""
        with self.pool.log.open("a") as log:
            log.write(f"{name_of(self.manifest.edits(index))} 1 1.0\n")


Doctor = Callable[[Patient], None]


def name_of_doctor(given: object) -> str | None:
    """The name of a case: that of what is done to the patient."""
    return getattr(given, "__name__", "")


@pytest.fixture
def patient(group: GroupPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    """The module's one study, which ended well; what a test did to it is undone."""
    group.log = group.folder / "starts"  # one for the whole module: the study is simulated once
    study = mixed(group, NAME, BEHAVIOURS, 0.05, keep=("trace",)).run().wait()
    until(lambda: not list(group.store.glob("wanted/*")), 10)
    for folder in _FOLDERS:
        (group.store / folder).mkdir(exist_ok=True)
        shutil.copytree(group.store / folder, tmp_path / folder)
    log = group.log.read_text()
    monkeypatch.setattr(checker, "LEFT_S", 0.5)  # nothing is on its way out
    store = Store(str(group.store))
    yield Patient(study, group, store, store.manifest(NAME))
    for folder in _FOLDERS:
        shutil.rmtree(group.store / folder)
        shutil.copytree(tmp_path / folder, group.store / folder)
    group.log.write_text(log)
    redis = group.redis()
    redis.delete("foreign", *redis.keys("ep:s:*"), *redis.keys("ep:l*"))  # type: ignore[misc]


def look(patient: Patient) -> Found:
    """What the checker finds; that a damaged file is warned of is not its matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFileWarning)
        return examine(patient.study, patient.pool)


def codes(found: Found) -> set[str]:
    """The invariants that are broken."""
    return {problem.partition(":")[0] for problem in found.problems}


def test_a_study_that_ended_well_has_no_problems(patient: Patient) -> None:
    found = look(patient)
    assert found.problems == []
    assert (found.variants, found.simulations, found.lost, found.doubled, found.repeated) == (6, 7, 0, 0, 1)
    assert patient.study.verify().ok


# I1, I2, I5: ends and results -----------------------------------------------------------------------------------------


def remove_result(patient: Patient) -> None:
    patient.file().unlink()


def change_answer(patient: Patient) -> None:
    patient.rewrite({**patient.read(), "metrics": {"answer": 12345.0}})


def truncate_result(patient: Patient) -> None:
    os.truncate(patient.file(), patient.file().stat().st_size // 2)


def add_failure(patient: Patient) -> None:
    patient.rewrite({**patient.read(WRONG, "failed.json"), "key": patient.manifest.keys[0]}, "failed.json")


def fail_instead(patient: Patient) -> None:
    add_failure(patient)
    patient.file().unlink()


def remove_trace(patient: Patient) -> None:
    patient.file(TRACE).unlink()


@pytest.mark.parametrize(
    ("doctor", "said", "broken", "lost"),
    [
        (remove_result, "I1: variant 0 (good) has no end", {"I1", "I5", "I6", "verify()"}, 1),
        (change_answer, "I2: variant 0 has {'answer': 12345.0}, expected 1.0", {"I2"}, 1),
        (truncate_result, "I2: KEY.json is damaged", {"I1", "I2", "I5", "I6", "verify()"}, 2),
        (add_failure, "I1: KEY has a result and a failure", {"I1"}, 0),
        (fail_instead, "I1: variant 0 (good) is failed (simulation: the model is wrong)", {"I1", "I6", "verify()"}, 1),
        (remove_trace, "I1: 1 results have no trace.txt", {"I1", "I5", "I6", "verify()"}, 1),
    ],
    ids=name_of_doctor,
)
def test_a_wrong_store_is_found(patient: Patient, doctor: Doctor, said: str, broken: set[str], lost: int) -> None:
    key = patient.manifest.keys[0]
    doctor(patient)
    found = look(patient)
    assert said in "\n".join(found.problems).replace(key, "KEY").replace(key[:12], "KEY")
    assert codes(found) == broken
    assert found.lost == lost


def test_a_study_that_is_simulated_again_is_found(patient: Patient) -> None:
    remove_result(patient)
    found = look(patient)
    assert "I5: running the study again started 1 simulations" in found.problems
    assert found.doubled == 1


# I3: how often --------------------------------------------------------------------------------------------------------


def test_a_good_variant_that_was_simulated_twice_is_found(patient: Patient) -> None:
    patient.note_start(0)
    found = look(patient)
    assert [problem[:44] for problem in found.problems] == ["I3: 8 simulations, allowed are 7 and 0 for w"]
    assert found.doubled == 1


def test_a_wrong_variant_that_was_simulated_twice_is_found(patient: Patient) -> None:
    patient.note_start(WRONG)
    found = look(patient)
    assert f"I3: variant {WRONG} (wrong) was simulated 2 times" in found.problems
    assert codes(found) == {"I3"}


@pytest.mark.parametrize(("exposed", "broken"), [(2, set()), (1, {"I3"})])
def test_what_was_killed_may_be_simulated_once_more_and_no_oftener(
    patient: Patient, exposed: int, broken: set[str]
) -> None:
    patient.pool.exposed = exposed
    patient.note_start(0)
    patient.note_start(1)
    assert codes(look(patient)) == broken


# I4: what is left -----------------------------------------------------------------------------------------------------


@contextmanager
def a_lease(patient: Patient) -> Iterator[None]:
    patient.pool.redis().set(f"ep:lease:{patient.manifest.keys[0]}", "somebody")
    yield


@contextmanager
def an_attempt(patient: Patient) -> Iterator[None]:
    patient.store.begin_attempt(patient.manifest.keys[0], Attempt("somebody", ""))
    yield


@contextmanager
def a_part_of_a_dead_process(patient: Patient) -> Iterator[None]:
    """One that no worker here can know dead, so that none removes it for a day."""
    (patient.pool.store / "parts" / "elsewhere-1-0.part").touch()
    yield


@contextmanager
def a_part_among_the_results(patient: Patient) -> Iterator[None]:
    patient.file("part").touch()
    yield


@contextmanager
def a_run_folder(patient: Patient) -> Iterator[None]:
    folder = patient.pool.scratch / "nobodys" / "runs" / "1-abc"
    folder.mkdir(parents=True)
    yield
    shutil.rmtree(folder.parents[1])


@contextmanager
def a_wanted_study(patient: Patient) -> Iterator[None]:
    patient.store.want("another", Wanted("another pool"))
    yield


@contextmanager
def a_stray_simulation(patient: Patient) -> Iterator[None]:
    environment = {**os.environ, "EPSTUDY_STORE": str(patient.pool.store), MARKER: "stray"}
    with subprocess.Popen(["sleep", "60"], env=environment) as stray:
        until(patient.pool.simulations, 5)
        yield
        stray.kill()


@pytest.mark.parametrize(
    ("leave", "what"),
    [
        (a_lease, "lease"),
        (an_attempt, "count of attempts beside an end"),
        (a_part_of_a_dead_process, "part of a file"),
        (a_part_among_the_results, "part of a file"),
        (a_run_folder, "run folder"),
        (a_wanted_study, "note that a study is wanted"),
        (a_stray_simulation, "simulation"),
    ],
    ids=name_of_doctor,
)
def test_what_is_left_is_found(
    patient: Patient, leave: Callable[[Patient], AbstractContextManager[None]], what: str
) -> None:
    with leave(patient):
        found = look(patient)
    assert [problem.rpartition(": ")[0] for problem in found.problems] == [f"I4: left is a {what}"]


# I6: what is shown ----------------------------------------------------------------------------------------------------


def change_mark(patient: Patient) -> None:
    redis = patient.pool.redis()
    redis.setrange(f"ep:s:{NAME}:states", 0, "f")
    change_counts(patient)


def change_counts(patient: Patient) -> None:
    redis = patient.pool.redis()
    assert redis.hincrby(f"ep:s:{NAME}:counts", "h", -1) == 3
    assert redis.hincrby(f"ep:s:{NAME}:counts", "f", 1) == 3


def reopen_variant(patient: Patient) -> None:
    redis = patient.pool.redis()
    redis.setrange(f"ep:s:{NAME}:states", 0, "r")
    redis.hincrby(f"ep:s:{NAME}:counts", "h", -1)
    redis.hincrby(f"ep:s:{NAME}:counts", "r", 1)


@pytest.mark.parametrize(
    ("doctor", "broken"),
    [(change_mark, {"I6", "verify()"}), (change_counts, {"I6"}), (reopen_variant, {"I6"})],
    ids=name_of_doctor,
)
def test_a_ledger_that_shows_something_else_is_found(patient: Patient, doctor: Doctor, broken: set[str]) -> None:
    doctor(patient)
    found = look(patient)
    assert found.problems[0].startswith("I6: progress says ")
    assert codes(found) == broken


# I7: memory -----------------------------------------------------------------------------------------------------------


def test_a_redis_that_takes_too_much_memory_is_found(patient: Patient) -> None:
    patient.pool.redis().setrange("foreign", int(checker.REDIS_BYTES), "x")
    assert [problem[:15] for problem in look(patient).problems] == ["I7: Redis takes"]


def test_workers_that_take_too_much_memory_are_found(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "PROCESS_BYTES", 10e6)
    found = look(patient)
    assert codes(found) == {"I7"}
    assert len(found.problems) >= len(patient.pool.workers) * (2 + patient.pool.slots)  # and their simulators


# what the product says itself -----------------------------------------------------------------------------------------


def damage_trace(patient: Patient) -> None:
    patient.file(TRACE).write_text("nonsense")


def damage_manifest(patient: Patient) -> None:
    os.truncate(patient.pool.store / "studies" / NAME / "manifest.json", 100)


def replace_manifest(patient: Patient) -> None:
    other = mixed(patient.pool, "other", {"good": 1}, 0.05).run().wait()
    assert other.verify().ok
    patient.store.put_manifest(replace(patient.store.manifest("other"), study=NAME))


@pytest.mark.parametrize(
    ("doctor", "said"),
    [
        (remove_result, "variant 0 have no end, and nobody works on them; run() goes on"),
        (remove_result, "variant 0: the ledger says done and the store pending; run() mends it"),
        (fail_instead, "variant 0: the ledger says done and the store failed; run() mends it"),
        (truncate_result, "variant 0: FILE.json is damaged and counts as absent; run() makes it again"),
        (damage_trace, "variant 0: FILE.trace.txt is damaged and was removed; run() makes it again"),
        (change_mark, "variant 0: the ledger says failed and the store done; run() mends it"),
        (damage_manifest, f'the manifest of study "{NAME}" in STORE is damaged; run the study again'),
        (replace_manifest, f'the name "{NAME}" stands for another grid by now'),
    ],
    ids=name_of_doctor,
)
def test_verify_says_what_is_wrong(patient: Patient, doctor: Doctor, said: str) -> None:
    doctor(patient)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFileWarning)
        verification = patient.study.verify()
    key = patient.manifest.keys[0]
    problems = "\n".join(verification.problems).replace(f"results/{key[:2]}/{key}", "FILE")
    assert not verification.ok
    assert said in problems.replace(str(patient.pool.store), "STORE")
