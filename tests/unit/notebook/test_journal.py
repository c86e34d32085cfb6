"""A report's kernel notes its studies; nobody else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from epstudy.core.errors import InputError
from epstudy.core.manifest import Manifest
from epstudy.notebook.journal import Noted, note_study, noted_studies
from epstudy.settings import Settings


def manifest(study: str, retries: int = 2) -> Manifest:
    return Manifest(study, "energyplus", {}, (), (), (), {}, retries=retries)


def test_studies_are_noted_in_order_and_the_last_grid_of_a_name_counts(tmp_path: Path) -> None:
    settings = Settings(store="here", report_studies=str(tmp_path / "studies"))
    for one in (manifest("b"), manifest("a"), manifest("b", retries=3)):
        note_study(settings, one)
    found = noted_studies(tmp_path / "studies")
    assert found == [Noted("b", "here", manifest("b", retries=3).digest), Noted("a", "here", manifest("a").digest)]


def test_a_study_that_is_read_and_never_run_is_noted_unless_the_same_grid_is_run(tmp_path: Path) -> None:
    settings = Settings(store="here", report_studies=str(tmp_path / "studies"))
    note_study(settings, manifest("a"), "3 of 9 done")
    note_study(settings, manifest("a"))
    note_study(settings, manifest("a", retries=3))
    note_study(settings, manifest("a"), "3 of 9 done")
    note_study(settings, manifest("b"), "1 of 2 done")
    assert noted_studies(tmp_path / "studies") == [
        Noted("a", "here", manifest("a", retries=3).digest),
        Noted("b", "here", manifest("b").digest, "1 of 2 done"),
    ]


def test_nothing_is_noted_outside_a_report(tmp_path: Path) -> None:
    note_study(Settings(store="here"), manifest("a"))
    assert noted_studies(tmp_path / "studies") == []


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="EPSTUDY_REPORT_STUDIES cannot be written"):
        note_study(Settings(store="here", report_studies=str(tmp_path / "gone" / "studies")), manifest("a"))
