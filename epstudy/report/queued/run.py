"""The process of a queued report: `python -m epstudy.report.queued.run PARENT ID FOLDER`, started by a supervisor.

It executes the notebook in a folder of its own and puts what came of it into the store. What cannot be read or written
is no end of a report: it says so and ends with `NOT_EXECUTED`, or `CLEANED_AWAY` when somebody removed its folder, and
the supervisor tries it again later.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from epstudy.core.errors import EpstudyError, InputError, StoreError
from epstudy.pool.supervisor.report_process import CLEANED_AWAY, NOT_EXECUTED
from epstudy.processes import adopt_orphans, die_with_parent, end_below
from epstudy.report.command import told
from epstudy.report.notebook import read_source
from epstudy.report.queued.manage import parameters_of
from epstudy.report.writing import Report, write_report
from epstudy.settings import Settings
from epstudy.store import ReportEnd, ReportRequest, Store

log = logging.getLogger(__name__)


class _CleanedAwayError(OSError):
    """Somebody removed files of the report while it was made."""


_AGAIN_S = 5.0  # between two tries to write what came of a report into a store that is full


def main() -> None:
    """Execute the report that the arguments name, until its end is in the store."""
    if len(sys.argv) != 4:
        sys.exit("this is the inner process of `epstudy report --queue`; start that instead")
    die_with_parent(int(sys.argv[1]))
    signal.signal(signal.SIGTERM, _end_in_order)
    adopt_orphans()
    folder = Path(sys.argv[3])
    store = Store(Settings.load().store, cache=folder / "inputs")
    try:
        execute_request(store, store.reports.request(sys.argv[2]), folder)
    except (EpstudyError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(
            NOT_EXECUTED if work_of(folder).is_dir() and not isinstance(error, _CleanedAwayError) else CLEANED_AWAY
        )
    finally:
        end_below()


def execute_request(store: Store, request: ReportRequest, folder: Path) -> None:
    """Execute a report in `folder`, and put page, notebook and end into the store, as soon as it takes them.

    Raises
    ------
    EpstudyError, OSError
        When the inputs cannot be read, or the folder cannot be written.
    """
    work = work_of(folder)
    for name, kept in request.inputs.items():
        path = work / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.input_path(kept).read_bytes())
    try:
        report = _executed(request, work / request.notebook, folder)
    except InputError as error:
        _refuse_cleaned_away(folder, work / request.notebook)
        end = ReportEnd("ended", troubles=(str(error),))
        _store(lambda: _put_end(store, request, end))
    except (EpstudyError, OSError):
        raise
    except Exception as error:  # what a notebook breaks of papermill and nbconvert would break again
        _refuse_cleaned_away(folder, work / request.notebook)
        log.exception("the report cannot be made")
        end = ReportEnd("ended", troubles=(f"it cannot be made: {type(error).__name__}: {error}",))
        _store(lambda: _put_end(store, request, end))
    else:
        _refuse_cleaned_away(folder, work / request.notebook, page_of(folder))
        _store(lambda: _put(store, request, report))


def _refuse_cleaned_away(folder: Path, *files: Path) -> None:
    """Raise OSError when somebody removed the folder: then nothing that went wrong in it is an end of the report."""
    if not all(file.exists() for file in files):
        raise _CleanedAwayError(f"{folder} was cleaned away while the report was made")


def _executed(request: ReportRequest, notebook: Path, folder: Path) -> Report:
    page = page_of(folder)
    page.parent.mkdir()
    with Path(os.devnull).open("w", encoding="utf-8") as log_of_cells:  # the executed notebook has it all
        return write_report(
            read_source(notebook), page, parameters_of(request), log=log_of_cells, code=request.code, scratch=folder
        )


def work_of(folder: Path) -> Path:
    """Return where the notebook is executed."""
    return folder / "work"


def page_of(folder: Path) -> Path:
    """Return where the page is made."""
    return folder / "out" / "page.html"


def _put(store: Store, request: ReportRequest, report: Report) -> None:
    identity = request.identity
    if not store.reports.is_there(identity):
        return
    files = {path.name: store.reports.put_file(identity, path.suffix, path.read_bytes()) for path in report.files}
    troubles = report.troubles(allow_failures=request.allow_failures)
    if "FileNotFoundError" in report.error:
        troubles.append("a queued report has its notebook and what --with sent along, and no other file")
    _put_end(store, request, ReportEnd("ended", tuple(told(report.endings)), tuple(troubles), files, report.seconds))


def _put_end(store: Store, request: ReportRequest, end: ReportEnd) -> None:
    """Put an end into the store, unless somebody removed the report meanwhile."""
    if store.reports.is_there(request.identity):
        store.reports.put_end(request.identity, end)


def _store(put: Callable[[], object]) -> None:
    """Put what came of a report into the store; while that is full, again and again."""
    while True:
        try:
            put()
        except StoreError as error:
            log.warning("%s; it is tried again", error)
            time.sleep(_AGAIN_S)
        else:
            return


def _end_in_order(number: int, _frame: object) -> None:
    """Have a report that is not wanted any more end its kernel, too."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
