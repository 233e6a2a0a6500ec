"""Settings from files, environment and command line, with errors that name file, key and remedy.

Order, later wins: `conf/base.toml`, `conf/ENV.toml`, `EARSHOT_SECTION__KEY`, the command line.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableVariable

from earshot.core.errors import SettingsError
from earshot.core.explanations import CommandLineOrigin, EnvironmentOrigin, FileOrigin, Origin, explain, nearest
from earshot.core.locations import conf_folder
from earshot.core.settings import Settings
from earshot.core.toml_files import Location, read_toml

_PREFIX = "EARSHOT_"
_ENVIRONMENT = re.compile(r"[A-Za-z0-9_-]+")
_NOT_SETTINGS = {
    "EARSHOT_CONF",
    "EARSHOT_PSEUDONYM_KEY",
    "EARSHOT_MASTER_KEY",
    "EARSHOT_ACTOR",
    "EARSHOT_JDBC_USER",
    "EARSHOT_JDBC_PASSWORD",
    "EARSHOT_LAKE",
    "EARSHOT_FINGERPRINT",
    "EARSHOT_TRACKING_URI",
}


class _FromEnvironment(BaseSettings, Settings):
    """Reads EARSHOT_* the way pydantic-settings does; validated with the files, not alone."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid")


def load_settings(env: str | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force.

    Args:
        env: Overlay `conf/ENV.toml`; EARSHOT_ENV, else `development` (no overlay needed).
        overrides: What the command line said, nested as in the files.

    Raises:
        SettingsError: A file cannot be read, a key is unknown, a value has the wrong type, or a
            secret is missing in production.
    """
    name = env or os.environ.get("EARSHOT_ENV") or "development"
    environment: tuple[Origin, dict[str, Any]] = (EnvironmentOrigin(_PREFIX), _environment())
    layers = [*_file_layers(name), environment, (CommandLineOrigin(), dict(overrides or {}))]
    merged: dict[str, Any] = {}
    origin: dict[tuple[str, ...], Origin] = {}
    for source, values in layers:
        _merge(merged, values)
        origin.update({path: source for path in _leaves(values)})
    merged["env"] = name
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise explain(error, Settings, _Layered(origin), "setting") from None
    _require_secrets(settings)
    return settings


def effective(settings: BaseModel) -> dict[str, Any]:
    """The settings as plain values, secrets masked."""
    shown: dict[str, Any] = json.loads(settings.model_dump_json())
    return shown


def place_of(settings: Settings, location: Location) -> str:
    """Where a setting is said: file, line and key, or variable, whichever says it last; for errors found later."""
    said: Origin = CommandLineOrigin()
    environment: tuple[Origin, dict[str, Any]] = (EnvironmentOrigin(_PREFIX), _environment())
    for origin, values in (*_file_layers(settings.env), environment):
        found: Any = values
        for part in takewhile(lambda part: isinstance(part, str), location):  # a list is said as a whole
            found = found.get(part) if isinstance(found, dict) else None
        said = origin if found is not None else said
    return said.where(location)


def _file_layers(name: str) -> Iterator[tuple[FileOrigin, dict[str, Any]]]:
    folder = conf_folder()
    yield FileOrigin(folder / "base.toml"), read_toml(folder / "base.toml")
    overlay = folder / f"{name}.toml"
    if overlay.exists() and _ENVIRONMENT.fullmatch(name):
        yield FileOrigin(overlay), read_toml(overlay)
    elif name != "development":
        known = sorted(p.stem for p in folder.glob("*.toml") if p.stem not in {"base", "alerts"})
        raise SettingsError(
            f"There is no environment {name}.",
            where=str(folder),
            remedy=f"Use one of {', '.join(known)}, or write a file of that name ending in .toml.",
        )


def _environment() -> dict[str, Any]:
    for key in os.environ:
        first = key.removeprefix(_PREFIX).split("__")[0].lower()
        if key.startswith(_PREFIX) and key not in _NOT_SETTINGS and first not in Settings.model_fields:
            _, *rest = key.removeprefix(_PREFIX).split("__")
            close = "__".join([nearest(first, Settings.model_fields).upper(), *rest])
            raise SettingsError(
                f"{key} is no setting.",
                where=f"environment variable {key}",
                remedy=f"Unset it, or use {_PREFIX}{close}.",
            )
    try:
        values = EnvSettingsSource(_FromEnvironment)()
    except UnreadableVariable as error:
        raise _not_json(str(error)) from None
    values.pop("env", None)
    return values


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _leaves(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))


class _Layered:
    """The origin of each key: the last layer that named it, or the table around it."""

    def __init__(self, origins: Mapping[tuple[str, ...], Origin]) -> None:
        self._origins = origins

    def where(self, location: Location) -> str:
        """The place in that layer."""
        return self._of(location).where(location)

    def name(self, location: Location) -> str:
        """The key as that layer writes it."""
        return self._of(location).name(location)

    def _of(self, location: Location) -> Origin:
        path = tuple(map(str, location))
        above = (path[:n] for n in range(len(path), 0, -1))
        return next((self._origins[part] for part in above if part in self._origins), CommandLineOrigin())


def _not_json(said: str) -> SettingsError:
    """A variable that should hold a list or a section, and holds no JSON."""
    field = match[1] if (match := re.search(r'field "(\w+)"', said)) else ""
    stem = f"{_PREFIX}{field.upper()}"
    names = sorted(key for key in os.environ if key.upper() == stem or key.upper().startswith(f"{stem}__"))
    unreadable = [name for name in names if not _is_json(os.environ[name])] or names or [stem]
    return SettingsError(
        f"{unreadable[0]} is no JSON.",
        where=f"environment variable {', '.join(unreadable)}",
        remedy='Write lists and sections as JSON, for example ["file", "console"].',
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _require_secrets(settings: Settings) -> None:
    if not settings.production:
        return
    wanted: list[tuple[str, object]] = []
    alerts = settings.alerts
    of_channel = {
        "webhook": ("alerts.webhook_url", alerts.webhook_url),
        "slack": ("alerts.slack_url", alerts.slack_url),
        "teams": ("alerts.teams_url", alerts.teams_url),
        "pagerduty": ("alerts.pagerduty_key", alerts.pagerduty_key),
        "alertmanager": ("alerts.alertmanager_url", alerts.alertmanager_url),
        "email": ("smtp.host", settings.smtp.host),
    }
    wanted += [of_channel[channel] for channel in of_channel if channel in alerts.channels]
    wanted.append(
        ("privacy.pseudonym_key_file", _key_given("EARSHOT_PSEUDONYM_KEY", settings.privacy.pseudonym_key_file))
    )
    wanted.append(("privacy.master_key_file", _key_given("EARSHOT_MASTER_KEY", settings.privacy.master_key_file)))
    for key, value in wanted:
        if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
            variable = _PREFIX + key.upper().replace(".", "__")
            raise SettingsError(
                f"{key} is missing, and production needs it.",
                where=f"conf/{settings.env}.toml, key {key}",
                remedy=f"Set {variable}, or write the key into the file.",
            )


def _key_given(variable: str, file: str) -> bool:
    return bool(os.environ.get(variable) or file)
