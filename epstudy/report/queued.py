"""The process of a queued report: `python -m epstudy.report.queued PARENT ID FOLDER`, started by a supervisor.

It executes the notebook in a folder of its own and puts what came of it into the store. When it cannot write there it
ends with `NOT_STORED`, and the supervisor tries it again later.
"""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from epstudy.core.errors import EpstudyError, StoreError
from epstudy.report.command import told
from epstudy.report.queue import parameters_of
from epstudy.report.source import read_source
from epstudy.report.writing import write_report
from epstudy.settings import Settings
from epstudy.store import ReportEnd, ReportRequest, Store
from epstudy.workers.processes import die_with_parent
from epstudy.workers.reporting import NOT_STORED

_NO_FILE = "FileNotFoundError"


def main() -> None:
    """Execute the report that the arguments name, until its end is in the store."""
    if len(sys.argv) != 4:
        sys.exit("this is the inner process of `epstudy report --queue`; start that instead")
    die_with_parent(int(sys.argv[1]))
    signal.signal(signal.SIGTERM, _end_in_order)
    store = Store(Settings.load().store)
    try:
        execute_request(store, store.reports.request(sys.argv[2]), Path(sys.argv[3]))
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(NOT_STORED)


def execute_request(store: Store, request: ReportRequest, folder: Path) -> None:
    """Execute a report in `folder`, which is empty but for the log, and put page, notebook and end into the store."""
    work = folder / "work"
    for name, kept in request.inputs.items():
        path = work / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.input_path(kept).read_bytes())
    page = folder / "out" / "page.html"
    page.parent.mkdir()
    try:
        source = read_source(work / request.notebook)
        parameters = parameters_of(request)
        report = write_report(source, page, parameters, log=sys.stderr, code=request.code, scratch=folder)
    except StoreError:
        raise
    except EpstudyError as error:
        store.reports.put_end(request.identity, ReportEnd("ended", troubles=(str(error),), ended_at=_now()))
        return
    contents = {path.name: path.read_bytes() for path in report.files}
    digests = {name: store.reports.put_file(request.identity, name, content) for name, content in contents.items()}
    troubles = report.troubles(allow_failures=request.allow_failures)
    if _NO_FILE in report.error:
        troubles.append("a queued report has its notebook and what --with sent along, and no other file")
    end = ReportEnd("ended", tuple(told(report.endings)), tuple(troubles), digests, report.seconds, _now())
    store.reports.put_end(request.identity, end)


def _end_in_order(number: int, _frame: object) -> None:
    """Have a report that is not wanted any more end its kernel, too."""
    raise SystemExit(128 + number)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
