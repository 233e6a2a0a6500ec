"""From `[[quality.actions]]` to Great Expectations' own actions, with errors that name file, key and remedy."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from great_expectations.checkpoint.actions import _VALIDATION_ACTION_REGISTRY, ValidationAction
from great_expectations.compatibility.pydantic import ValidationError

from earshot.core.action_settings import FROM_VARIABLE, SHOWN_ARGUMENTS, ActionSettings
from earshot.core.config import place_of
from earshot.core.errors import SettingsError
from earshot.core.explanations import nearest
from earshot.core.settings import Settings
from earshot.validators.checkpoints.owed import UPDATE_DATA_DOCS

_NEEDS = {"pagerduty": "pypd"}
_SHORTEST_SECRET = 6


@dataclass(frozen=True)
class ConfiguredAction:
    """An action that is ready to run.

    Attributes:
        action: Great Expectations' object.
        secrets: Values that no message may repeat.
    """

    settings: ActionSettings
    action: ValidationAction
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """How messages and records call it."""
        return self.settings.called


def configured_actions(settings: Settings) -> dict[str, ConfiguredAction]:
    """The actions of the settings, by name.

    Raises:
        SettingsError: Two have one name; a class cannot be loaded, a variable is missing, or Great Expectations does
            not take the arguments.
    """
    actions: dict[str, ConfiguredAction] = {}
    for number, configured in enumerate(settings.quality.actions):
        here = _Place(settings, number)
        if configured.called in (*actions, UPDATE_DATA_DOCS):
            what = f"A second action has the name {configured.called}."
            raise here.error(what, "name", remedy="Give each a `name` of its own.")
        actions[configured.called] = _configured(configured, here)
    return actions


@dataclass(frozen=True)
class _Place:
    """An entry of `[[quality.actions]]`."""

    settings: Settings
    number: int

    def error(self, what: str, key: str = "type", *, remedy: str) -> SettingsError:
        where = place_of(self.settings, ("quality", "actions", self.number, key))
        return SettingsError(what, where=where, remedy=remedy)


def _configured(configured: ActionSettings, here: _Place) -> ConfiguredAction:
    kind, written = _class_of(configured, here), dict[str, str]()
    arguments: dict[str, Any] = {}
    for key, value in configured.arguments.items():
        name = key.removesuffix(FROM_VARIABLE)
        is_variable = key != name and key not in kind.__fields__
        arguments[name if is_variable else key] = _variable(key, value, here) if is_variable else value
        written[name if is_variable else key] = key
    try:
        action = kind(name=configured.called, **arguments)
    except ValidationError as error:
        raise _refusal(error, kind, written, configured, here) from None
    told = {key: value for key, value in arguments.items() if key not in SHOWN_ARGUMENTS}
    return ConfiguredAction(configured, action, tuple(sorted(_secrets(told), key=len, reverse=True)))


def _class_of(configured: ActionSettings, here: _Place) -> type[ValidationAction]:
    module, _, name = configured.type.rpartition(":")
    package = _NEEDS.get(configured.type)
    if package and importlib.util.find_spec(package) is None:
        what = f"The action {configured.type} needs the package {package}, which is not installed."
        raise here.error(what, remedy=f"Run `pip install {package}` where the jobs run.")
    if not module:
        return _VALIDATION_ACTION_REGISTRY.get(configured.type)
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        why = " ".join(str(error).split())
        what = f"{module} cannot be imported: {type(error).__name__}: {why}."
        raise here.error(what, remedy="Put the module where the jobs find it (PYTHONPATH, --py-files).") from None
    found = getattr(loaded, name, None)
    if isinstance(found, type) and issubclass(found, ValidationAction):
        return found
    known = [key for key, value in vars(loaded).items() if isinstance(value, type) and _is_own(value)]
    close = nearest(name, known)
    remedy = (
        f"Use {module}:{close}." if close else "Write a subclass of great_expectations.checkpoint.ValidationAction."
    )
    raise here.error(f"{module} has no subclass {name} of ValidationAction.", remedy=remedy)


def _is_own(kind: type) -> bool:
    return issubclass(kind, ValidationAction) and not kind.__module__.startswith("great_expectations.")


def _variable(key: str, variable: object, here: _Place) -> str:
    if not isinstance(variable, str):
        raise here.error(f"{key} is no name of a variable.", key, remedy="Name an environment variable.")
    value = os.environ.get(variable)
    if not value:
        remedy = f"Set {variable} where the jobs run."
        raise here.error(f"{variable} is not set, and {key} names it.", key, remedy=remedy)
    return value


def _refusal(
    error: ValidationError,
    kind: type[ValidationAction],
    written: Mapping[str, str],
    configured: ActionSettings,
    here: _Place,
) -> SettingsError:
    """The most telling finding, without the value, which may be a secret."""
    first = min(error.errors(), key=lambda finding: finding["type"] == "value_error.missing")
    name = str(first["loc"][0])
    key = written.get(name, name)
    called = f"quality.actions[{here.number}].{key}"
    if first["type"] == "value_error.extra":
        fields = [*kind.__fields__, *type(configured).model_fields]
        return here.error(
            f"{called} is no argument of {configured.type}.", key, remedy=f"Use {nearest(name, fields)}, or remove it."
        )
    if first["type"] == "value_error.missing":
        return here.error(
            f"{called} is missing.", remedy=f"Give it a value, or name a variable in {key}{FROM_VARIABLE}."
        )
    message = str(first["msg"]).rstrip(".")
    if name == "__root__":
        return here.error(f"{configured.type}: {message}.", remedy="Give the action these arguments.")
    remedy = "Give it a value of that kind."
    return here.error(f"{called} is not what {configured.type} takes: {message}.", key, remedy=remedy)


def _secrets(value: object) -> list[str]:
    """The texts among arguments, and of an address also what follows the host."""
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _secrets(part)]
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in _secrets(part)]
    if not isinstance(value, str) or len(value) < _SHORTEST_SECRET:
        return []
    _, scheme, rest = value.partition("://")
    _, slash, path = rest.partition("/")
    return [value, slash + path] if scheme and path else [value]
