"""The contract's rules in plain Python: an opinion on lines that knows neither the simulator nor the validators."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

_ZONED = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
_COUNTRIES = {"US", "GB", "DE", "BR", "FR", "MX", "JP", "IN", "SE", "AU", "PL"}
_NUMBERS = (
    *("played_ms", "duration_ms", "startup_ms", "rebuffer_count", "rebuffer_ms", "bitrate_kbps"),
    "bitrate_switches",
)
_FLAGS = ("skipped", "shuffle", "offline", "start_failed")


def failed_rules(line: bytes, arrival_day: str) -> set[str]:
    """The rules that a line of a folder ARRIVAL-DATE fails."""
    try:
        event = json.loads(line)
    except ValueError:
        return {"readable_line"}
    if not isinstance(event, dict):
        return {"readable_line"}
    started, ended = _moment(event.get("started_at")), _moment(event.get("ended_at"))
    arrived = datetime.fromisoformat(arrival_day).replace(tzinfo=UTC) + timedelta(days=1)
    number = {key: event.get(key) if _is_number(event.get(key)) else None for key in _NUMBERS}
    played, duration = number["played_ms"], number["duration_ms"]
    rules = {
        "listener_present": not event.get("listener"),
        "time_present": not (event.get("started_at") or event.get("ended_at")),
        "time_readable": any(event.get(key) and not _moment(event[key]) for key in ("started_at", "ended_at")),
        "track_present": not (event.get("track_id") or (event.get("track_title") and event.get("artist_name"))),
        "played_ms_present": event.get("played_ms") is None,
        "typed_fields": any(event.get(key) is not None and number[key] is None for key in _NUMBERS)
        or any(not isinstance(event.get(key, False), bool) for key in _FLAGS),
        "within_limits": any(isinstance(v, str) and len(v) > 2_000 for v in event.values()) or _depth(event) > 8,
        "played_ms_not_negative": played is not None and played < 0,
        "played_within_duration": played is not None and duration is not None and played > duration * 1.1 + 5_000,
        "duration_plausible": duration is not None and not 1 <= duration <= 86_400_000,
        "ordered_times": bool(started and ended and ended < started),
        "not_before_2002": bool(started and started < datetime(2002, 10, 1, tzinfo=UTC)),
        "not_in_future": bool(started and started > arrived + timedelta(hours=1)),
        "known_country": event.get("country") not in _COUNTRIES,
        "known_tier": event.get("tier") not in {"free", "premium", "family", "student"},
        "known_context": event.get("context")
        not in {"playlist", "album", "artist", "radio", "search", "library", "unknown"},
        "startup_not_negative": (number["startup_ms"] or 0) < 0,
        "rebuffer_not_negative": (number["rebuffer_ms"] or 0) < 0,
        "bitrate_plausible": number["bitrate_kbps"] is not None and not 1 <= number["bitrate_kbps"] <= 10_000,
    }
    return {rule for rule, failed in rules.items() if failed}


def start_ms(event: dict[str, Any]) -> int:
    """When a play started, epoch ms."""
    return round(datetime.fromisoformat(event["started_at"]).timestamp() * 1000)


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or not _ZONED.match(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _depth(value: object) -> int:
    return 1 + max((_depth(v) for v in value.values()), default=0) if isinstance(value, dict) else 0
