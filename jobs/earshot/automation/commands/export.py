"""`earshot export`: a table, or a part of it, into files, a bucket or a database; and whether an export is whole."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError

if TYPE_CHECKING:
    from earshot.automation.selection import Selection
    from earshot.core.schemas import TableSpec
    from earshot.exporters.manifest import Manifest


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(  # noqa: PLR0913, PLR0917 (one a word of the command line)
    table: Annotated[str | None, typer.Argument(help="For example gold.charts.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="A folder, s3://BUCKET/PREFIX, or jdbc:...")] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="parquet (the default), csv or jsonl; of files.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="country=DE, streams>=1000, tier in free,family, reason is null; again for more."),
    ] = None,
    since: Annotated[str | None, typer.Option(help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, itself included.")] = None,
    columns: Annotated[str | None, typer.Option(help="Only these, with commas between them.")] = None,
    name: Annotated[str | None, typer.Option("--table", help="Table in the database; default LAYER_NOUN.")] = None,
    mode: Annotated[str | None, typer.Option(help="Of a database: replace (the default) or upsert.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Of a bucket that is not Amazon's.")] = None,
    verify: Annotated[
        str | None, typer.Option(help="Check what an earlier export left in a folder or bucket against its manifest.")
    ] = None,
) -> None:
    """Export a table, all or nothing, with a manifest; readers see the export before or this one.

    EARSHOT_JDBC_USER and EARSHOT_JDBC_PASSWORD sign in to a database; a bucket takes boto3's own credentials.

    Raises:
        ArgumentError: A table, column, format or place is none.
        IntegrityError: An export differs from its manifest.
    """
    if verify is not None:
        _tell_verified(_verified(verify, endpoint_url))
        return
    from earshot.automation.selection import selection  # noqa: PLC0415 (keeps --help instant)

    spec = _spec(table)
    if to is None:
        raise ArgumentError("There is no place to export to.", where="option --to", remedy="Write --to FOLDER.")
    chosen = selection(spec, where=where or (), since=since, until=until, columns=columns)
    at = datetime.now(UTC)
    _checked(to, format_, name, mode)
    _note(spec, chosen, to)
    if to.startswith("jdbc:"):
        manifest = _into_database(spec, chosen, to, name, mode or "replace", at)
    else:
        manifest = _into_files(spec, chosen, to, format_ or "parquet", endpoint_url, at)
    machine = {
        "rows": manifest.rows,
        "target": manifest.target,
        "source_version": manifest.source_version,
        "files": [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in manifest.files],
    }
    current().emit(f"{manifest.rows:,} rows of {spec.name} are in {manifest.target}", machine)


def _spec(table: str | None) -> TableSpec:
    from earshot.core.explanations import nearest  # noqa: PLC0415
    from earshot.core.schemas import TABLES  # noqa: PLC0415

    if table is None:
        raise ArgumentError(
            "There is no table to export.", where="argument TABLE", remedy=f"Name one of: {', '.join(TABLES)}."
        )
    if table not in TABLES:
        close = nearest(table, TABLES)
        remedy = f"Use {close}, or another of: {', '.join(TABLES)}."
        raise ArgumentError(f"There is no table {table}.", where="argument TABLE", remedy=remedy)
    if table == "ops.vault":
        raise ArgumentError("The vault is not exported.", where="ops.vault", remedy="Use `earshot erase` or ask.")
    return TABLES[table]


def _checked(to: str, format_: str | None, name: str | None, mode: str | None) -> None:
    """Refuse options that the place has no use for, and words that are none."""
    from earshot.core.explanations import nearest  # noqa: PLC0415
    from earshot.exporters.files import checked_format  # noqa: PLC0415
    from earshot.exporters.modes import MODES  # noqa: PLC0415

    if to.startswith("jdbc:"):
        if format_ is not None:
            raise ArgumentError("A database has no format.", where="option --format", remedy="Leave it out.")
        if mode is not None and mode not in MODES:
            close = nearest(mode, MODES)
            raise ArgumentError(f"There is no mode {mode}.", where="option --mode", remedy=f"Use {close}.")
        return
    if mode is not None or name is not None:
        option = "--mode" if mode is not None else "--table"
        raise ArgumentError(f"{option} is of databases.", where=f"option {option}", remedy="Leave it out.")
    checked_format(format_ or "parquet")


def _note(spec: TableSpec, chosen: Selection, to: str) -> None:
    """What names people and leaves the house is in the audit trail, before it leaves."""
    from earshot.automation.actor import actor  # noqa: PLC0415
    from earshot.core.addresses import without_secrets  # noqa: PLC0415
    from earshot.security.audit import AuditChain  # noqa: PLC0415
    from earshot.security.keys import load_keys  # noqa: PLC0415

    named = [column for column in spec.identity if not chosen.columns or column in chosen.columns]
    if not named:
        return
    call = current()
    chain = AuditChain(
        call.small_tables, actor(), master_key=load_keys(call.settings).master_key, home=call.settings.home
    )
    chain.record("export", spec.name, {"to": without_secrets(to), "columns": named, "where": list(chosen.texts)})


def _into_files(
    spec: TableSpec, chosen: Selection, to: str, format_: str, endpoint_url: str | None, at: datetime
) -> Manifest:
    from earshot.exporters.bucket import BucketFolder  # noqa: PLC0415
    from earshot.exporters.files import Destination, export_files  # noqa: PLC0415
    from earshot.exporters.folder import Folder  # noqa: PLC0415
    from earshot.exporters.rows import Rows  # noqa: PLC0415

    place: Destination
    if "://" in to:
        from earshot.automation.buckets import bucket_of  # noqa: PLC0415

        place = BucketFolder(bucket_of(current().settings, to, endpoint_url, "option --to"))
    else:
        place = Folder(Path(to))
    version, schema, batches = current().small_tables.scanned(spec.name, chosen.of_arrow(), chosen.columns)
    return export_files(Rows(spec.name, schema, batches, version, chosen.texts), place, format=format_, at=at)


def _into_database(spec: TableSpec, chosen: Selection, url: str, name: str | None, mode: str, at: datetime) -> Manifest:
    from earshot.core.table_history import TableHistory  # noqa: PLC0415
    from earshot.exporters.database import DatabaseTable, export_jdbc  # noqa: PLC0415
    from earshot.exporters.modes import MODES  # noqa: PLC0415

    known = MODES[mode]
    pairs = {"user": os.environ.get("EARSHOT_JDBC_USER"), "password": os.environ.get("EARSHOT_JDBC_PASSWORD")}
    properties = {key: value for key, value in pairs.items() if value}
    target = DatabaseTable(url, name or spec.name.replace(".", "_"), properties)
    call = current()
    call.small_tables.open(spec.name)
    lost = [column for column in spec.key if chosen.columns and column not in chosen.columns]
    if lost and known == "upsert":
        raise ArgumentError(
            f"Without {', '.join(lost)} no row has a key.",
            where="option --columns",
            remedy=f"Add {', '.join(lost)}, or use --mode replace.",
        )
    version = TableHistory(call.settings.lake_root, spec.name).version
    return export_jdbc(
        spec.name,
        chosen.of_spark(call.tables().read(spec.name, version=version)),
        target,
        key=() if lost else spec.key,
        mode=known,
        at=at,
        version=version,
        where=chosen.texts,
    )


def _verified(place: str, endpoint_url: str | None) -> Manifest:
    from earshot.exporters.verification import StoredFolder, verify_export  # noqa: PLC0415

    if "://" in place:
        from earshot.automation.buckets import bucket_of  # noqa: PLC0415
        from earshot.exporters.bucket import of_another_export  # noqa: PLC0415

        bucket = bucket_of(current().settings, place.removesuffix("manifest.json"), endpoint_url, "option --verify")
        return verify_export(bucket, of_another_export)
    return verify_export(StoredFolder(Path(place)))


def _tell_verified(manifest: Manifest) -> None:
    size = sum(file.bytes for file in manifest.files)
    machine = {"table": manifest.table, "rows": manifest.rows, "target": manifest.target, "bytes": size}
    current().emit(
        f"Whole: {manifest.rows:,} rows of {manifest.table} (version {manifest.source_version}), "
        f"{size:,} bytes; every file has the checksum that was told.",
        machine,
    )
