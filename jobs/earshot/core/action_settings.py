"""What Great Expectations does once the gate has judged a batch: the actions of its Checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, field_validator, model_serializer
from pydantic_core import PydanticCustomError

from earshot.core.section import Seconds, Section

ACTION_TYPES: Final = ("slack", "email", "microsoft", "pagerduty", "opsgenie", "sns")
"""Great Expectations' own actions by their type; each of them sends a message."""

OWN_CLASS: Final = "package.module:Class"
FROM_VARIABLE: Final = "_env"
"""What the key of an argument ends in that names the environment variable with its value."""

SHOWN_ARGUMENTS: Final = (
    *("notify_on", "slack_channel", "region", "priority", "severity", "sns_topic_arn"),
    *("smtp_address", "smtp_port", "use_tls", "use_ssl"),
)
"""Arguments that are surely no secret."""

Outcome = Literal["all", "refused", "admitted"]

_NOT_THESE = {
    "update_data_docs": "Data Docs are brought up to date for every batch",
    "api": "that one of Great Expectations 1.24 fails on every result; write a class of your own",
}
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_CLASS = re.compile(rf"{_WORD}(\.{_WORD})*:{_WORD}")
_HIDDEN = "**********"


class ActionSettings(Section):
    """One action; every other key is an argument of the action, as Great Expectations names it.

    Attributes:
        type: One of ACTION_TYPES, or a subclass of ValidationAction as `package.module:Class`.
        name: How messages and records call it; unique. By default its type.
        on: Of which batches it hears: all, those that the gate refused, or those that it admitted.
        timeout_s: After so many seconds an action counts as failed.
    """

    model_config = ConfigDict(extra="allow")
    holds_secrets: ClassVar[bool] = True

    type: str
    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}$")] | None = None
    on: Outcome = "all"
    timeout_s: Seconds = 20.0

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the action is given, variables not yet read."""
        return self.model_extra or {}

    @property
    def called(self) -> str:
        """Its name, or its type; of an own class the class alone."""
        return self.name or self.type.rpartition(":")[2]

    @field_validator("type")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind in ACTION_TYPES or _CLASS.fullmatch(kind):
            return kind
        if kind in _NOT_THESE:
            raise ValueError(f"another action: {_NOT_THESE[kind]}")
        expected = " or ".join(f"'{known}'" for known in (*ACTION_TYPES, OWN_CLASS))
        raise PydanticCustomError("literal_error", "one of {expected}", {"expected": expected})

    @model_serializer
    def _shown(self) -> dict[str, Any]:
        """Arguments may be secrets: only the names of variables, and what is surely none, are shown."""
        plain = {"type": self.type, "name": self.called, "on": self.on, "timeout_s": self.timeout_s}
        shown = {
            key: value if key.endswith(FROM_VARIABLE) or key in SHOWN_ARGUMENTS else _HIDDEN
            for key, value in self.arguments.items()
        }
        return plain | shown

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """As it may be shown."""
        yield from self._shown().items()
