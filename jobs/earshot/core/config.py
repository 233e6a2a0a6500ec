"""Settings from files, environment and command line, with errors that name file, key and remedy.

Order, later wins: `conf/base.toml`, `conf/ENV.toml`, `EARSHOT_SECTION__KEY`, the command line.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from earshot.core.errors import SettingsError
from earshot.core.locations import conf_folder
from earshot.core.settings import Settings

_PREFIX = "EARSHOT_"
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
    layers = [*_file_layers(name), ("environment", _environment()), ("command line", dict(overrides or {}))]
    merged: dict[str, Any] = {}
    origin: dict[tuple[str, ...], str] = {}
    for source, values in layers:
        _merge(merged, values)
        origin.update({path: source for path in _leaves(values)})
    merged["env"] = name
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise _explain(error, origin) from None
    _require_secrets(settings)
    return settings


def effective(settings: BaseModel) -> dict[str, Any]:
    """The settings as plain values, secrets masked."""
    shown: dict[str, Any] = json.loads(settings.model_dump_json())
    return shown


def source_of(settings: Settings, *path: str) -> str:
    """The file that says a setting: the environment's overlay, else base.toml, else where others come from."""
    said = "environment or command line"
    for source, values in _file_layers(settings.env):
        found: Any = values
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        said = source if found is not None else said
    return said


def _file_layers(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    folder = conf_folder()
    yield _toml(folder / "base.toml")
    overlay = folder / f"{name}.toml"
    if overlay.exists():
        yield _toml(overlay)
    elif name != "development":
        known = sorted(p.stem for p in folder.glob("*.toml") if p.stem not in {"base", "alerts"})
        raise SettingsError(
            f"There is no environment {name}.",
            where=str(overlay),
            remedy=f"Use one of {', '.join(known)}, or write {overlay.name}.",
        )


def _toml(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path.name} cannot be read: {error}.", where=str(path), remedy="Mend the file.") from None


def _environment() -> dict[str, Any]:
    for key in os.environ:
        first = key.removeprefix(_PREFIX).split("__")[0].lower()
        if key.startswith(_PREFIX) and key not in _NOT_SETTINGS and first not in Settings.model_fields:
            raise SettingsError(
                f"{key} is no setting.",
                where=f"environment variable {key}",
                remedy=f"Unset it, or use {_nearest(first, Settings.model_fields, _PREFIX)}.",
            )
    values = EnvSettingsSource(_FromEnvironment)()
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


def _explain(error: ValidationError, origin: Mapping[tuple[str, ...], str]) -> SettingsError:
    first = error.errors()[0]
    location = tuple(str(part) for part in first["loc"])
    key = ".".join(location)
    source = next((origin[location[:n]] for n in range(len(location), 0, -1) if location[:n] in origin), "settings")
    if first["type"] == "extra_forbidden":
        remedy = f"Remove it, or use {_nearest(location[-1], _fields(location[:-1]), '')}."
        return SettingsError(f"{key} is no setting.", where=source, remedy=remedy)
    given = first["input"]
    what = f"{key} is {given!r}" if isinstance(given, str | int | float) else key
    return SettingsError(
        f"{what}; expected: {first['msg']}.",
        where=f"{source}, key {key}",
        remedy="Give it a value of that kind; `earshot doctor` prints what is in force.",
    )


def _fields(path: tuple[str, ...]) -> list[str]:
    model: Any = Settings
    for part in path:
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            break
        model = fields[part].annotation
    return list(getattr(model, "model_fields", Settings.model_fields))


def _nearest(word: str, known: Any, prefix: str) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.0)
    return f"{prefix}{close[0].upper() if prefix else close[0]}" if close else "one that `earshot doctor` lists"


def _require_secrets(settings: Settings) -> None:
    if not settings.production:
        return
    wanted: list[tuple[str, object]] = []
    channels = settings.alerts.channels
    wanted += [("alerts.webhook_url", settings.alerts.webhook_url)] if "webhook" in channels else []
    wanted += [("alerts.slack_url", settings.alerts.slack_url)] if "slack" in channels else []
    wanted += [("smtp.host", settings.smtp.host)] if "email" in channels else []
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
