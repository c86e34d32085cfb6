"""Queued reports: what is asked for, and what came of it. Redis and every worker may vanish; what is here goes on.

    asked/<id>                    there while somebody is to execute the report: the pool that is to
    reports/<id>/request.json     what is asked for
    reports/<id>/cancelled        there when it is not wanted any more
    reports/<id>/end.json         what came of it, with the digests of its files; the first end stays
    reports/<id>/<name>           its files

The notebook, and what goes with it, are inputs by content; the tries are noted as those of a variant are, under `key`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from epstudy.core.canonical import content_digest
from epstudy.core.errors import InputError, StoreError
from epstudy.store.files import Files
from epstudy.store.sealed import seal, unseal

_ASKED, _REPORTS = "asked", "reports"
_REQUEST, _CANCELLED, _END = "request.json", "cancelled", "end.json"
_IDENTITY = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


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

    `files` holds the digests of what it wrote; it is empty when it was cancelled, or never came to its end.
    """

    state: Literal["ended", "cancelled"]
    lines: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    ended_at: str = ""


class Reports:
    """The queued reports of one store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def put(self, request: ReportRequest) -> None:
        """Keep a request, and note that its pool is to execute it."""
        file = _file(request.identity, _REQUEST)
        self._files.replace(file, seal(asdict(request)))
        self._files.settle(file)
        self._files.replace(f"{_ASKED}/{request.identity}", request.pool.encode())
        self._files.settle(f"{_ASKED}/{request.identity}")

    def request(self, identity: str) -> ReportRequest:
        """Return what was asked for.

        Raises
        ------
        InputError
            When there is no such report, and the message lists the last ones; or when its file is damaged.
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
        return ReportRequest(**said)

    def identities(self) -> list[str]:
        """Return the reports of the store, the oldest first."""
        return self._files.folders_with(_REPORTS, _REQUEST)

    def asked(self, pool: str) -> list[str]:
        """Return the reports that this pool is to execute, the oldest first."""
        found = []
        for identity in sorted(filter(_IDENTITY.fullmatch, self._files.names(_ASKED))):
            try:
                if self._files.read(f"{_ASKED}/{identity}") == pool.encode():
                    found.append(identity)
            except FileNotFoundError:
                continue  # it ended just now
        return found

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
        if said is None:
            return None
        return ReportEnd(**{**said, "lines": tuple(said["lines"]), "troubles": tuple(said["troubles"])})

    def put_file(self, identity: str, name: str, content: bytes) -> str:
        """Keep a file of a report; return its digest."""
        self._files.replace(_file(identity, name), content)
        return content_digest(content)

    def file(self, identity: str, name: str, digest: str) -> bytes:
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
        if content_digest(content) != digest:
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
