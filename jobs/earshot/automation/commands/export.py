"""`earshot export`: a table into files or a database, with a manifest."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    table: Annotated[str, typer.Argument(help="For example gold.charts.")],
    to: Annotated[str, typer.Option("--to", help="A folder, or jdbc:...")],
    format_: Annotated[str, typer.Option("--format", help="parquet, csv or jsonl.")] = "parquet",
    name: Annotated[str | None, typer.Option("--table", help="Table in the database; default LAYER_NOUN.")] = None,
) -> None:
    """Export one table, all or nothing; EARSHOT_JDBC_USER and EARSHOT_JDBC_PASSWORD sign in to a database."""
    from earshot.core.explanations import nearest  # noqa: PLC0415 (keeps --help instant)
    from earshot.core.schemas import TABLES  # noqa: PLC0415

    if table not in TABLES:
        close = nearest(table, TABLES)
        remedy = f"Use {close}, or another of: {', '.join(TABLES)}."
        raise ArgumentError(f"There is no table {table}.", where="argument TABLE", remedy=remedy)
    if table == "ops.vault":
        raise ArgumentError("The vault is not exported.", where="ops.vault", remedy="Use `earshot erase` or ask.")
    at = datetime.now(UTC)
    if to.startswith("jdbc:"):
        from earshot.exporters.database import export_jdbc  # noqa: PLC0415

        pairs = {"user": os.environ.get("EARSHOT_JDBC_USER"), "password": os.environ.get("EARSHOT_JDBC_PASSWORD")}
        properties = {key: value for key, value in pairs.items() if value}
        rows = current().tables().read(table)
        manifest = export_jdbc(table, rows, to, name or table.replace(".", "_"), at=at, properties=properties)
    else:
        from earshot.exporters.files import export_files  # noqa: PLC0415

        manifest = export_files(table, current().small_tables.arrow(table), Path(to), format=format_, at=at)
    machine = {"rows": manifest.rows, "target": manifest.target}
    current().emit(f"{manifest.rows:,} rows of {table} are in {manifest.target}", machine)
