"""One canonical play event, judged field by field: the exact way, for lines that the fast way cannot take."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from earshot.core import columns as c
from earshot.importers.extras import as_text, is_private, public
from earshot.importers.shape import (
    DEVICE_ID,
    FLAGS,
    IDENTITIES,
    IP,
    LISTENER,
    NUMBERS,
    PARSE_FAULTS,
    PLAYED_MS_PRESENT,
    READABLE_LINE,
    SMALL_NUMBERS,
    TEXTS,
    TIME_PRESENT,
    TIME_READABLE,
    TIMES,
    TRACK_PRESENT,
    TYPED_FIELDS,
    UNREADABLE,
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
        Keys of `shape.PARSED`; a play without faults has neither `parse_faults` nor `raw`.
    """
    if len(line) > limits.max_line_bytes:
        return _unreadable(line[: limits.max_line_bytes], WITHIN_LIMITS)
    try:
        event = json.loads(line.decode("utf-8").removeprefix("\ufeff"), parse_constant=_refuse)
        if b"\\u" in line:
            json.dumps(event, ensure_ascii=False).encode()
    except RecursionError:
        return _unreadable(line, WITHIN_LIMITS)
    except ValueError:
        return _unreadable(line, READABLE_LINE)
    if not isinstance(event, dict):
        return _unreadable(line, READABLE_LINE)
    return play_of(event, limits)


def play_of(event: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """The play in a parsed event, with its faults; see `event_of`."""
    faults: set[str] = set()
    play: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in event.items():
        if value is None or key in LEFT_OUT:
            continue
        if key in KNOWN:
            play[key] = _field(key, value, limits, faults)
        elif not is_private(key):
            extra[key] = value
    if not any(play.get(key) for key in TIMES) and not faults & {TIME_READABLE, TYPED_FIELDS}:
        faults.add(TIME_PRESENT)
    if event.get(c.PLAYED_MS) is None:
        faults.add(PLAYED_MS_PRESENT)
    if not _names_track(event):
        faults.add(TRACK_PRESENT)
    if extra:
        play[c.EXTRA] = _extra(extra, limits, faults)
    if faults:
        play[PARSE_FAULTS] = sorted(faults)
        play[c.RAW] = masked(event)
    return play


def _names_track(event: Mapping[str, Any]) -> bool:
    """Whether it has a track_id, or a track_title with artist_name; an ISRC alone names a recording, not a track."""
    id_, title, artist = (bool(str(event.get(key) or "").strip()) for key in (c.TRACK_ID, c.TRACK_TITLE, c.ARTIST_NAME))
    return id_ or (title and artist)


def _field(key: str, value: object, limits: Limits, faults: set[str]) -> object:
    """The value of a key that has a column; null, and a fault, where it has the wrong type."""
    if key in TEXT_KEYS:
        return _text(value, limits, faults)
    if key in TIMES:
        return _time(value, faults)
    typed: bool | int | None = value if isinstance(value, bool) else None
    if key in NUMBERS:
        typed = whole(value, _INT32 if key in SMALL_NUMBERS else _INT64)
    if typed is None:
        faults.add(TYPED_FIELDS)
    return typed


def _extra(extra: Mapping[str, Any], limits: Limits, faults: set[str]) -> list[tuple[str, str]] | None:
    """The keys that have no column, as texts in order; null where they are too many, too deep or too long."""
    deep = any(isinstance(value, dict | list) and _depth(value) >= limits.max_nesting for value in extra.values())
    texts = [] if deep else sorted((key, as_text(value)) for key, value in extra.items())
    if deep or len(extra) > limits.max_extra_keys or any(len(text) > limits.max_text_chars for _, text in texts):
        faults.add(WITHIN_LIMITS)
        return None
    return texts


def masked(event: Mapping[str, Any]) -> str:
    """The event as JSON without what tells who or where somebody is; the pseudonyms are added later."""
    kept = {key: value for key, value in event.items() if key not in {LISTENER, DEVICE_ID, IP}}
    return json.dumps(_finite(public(kept)), ensure_ascii=False, sort_keys=True)


def _finite(value: Any) -> Any:
    """The value with numbers that JSON cannot hold (1e999) as texts."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def whole(value: object, largest: int) -> int | None:
    """A JSON number as a whole one; None where it is none, or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    number = int(value)
    return number if number == value and -largest - 1 <= number <= largest else None


def time_of(value: object) -> datetime | None:
    """ISO 8601 with zone, or epoch milliseconds; None where it is neither."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            return moment.astimezone(UTC) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None
    epoch_ms = whole(value, _LAST_MS)
    return None if epoch_ms is None or epoch_ms < FIRST_MS else _EPOCH + timedelta(milliseconds=epoch_ms)


def _time(value: object, faults: set[str]) -> datetime | None:
    if isinstance(value, bool | dict | list):
        faults.add(TYPED_FIELDS)
        return None
    moment = time_of(value)
    if moment is None:
        faults.add(TIME_READABLE)
    return moment


def _text(value: object, limits: Limits, faults: set[str]) -> str | None:
    if not isinstance(value, str):
        faults.add(TYPED_FIELDS)
        return None
    if len(value) > limits.max_text_chars:
        faults.add(WITHIN_LIMITS)
        return value[: limits.max_text_chars]
    return value


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _unreadable(line: bytes, fault: str) -> dict[str, Any]:
    return {PARSE_FAULTS: [fault], UNREADABLE: line.decode("utf-8", "surrogateescape")}


def _refuse(constant: str) -> None:
    raise ValueError(constant)
