"""Mappings: `conf/mappings/NAME.toml` says how the columns of a file become a canonical event."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from earshot.core import columns as c
from earshot.core.errors import SettingsError
from earshot.core.locations import conf_folder
from earshot.importers.expressions import ExpressionError, check
from earshot.importers.shape import FLAGS, IDENTITIES, NUMBERS, TEXTS, TIMES

FOLDER = "mappings"
TARGETS = (*IDENTITIES, *TIMES, *TEXTS, *NUMBERS, *FLAGS)
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name} is no time zone; write one such as Europe/Berlin") from None
    return name


def _expression(text: str) -> str:
    try:
        check(text)
    except ExpressionError as error:
        raise ValueError(f"the expression {text[:60]!r}: {error}") from None
    return text


Zone = Annotated[str, AfterValidator(_zone)]
Expression = Annotated[str, AfterValidator(_expression)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cell(_Closed):
    """Where the value of one column comes from: a column, a constant or an expression.

    Attributes:
        column: Name in the file; of nested JSON with dots.
        constant: The same for every row.
        expression: See `expressions`.
        format: Of a time, as strptime has it; without one ISO 8601.
        zone: Of a time that names none.
        unit: Of a time or a length that is a number: s, ms or us.
        true: What is true of a flag.
        false: What is false.
    """

    column: str | None = None
    constant: str | int | bool | None = None
    expression: Expression | None = None
    format: str | None = None
    zone: Zone | None = None
    unit: Literal["s", "ms", "us"] | None = None
    true: tuple[str, ...] = ("true", "1", "yes")
    false: tuple[str, ...] = ("false", "0", "no")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("column", "constant", "expression") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of column, constant and expression")
        return self


def _written_out(cell: object) -> object:
    """The short form, a column's name, written out."""
    return {"column": cell} if isinstance(cell, str) else cell


class Leaving(_Closed):
    """Rows that are left out on purpose: those for which the expression is true."""

    when: Expression
    reason: str = Field(min_length=1, max_length=60)


class Mapped(_Closed):
    """A mapping.

    Attributes:
        kind: csv, jsonl (an object a line), json (an array) or parquet.
        needs: A file is of this format if it has all of these columns.
        delimiter: Of csv; without it the one that cuts the header into most fields.
        source: What the plays call it; the mapping's name by default.
        columns: Column of silver to where its value comes from.
        filters: Rows that are counted as filtered.
        keep: Whether columns that are not named stay in `extra`.
    """

    kind: Literal["csv", "jsonl", "json", "parquet"]
    needs: tuple[str, ...] = Field(min_length=1)
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    source: str | None = Field(default=None, pattern="^[a-z][a-z0-9_]*$")
    columns: Mapping[str, Annotated[Cell, BeforeValidator(_written_out)]]
    filters: tuple[Leaving, ...] = ()
    keep: bool = True

    @model_validator(mode="after")
    def _enough(self) -> Self:
        unknown = sorted(set(self.columns) - set(TARGETS))
        if unknown:
            raise ValueError(f"{unknown[0]} is no column of an event; those are {', '.join(TARGETS)}")
        if not set(TIMES) & set(self.columns):
            raise ValueError("started_at or ended_at must be mapped")
        if not {c.TRACK_ID, c.TRACK_TITLE} & set(self.columns):
            raise ValueError("track_id or track_title must be mapped")
        return self


def mappings() -> dict[str, Mapped]:
    """The mappings of conf/mappings by name.

    Raises:
        SettingsError: One cannot be used; with file and key.
    """
    return {path.stem: read_mapping(path) for path in sorted((conf_folder() / FOLDER).glob("*.toml"))}


def read_mapping(path: Path) -> Mapped:
    """One mapping.

    Raises:
        SettingsError: See `mappings`.
    """
    if not NAME.fullmatch(path.stem):
        raise SettingsError(
            f"{path.name} is no name of a mapping.", where=str(path), remedy="Use small letters, digits and _."
        )
    try:
        return Mapped.model_validate(_content(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"The mapping cannot be used: {first['msg'].removeprefix('Value error, ')}.",
            where=f"{path}{f', key {key}' if key else ''}",
            remedy="Mend the file; `earshot map FILE` writes one to start from.",
        ) from None


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The mapping is no TOML: {error}.", where=str(path), remedy="Mend the file.") from None
