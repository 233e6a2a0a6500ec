"""What ListenBrainz's server takes: the checks of `validate_listen`, with the server's own words as the cause.

https://github.com/metabrainz/listenbrainz-server, listenbrainz/webserver/views/api_tools.py (validate_listen,
validate_listened_at, validate_basic_metadata, validate_duration_field, validate_single_mbid_field,
check_for_unicode_null_recursively), views/api.py (sizes) and listenstore/__init__.py (LISTEN_MINIMUM_DATE), as of
August 2026. Listens of dumps and exports have more keys than submissions; their top level is not judged.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from earshot.importers.faults import Faults
from earshot.importers.shape import (
    TAKEN_BY_LISTENBRAINZ,
    TIME_PRESENT,
    TIME_READABLE,
    TRACK_PRESENT,
    TYPED_FIELDS,
    WITHIN_LIMITS,
)

MAX_LISTEN_BYTES = 10_240
MAX_LISTENS = 1_000
MAX_PAYLOAD_BYTES = MAX_LISTEN_BYTES * MAX_LISTENS
FIRST = datetime(2002, 10, 1, tzinfo=UTC)

_MAX_TAGS, _MAX_TAG_CHARS = 50, 64
_ALLOWED_SKEW = timedelta(hours=1)
_MAX_DURATION_S = 24 * 24 * 60 * 60
_DURATIONS = {"duration": _MAX_DURATION_S, "duration_ms": _MAX_DURATION_S * 1000}
_MBIDS = ("release_mbid", "recording_mbid", "release_group_mbid", "track_mbid")
_LISTS_OF_MBIDS = ("artist_mbids", "work_mbids")
_SUBMITTED = frozenset({"listened_at", "track_metadata"})


class Refusals(Faults):
    """Faults, each of which is also one of the rule that names the server."""

    def refuse(self, message: str, fault: str | None = None) -> None:
        """Add what the server would answer."""
        self.note(TAKEN_BY_LISTENBRAINZ, message)
        if fault:
            self.note(fault, message)


def judge(listen: Mapping[str, Any], refusals: Refusals, *, submitted: bool) -> None:
    """Note what the server would refuse of a listen, apart from its time.

    Args:
        listen: With `track_metadata`.
        refusals: Where it is noted.
        submitted: Whether it comes from a submission: then its top level and its size are judged too.
    """
    if submitted:
        if not set(listen) <= _SUBMITTED:
            refusals.refuse("JSON document may only contain listened_at and track_metadata top level keys")
        if len(json.dumps(listen, ensure_ascii=False).encode("utf-8", "replace")) > MAX_LISTEN_BYTES:
            refusals.refuse(f"Payload too large: a listen may not exceed {MAX_LISTEN_BYTES} bytes", WITHIN_LIMITS)
    metadata = listen.get("track_metadata")
    if not isinstance(metadata, Mapping):
        missing = "track_metadata" not in listen
        refusals.refuse(
            "JSON document must contain the key track_metadata at the top level."
            if missing
            else "JSON document may not have track_metadata with null value.",
            TRACK_PRESENT if metadata is None else TYPED_FIELDS,
        )
        return
    for key, required in (("track_name", True), ("artist_name", True), ("release_name", False)):
        _judge_name(metadata, key, refusals, required=required)
    info = metadata.get("additional_info")
    if isinstance(info, Mapping):
        _judge_tags(info.get("tags"), refusals)
        _judge_durations(info, refusals)
        _judge_mbids(info, refusals)
    elif info is not None:
        refusals.refuse("track_metadata.additional_info must be an object.", TYPED_FIELDS)
    if _has_null(listen):
        refusals.refuse("it contains a unicode null", TYPED_FIELDS)


def judge_time(listen: Mapping[str, Any], key: str, now: datetime | None, refusals: Refusals) -> datetime | None:
    """When the listen began; None, and what the server would answer, where that cannot be.

    Args:
        listen: The listen.
        key: listened_at, or timestamp in old dumps.
        now: The server's clock; None lets any time pass.
        refusals: Where it is noted.
    """
    if listen.get(key) is None:
        refusals.refuse("JSON document must contain the key listened_at at the top level.", TIME_PRESENT)
        return None
    seconds = _seconds(listen[key])
    if seconds is None:
        refusals.refuse("JSON document must contain an int value for listened_at.", TIME_READABLE)
        return None
    try:
        listened_at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        refusals.refuse(f"Value for key listened_at is too {'high' if seconds > 0 else 'low'}.", TIME_READABLE)
        return None
    if now and listened_at >= now + _ALLOWED_SKEW:
        refusals.refuse("Value for key listened_at is too high.")
    elif listened_at < FIRST:
        refusals.refuse("Value for key listened_at is too low: it should not be before 2002-10-01 00:00:00 UTC.")
    return listened_at


def _seconds(told: Any) -> int | None:
    try:
        return None if isinstance(told, bool) else int(told)
    except (ValueError, TypeError, OverflowError):
        return None


def _judge_name(metadata: Mapping[str, Any], key: str, refusals: Refusals, *, required: bool) -> None:
    if key not in metadata or (metadata[key] is None and not required):
        if required:
            message = f"JSON document does not contain required field track_metadata.{key}."
            refusals.refuse(message, TRACK_PRESENT)
        return
    value = metadata[key]
    if not isinstance(value, str):
        refusals.refuse(f"track_metadata.{key} must be a single string.", TYPED_FIELDS)
    elif required and not value.strip():
        refusals.refuse(f"field track_metadata.{key} is empty.", TRACK_PRESENT)


def _judge_tags(tags: object, refusals: Refusals) -> None:
    if tags is None:
        return
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        refusals.refuse("track_metadata.additional_info.tags must be a list of strings.", TYPED_FIELDS)
        return
    where = "track_metadata.additional_info.tags"
    if len(tags) > _MAX_TAGS:
        refusals.refuse(f"JSON document may not contain more than {_MAX_TAGS} items in {where}.", WITHIN_LIMITS)
    if any(len(tag) > _MAX_TAG_CHARS for tag in tags):
        refusals.refuse(
            f"JSON document may not contain {where} longer than {_MAX_TAG_CHARS} characters.", WITHIN_LIMITS
        )


def _judge_durations(info: Mapping[str, Any], refusals: Refusals) -> None:
    if all(key in info for key in _DURATIONS):
        refusals.refuse("JSON document should not contain both duration and duration_ms.")
    for key, most in _DURATIONS.items():
        if key not in info:
            continue
        try:
            value = int(float(info[key]))
        except (ValueError, TypeError, OverflowError):
            value = 0
        if value <= 0:
            refusals.refuse(f"Value for {key} is invalid, should be a positive integer.", TYPED_FIELDS)
        elif value > most:
            refusals.refuse(f"Value for {key} is too large, max permitted value is {most}")


def _judge_mbids(info: Mapping[str, Any], refusals: Refusals) -> None:
    for key in _MBIDS:
        if info.get(key) and not _is_uuid(info[key]):
            refusals.refuse(f"{key} MBID format invalid.")
    for key in _LISTS_OF_MBIDS:
        listed = info.get(key) or []
        if not isinstance(listed, list) or not all(_is_uuid(mbid) for mbid in listed if mbid):
            refusals.refuse(f"{key} MBID format invalid.")


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


def _has_null(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_null(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_null(inner) for inner in value)
    return isinstance(value, str) and "\0" in value
