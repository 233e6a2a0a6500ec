"""One canonical play event, judged field by field: the exact way, for lines that the fast way cannot take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from earshot.core import columns as c
from earshot.importers.extras import as_text, is_private
from earshot.importers.faults import Faults, masked_json, shown, unreadable
from earshot.importers.objects import UnreadableError, depth_of, object_of
from earshot.importers.shape import (
    FLAGS,
    IDENTITIES,
    NUMBERS,
    PLAYED_MS_PRESENT,
    SMALL_NUMBERS,
    TEXTS,
    TIME_PRESENT,
    TIME_READABLE,
    TIMES,
    TRACK_PRESENT,
    TYPED_FIELDS,
    WITHIN_LIMITS,
    Limits,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999
_INT64, _INT32 = 2**63 - 1, 2**31 - 1

# Keys of the event that have no column of their own and are not kept in `extra`.
LEFT_OUT = frozenset({"event_id", c.LISTEN_DATE, c.LISTENER_ID, c.DEVICE_TOKEN, c.NETWORK_TOKEN})
TEXT_KEYS = frozenset({*IDENTITIES, *TEXTS})
KNOWN = TEXT_KEYS | set(NUMBERS) | set(FLAGS) | set(TIMES) | LEFT_OUT


def event_of(line: bytes, limits: Limits) -> dict[str, Any]:
    """The play in one line, with its faults.

    Returns:
        Keys of `shape.PARSED`; a play without faults has neither `parse_faults`, `cause` nor `raw`.
    """
    try:
        return play_of(object_of(line, limits), limits)
    except UnreadableError as error:
        return unreadable(line[: limits.max_line_bytes], error.fault, error.why)


def play_of(event: Mapping[str, Any], limits: Limits, *, needs_played_ms: bool = True) -> dict[str, Any]:
    """The play in a parsed event, with its faults; see `event_of`.

    Args:
        event: Its nesting is bounded.
        limits: What its values may be.
        needs_played_ms: Whether an event that does not say how long was heard has a fault.
    """
    faults = Faults()
    play: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in event.items():
        if value is None or key in LEFT_OUT:
            continue
        if key in KNOWN:
            play[key] = _field(key, value, limits, faults)
        elif not is_private(key):
            extra[key] = value
    if not any(play.get(key) for key in TIMES) and not faults.keys() & {TIME_READABLE, TYPED_FIELDS}:
        faults.note(TIME_PRESENT, "started_at and ended_at are both missing")
    if needs_played_ms and event.get(c.PLAYED_MS) is None:
        faults.note(PLAYED_MS_PRESENT, "played_ms is missing")
    if not names_track(event):
        faults.note(TRACK_PRESENT, "neither track_id nor track_title with artist_name is there")
    if extra:
        play[c.EXTRA] = extra_of(extra, limits, faults)
    if faults:
        play |= faults.marks() | {c.RAW: masked_json(event, IDENTITIES)}
    return play


def names_track(event: Mapping[str, Any]) -> bool:
    """Whether it has a track_id, or a track_title with artist_name; an ISRC alone names a recording, not a track."""
    id_, title, artist = (bool(str(event.get(key) or "").strip()) for key in (c.TRACK_ID, c.TRACK_TITLE, c.ARTIST_NAME))
    return id_ or (title and artist)


def _field(key: str, value: object, limits: Limits, faults: Faults) -> object:
    """The value of a key that has a column; null, and a fault, where it has the wrong type."""
    if key in TEXT_KEYS:
        return text_of(key, value, limits, faults)
    if key in TIMES:
        return _time(key, value, faults)
    typed: bool | int | None = value if isinstance(value, bool) else None
    if key in NUMBERS:
        typed = whole(value, _INT32 if key in SMALL_NUMBERS else _INT64)
    if typed is None:
        faults.field(
            TYPED_FIELDS, key, value, "is no whole number in range" if key in NUMBERS else "is not true or false"
        )
    return typed


def extra_of(extra: Mapping[str, Any], limits: Limits, faults: Faults) -> list[tuple[str, str]] | None:
    """The keys that have no column, as texts in order; null where they are too many, too deep or too long."""
    if len(extra) > limits.max_extra_keys:
        faults.note(WITHIN_LIMITS, f"{len(extra)} keys without a column are more than {limits.max_extra_keys}")
        return None
    for key, value in extra.items():
        if isinstance(value, dict | list) and depth_of(value) >= limits.max_nesting:
            faults.note(WITHIN_LIMITS, f"{shown(key)} is nested deeper than {limits.max_nesting}")
            return None
    texts = sorted((key, as_text(value)) for key, value in extra.items())
    for key, text in texts:
        if len(text) > limits.max_text_chars:
            faults.field(WITHIN_LIMITS, key, text, f"is longer than {limits.max_text_chars} characters")
            return None
    return texts


def whole(value: object, largest: int = _INT64) -> int | None:
    """A number as a whole one, also a decimal (as warehouses export integers); None where it is none, or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        return None
    number = int(value)
    return number if number == value and -largest - 1 <= number <= largest else None


def time_of(value: object) -> datetime | None:
    """ISO 8601 with zone, epoch milliseconds, or a time with zone; None where it is none of them."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC) if value.tzinfo else None
        except (ValueError, OverflowError):
            return None
    epoch_ms = whole(value, _LAST_MS)
    return None if epoch_ms is None else at_ms(epoch_ms)


def at_ms(epoch_ms: int) -> datetime | None:
    """The time of epoch milliseconds; None outside the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=epoch_ms) if FIRST_MS <= epoch_ms <= _LAST_MS else None


def _time(key: str, value: object, faults: Faults) -> datetime | None:
    if isinstance(value, bool | dict | list):
        faults.field(TYPED_FIELDS, key, value, "is no time")
        return None
    moment = time_of(value)
    if moment is None:
        faults.field(TIME_READABLE, key, value, "is no ISO 8601 time with zone and no epoch milliseconds")
    return moment


def text_of(key: str, value: object, limits: Limits, faults: Faults) -> str | None:
    """A text; null, and a fault, where it is none, holds U+0000 or is too long."""
    if not isinstance(value, str):
        faults.field(TYPED_FIELDS, key, value, "is no text")
        return None
    if "\0" in value:
        faults.field(TYPED_FIELDS, key, value, "holds the character U+0000")
        return None
    if len(value) > limits.max_text_chars:
        faults.field(WITHIN_LIMITS, key, value, f"is longer than {limits.max_text_chars} characters")
        return value[: limits.max_text_chars]
    return value
