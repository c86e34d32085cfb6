"""The record of a private pool: a file in its store, locked by the keeper for as long as it starts, lives and ends.

Who opens the store finds the pool there, whatever TMPDIR, XDG_RUNTIME_DIR and HOME are, and by whatever path. The lock
(flock) goes with the process that holds it, however that ends: so nobody needs to guess how long a start may take, and
two keepers of one user, host and store cannot be. A copy of a store has the text of the file and not its inode, so it
has a pool of its own. A store that was renamed takes the record along, and not its keeper, which waits in the old place
for the store to come back: that is no pool of the store in its new place.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import pwd
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from epstudy.core.errors import PoolError
from epstudy.processes import is_alive

FOLDER = "pools"

_TEMPORARY = "/tmp"  # noqa: S108 - not TMPDIR, which is another one in some shells and services
_BYTES = 1024  # of a record, filled with blanks: whoever reads meanwhile finds all of one or of the other
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)  # Lustre without -o flock, some FUSE
_NO_FILES = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.ENOENT)


@dataclass(frozen=True, slots=True)
class Noted:
    """What a record says: the keeper's process, its folder, and whether its Redis answers.

    `older` is a keeper of an epstudy that wrote no record; whoever found it noted it. `path` is where the keeper knows
    the record; None of one that did not write it.
    """

    pid: int
    started: float
    folder: Path
    ready: bool
    older: bool = False
    path: Path | None = None

    @property
    def alive(self) -> bool:
        """Whether the keeper runs; its process id may be another's by now."""
        return is_alive(self.pid, self.started)


class Lock:
    """A record that this process has locked."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self.descriptor = descriptor
        self.path = path
        os.set_inheritable(descriptor, False)

    def write(self, noted: Noted) -> None:
        """Write the record, through what is locked and not by its name: that may be another store's by now."""
        said = {
            "pid": noted.pid,
            "started": noted.started,
            "folder": str(noted.folder),
            "ready": noted.ready,
            "older": noted.older,
            "path": str(self.path),
            "inode": os.fstat(self.descriptor).st_ino,
        }
        os.pwrite(self.descriptor, json.dumps(said).encode().ljust(_BYTES), 0)

    def is_in_place(self) -> bool:
        """Whether the file of that name is the one that is locked."""
        try:
            return self.path.stat().st_ino == os.fstat(self.descriptor).st_ino
        except OSError:
            return False

    def remove(self) -> None:
        """Remove the file, which stays locked, and the folder around it when it was the last one."""
        if self.is_in_place():
            with suppress(OSError):
                self.path.unlink()
                self.path.parent.rmdir()

    def close(self) -> None:
        """Give the lock up, unless another process has the same descriptor."""
        os.close(self.descriptor)


def record_paths(store: str) -> list[Path]:
    """Return where the record of this store's pool may be: in the store; where that has no locks, in the user's home.

    The home is the one of the system's list of users, as HOME is another one in some shells and services.
    """
    name = f"{_name_of_host()}-{os.getuid()}{_namespace()}.json"
    digest = hashlib.sha256(store.encode()).hexdigest()[:12]
    beside = [folder / f"{digest}-{name}" for folder in _folders_of_the_user()]
    root = _root(store)
    return beside if root is None else [root / FOLDER / name, *beside]


def find(store: str) -> Noted | None:
    """Return the record of the pool whose keeper lives, and has the store in this place; None when there is none."""
    return next((noted for path, noted in _all_noted(store) if noted.alive and not _is_left(noted, path)), None)


def find_left(store: str) -> Noted | None:
    """Return the record of a pool whose keeper waits where the store was before it was renamed; None when none does."""
    return next((noted for path, noted in _all_noted(store) if noted.alive and _is_left(noted, path)), None)


def find_killed(store: str) -> Noted | None:
    """Return the record of a pool whose keeper was killed: one that ends by itself removes it."""
    return None if find(store) else next((noted for _, noted in _all_noted(store) if not noted.alive), None)


def take_lock(store: str) -> Lock | None:
    """Lock the record of this store's pool; None when somebody holds it: a keeper, or whoever starts one.

    Raises
    ------
    PoolError
        When no place can be locked.
    """
    troubles = []
    for path in record_paths(store):
        try:
            return _lock(path)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in (*_NO_LOCKS, *_NO_FILES):
                raise
            troubles.append(f"{path}: {error.strerror}")
    raise PoolError(f"a private pool needs a file that can be locked; none can be: {'; '.join(troubles)}")


def lock_again(lock: Lock) -> Lock | None:
    """Make and lock a record anew whose file somebody removed; None when another process was quicker."""
    try:
        again = _lock(lock.path)
    except BlockingIOError:
        return None
    lock.close()
    return again


def _lock(path: Path) -> Lock:
    """Lock a file; it may be removed by an ending keeper, so look whether it is still the one."""
    while True:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        lock = Lock(descriptor, path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.is_in_place():
                return lock
        except BaseException:
            lock.close()
            raise
        lock.close()


def _all_noted(store: str) -> list[tuple[Path, Noted]]:
    return [(path, noted) for path in record_paths(store) if (noted := _read(path)) is not None]


def _is_left(noted: Noted, path: Path) -> bool:
    """Whether the record that is at `path` is not where its keeper knows it. What cannot be seen counts as there."""
    if noted.path is None or noted.path == path:
        return False
    root = Path(f"/proc/{noted.pid}/root")  # some services, and containers, have other folders under the same names
    known = Path(f"{root}{noted.path}") if Path("/proc/self").exists() else noted.path
    try:
        return known.stat().st_ino != path.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return noted.alive and path.exists()
    except OSError:
        return False


def _read(path: Path) -> Noted | None:
    """What a record says; None when there is none, it is not written yet, or is the copy of another store's."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.read())
            inode = os.fstat(file.fileno()).st_ino
        noted = Noted(
            int(said["pid"]),
            float(said["started"]),
            Path(said["folder"]),
            bool(said["ready"]),
            bool(said.get("older", False)),
            Path(said["path"]) if "path" in said else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return noted if said.get("inode") == inode else None


def _root(store: str) -> Path | None:
    """The folder of a store; None of one that is none on this machine."""
    for scheme in ("file://", "local://"):
        store = store.removeprefix(scheme)
    return None if "://" in store or "::" in store else Path(store)


def _folders_of_the_user() -> list[Path]:
    try:
        home = [Path(pwd.getpwuid(os.getuid()).pw_dir) / ".local" / "state" / "epstudy" / FOLDER]
    except KeyError:  # a container's user id without an entry in passwd
        home = []
    return [*home, Path(_TEMPORARY) / f"epstudy-{os.getuid()}" / FOLDER]


def _name_of_host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname()) or "localhost"


def _namespace() -> str:
    """Which processes are seen from here, where that is not all of the machine: a container has a pool of its own."""
    try:
        said = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path: "pid:[4026531836]"
    except OSError:
        return ""
    number = "".join(filter(str.isdigit, said))
    return "" if number == "4026531836" else f"-{number}"  # PROC_PID_INIT_INO of linux/proc_ns.h
