"""Queued reports: what is asked for, and what came of it. Redis and every worker may vanish; what is here goes on.

    asked/<id>                    there while somebody is to execute the report: the pool that is to
    reports/<id>/request.json     what is asked for
    reports/<id>/cancelled        there when it is not wanted any more
    reports/<id>/end.json         what came of it, with the digests of its files; the first end stays
    reports/<id>/<digest>.<...>   its files, by content: of two that execute one report none replaces the other's page

The notebook, and what goes with it, are inputs by content; the tries are noted as those of a variant are, under `key`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from epstudy.core.canonical import content_digest
from epstudy.core.errors import InputError, StoreError
from epstudy.core.shape import NUMBER, Kinds, check_items, check_shape
from epstudy.store.checksummed import seal, unseal
from epstudy.store.files import Files

_ASKED, _REPORTS = "asked", "reports"
_REQUEST, _CANCELLED, _END = "request.json", "cancelled", "end.json"
_IDENTITY = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}(-[0-9]{1,9})?")
_OF_AN_END: Mapping[str, Kinds] = {"state": str, "lines": list, "troubles": list, "files": dict, "seconds": NUMBER}
_OF_A_REQUEST: Mapping[str, Kinds] = {
    **dict.fromkeys(("identity", "key", "notebook", "page", "user", "pool", "asked_at"), str),
    **dict.fromkeys(("inputs", "parameters"), dict),
    **dict.fromkeys(("code", "allow_failures"), bool),
}
_FORMAT = 1  # of a request: another epstudy's may ask for what this one does not know


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """A report that somebody is to execute.

    `notebook` is the name of its file, `inputs` the names in the store of it and of the files that are to lie around
    it, by their paths from its folder. `parameters` are values as Python writes them. `page` is where it is wanted,
    `pool` whose it is; `asked_at` is ISO 8601.
    """

    identity: str
    key: str
    notebook: str
    inputs: Mapping[str, str]
    parameters: Mapping[str, str]
    page: str
    code: bool
    allow_failures: bool
    user: str
    pool: str
    asked_at: str


@dataclass(frozen=True, slots=True)
class ReportEnd:
    """What came of a report: `lines` tell of its studies, `troubles` why it is not complete.

    `files` holds what it wrote, by name the file in the store; it is empty when it was cancelled, or never came to its
    end.
    """

    state: Literal["ended", "cancelled"]
    lines: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Reports:
    """The queued reports of one store."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._pools: dict[str, str] = {}

    def put(self, request: ReportRequest) -> bool:
        """Keep a request, and note that its pool is to execute it; False when there is one of its identity already."""
        file = _file(request.identity, _REQUEST)
        if not self._files.create(file, seal({"format": _FORMAT, **asdict(request)})):
            return False
        self._files.settle(file)
        self._files.replace(f"{_ASKED}/{request.identity}", request.pool.encode())
        self._files.settle(f"{_ASKED}/{request.identity}")
        return True

    def request(self, identity: str) -> ReportRequest:
        """Return what was asked for.

        Raises
        ------
        InputError
            When there is no such report, and the message lists the last ones; or when its file is damaged.
        StoreError
            When another version of epstudy queued it.
        """
        try:
            content = self._files.read(_file(identity, _REQUEST))
        except FileNotFoundError:
            names = self.identities()
            known = f"the last ones are {', '.join(names[-5:])}" if names else "it holds none"
            raise InputError(f'no queued report "{identity}" in the store {self._files.url}; {known}') from None
        said = unseal(content)
        if said is None:
            shown = self._files.shown(_file(identity, _REQUEST))
            raise InputError(f"{shown} is damaged; epstudy reports remove {identity}, and queue the report again")
        if said.pop("format", None) != _FORMAT:
            raise StoreError(f"report {identity} was queued by another version of epstudy, which reads it")
        try:
            check_shape(said, _OF_A_REQUEST)
            for name in ("inputs", "parameters"):
                check_items(said[name], str, name)
        except ValueError as error:
            shown = self._files.shown(_file(identity, _REQUEST))
            raise InputError(
                f"{shown} is no request of a report: {error}; epstudy reports remove {identity}, and queue it again"
            ) from error
        return ReportRequest(**{name: said[name] for name in _OF_A_REQUEST})

    def is_there(self, identity: str) -> bool:
        """Say whether there is a request of this identity."""
        return self._files.about(_file(identity, _REQUEST)) is not None

    def identities(self) -> list[str]:
        """Return the reports of the store, the oldest first."""
        return self._files.folders_with(_REPORTS, _REQUEST)

    def asked(self, pool: str) -> list[str]:
        """Return the reports that this pool is to execute, the oldest first. What cannot be read is nobody's."""
        there = sorted(filter(_IDENTITY.fullmatch, self._files.names(_ASKED)))
        self._pools = {identity: self._pools.get(identity) or self._pool(identity) for identity in there}
        return [identity for identity, whose in self._pools.items() if whose == pool]

    def _pool(self, identity: str) -> str:
        try:
            return self._files.read(f"{_ASKED}/{identity}").decode(errors="replace")
        except (FileNotFoundError, StoreError):
            return ""  # it ended just now; or it is another user's

    def is_asked(self, identity: str) -> bool:
        """Say whether somebody is to execute a report, or has just ended it."""
        return self._files.about(f"{_ASKED}/{_checked(identity)}") is not None

    def cancel(self, identity: str) -> None:
        """Note that a report is not wanted any more."""
        self._files.replace(_file(identity, _CANCELLED), b"")

    def is_cancelled(self, identity: str) -> bool:
        """Say whether a report is not wanted any more."""
        return self._files.about(_file(identity, _CANCELLED)) is not None

    def put_end(self, identity: str, end: ReportEnd) -> bool:
        """Keep what came of a report, whose files are there; False when somebody else's end is there already."""
        file = _file(identity, _END)
        first = self._files.create(file, seal(asdict(end)))
        if not first and self.end(identity) is None:
            self._files.replace(file, seal(asdict(end)))  # in the place of a damaged one
        return first

    def end(self, identity: str) -> ReportEnd | None:
        """Return what came of a report; None when it has not ended, or the file is damaged."""
        try:
            said = unseal(self._files.read(_file(identity, _END)))
        except FileNotFoundError:
            return None
        try:
            check_shape(said, _OF_AN_END)
        except ValueError:
            return None
        assert said is not None, "it has a shape"
        if said["state"] not in ("ended", "cancelled") or not {*map(type, said["files"].values())} <= {str}:
            return None
        return ReportEnd(
            said["state"], tuple(said["lines"]), tuple(said["troubles"]), said["files"], float(said["seconds"])
        )

    def put_file(self, identity: str, suffix: str, content: bytes) -> str:
        """Keep a file of a report; return its name."""
        name = content_digest(content) + suffix
        self._files.replace(_file(identity, name), content)
        return name

    def file(self, identity: str, name: str) -> bytes:
        """Return a file of a report.

        Raises
        ------
        StoreError
            When it is not there, or not what was written.
        """
        try:
            content = self._files.read(_file(identity, name))
        except FileNotFoundError:
            content = b""
        if content_digest(content) != name.partition(".")[0]:
            shown = self._files.shown(_file(identity, name))
            raise StoreError(f"{shown} is damaged or gone; queue the report again")
        return content

    def unask(self, identity: str) -> None:
        """Note that nobody is to execute a report."""
        self._files.remove(f"{_ASKED}/{_checked(identity)}")

    def remove(self, identity: str) -> None:
        """Remove a report and all that belongs to it."""
        self.unask(identity)
        folder = f"{_REPORTS}/{_checked(identity)}"
        for name in sorted(self._files.names(folder), key=lambda name: name == _REQUEST):
            self._files.remove(f"{folder}/{name}")
        self._files.remove_folder(folder)


def _file(identity: str, name: str) -> str:
    return f"{_REPORTS}/{_checked(identity)}/{name}"


def _checked(identity: str) -> str:
    if not _IDENTITY.fullmatch(identity):
        raise InputError(f'no queued report is called "{identity}"; expected a name such as 20261128-221530-a1b2c3')
    return identity
