"""A model's files: those beside it are taken, those elsewhere from a trusted model only, and none in silence."""

from __future__ import annotations

import os
from pathlib import Path

import idfkit
import pytest

from epstudy.core.canonical import content_digest
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.external import (
    REFERENCES,
    ExternalFiles,
    find_external_files,
    rewrite,
)

HOURS = b"0.5\n" * 8760


def document(*objects: str) -> model.Document:
    return model.load("\n".join(["Version,25.2;", *objects, ""]).encode(), ".idf")


def schedule(path: str, name: str = "S") -> str:
    return f"Schedule:File,{name},,{path},1,0,8760;"


def look(folder: Path, *objects: str, trusted: bool = False) -> ExternalFiles:
    return find_external_files(document(*objects), folder, trusted=trusted)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with two files, and one more beside the folder."""
    made = tmp_path / "model"
    (made / "sub").mkdir(parents=True)
    (made / "s.csv").write_bytes(HOURS)
    (made / "sub" / "t.csv").write_bytes(b"1\n" * 8760)
    (tmp_path / "outside.csv").write_bytes(b"0\n" * 8760)
    return made


@pytest.mark.parametrize(
    ("said", "staged"),
    [
        ("s.csv", "s.csv"),
        ("./s.csv", "s.csv"),
        ("sub/t.csv", "sub/t.csv"),
        (r"sub\t.csv", "sub/t.csv"),  # EnergyPlus reads a backslash as a slash on every system
        ("S.CSV", "S.CSV"),  # it does not find other capitals on Linux: so the file has them in the run's folder
        (r"SUB\T.csv", "SUB/T.csv"),
    ],
)
def test_a_file_beside_the_model_keeps_the_name_that_the_model_has_for_it(folder: Path, said: str, staged: str) -> None:
    found = look(folder, schedule(said))
    content = (folder / staged.casefold()).read_bytes()
    assert found.problems == found.rewrites == []
    assert found.staged == {staged: content_digest(content) + ".csv"}
    assert found.contents == {found.staged[staged]: content}


def test_a_path_that_goes_out_and_in_again_is_rewritten(folder: Path) -> None:
    found = look(folder, schedule("sub/../s.csv"))
    assert list(found.staged) == ["s.csv"]
    assert found.rewrites == [("Schedule:File", "file_name", "sub/../s.csv", "s.csv")]


def test_one_file_that_is_named_twice_is_one(folder: Path) -> None:
    found = look(folder, schedule("s.csv"), schedule("./s.csv", "T"), schedule("S.csv", "U"))
    assert list(found.staged) == ["s.csv"]
    assert len(found.contents) == 1
    assert found.rewrites == [("Schedule:File", "file_name", "S.csv", "s.csv")]


def test_two_files_of_the_same_content_are_stored_once(folder: Path) -> None:
    (folder / "copy.csv").write_bytes(HOURS)
    found = look(folder, schedule("s.csv"), schedule("copy.csv", "T"))
    assert sorted(found.staged) == ["copy.csv", "s.csv"]
    assert len(found.contents) == 1


def outside(folder: Path) -> list[str]:
    return [
        "../outside.csv",
        "sub/../../outside.csv",
        str(folder.parent / "outside.csv"),
        str(folder / "s.csv"),  # an absolute path is another one on a worker
    ]


@pytest.mark.parametrize("index", range(4))
def test_a_file_elsewhere_is_refused_unless_the_model_is_trusted(folder: Path, index: int) -> None:
    said = outside(folder)[index]
    found = look(folder, schedule(said))
    assert found.staged == {}
    assert found.problems == [
        f'Schedule:File "S" refers to "{said}", outside the model\'s folder; put it there and name it from there, '
        "or if you trust the model: ep.EnergyPlus(..., trusted=True)"
    ]


@pytest.mark.parametrize("index", range(4))
def test_a_trusted_models_file_elsewhere_is_named_by_its_content(folder: Path, index: int) -> None:
    said = outside(folder)[index]
    content = (folder / said).read_bytes()
    name = f"external/{content_digest(content)[:12]}/{Path(said).name}"
    found = look(folder, schedule(said), trusted=True)
    assert found.problems == []
    assert found.staged == {name: content_digest(content) + ".csv"}
    assert found.rewrites == [("Schedule:File", "file_name", said, name)]


def test_its_model_says_the_new_name_where_it_said_the_old_one_and_nowhere_else(folder: Path) -> None:
    objects = (schedule(str(folder.parent / "outside.csv")), schedule("s.csv", "T"))
    found = look(folder, *objects, trusted=True)
    read = document(*objects)
    rewrite(read, [list(one) for one in found.rewrites])  # as JSON has them
    written = model.load(model.write(read, ".idf"), ".idf")
    assert [one.file_name for one in written["Schedule:File"]] == sorted(found.staged)
    assert find_external_files(written, folder).problems == [
        f'Schedule:File "S" refers to "{min(found.staged)}", which does not exist: there is no folder '
        f"{folder / 'external'}/{Path(min(found.staged)).parts[1]}"
    ]


def test_the_same_file_elsewhere_has_one_name_on_every_machine(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "outside.csv").write_bytes((folder / "../outside.csv").read_bytes())
    here = look(folder, schedule(str(tmp_path / "outside.csv")), trusted=True)
    there = look(folder, schedule(str(tmp_path / "other" / "outside.csv")), trusted=True)
    assert here.staged == there.staged


def test_a_link_out_of_the_folder_is_no_way_out(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder.parent / "outside.csv")
    (folder / "way").symlink_to(folder.parent)
    for said in ("link.csv", "way/outside.csv"):
        problem = look(folder, schedule(said)).problems[0]
        assert f"a link to {(folder.parent / 'outside.csv').resolve()}, outside the model's folder" in problem
        assert "trusted=True" in problem
        assert list(look(folder, schedule(said), trusted=True).staged) == [said]


def test_a_link_within_the_folder_is_a_file(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder / "s.csv")
    assert list(look(folder, schedule("link.csv")).staged) == ["link.csv"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("t.csv", "which does not exist; its folder has TWO.csv, Two.csv, s.csv"),
        ("sub/s.csv", "which does not exist; its folder has t.csv"),
        ("nowhere/s.csv", "which does not exist: there is no folder "),
        ("s.dat", "which does not exist; its folder has s.csv"),
        ("sub", "which is a folder; expected a file"),
        (".", "which is a folder; expected a file"),
        ("x" * 300, "which cannot be read: File name too long"),
        ("pipe", "which is no plain file"),
        ("two.csv", "which does not exist; its folder has TWO.csv, Two.csv"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_with_what_is_near(folder: Path, said: str, problem: str) -> None:
    os.mkfifo(folder / "pipe")  # would be read for ever
    (folder / "Two.csv").touch()
    (folder / "TWO.csv").touch()  # which of them is meant?
    found = look(folder, schedule(said))
    assert found.staged == {}
    assert len(found.problems) == 1
    assert problem in found.problems[0]


def test_a_path_with_a_drive_is_told_on_a_system_without(folder: Path) -> None:
    found = look(folder, schedule(r"C:\data\s.csv"), schedule(r"\\server\share\s.csv", "T"), trusted=True)
    assert all("a path of Windows, which this machine has not" in problem for problem in found.problems)
    assert len(found.problems) == 2
    assert "trusted=True" in look(folder, schedule(r"C:\data\s.csv")).problems[0]


@pytest.mark.parametrize("said", ["eplusshading.csv", "EplusOut.csv", "in.idf"])
def test_a_file_with_a_name_that_the_run_writes_goes_elsewhere(folder: Path, said: str) -> None:
    """EnergyPlus would write through the link, over the file in the store."""
    (folder / said).write_bytes(HOURS)
    found = look(folder, f"Schedule:File:Shading,{said};")
    (staged,) = found.staged
    assert staged.startswith("external/")
    assert found.rewrites == [("Schedule:File:Shading", "file_name", said, staged)]


def test_a_window_data_file_has_its_usual_name_where_the_model_says_none(folder: Path) -> None:
    (folder / "Window5DataFile.dat").write_bytes(b"data")
    assert list(look(folder, "Construction:WindowDataFile,Double;").staged) == ["Window5DataFile.dat"]
    (folder / "Window5DataFile.dat").unlink()
    assert "which does not exist" in look(folder, "Construction:WindowDataFile,Double;").problems[0]


def test_every_field_of_the_schema_that_names_a_file_is_known() -> None:
    schema = idfkit.get_schema((25, 2, 0))
    named = set()
    for object_class in schema.object_types:
        for name in schema.get_all_field_names(object_class):
            said = schema.get_field_schema(object_class, name) or {}
            is_text = said.get("type") == "string" and not said.get("enum")
            if is_text and not schema.is_reference_field(object_class, name) and "file_name" in name:
                named.add((object_class, name))
    named -= {("Parametric:FileNameSuffix", "suffix_for_file_name_in_run")}  # an output, of another program
    assert named <= set(REFERENCES)
    assert set(REFERENCES) - named == {("PythonPlugin:Instance", "python_module_name")}


PLUGIN = ("PythonPlugin:Instance,Mine,Yes,mine,Mine;",)
SOURCE = "import numpy\nimport helper\nfrom parts.one import f\nfrom pyenergyplus.plugin import EnergyPlusPlugin\n"


@pytest.fixture
def plugin(folder: Path) -> Path:
    (folder / "mine.py").write_text(SOURCE)
    (folder / "helper.py").write_text("from . import nothing\nimport deeper\n")
    (folder / "deeper.py").write_text("import mine\n")
    (folder / "unrelated.py").write_text("this is not Python")
    (folder / "parts" / "inner").mkdir(parents=True)
    for name in ("__init__.py", "one.py", "inner/__init__.py", "inner/two.py"):
        (folder / "parts" / name).write_text("from .inner import two\n")
    return folder


def test_a_plugin_brings_along_what_it_imports_from_its_folder(plugin: Path) -> None:
    found = look(plugin, *PLUGIN, trusted=True)
    assert found.problems == found.rewrites == []
    assert sorted(found.staged) == [
        "deeper.py",
        "helper.py",
        "mine.py",
        "parts/__init__.py",
        "parts/inner/__init__.py",
        "parts/inner/two.py",
        "parts/one.py",
    ]
    before = found.staged["deeper.py"]
    (plugin / "deeper.py").write_text("import mine\nanswer = 42\n")
    assert look(plugin, *PLUGIN, trusted=True).staged["deeper.py"] != before


def test_a_plugin_of_a_search_path_is_found_in_the_runs_folder(plugin: Path) -> None:
    (plugin / "mine.py").rename(plugin.parent / "mine.py")
    paths = f"PythonPlugin:SearchPaths,Paths,No,No,No,/opt/packages,{plugin.parent};"
    found = look(plugin, *PLUGIN, paths, trusted=True)
    assert {"mine.py", "helper.py"} <= set(found.staged)
    read = document(*PLUGIN, paths)
    rewrite(read, found.rewrites)
    (search,) = model.load(model.write(read, ".idf"), ".idf")["PythonPlugin:SearchPaths"]
    assert [item["search_path"] for item in search.data["py_search_paths"]] == ["/opt/packages", "."]
    assert search.add_current_working_directory_to_search_path == "Yes"


def test_code_is_taken_from_a_trusted_model_only(plugin: Path) -> None:
    (plugin / "box.fmu").write_bytes(b"a binary")
    models = [PLUGIN, ("ExternalInterface:FunctionalMockupUnitImport,box.fmu,15,0;",)]
    for objects, name in zip(models, ("mine", "box.fmu"), strict=True):
        found = look(plugin, *objects)
        assert found.staged == {}
        assert f'"{name}", code that the workers would run; if you trust the model' in found.problems[0]
        assert look(plugin, *objects, trusted=True).problems == []


def test_a_plugin_that_is_not_there_or_is_no_python(plugin: Path) -> None:
    (plugin / "helper.py").write_text("def (")
    problem = look(plugin, *PLUGIN, trusted=True).problems[0]
    assert "which cannot be read as Python: invalid syntax (helper.py, line 1)" in problem
    (plugin / "mine.py").unlink()
    assert f"there is no mine.py in {plugin}" in look(plugin, *PLUGIN, trusted=True).problems[0]


def test_an_fmu_keeps_one_name_wherever_the_model_names_it(folder: Path) -> None:
    fmu = folder.parent / "box.fmu"
    fmu.write_bytes(b"a binary")
    objects = (
        f"ExternalInterface:FunctionalMockupUnitImport,{fmu},15,0;",
        f"ExternalInterface:FunctionalMockupUnitImport:From:Variable,Environment,Site Wind Speed,{fmu},Box1,wind;",
    )
    found = look(folder, *objects, trusted=True)
    read = document(*objects)
    rewrite(read, found.rewrites)
    (staged,) = found.staged
    said = [one.fmu_file_name for name in read if name.startswith("ExternalInterface") for one in read[name]]
    assert said == [staged, staged]


def test_a_co_simulation_partner_is_nothing_that_a_study_has(folder: Path) -> None:
    found = look(folder, "ExternalInterface,PtolemyServer;", trusted=True)
    assert "would wait for a co-simulation partner" in found.problems[0]


def test_lines_of_the_macro_language_are_told(folder: Path) -> None:
    found = look(folder, "##include walls.inc", "  ##set1 x[] 3", "! ##include old.inc")
    assert found.problems == [
        'the model has the line "##include walls.inc" and 1 more such lines of EPMacro, which EnergyPlus does not '
        "read; run EPMacro first, and give the IDF that it writes"
    ]
