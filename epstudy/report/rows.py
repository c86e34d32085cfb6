"""One report a row: a CSV file whose columns are parameters."""

from __future__ import annotations

import csv
from pathlib import Path

from epstudy.core.errors import InputError


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by the names in its first line, comma or semicolon between them.

    Raises
    ------
    InputError
        When the file cannot be read, has no rows, a column has no name or that of another one, or a row has not as many
        values as there are columns.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}; expected a CSV file in UTF-8") from error
    header = text.partition("\n")[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    lines = [[cell.strip() for cell in line] for line in csv.reader(text.splitlines(), delimiter=delimiter)]
    lines = [line for line in lines if any(line)]
    if len(lines) < 2:
        raise InputError(f"{path} has no rows; expected a line with the names of parameters, and one line a report")
    columns, *rows = lines
    if not all(columns) or len(set(columns)) != len(columns):
        said = ", ".join(columns)
        raise InputError(f'{path}: its first line is "{said}"; expected a name for each column, each once')
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise InputError(f"{path}, row {number}: {len(row)} values; expected {len(columns)}: {', '.join(columns)}")
    return [dict(zip(columns, row, strict=True)) for row in rows]
