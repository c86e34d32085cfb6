"""Where a report is written: names that are checked before anything runs, and files that are whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

from epstudy.core.errors import EpstudyError, InputError

_SUFFIX = ".html"
_LONGEST_NAME = 255  # bytes; of ext4, XFS, NTFS, APFS
_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s]*@")


def check_page(page: Path, notebook: Path) -> Path:
    """Return the full path of a page, if it and the notebook beside it may be written.

    Raises
    ------
    InputError
        When its name does not end in .html or is too long, its folder cannot be made, or the executed notebook would
        take the place of a notebook that is no report.
    """
    if page.suffix.lower() != _SUFFIX:
        raise InputError(f"-o {page} is no name of a page; expected one that ends in .html")
    page = page.absolute()
    executed = page.with_suffix(".ipynb")
    longest = max(len(os.fsencode(part)) for part in executed.parts)
    if longest > _LONGEST_NAME:
        raise InputError(f"-o has a name of {longest} bytes; expected at most {_LONGEST_NAME}: {shown(page)}")
    if executed == notebook.absolute() or (executed.exists() and not _is_report(executed)):
        raise InputError(f"the executed notebook would replace {executed}, which is no report; give -o another name")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder of -o {page} cannot be made: {error.strerror or error}") from error
    if not os.access(page.parent, os.W_OK) or page.is_dir():
        raise InputError(f"-o {page} cannot be written")
    return page


def _is_report(path: Path) -> bool:
    """Whether papermill wrote this notebook."""
    try:
        return "papermill" in json.loads(path.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def page_names(template: str, rows: list[dict[str, str]]) -> list[Path]:
    """Return the page of each row: the template with the row's values in the place of `{column}`.

    Raises
    ------
    InputError
        When the template names no column, or one that is not there, a value is no part of a file name, or two rows
        would write one file.
    """
    columns = list(rows[0])
    names = _placeholders(template)
    listed = ", ".join(f"{{{column}}}" for column in columns)
    if not names:
        raise InputError(f'-o "{template}" would write all rows into one file; name a column in it: {listed}')
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise InputError(f'-o "{template}" has {{{unknown[0]}}}, which is no column; the columns are {listed}')
    pages: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        for name in names:
            if not _is_part_of_a_name(row[name]):
                raise InputError(
                    f'row {number}: {name} is "{masked(row[name])}", which cannot be a part of a file name'
                )
        page = template.format_map(row)
        first = pages.setdefault(page.casefold(), number)
        if first != number:
            raise InputError(f"rows {first} and {number} would both write {page}; name more columns in -o: {listed}")
    return [Path(template.format_map(row)) for row in rows]


def _placeholders(template: str) -> list[str]:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(
            f'-o "{template}" is no template: {error}; expected one such as "build/{{city}}.html"'
        ) from error
    wrong = [name for _, name, form, conversion in parts if name is not None and (form or conversion or not name)]
    if wrong:
        raise InputError(
            f'-o "{template}" is no template; expected plain names of columns, as in "build/{{city}}.html"'
        )
    return [name for _, name, _, _ in parts if name]


def _is_part_of_a_name(value: str) -> bool:
    return bool(value.strip(" .")) and not set(value) & set('/\\:*?"<>|\0\n\r')


def put_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, in the place of an older one.

    Raises
    ------
    EpstudyError
        When it cannot be written; an older one is as it was.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")  # a name as long as the file's own would be too long
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise EpstudyError(f"{shown(path)} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """Return a path as one would type it here."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def named(values: Mapping[str, object]) -> str:
    """Return parameters as a text for people, without passwords: `city=chicago, floors=3`."""
    return ", ".join(f"{name}={masked(value)}" for name, value in values.items())


def masked(value: object) -> str:
    """Return a value as a text, with `***` for the password of each URL in it."""
    return _PASSWORD.sub(r"\1:***@", str(value))
