"""Names of a request's fields, and what the quarantine keeps of a request that is set aside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from earshot.core import columns as c
from earshot.importers.cmcd_payload import ARGUMENT, HEADERS, KEYS
from earshot.importers.extras import is_private
from earshot.importers.shape import TEXTS

TIMES: Final = ("timestamp", "@timestamp", "time", "ts", "time-iso8601", "date-time", "started-at")
STATUSES: Final = ("status", "status-code", "sc-status", "response-code")
TAKEN: Final = frozenset(TEXTS) - {c.TRACK_ID}
"""Columns that a request may tell under their own names."""


def plain_name(key: str) -> str:
    """The name of a field, however it is cased, with hyphens."""
    return key.lower().replace("_", "-")


_HEADERS_INSIDE: Final = ("headers", "request-headers")
_KEPT: Final = frozenset({*TIMES, *STATUSES, *map(plain_name, TAKEN)})
_PAIR: Final = re.compile(r'([A-Za-z*][A-Za-z0-9_.*-]*)=("(?:[^"\\]|\\.)*"|[^,]*),?')


def kept_of(item: Mapping[str, Any], query: str) -> dict[str, Any]:
    """What the quarantine keeps of a request: when, how it was answered, and what the client told of playback.

    Addresses, agents, cookies, tokens in URLs and a client's own keys that name a person are not among it.
    """
    kept: dict[str, Any] = {}
    for key, value in item.items():
        plain = plain_name(key)
        if plain == "cmcd" or plain.endswith(HEADERS) or (plain in _HEADERS_INSIDE and isinstance(value, Mapping)):
            kept[key] = _public(value, only_cmcd=plain in _HEADERS_INSIDE)
        elif plain in _KEPT or key in KEYS:
            kept[key] = value
    arguments = [pair for pair in query.split("&") if pair.startswith(f"{ARGUMENT}=")]
    return kept | ({"query": "&".join(map(_public_argument, arguments))} if arguments else {})


def _public(value: Any, *, only_cmcd: bool = False) -> Any:
    if isinstance(value, Mapping):
        named = value.items()
        chosen = [(k, v) for k, v in named if plain_name(k).endswith(HEADERS)] if only_cmcd else named
        return {key: _public(inner) for key, inner in chosen if not is_private(key.rpartition("-")[2])}
    if not isinstance(value, str):
        return value
    return _PAIR.sub(lambda pair: "" if is_private(pair[1].rpartition("-")[2]) else pair[0], value)


def _public_argument(argument: str) -> str:
    told = unquote(argument.partition("=")[2], errors="replace")
    shown = _public(told)
    return argument if shown == told else f"{ARGUMENT}={quote(shown, safe='')}"
