"""The one reader of the environment and of `epstudy.toml`. Nothing is read at import."""

from __future__ import annotations

import contextlib
import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from epstudy.core.contracts import Limits
from epstudy.core.errors import InputError

#: The most simulations at once in one worker.
MOST_SLOTS = 1024

_GB = 10**9
_FILE_GB = 20.0
_UI = ("widgets", "text")

#: Where Linux says how much memory the processes of a container may have: control groups of version 2 and 1.
_CONTAINER_MEMORY = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True, slots=True)
class Settings:
    """Where results go and where variants run.

    Each is an environment variable `EPSTUDY_<NAME>`, or a line of `epstudy.toml` in the working directory, or of the
    user's `epstudy.toml` (`epstudy doctor` says where); the first of these that speaks is followed.
    """

    redis_url: str | None = None
    """The group's Redis, `redis://host:6379/0`; unset: a private pool starts by itself."""
    redis_password_file: str | None = None
    """A file whose first line is the password of `redis_url`, so that it stands in no environment and no notebook."""
    store: str = ""
    """The folder (or fsspec URL) of the store; unset: `epstudy` in the user's data folder."""
    user: str = ""
    """Whose studies these are; unset: the JupyterHub user, else the login name."""
    workers: int | None = None
    """How many variants the private pool, or `epstudy worker`, runs at once; unset: one a physical core."""
    idle_s: float = 600.0
    """How long the private pool outlives its last client and its last variant, in seconds."""
    scratch: str | None = None
    """Where run folders live while they run; unset: the pool's own folder under the system's temporary one."""
    memory_gb: float | None = None
    """The most memory that one simulation may take, in GB; unset: nine tenths of the machine's."""
    file_gb: float | None = None
    """The longest file that one simulation may write, in GB; unset: 20."""
    allow_code: bool | None = None
    """Whether workers of a group's pool execute measures that were written in a notebook; the private pool does."""
    clean_after_days: float | None = None
    """A worker has the store cleaned each day of what was no study's for so many days; unset: nobody does."""
    ui: str | None = None
    """What a notebook shows: "widgets" or "text"; unset: text under papermill, nbconvert and tests, else widgets."""
    energyplus_dir: str | None = None
    """The folder of an installed EnergyPlus, also as `ENERGYPLUS_DIR`; unset: PATH, the usual folders, the wheel's."""
    report_studies: str | None = None
    """The file in which `run()` and `open()` note their study; `epstudy report` sets it for the kernel of a report."""

    @classmethod
    def load(cls, **given: Any) -> Settings:
        """Read the settings; those `given` and not None win over every other source.

        Raises
        ------
        InputError
            When a file or variable holds something that is no setting, or not of its type.
        """
        said: dict[str, Any] = {}
        for path in (user_file(), Path("epstudy.toml")):
            said |= _read_file(path)
        said |= _read_environment(os.environ)
        said |= {name: value for name, value in given.items() if value is not None}
        said["store"] = _absolute_store(str(said.get("store") or default_store()))
        said["user"] = said.get("user") or os.environ.get("JUPYTERHUB_USER") or _login_name()
        return cls(**said)

    def __repr__(self) -> str:
        url = None if self.redis_url is None else mask(self.redis_url)
        return f"Settings(redis_url={url!r}, store={self.store!r}, user={self.user!r}, workers={self.workers!r})"

    def limits(self) -> Limits:
        """Return what one simulation may take of this machine."""
        memory = 0.9 * machine_memory() if self.memory_gb is None else self.memory_gb * _GB
        file = _FILE_GB if self.file_gb is None else self.file_gb
        return Limits(memory_bytes=int(memory), file_bytes=int(file * _GB))

    def limits_in_environment(self) -> dict[str, str]:
        """Return the limits that were set, as environment variables for the processes that simulate."""
        said = {"EPSTUDY_MEMORY_GB": self.memory_gb, "EPSTUDY_FILE_GB": self.file_gb}
        return {name: str(value) for name, value in said.items() if value is not None}

    def chores_in_environment(self) -> dict[str, str]:
        """Return what a pool is to do besides, if that was set, as environment variables for its keeper."""
        return {} if self.clean_after_days is None else {"EPSTUDY_CLEAN_AFTER_DAYS": str(self.clean_after_days)}

    def broker_url(self) -> str | None:
        """Return `redis_url` with the password of `redis_password_file` in it; None for the private pool."""
        if not self.redis_url or not self.redis_password_file:
            return self.redis_url
        try:
            password = Path(self.redis_password_file).read_text(encoding="utf-8").partition("\n")[0].strip()
        except OSError as error:
            raise InputError(f"EPSTUDY_REDIS_PASSWORD_FILE cannot be read: {error}") from error
        parts = urlsplit(self.redis_url)
        user = parts.username or ""
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def surroundings() -> dict[str, str]:
    """Return what says where an EnergyPlus is installed: `ENERGYPLUS_DIR` (or our own setting) and `PATH`."""
    return {"ENERGYPLUS_DIR": Settings.load().energyplus_dir or "", "PATH": os.environ.get("PATH", "")}


def report_environment(studies: Path) -> dict[str, str]:
    """Return what the kernel of a report has besides this environment: it shows text, and notes its studies.

    A relative `EPSTUDY_STORE` is one from here, and stays that where the kernel's working directory is another.
    """
    said = {"EPSTUDY_UI": "text", "EPSTUDY_REPORT_STUDIES": str(studies)}
    store = os.environ.get("EPSTUDY_STORE")
    return {**said, "EPSTUDY_STORE": _absolute_store(store)} if store else said


def machine_memory() -> int:
    """Return the bytes of memory that this machine has, or the container in which this process runs."""
    import psutil

    memory = int(psutil.virtual_memory().total)
    for path in _CONTAINER_MEMORY:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            memory = min(memory, int(path.read_text(encoding="ascii")))
    return memory


def mask(url: str) -> str:
    """Return `url` with its password replaced by `***`, for messages and logs."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def default_store() -> str:
    """Return the folder that holds the studies of a user who configured none."""
    import platformdirs

    return str(Path(platformdirs.user_data_dir("epstudy", appauthor=False)) / "store")


def user_file() -> Path:
    """Return the path of the user's own `epstudy.toml`, which need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("epstudy", appauthor=False)) / "epstudy.toml"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id without an entry in passwd
        return f"uid-{os.getuid()}"


def _absolute_store(store: str) -> str:
    return store if "://" in store or "::" in store else str(Path(store).expanduser().resolve())


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    said = {}
    for field in fields(Settings):
        name = f"EPSTUDY_{field.name.upper()}"
        if environment.get(name):
            said[field.name] = _typed(field.name, environment[name], name)
    if environment.get("ENERGYPLUS_DIR"):
        said.setdefault("energyplus_dir", environment["ENERGYPLUS_DIR"])
    return said


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    known = {field.name for field in fields(Settings)}
    for name in said:
        if name not in known:
            raise InputError(f'{path} sets "{name}", which is no setting; the settings are {", ".join(sorted(known))}')
    return {name: _typed(name, value, f"{path}: {name}") for name, value in said.items()}


def _typed(name: str, value: Any, where: str) -> Any:
    if name == "workers":
        return _number(value, where, int, 1, MOST_SLOTS, f"a whole number from 1 to {MOST_SLOTS}")
    if name == "idle_s":
        return _number(value, where, float, 0.1, 1e9, "a number of seconds from 0.1")
    if name in ("memory_gb", "file_gb"):
        return _number(value, where, float, 1e-6, 1e6, "a number of gigabytes above 0")
    if name == "clean_after_days":
        return _number(value, where, float, 0, 1e6, "a number of days from 0")
    if name == "ui" and value not in _UI:
        raise InputError(f"{where} is {value!r}; expected {' or '.join(_UI)}")
    if name == "allow_code":
        return _flag(value, where)
    if not isinstance(value, str) or "\0" in value:
        raise InputError(f"{where} is {value!r}; expected a text")
    return value


def _flag(value: Any, where: str) -> bool:
    said = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(str(value).casefold())
    if said is None:
        raise InputError(f"{where} is {value!r}; expected true or false")
    return said


def _number(value: Any, where: str, kind: type, least: float, most: float, expected: str) -> Any:
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = None
    if number is None or not least <= number <= most:
        raise InputError(f"{where} is {value!r}; expected {expected}")
    return number
