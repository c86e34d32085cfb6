"""Which EnergyPlus are here: installed folders and the library of the wheel `pyenergyplus-lbnl`; and what each is.

No library is ever loaded into this process to ask it: two of them in one process would mix.
"""

from __future__ import annotations

import logging
import mmap
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePath

from epstudy.core.errors import EngineError

_LOG = logging.getLogger(__name__)

_LIBRARY = {"win32": "energyplusapi.dll", "darwin": "libenergyplusapi.dylib"}.get(sys.platform, "libenergyplusapi.so")
_PROGRAM_SUFFIX = ".exe" if sys.platform == "win32" else ""

#: Where installers put it, and how they call it: `EnergyPlus-25-2-0`, on Windows `EnergyPlusV25-2-0`.
_USUAL_PARENTS = {"win32": ("",), "darwin": ("Applications",)}
_USUAL_NAME = re.compile(r"EnergyPlus-?V?(\d+)-(\d+)-(\d+)", re.IGNORECASE)

#: What only a library holds that was built without Python (PluginManager.cc); 25.2 says the first to a PythonPlugin.
_NO_PLUGINS = (b"this build of EnergyPlus is not compiled with Python", b"version of EnergyPlus not linked to Python")

_ASK = (
    "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); "
    "library.energyPlusVersion.restype = ctypes.c_char_p; print(library.energyPlusVersion().decode())"
)
_ASK_LIMIT_S = 600.0  # a busy machine takes its time


@dataclass(frozen=True, slots=True)
class Installation:
    """An EnergyPlus that can be used.

    `build` is its own version string, such as `25.2.0-cf7368216c`. `folder` is where it is installed; None for the
    wheel of this Python environment. `expand_objects` is its program for HVACTemplate objects and `idd` its
    `Energy+.idd`, each None where it has none. `python_plugins` says whether it can run PythonPlugin:Instance.
    """

    build: str
    folder: Path | None = None
    expand_objects: Path | None = None
    idd: Path | None = None
    python_plugins: bool = False

    @property
    def version(self) -> tuple[int, int, int]:
        """Major, minor and patch number of the engine, which are not those of the package that carries it."""
        major, minor, patch = re.split(r"[.-]", self.build)[:3]
        return int(major), int(minor), int(patch)

    def __str__(self) -> str:
        return f"{self.build} ({self.folder or 'of the package pyenergyplus-lbnl'})"


def find_installation(
    build: str | None = None,
    *,
    version: tuple[int, int] | None = None,
    wanted: str | PurePath | None = None,
    environment: Mapping[str, str] | None = None,
) -> Installation:
    """Return the EnergyPlus to use.

    Without arguments it is the one that this Python imports, else the first of `find_installations()`.

    Parameters
    ----------
    build
        The version string that it must have, such as `25.2.0-cf7368216c`.
    version
        The major and minor number that it must have, as a model states them.
    wanted
        The folder of the one to use, and of no other.
    environment
        As for `find_installations`.

    Raises
    ------
    EngineError
        When there is none, or none of this build or version; the message names those that are here.
    """
    if not any((build, version, wanted, environment)):
        imported = _imported()
        if imported is not None:
            return imported
    found = [read_installation(wanted)] if wanted is not None else find_installations(environment=environment)
    for one in found:
        if build in (None, one.build) and version in (None, one.version[:2]):
            return one
    if not found:
        raise EngineError(
            "no EnergyPlus is installed in this Python environment, nor in a folder where one is looked for; "
            'install the engine with: pip install "pyenergyplus-lbnl==25.2.0"'
        )
    asked = build or ".".join(map(str, version or ()))
    raise EngineError(
        f"EnergyPlus {asked} is not here; there is {', '.join(map(str, found))}. Install it, and name its folder with "
        "installation= or ENERGYPLUS_DIR where it is in none of the usual ones"
    )


def find_installations(
    wanted: str | PurePath | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    usual: Iterable[Path] | None = None,
) -> list[Installation]:
    """Return every EnergyPlus of this machine, each once, the one to prefer first.

    Parameters
    ----------
    wanted
        The folder of an installed EnergyPlus, or the path of its `energyplus` program; comes first.
    environment
        Variables: `ENERGYPLUS_DIR` is a folder like `wanted` and comes next, then the `energyplus` on `PATH`.
    usual
        Folders to look at next; None: where the installers of this system put it, the newest first. Last comes the
        one that this Python imports: the wheel.

    Raises
    ------
    EngineError
        When `wanted` or `ENERGYPLUS_DIR` is no EnergyPlus that can be used. Others that cannot be used are left out,
        and why is logged.
    """
    environment = environment or {}
    asked = [folder for folder in (wanted, environment.get("ENERGYPLUS_DIR")) if folder]
    found = [read_installation(folder) for folder in asked]
    on_path = _program_on(environment.get("PATH") or "")
    for folder in [*on_path, *(usual_folders() if usual is None else usual)]:
        try:
            found.append(read_installation(folder))
        except EngineError as error:
            _LOG.info("left out: %s", error)
    imported = _imported()
    if imported is not None:
        found.append(imported)
    return list({one.folder: one for one in found}.values())


def read_installation(path: str | PurePath) -> Installation:
    """Return the EnergyPlus that is installed in the folder `path`, or beside the program `path`.

    Raises
    ------
    EngineError
        When it is none: the message says what was missing, or why its library cannot be loaded.
    """
    given = Path(path).expanduser()
    folder = given.resolve()
    if folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise EngineError(f"{given} is no EnergyPlus: there is no such folder")
    needed = {_LIBRARY: folder / _LIBRARY, "pyenergyplus/api.py": folder / "pyenergyplus" / "api.py"}
    missing = [name for name, file in needed.items() if not file.is_file()]
    if missing:
        raise EngineError(
            f"{given} is no EnergyPlus that can be used: it has no {' and no '.join(missing)}; "
            "expected the folder of an installed EnergyPlus, such as /usr/local/EnergyPlus-25-2-0"
        )
    return _installation(_ask_build(*_state_of(folder / _LIBRARY)), folder, folder)


def python_path(installation: Installation) -> list[str]:
    """Return what goes in front of `sys.path` (or into PYTHONPATH) of a process that is to import this EnergyPlus.

    Nothing for the wheel, which is imported from where it is.
    """
    return [] if installation.folder is None else [str(installation.folder)]


def usual_folders(root: Path | None = None, platform: str = sys.platform) -> list[Path]:
    """Return the folders where the installers of EnergyPlus put it, the newest version first."""
    base = root or Path("C:/" if platform == "win32" else "/")
    found = [
        (tuple(map(int, match.groups())), folder)
        for parent in _USUAL_PARENTS.get(platform, ("usr/local", "opt"))
        for folder in sorted((base / parent).glob("[Ee]nergy[Pp]lus*"))
        if (match := _USUAL_NAME.fullmatch(folder.name)) and folder.is_dir()
    ]
    return [folder for _, folder in sorted(found, key=lambda one: one[0], reverse=True)]


def read_build(text: str) -> str:
    r"""Return version and build of `text`, without the remarks that follow it.

    `25.2.0-cf7368216c\ (No\ OpenGL)` and `EnergyPlus, Version 25.2.0-cf7368216c (No OpenGL)` give
    `25.2.0-cf7368216c`.
    """
    found = re.search(r"\d+\.\d+\.\d+(-[0-9a-f]+)?", text)
    if found is None:
        raise EngineError(f"EnergyPlus calls itself {text!r}, which holds no version such as 25.2.0-cf7368216c")
    return found[0]


def _imported() -> Installation | None:
    """The EnergyPlus whose `pyenergyplus` this Python imports; its text about itself is its own build's."""
    spec = find_spec("pyenergyplus")
    if spec is None or not spec.submodule_search_locations:
        return None
    from pyenergyplus.func import EnergyPlusVersion

    folder = Path(next(iter(spec.submodule_search_locations))).resolve().parent
    is_wheel = not (folder / "Energy+.idd").is_file() and not (folder / f"energyplus{_PROGRAM_SUFFIX}").is_file()
    return _installation(read_build(str(EnergyPlusVersion())), folder, None if is_wheel else folder)


def _installation(build: str, files: Path, folder: Path | None) -> Installation:
    """What is in the folder `files`, which carries the library."""
    expand_objects = files / f"ExpandObjects{_PROGRAM_SUFFIX}"
    idd = files / "Energy+.idd"
    library = files / _LIBRARY
    return Installation(
        build,
        folder,
        expand_objects if expand_objects.is_file() else None,
        idd if idd.is_file() else None,
        library.is_file() and _has_plugins(*_state_of(library)),
    )


def _program_on(path: str) -> Iterator[Path]:
    """The folder of the `energyplus` on PATH; links lead to where it is installed."""
    program = shutil.which("energyplus", path=path) if path else None
    if program is not None:
        yield Path(program).resolve().parent


def _state_of(library: Path) -> tuple[Path, int, int]:
    """The library with what changes when another one is put in its place: a name for what was read of it."""
    state = library.stat()
    return library, state.st_mtime_ns, state.st_size


@lru_cache
def _ask_build(library: Path, _mtime_ns: int, _size: int) -> str:
    """The library's own version string, asked in a process of its own."""
    try:
        said = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _ASK, str(library)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"{library} does not say which EnergyPlus it is within {_ASK_LIMIT_S:g} s") from None
    if said.returncode != 0:
        reason = said.stderr.strip().splitlines()[-1:] or [f"its process ended with code {said.returncode}"]
        raise EngineError(f"{library} cannot be loaded: {reason[0]}")
    return read_build(said.stdout)


@lru_cache
def _has_plugins(library: Path, _mtime_ns: int, _size: int) -> bool:
    """Whether the library was built with Python: without, it holds a sentence that it says instead."""
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return all(content.find(sentence) < 0 for sentence in _NO_PLUGINS)
