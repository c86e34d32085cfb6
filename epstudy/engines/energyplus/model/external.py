"""Files that a model refers to: found, named by content, and put beside the model for its run.

A file within the model's folder keeps the name that the model has for it. One elsewhere, and code that EnergyPlus
would run, is taken only where the model is trusted: whatever is taken goes into the store, for everybody's workers.
"""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from epstudy.core.canonical import content_digest, folded
from epstudy.core.text import near_names
from epstudy.engines.energyplus.model.model import Document, ModelObject, objects_of

_FMU = ("ExternalInterface:FunctionalMockupUnitImport", "fmu_file_name")
_PLUGIN = ("PythonPlugin:Instance", "python_module_name")
_SEARCH = "PythonPlugin:SearchPaths"
_PATHS = "py_search_paths"
_WINDOW = ("Construction:WindowDataFile", "file_name")

#: Class and field of every reference to a file: all fields of the 25.2 schema that are a text, no name of another
#: object, and called file or path; and the modules of plug-ins. Its Input Output Reference names no others.
REFERENCES = (
    ("Schedule:File", "file_name"),
    ("Schedule:File:Shading", "file_name"),
    _WINDOW,
    ("Table:Lookup", "external_file_name"),
    ("Table:IndependentVariable", "external_file_name"),
    ("Coil:DX:ASHRAE205:Performance", "representation_file_name"),
    ("Chiller:Electric:ASHRAE205", "representation_file_name"),
    _FMU,
    _PLUGIN,
)

#: Classes that name an FMU again, as the import of it does.
_FMU_USERS = tuple(f"{_FMU[0]}:{kind}" for kind in ("From:Variable", "To:Schedule", "To:Actuator", "To:Variable"))

#: Beginnings of the names that a run writes in its own folder. A file of such a name goes elsewhere in it: EnergyPlus
#: would write over it, as over an `eplusshading.csv` of an earlier run.
_TAKEN = ("eplus", "in.", "console.", "sqlite.", "expanded", "readvars.")

#: The file that EnergyPlus reads where Construction:WindowDataFile names none (Input Output Reference 25.2).
_WINDOW_DATA = "Window5DataFile.dat"

_WINDOWS = sys.platform == "win32"
_MACRO = re.compile(r"^[ \t]*(##\w+[^\r\n]*)", re.MULTILINE)
_TRUST = "if you trust the model: ep.EnergyPlus(..., trusted=True)"

Rewrite = tuple[str, str, str, str]


@dataclass(slots=True)
class ExternalFiles:
    """The external files of a model.

    `staged` maps the path of a file in the folder of a run, with forward slashes, to its name in the store, and
    `contents` that name to what is in it. `rewrites` say where the model must name a file otherwise than it does, as
    (class, field, what it says, what it must say); see `rewrite`. `problems` are for the user.
    """

    staged: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    rewrites: list[Rewrite] = field(default_factory=list)

    def keep(self, name: str, content: bytes, suffix: str) -> None:
        """Stage `content` under the name `name` of a run's folder."""
        stored = content_digest(content) + suffix
        self.staged[name] = stored
        self.contents[stored] = content

    def say(self, old: str, new: str, *places: tuple[str, str]) -> None:
        """Have the model say `new` where it says `old`."""
        for object_class, name in places:
            if old != new and (object_class, name, old, new) not in self.rewrites:
                self.rewrites.append((object_class, name, old, new))


def find_external_files(document: Document, folder: Path, trusted: bool = False) -> ExternalFiles:
    """Read every file that the model in `folder` refers to.

    What is missing is a problem. So is, unless the model is `trusted`, what is outside its folder (by an absolute
    path, by `..`, by a link) and what EnergyPlus would run: FMUs and Python plug-ins. Of a plug-in are taken its
    module and what that imports, directly or not, from the same folders; no data file that it may open.
    """
    found = ExternalFiles(problems=_macros(document))
    for object_class, name in REFERENCES:
        for one in objects_of(document, object_class):
            said = str(getattr(one, name, None) or "").strip()
            if not said and (object_class, name) == _WINDOW:
                said = _WINDOW_DATA
            if not said:
                continue
            who = f'{object_class} "{one.name}" refers to "{said}"' if one.name else f'{object_class} names "{said}"'
            if object_class in (_FMU[0], _PLUGIN[0]) and not trusted:
                found.problems.append(f"{who}, code that the workers would run; {_TRUST}")
            elif object_class == _PLUGIN[0]:
                _stage_plugin(found, document, folder, said, who)
            else:
                users = [(user, "fmu_file_name") for user in _FMU_USERS] if object_class == _FMU[0] else []
                _stage(found, folder, said, who, trusted, [(object_class, name), *users])
    found.problems += _partners(document)
    return found


def rewrite(document: Document, rewrites: Iterable[Iterable[str]]) -> None:
    """Have the model name its files as the folder of a run has them, in place; see `ExternalFiles.rewrites`."""
    for object_class, name, old, new in rewrites:
        same = folded if object_class in _FMU_USERS else str  # these name objects, which have no capitals
        for one in objects_of(document, object_class):
            if name == _PATHS:
                setattr(one, name, [{"search_path": new if path == old else path} for path in _search_paths(one)])
            elif same(str(getattr(one, name, None) or "").strip()) == same(old):
                setattr(one, name, new)


def _stage(
    found: ExternalFiles, folder: Path, said: str, who: str, trusted: bool, places: list[tuple[str, str]]
) -> None:
    """Stage one file, or say why not."""
    plain = said.replace("\\", "/")
    name = posixpath.normpath(plain)
    away = PurePosixPath(plain).is_absolute() or bool(PureWindowsPath(said).drive) or name.split("/")[0] == ".."
    if away and not trusted:
        found.problems.append(f"{who}, outside the model's folder; put it there and name it from there, or {_TRUST}")
        return
    try:
        path = _on_disk(folder, plain)
        problem = _elsewhere(said) or _unfit(path, folder, away or trusted)
        content = b"" if problem else path.read_bytes()
    except (OSError, ValueError) as error:
        problem = f"which cannot be read: {getattr(error, 'strerror', None) or error}"
    if problem:
        found.problems.append(f"{who}, {problem}")
        return
    if away or name.casefold().startswith(_TAKEN):
        name = f"external/{content_digest(content)[:12]}/{path.name}"
    known = {staged.casefold(): staged for staged in found.staged}
    twice = known.get(name.casefold(), name)  # no folder of every system holds both S.csv and s.csv
    if found.contents.get(found.staged.get(twice, "")) == content:
        name = twice
    found.keep(name, content, path.suffix)
    if name != str(PurePosixPath(plain)):
        found.say(said, name, *places)


def _on_disk(folder: Path, plain: str) -> Path:
    """The file, also where it is written with other capitals: many a model comes from a system that does not care."""
    path = folder
    for part in PurePosixPath(plain).parts:
        if not (path / part).exists() and path.is_dir():
            same = [one.name for one in path.iterdir() if one.name.casefold() == part.casefold()]
            part = same[0] if len(same) == 1 else part
        path = path / part
    return path


def _elsewhere(said: str) -> str:
    """Why a path with a drive cannot be read where there are none."""
    return "a path of Windows, which this machine has not" if PureWindowsPath(said).drive and not _WINDOWS else ""


def _unfit(path: Path, folder: Path, anywhere: bool) -> str:
    """Why a file must not be taken; nothing when it may."""
    if path.is_dir():
        return "which is a folder; expected a file"
    if not path.exists():
        return "which does not exist" + _near(path)
    if not path.is_file():
        return "which is no plain file"
    if not anywhere and not path.resolve().is_relative_to(folder.resolve()):
        return f"a link to {path.resolve()}, outside the model's folder; put the file itself there, or {_TRUST}"
    return ""


def _near(path: Path) -> str:
    """'; its folder has …' with the files that may be meant."""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    names = sorted(one.name for one in path.parent.iterdir() if one.is_file())
    near = sorted(near_names(path.name, names, count=3))
    near = near or [name for name in names if Path(name).suffix.casefold() == path.suffix.casefold()]
    near = near or [name for name in names if Path(name).stem.casefold() == path.stem.casefold()]
    return f"; its folder has {', '.join(near[:5])}" if near else ""


def _stage_plugin(found: ExternalFiles, document: Document, folder: Path, module: str, who: str) -> None:
    """Stage the module of a plug-in, and what it imports from the folders where EnergyPlus would look."""
    paths = [path for one in objects_of(document, _SEARCH) for path in _search_paths(one)]
    folders = {".": folder, **{path: folder / path.replace("\\", "/") for path in paths}}
    try:
        files = dict(_imported(module.split(".")[0], folders))
    except (SyntaxError, ValueError, OSError) as error:
        found.problems.append(f"{who}, which cannot be read as Python: {error}")
        return
    if not files:
        looked = ", ".join(map(str, folders.values()))
        found.problems.append(f"{who}, and there is no {module.split('.')[0]}.py in {looked}")
        return
    for name, (content, path) in files.items():
        found.keep(name, content, ".py")
        found.say(path, ".", (_SEARCH, _PATHS))  # what is staged is used, not what a worker has there
    for one in objects_of(document, _SEARCH):
        said = str(one.add_current_working_directory_to_search_path or "Yes")
        if said.casefold() == "no":
            found.say(said, "Yes", (_SEARCH, "add_current_working_directory_to_search_path"))


def _search_paths(one: ModelObject) -> list[str]:
    return [str(item["search_path"]) for item in one.data.get(_PATHS, ()) if item.get("search_path")]


def _imported(module: str, folders: dict[str, Path]) -> Iterator[tuple[str, tuple[bytes, str]]]:
    """Name in the run's folder, content and search path of every Python file that a module brings along.

    What is in none of the folders is the standard library's, or a package of the engine's Python.
    """
    waiting, seen = [module], {"pyenergyplus"}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for path, folder in folders.items():
            package = folder / name
            files = sorted(package.rglob("*.py")) if (package / "__init__.py").is_file() else []
            files = files or [file for file in (folder / f"{name}.py",) if file.is_file()]
            for file in files:
                content = file.read_bytes()
                yield file.relative_to(folder).as_posix(), (content, path)
                waiting += _imports(ast.parse(content, file.name))
            if files:
                break


def _imports(tree: ast.Module) -> Iterator[str]:
    """The first part of every name that is imported absolutely."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _partners(document: Document) -> list[str]:
    """Problems of a model that would wait for another program to simulate with."""
    kinds = [str(one.name_of_external_interface or "") for one in objects_of(document, "ExternalInterface")]
    return [
        f'ExternalInterface says "{kind}": EnergyPlus would wait for a co-simulation partner, and a study has none'
        for kind in kinds
        if kind.casefold() != "functionalmockupunitimport"
    ]


def _macros(document: Document) -> list[str]:
    """Problems of lines that are for the program EPMacro."""
    text = getattr(document, "raw_text", None) or ""
    lines = [line.strip() for line in _MACRO.findall(text)]
    more = f" and {len(lines) - 1} more such lines" if len(lines) > 1 else ""
    said = f'has the line "{lines[0]}"{more} of EPMacro, which EnergyPlus does not read' if lines else ""
    return [f"the model {said}; run EPMacro first, and give the IDF that it writes"] if said else []
