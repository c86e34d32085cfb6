"""Where an EnergyPlus is looked for, and what is said of a folder that is none; test_installed asks libraries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from epstudy.core.errors import EngineError
from epstudy.engines.energyplus.installation import (
    Installation,
    find_installation,
    find_installations,
    python_path,
    read_build,
    read_installation,
    usual_folders,
)


def test_the_engine_of_this_environment_is_the_wheels() -> None:
    here = find_installation()
    assert here.build == "25.2.0-cf7368216c"
    assert here.version == (25, 2, 0)
    assert here.folder is None
    assert python_path(here) == []
    assert here.expand_objects is not None
    assert here.expand_objects.is_file()
    assert here.idd is None
    assert not here.python_plugins


@pytest.mark.parametrize(
    "text",
    [
        r"25.2.0-cf7368216c\ (No\ OpenGL)",
        "EnergyPlus, Version 25.2.0-cf7368216c (No OpenGL), YMD=2026.11.21 05:40",
        "25.2.0-cf7368216c\n",
    ],
)
def test_an_engine_is_its_version_and_build(text: str) -> None:
    assert read_build(text) == "25.2.0-cf7368216c"


def test_a_text_without_a_version_is_told() -> None:
    with pytest.raises(EngineError, match="calls itself 'EnergyPlus', which holds no version"):
        read_build("EnergyPlus")


@pytest.mark.parametrize(
    ("platform", "parent", "prefix"),
    [
        ("linux", "usr/local", "EnergyPlus-"),
        ("linux", "opt", "EnergyPlus-"),
        ("darwin", "Applications", "EnergyPlus-"),
        ("win32", "", "EnergyPlusV"),
    ],
)
def test_the_usual_folders_come_newest_first(tmp_path: Path, platform: str, parent: str, prefix: str) -> None:
    for version in ("9-6-0", "25-2-0", "24-1-0"):
        (tmp_path / parent / f"{prefix}{version}").mkdir(parents=True)
    (tmp_path / parent / f"{prefix}26-1-0").touch()  # no folder
    (tmp_path / parent / "EnergyPlus-data").mkdir()
    found = usual_folders(tmp_path, platform)
    assert [folder.name for folder in found] == [f"{prefix}{version}" for version in ("25-2-0", "24-1-0", "9-6-0")]


def test_no_usual_folder_is_no_error(tmp_path: Path) -> None:
    assert usual_folders(tmp_path / "nowhere") == []


def test_a_folder_that_is_no_energyplus_says_what_is_missing(tmp_path: Path) -> None:
    library = {"win32": "energyplusapi.dll", "darwin": "libenergyplusapi.dylib"}.get(
        sys.platform, "libenergyplusapi.so"
    )
    with pytest.raises(EngineError, match=f"it has no {library} and no pyenergyplus/api.py; expected the folder of"):
        read_installation(tmp_path)
    (tmp_path / "pyenergyplus").mkdir()
    (tmp_path / "pyenergyplus" / "api.py").touch()
    with pytest.raises(EngineError, match=f"it has no {library}; expected"):
        read_installation(tmp_path)
    with pytest.raises(EngineError, match="nowhere is no EnergyPlus: there is no such folder"):
        read_installation(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["wanted", "environment"])
def test_a_folder_that_was_named_must_be_one(tmp_path: Path, name: str) -> None:
    named = {"wanted": tmp_path} if name == "wanted" else {"environment": {"ENERGYPLUS_DIR": str(tmp_path)}}
    with pytest.raises(EngineError, match="is no EnergyPlus that can be used"):
        find_installations(**named, usual=[])
    with pytest.raises(EngineError, match="is no EnergyPlus that can be used"):
        find_installation(**named)


def test_a_folder_that_was_only_found_is_left_out_when_it_is_none(tmp_path: Path) -> None:
    program = tmp_path / "energyplus"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = find_installations(environment={"PATH": str(tmp_path)}, usual=[tmp_path])
    assert found == [find_installation()]


def test_another_build_or_version_than_those_here_is_told_with_those_here() -> None:
    here = find_installation()
    assert find_installation(here.build).build == find_installation(version=(25, 2)).build == here.build
    said = r"is not here; there is .*25.2.0-cf7368216c \(of the package pyenergyplus-lbnl\).*ENERGYPLUS_DIR"
    with pytest.raises(EngineError, match=f"EnergyPlus 7.2 {said}"):
        find_installation(version=(7, 2))
    with pytest.raises(EngineError, match=f"EnergyPlus 7.2.0-f420c06a69 {said}"):
        find_installation("7.2.0-f420c06a69")


def test_a_process_finds_an_installed_engine_before_any_other(tmp_path: Path) -> None:
    assert python_path(Installation("25.2.0", tmp_path)) == [str(tmp_path)]
