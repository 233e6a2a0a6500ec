"""`earshot suggest FILE|TABLE`: a suite to start from, and the cells that do not fit it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError, InputError
from earshot.core.schemas import TABLES

if TYPE_CHECKING:
    from earshot.automation.tabular import Tabular
    from earshot.validators.profiling.findings import Finding
    from earshot.validators.profiling.suggestion import Suggestion

_SAID_BY_COLUMNS = {"type", "filled"}
_EXAMPLES, _CUT, _UNREAD = 3, 40, 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("suggest")(suggest_suite)


def suggest_suite(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TABLE", help="A CSV, JSON or Parquet file, or a table of the lake such as silver.listens."
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Where to; default NAME.suggested.json here.")] = None,
    cells: Annotated[Path | None, typer.Option("--cells", help="Also write the cells that do not fit, as CSV.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Profile a file or a table and write an expectation suite; you check it, then keep it in expectations/.

    Raises:
        ArgumentError: A file to write is there already.
        InputError: There is nothing to profile.
    """
    from earshot.validators.profiling.suggestion import suggest  # noqa: PLC0415 (keeps --help instant)
    from earshot.validators.profiling.suite import reading_of, suite_of  # noqa: PLC0415

    of_lake = what in TABLES and not Path(what).is_file()
    name = what.replace(".", "_") if of_lake else _name_of(what)
    target = out or Path(f"{name}.suggested.json")
    for path in filter(None, (target, cells)):
        if path.exists() and not force:
            raise ArgumentError(f"{path} is there already.", where=str(path), remedy="Choose another, or --force.")
    rows = _of_lake(what) if of_lake else _of_file(what)
    found = suggest(rows.table)
    read = reading_of(found) if rows.kind == "csv" else None
    suite = suite_of(found, name, table=what if of_lake else "", read=read)
    _write(target, json.dumps(suite, indent=2, ensure_ascii=True) + "\n")
    if cells:
        _write_cells(cells, found, rows)
    current().emit(_shown(what, rows, found, target, cells), _told(what, rows, found, target, cells))


def _name_of(file: str) -> str:
    return Path(file.partition("!")[2] or file).name.partition(".")[0] or "suite"


def _of_file(file: str) -> Tabular:
    from earshot.automation.tabular import read_rows, source_of  # noqa: PLC0415 (keeps --help instant)
    from earshot.importers.landing import limits_of  # noqa: PLC0415

    return read_rows(source_of(Path(file), limits_of(current().settings)))


def _of_lake(table: str) -> Tabular:
    from earshot.automation.tabular import Tabular  # noqa: PLC0415 (keeps --help instant)

    rows = current().small_tables.arrow(table)
    if not rows.num_rows:
        raise InputError(f"{table} has no rows.", where=table, remedy="Run the pipeline first: `earshot run`.")
    return Tabular("table", rows, range(1, rows.num_rows + 1), ())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(
            f"{path} cannot be written: {error.strerror}.", where=str(path), remedy="Name another place with --out."
        ) from None


def _write_cells(path: Path, found: Suggestion, rows: Tabular) -> None:
    import pyarrow as pa  # noqa: PLC0415 (keeps --help instant)

    from earshot.exporters.delimited import write_csv  # noqa: PLC0415

    cells = found.cells()
    columns = {column.name: column for column in found.profile.columns}
    table = pa.table(
        {
            "row": pa.array([cell.row + 1 for cell in cells], pa.int64()),
            "line": pa.array([rows.lines[cell.row] for cell in cells], pa.int64()),
            "column": pa.array([cell.column for cell in cells], pa.string()),
            "value": pa.array([columns[cell.column].text(cell.row) for cell in cells], pa.string()),
            "rule": pa.array([cell.rule for cell in cells], pa.string()),
            "confidence": pa.array([cell.confidence for cell in cells], pa.float64()),
        }
    )
    try:
        write_csv(table.schema, table.to_batches(), path)
    except OSError as error:
        raise ArgumentError(
            f"{path} cannot be written: {error.strerror}.", where=str(path), remedy="Name another place with --cells."
        ) from None


def _shown(what: str, rows: Tabular, found: Suggestion, target: Path, cells: Path | None) -> RenderableType:
    from earshot.validators.profiling.kinds import kind_of  # noqa: PLC0415 (keeps --help instant)

    shown = Table("column", "type", "filled", "different", "expected", "do not fit", "examples", box=None)
    by_column: dict[str, list[Finding]] = {}
    for finding in found.findings:
        by_column.setdefault(finding.column, []).append(finding)
    for column in found.profile.columns:
        first = [_cut(column.name), kind_of(column), f"{column.filled_share:.1%}", f"{len(column.texts):,}"]
        for finding in [
            f for f in by_column.get(column.name, []) if f.kind not in _SAID_BY_COLUMNS or len(f.unexpected)
        ]:
            odd = f"{len(finding.unexpected):,}" if len(finding.unexpected) else ""
            examples = ", ".join(_examples(finding, found, rows))
            shown.add_row(*map(Text, [*first, _spoken(finding), odd, examples]))
            first = ["", "", "", ""]
        if first[0]:
            shown.add_row(*map(Text, [*first, "", "", ""]))
    count = len(found.cells())
    said = [f"{what}: {found.profile.rows:,} rows, {len(found.profile.columns)} columns, {count:,} cells do not fit."]
    said += [f"Line {u.line} is no row: {u.why}." for u in rows.unread[:_UNREAD]]
    if len(rows.unread) > _UNREAD:
        said.append(f"{len(rows.unread) - _UNREAD:,} more lines are no rows.")
    said.append(f"The suite is in {target}{f', the cells in {cells}' if cells else ''}.")
    return Group(shown, Text("\n".join(said)))


def _spoken(finding: Finding) -> str:
    certain = f" ({finding.seen['confidence']:.1%} agree)" if "confidence" in finding.seen else ""
    return f"{finding.description}{certain}"


def _examples(finding: Finding, found: Suggestion, rows: Tabular) -> list[str]:
    column = found.profile[finding.column]
    return [f"line {rows.lines[row]}: {_cut(column.text(row))}" for row in finding.unexpected[:_EXAMPLES].tolist()]


def _cut(value: str | None) -> str:
    """A value for a screen: control characters escaped, cut."""
    if value is None:
        return "(empty)"
    plain = value if value.isprintable() else value.encode("unicode_escape").decode("ascii")
    return plain if len(plain) <= _CUT else f"{plain[:_CUT]}…"


def _told(what: str, rows: Tabular, found: Suggestion, target: Path, cells: Path | None) -> Mapping[str, Any]:
    from earshot.validators.profiling.suite import rule_names  # noqa: PLC0415 (keeps --help instant)

    findings = found.findings
    listed: Sequence[dict[str, Any]] = [
        {
            "rule": rule,
            "column": f.column,
            "expectation_type": f.type,
            "kwargs": dict(f.kwargs),
            "mostly": f.mostly,
            "description": f.description,
            "confidence": f.seen.get("confidence", f.confidence),
            "support": f.support,
            "unexpected": len(f.unexpected),
            "examples": _examples(f, found, rows),
            **({"seen": dict(f.seen)} if f.seen else {}),
        }
        for f, rule in zip(findings, rule_names(findings), strict=True)
    ]
    return {
        "status": "written",
        "exit_code": 0,
        "of": what,
        "kind": rows.kind,
        "rows": found.profile.rows,
        "columns": len(found.profile.columns),
        "cells": len(found.cells()),
        "unread": [{"line": u.line, "why": u.why} for u in rows.unread],
        "file": str(target),
        "cells_file": str(cells) if cells else None,
        "expectations": listed,
    }
