"""What pydantic found wrong, as a person wants to hear it: where, what was expected, the nearest key."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from earshot.core.addresses import without_secrets
from earshot.core.errors import SettingsError
from earshot.core.toml_files import Location, dotted, line_of

_SHOWN = 60


class Origin(Protocol):
    """Where a value came from."""

    def where(self, location: Location) -> str:
        """The place of a key, for a person."""

    def name(self, location: Location) -> str:
        """The key as it is written there."""


@dataclass(frozen=True)
class FileOrigin:
    """A TOML file."""

    path: Path

    def where(self, location: Location) -> str:
        """File, line and key."""
        line = line_of(self.path, location)
        return f"{self.path}{f', line {line}' if line else ''}, key {dotted(location)}"

    def name(self, location: Location) -> str:
        """Dotted."""
        return dotted(location)


@dataclass(frozen=True)
class EnvironmentOrigin:
    """Variables: `EARSHOT_SECTION__KEY`."""

    prefix: str

    def where(self, location: Location) -> str:
        """The variable that holds the key, be it inside a JSON value."""
        set_ = {key.upper() for key in os.environ}
        names = [self.name(location[:n]) for n in range(len(location), 0, -1)]
        return f"environment variable {next((name for name in names if name in set_), names[0])}"

    def name(self, location: Location) -> str:
        """The variable's name."""
        return self.prefix + "__".join(str(part).upper() for part in location)


@dataclass(frozen=True)
class CommandLineOrigin:
    """Options."""

    def where(self, location: Location) -> str:
        """The option."""
        return f"command line, key {dotted(location)}"

    def name(self, location: Location) -> str:
        """Dotted."""
        return dotted(location)


def explain(error: ValidationError, model: type[BaseModel], origin: Origin, noun: str) -> SettingsError:
    """The most telling of the findings: an unknown key before a missing one, since the one is often the other misspelt.

    Args:
        error: What pydantic raised.
        model: What was validated.
        origin: Where the value came from.
        noun: What a key of this file is, such as `setting`.
    """
    first = min(error.errors(), key=lambda finding: finding["type"] == "missing")
    location = first["loc"]
    key, where = origin.name(location), origin.where(location)
    if first["type"] == "extra_forbidden":
        close = nearest(str(location[-1]), keys_of(model, location[:-1]))
        instead = origin.name((*location[:-1], close)) if close else ""
        return SettingsError(f"{key} is no {noun}.", where=where, remedy=_or_remove(instead))
    if first["type"] == "missing":
        return SettingsError(f"{key} is missing.", where=where, remedy=f"Give {key} a value.")
    given = "a secret of another kind" if _is_secret(model, location) else short(first["input"])
    if first["type"] == "literal_error":
        known = [part.strip("'") for part in str(first["ctx"]["expected"]).replace(" or ", ", ").split(", ")]
        what = f"{key} is {given}; known are {', '.join(known)}."
        return SettingsError(what, where=where, remedy=_or_remove(nearest(str(first["input"]), known)))
    message = first["msg"].removeprefix("Value error, ")
    what = f"{key or 'it'} is {given}; expected: {message[:1].lower()}{message[1:]}."
    return SettingsError(what, where=where, remedy="Give it a value of that kind.")


def keys_of(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that may stand at a place, as a file writes them."""
    at = _model_at(model, location)
    return [field.alias or name for name, field in at.model_fields.items()] if at else []


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one; empty where none is known."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.0)
    return close[0] if close else ""


def short(value: object) -> str:
    """A value as its literal, without the password of an address, cut to what fits a terminal."""
    text = without_secrets(repr(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _or_remove(instead: str) -> str:
    return f"Use {instead}, or remove it." if instead else "Remove it."


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    at: type[BaseModel] | None = model
    is_name = False
    for part in location:
        if is_name:
            is_name = False
        elif isinstance(part, str) and at:
            fields = {field.alias or name: field for name, field in at.model_fields.items()}
            annotation = fields[part].annotation if part in fields else None
            at, is_name = _model_in(annotation), get_origin(annotation) is dict
    return at


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for option in get_args(annotation) if (found := _model_in(option))), None)


def _holds_secrets(model: type[BaseModel] | None) -> bool:
    """Whether keys of its own choice may hold secrets."""
    return bool(getattr(model, "holds_secrets", False))


def _is_secret(model: type[BaseModel], location: Location) -> bool:
    for end in range(len(location), 0, -1):
        at, part = _model_at(model, location[: end - 1]), location[end - 1]
        if at and isinstance(part, str) and part in at.model_fields:
            annotation = at.model_fields[part].annotation
            return SecretStr in (annotation, *get_args(annotation)) or _holds_secrets(_model_in(annotation))
    return False
