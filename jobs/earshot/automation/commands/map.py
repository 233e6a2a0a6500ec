"""`earshot map FILE`: a mapping to start from, for a file that no format reads."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError, InputError

_UNFINISHED = ".unfinished"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("map")(map_file)


def map_file(
    file: Annotated[Path, typer.Argument(help="A CSV, JSON or Parquet file of yours; in a zip as FILE.zip!MEMBER.")],
    name: Annotated[str | None, typer.Option("--name", help="Of the mapping; default from the file's name.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a mapping, or beside a format.")] = False,
) -> None:
    """Write conf/mappings/NAME.toml from what the file holds; you check it, then the file is read like any other.

    What lacks a column that is needed is written as NAME.toml.unfinished, which nothing reads until you rename it.

    Raises:
        ArgumentError: The mapping is there already.
        InputError: The file does not exist, or holds no rows with named columns.
    """
    from rich.text import Text  # noqa: PLC0415 (keeps --help instant; paths are no markup)

    from earshot.core.locations import conf_folder  # noqa: PLC0415
    from earshot.importers.landing import limits_of  # noqa: PLC0415
    from earshot.importers.mapping_starter import known_format, start_mapping  # noqa: PLC0415
    from earshot.importers.mappings import FOLDER, NAME  # noqa: PLC0415
    from earshot.importers.shape import Source  # noqa: PLC0415

    path, member = _found(file)
    source = Source(str(path), member, limits_of(current().settings))
    known = known_format(source)
    if known and not force:
        text = f"{file} is read as {known}: it needs no mapping. Put it into landing/. (--force writes one anyway.)"
        current().emit(Text(text), {"status": "known", "exit_code": 0, "format": known, "file": None})
        return
    chosen = name or re.sub(r"[^a-z0-9]+", "_", file.name.partition(".")[0].lower()).strip("_")
    chosen = chosen if name or not chosen[:1].isdigit() else f"files_{chosen}"
    if not NAME.fullmatch(chosen):
        raise ArgumentError(
            f"{chosen!r} is no name of a mapping.",
            where="option --name",
            remedy="Use up to 40 small letters, digits and _, a letter first.",
        )
    target = conf_folder() / FOLDER / f"{chosen}.toml"
    if target.exists() and not force:
        raise ArgumentError(f"{target} is there already.", where="option --name", remedy="Choose another, or --force.")
    starter = start_mapping(source, file.name)
    finished = target
    if starter.missing:
        target = target.with_suffix(f".toml{_UNFINISHED}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(starter.text, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(
            f"{target} cannot be written: {error.strerror}.",
            where=str(target.parent),
            remedy="Set EARSHOT_CONF to a folder of yours that holds base.toml.",
        ) from None
    machine = {
        "status": "written",
        "exit_code": 0,
        "file": str(target),
        "kind": starter.kind,
        "mapped": dict(starter.mapped),
        "missing": list(starter.missing),
        "unmapped": list(starter.unmapped),
    }
    said = f"{len(starter.mapped)} columns of {file.name} are mapped in {target}:\n\n{starter.text}\n"
    if starter.missing:
        said += (
            f"Still needed: {', '.join(starter.missing)}. Add what is needed and rename the file to {finished.name}. "
        )
    current().emit(Text(f"{said}Check it, put the file into landing/ and run ingest_listens."), machine)


def _found(file: Path) -> tuple[Path, str | None]:
    """The file, and the member where it names one."""
    if file.is_file():
        return file, None
    archive, mark, member = str(file).partition("!")
    if mark and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            if member in opened.namelist():
                return Path(archive), member
    raise InputError(f"{file} is no file.", where="FILE", remedy="Name a file; in a zip as FILE.zip!MEMBER.")
