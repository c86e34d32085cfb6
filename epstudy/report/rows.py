"""One report a row: a CSV file whose columns are parameters."""

from __future__ import annotations

import csv
import io
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
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}; expected a CSV file in UTF-8") from error
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = ";" if ";" in header and "," not in header else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [cells for line in reader if any(cells := [cell.strip() for cell in line])]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}, cannot be read: {error}; expected a CSV file") from error
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
