"""From EnergyPlus' SQL file to one Parquet file a request, with the same bytes for the same content.

A file holds a table and, as JSON under "epstudy" in the metadata of its schema, what it is: the `request`, and for a
series `name`, `unit`, `frequency`, `step_minutes` and `environment`. Where the run did not report what was asked there
are no rows, or a column less, and a `note` says so, with the nearest names.
"""

from __future__ import annotations

import io
import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from epstudy.core.canonical import folded
from epstudy.core.errors import EngineError
from epstudy.engines.energyplus.outputs.long_runs import whole_run
from epstudy.engines.energyplus.outputs.requests import (
    ALL_KEYS,
    TIME_BINS,
    EndUses,
    Meter,
    Request,
    Table,
    Variable,
    as_request,
    from_json,
    nearest,
    report_id,
    reports_of,
)
from epstudy.engines.energyplus.outputs.scalars import open_sql, simulated_weather
from epstudy.engines.energyplus.outputs.series import read_clock, read_series, reported

if TYPE_CHECKING:
    import pyarrow as pa

_ABOUT = b"epstudy"
_END_USES = Table("AnnualBuildingUtilityPerformanceSummary", "End Uses")
_NO_USES = ("", "Total End Uses")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def harvest_requests(folder: Path, requests: Iterable[Request | Mapping[str, Any]]) -> dict[str, bytes]:
    """Return what was asked of the run in `folder`: Parquet by the digest of the request.

    Requests may be given as their JSON. Besides `eplusout.sql`, `eplusout.rdd` and `eplusout.mdd` are looked into for
    the nearest names, if they are there.

    Raises
    ------
    EngineError
        When the SQL file cannot be read, or lacks what EnergyPlus 25.2 writes.
    """
    asked = {one.digest: from_json(one.to_json()) for one in map(as_request, requests)}  # one spelling, one content
    with open_sql(folder / "eplusout.sql") as sql:
        clock = read_clock(sql)
        files = {}
        for digest, one in asked.items():
            about: dict[str, Any] = {}
            if isinstance(one, Meter | Variable):
                table, about = read_series(sql, clock, one, folder)
            elif isinstance(one, Table):
                table, about = _table(sql, one)
            else:
                table = _end_uses(sql) if isinstance(one, EndUses) else _component_sizes(sql)
            files[digest] = _parquet(table, {"request": one.to_json(), **about})
        return files


def readable(sql_path: Path, requests: Iterable[Request | Mapping[str, Any]]) -> set[str]:
    """Return the digests of those requests that the SQL file of an earlier run answers: nothing need be run for them.

    End uses and component sizes are always there, a table when its report is, a series when it was reported at this
    frequency, for each of its keys. Of a variable for all keys, and of a meter with a star, the file cannot say whether
    all are there: a run must.

    Raises
    ------
    EngineError
        When the SQL file cannot be read.
    """
    with open_sql(sql_path) as sql:
        return {one.digest for one in map(as_request, requests) if _is_there(sql, one)}


def _is_there(sql: sqlite3.Connection, one: Request) -> bool:
    if isinstance(one, Table):
        return bool(_reports(sql, one))
    if isinstance(one, Meter):
        return ALL_KEYS not in one.name and bool(reported(sql, one))
    if isinstance(one, Variable):
        there = {folded(column.key) for column in reported(sql, one)}
        return one.key != ALL_KEYS and there >= {folded(key) for key in one.key}
    return True


class _Cell(NamedTuple):
    section: str
    row_number: int
    column_number: int
    row: str
    column: str
    unit: str
    text: str


def _table(sql: sqlite3.Connection, one: Table) -> tuple[pa.Table, dict[str, Any]]:
    """A table as it stands, one row a cell: `value` where it is a number, else `text`. `row_number` is from 0."""
    import pyarrow as pa

    cells = list(_cells(sql, one))
    numbers = [float(cell.text) if _NUMBER.fullmatch(cell.text) else None for cell in cells]
    texts = ["" if number is not None else cell.text for cell, number in zip(cells, numbers, strict=True)]
    columns = {
        "for": pa.array([cell.section for cell in cells], pa.string()),
        "row_number": pa.array([cell.row_number for cell in cells], pa.int32()),
        "row": pa.array([cell.row for cell in cells], pa.string()),
        "column": pa.array([cell.column for cell in cells], pa.string()),
        "unit": pa.array([cell.unit for cell in cells], pa.string()),
        "value": pa.array([math.nan if number is None else number for number in numbers], pa.float64()),
        "text": pa.array(texts, pa.string()),
    }
    about = {} if cells else {"note": _no_table(sql, one)}
    return pa.table(columns), about


def _end_uses(sql: sqlite3.Connection) -> pa.Table:
    """End use by fuel, without totals. Water is in m3, the rest in kWh."""
    import pyarrow as pa

    cells = [cell for cell in _cells(sql, _END_USES) if cell.row not in _NO_USES]
    if not cells:
        raise EngineError(f"EnergyPlus wrote no table {_END_USES.report}, {_END_USES.table}")
    wrong = [cell for cell in cells if cell.unit not in ("kWh", "m3")]
    if wrong:
        raise EngineError(f'End Uses: "{wrong[0].row}" / "{wrong[0].column}" is in {wrong[0].unit!r}; expected kWh')
    simulated, whole = simulated_weather(sql), whole_run(sql)
    columns = {
        "end_use": pa.array([cell.row for cell in cells]),
        "fuel": pa.array([cell.column for cell in cells]),
        "unit": pa.array([cell.unit for cell in cells]),
        "value": pa.array(
            [
                whole.end_use(cell.row, cell.column)
                if whole is not None
                else float(cell.text)
                if simulated and cell.text
                else math.nan
                for cell in cells
            ]
        ),
    }
    return pa.table(columns)


def _component_sizes(sql: sqlite3.Connection) -> pa.Table:
    import pyarrow as pa

    rows = sql.execute(
        "SELECT CompType, CompName, Description, Value, IFNULL(Units, '') FROM ComponentSizes ORDER BY "
        "ComponentSizesIndex"
    ).fetchall()
    columns = {
        name: pa.array([row[place] for row in rows], pa.float64() if name == "value" else pa.string())
        for place, name in enumerate(("component_class", "component", "description", "value", "unit"))
    }
    return pa.table(columns)


def _cells(sql: sqlite3.Connection, one: Table) -> Iterator[_Cell]:
    """The cells of a table row by row, section by section, in EnergyPlus' order; without the rows that only divide."""
    sections: dict[tuple[int, str], list[_Cell]] = {}
    for report, table in _tables(sql, one):
        for found in sql.execute(
            "SELECT section.Value, RowId, ColumnId, TRIM(row_.Value), column_.Value, TRIM(unit.Value), "
            "TRIM(cell.Value) "
            "FROM TabularData AS cell "
            "JOIN Strings AS section ON section.StringIndex = ReportForStringIndex "
            "JOIN Strings AS row_ ON row_.StringIndex = RowNameIndex "
            "JOIN Strings AS column_ ON column_.StringIndex = ColumnNameIndex "
            "JOIN Strings AS unit ON unit.StringIndex = UnitsIndex "
            "WHERE ReportNameIndex = ? AND TableNameIndex = ? ORDER BY TabularDataIndex",
            (report, table),
        ):
            cell = _Cell(*found)
            sections.setdefault((table, cell.section), []).append(cell)
    for cells in sections.values():
        said = {cell.row_number for cell in cells if cell.row or cell.text}
        yield from sorted(
            (cell for cell in cells if cell.row_number in said), key=lambda cell: (cell.row_number, cell.column_number)
        )


def _reports(sql: sqlite3.Connection, one: Table) -> list[int]:
    """The numbers under which the SQL file holds the report, whichever way it is spelled."""
    return reports_of(_names(sql, "ReportName"), one)


def _tables(sql: sqlite3.Connection, one: Table) -> list[tuple[int, int]]:
    """The numbers of report and table. Bins and statistics of a variable belong together: they are asked for by it."""
    named = _strings(sql, "TableName", folded, one.table)
    if report_id(one.report) == TIME_BINS and not named:
        named = [index for index, _ in _names(sql, "TableName")]
    return [(report, table) for report in _reports(sql, one) for table in named]


def _strings(sql: sqlite3.Connection, kind: str, read: Callable[[str], str], wanted: str) -> list[int]:
    """The numbers under which the SQL file holds a name of this kind, whichever way it is spelled."""
    return [index for index, text in _names(sql, kind) if read(text) == read(wanted)]


def _names(sql: sqlite3.Connection, kind: str) -> list[tuple[int, str]]:
    return sql.execute(
        "SELECT StringIndex, Strings.Value FROM Strings JOIN StringTypes USING (StringTypeIndex) "
        "WHERE StringTypes.Value = ? ORDER BY StringIndex",
        (kind,),
    ).fetchall()


def _no_table(sql: sqlite3.Connection, one: Table) -> str:
    reports = _reports(sql, one)
    if not reports:
        return f'EnergyPlus wrote no report "{one.report}" for this model and period'
    rows = sql.execute(
        "SELECT DISTINCT Strings.Value FROM TabularData JOIN Strings ON StringIndex = TableNameIndex "
        "WHERE ReportNameIndex = ?",
        (reports[0],),
    )
    tables = [name for (name,) in rows]
    hint = nearest(one.table, tables) or f"; there are {', '.join(tables)}"
    return f'the report "{one.report}" has no table "{one.table}"{hint}'


def _parquet(table: pa.Table, about: Mapping[str, Any]) -> bytes:
    """A table as the content of a file. Bytes of like weight stand together: a third smaller than plain doubles."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    numbers = {
        field.name: "BYTE_STREAM_SPLIT" if pa.types.is_float64(field.type) else "DELTA_BINARY_PACKED"
        for field in table.schema
        if field.name not in texts
    }
    said = json.dumps(about, sort_keys=True, ensure_ascii=False).encode()
    content = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({_ABOUT: said}),
        content,
        compression="zstd",
        use_dictionary=texts,
        column_encoding=numbers,
    )
    return content.getvalue()
