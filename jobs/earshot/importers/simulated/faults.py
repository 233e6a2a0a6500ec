"""Faults of single lines, each with the rule that must find it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

Event = dict[str, Any]
Rng = np.random.Generator
Broken = tuple[Event | bytes, str | None]


def broken(line: bytes, fault: str, rng: Rng) -> tuple[bytes, str | None]:
    """A line with a fault.

    Args:
        line: A good line, with its line feed.
        fault: A name of `FAULTS`.
        rng: Source of chance.

    Returns:
        The line, with its line feed, and the rule that finds it; None if it is to be accepted.
    """
    result, rule = FAULTS[fault](line.rstrip(b"\n"), rng)
    return (result if isinstance(result, bytes) else written(result)) + b"\n", rule


def written(event: Event) -> bytes:
    """An event as a line without line feed."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def moment(event: Event) -> datetime:
    """When the play of an event started."""
    return datetime.fromisoformat(event["started_at"])


def stamp(value: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def near_copy(line: bytes, number: int, device: Mapping[str, str], rng: Rng) -> bytes:
    """The same play as another client tells it: a little later, and with less to say."""
    event: Event = json.loads(line)
    event["event_id"] = f"n-{number}"
    event["started_at"] = stamp(moment(event) + timedelta(milliseconds=int(rng.integers(500, 4_500))))
    event["played_ms"] = max(0, event["played_ms"] - int(rng.integers(0, 3_000)))
    event.update(device)
    event["device_id"] = f"{int(rng.integers(1, 2**62)):016x}"
    for key in ("bitrate_kbps", "cdn", "isrc", "album_title", "startup_ms"):
        event.pop(key, None)
    return written(event) + b"\n"


def _cut(line: bytes, rng: Rng) -> Broken:
    return line[: int(rng.integers(12, len(line) - 1))], "readable_line"


def _garbage(line: bytes, rng: Rng) -> Broken:
    noise = rng.integers(0x80, 0xC0, int(rng.integers(30, 200))).astype(np.uint8).tobytes()
    return b"\x9d" + noise + line[20:60], "readable_line"


def _not_an_object(line: bytes, rng: Rng) -> Broken:
    return (b"[1, 2, 3]", b'"play"', b"42")[int(rng.integers(0, 3))], "readable_line"


def _event(rule: str | None, change: Callable[[Event, Rng], str | None]) -> Callable[[bytes, Rng], Broken]:
    """A fault that changes the event; `change` may return another rule."""

    def apply(line: bytes, rng: Rng) -> Broken:
        event: Event = json.loads(line)
        return event, change(event, rng) or rule

    return apply


def _without(*keys: str) -> Callable[[Event, Rng], None]:
    def change(event: Event, rng: Rng) -> None:
        for key in keys:
            event.pop(key, None)

    return change


def _with(**values: object) -> Callable[[Event, Rng], None]:
    """Each key gets one value, drawn from the tuple of choices."""

    def change(event: Event, rng: Rng) -> None:
        for key, choices in values.items():
            options = choices if isinstance(choices, tuple) else (choices,)
            event[key] = options[int(rng.integers(0, len(options)))]

    return change


def _unreadable_time(event: Event, rng: Rng) -> None:
    choices = ("yesterday", "2026-13-45T99:00:00Z", "16/03/2026 at noon", "not a time")
    event["started_at"] = choices[int(rng.integers(0, len(choices)))]


def _time_without_zone(event: Event, rng: Rng) -> None:
    event["started_at"] = event["started_at"].removesuffix("Z")


def _wrong_type(event: Event, rng: Rng) -> None:
    key, value = (
        ("played_ms", "abc"),
        ("duration_ms", {"ms": 1}),
        ("skipped", "perhaps"),
        ("startup_ms", [1]),
        ("bitrate_kbps", "high"),
    )[int(rng.integers(0, 5))]
    event[key] = value


def _too_deep(event: Event, rng: Rng) -> None:
    nested: object = 1
    for _ in range(20):
        nested = {"in": nested}
    event["debug"] = nested


def _renamed(event: Event, rng: Rng) -> str:
    old, new, rule = (("played_ms", "ms_played", "played_ms_present"), ("listener", "user", "listener_present"))[
        int(rng.integers(0, 2))
    ]
    event[new] = event.pop(old)
    return rule


def _beyond(event: Event, rng: Rng) -> None:
    event["played_ms"] = int(event["duration_ms"] * 1.1) + 5_000 + int(rng.integers(1_000, 600_000))


def _negative(key: str) -> Callable[[Event, Rng], None]:
    def change(event: Event, rng: Rng) -> None:
        event[key] = -int(rng.integers(1, 60_000))

    return change


def _ended_before(event: Event, rng: Rng) -> None:
    event["ended_at"] = stamp(moment(event) - timedelta(seconds=int(rng.integers(1, 600))))


def _year(year: int) -> Callable[[Event, Rng], None]:
    def change(event: Event, rng: Rng) -> None:
        event["started_at"] = stamp(datetime(year, 1, 1, tzinfo=UTC) + timedelta(seconds=int(rng.integers(0, 86_400))))

    return change


def _ahead(event: Event, rng: Rng) -> None:
    event["started_at"] = stamp(moment(event) + timedelta(days=int(rng.integers(5, 40))))


def _skewed(event: Event, rng: Rng) -> None:
    event["started_at"] = stamp(moment(event) + timedelta(seconds=int(rng.integers(-480, 480))))


FAULTS: Final[Mapping[str, Callable[[bytes, Rng], Broken]]] = {
    "cut_line": _cut,
    "garbage_bytes": _garbage,
    "not_an_object": _not_an_object,
    "missing_listener": _event("listener_present", _without("listener")),
    "null_listener": _event("listener_present", _with(listener=None)),
    "missing_time": _event("time_present", _without("started_at", "ended_at")),
    "unreadable_time": _event("time_readable", _unreadable_time),
    "time_without_zone": _event("time_readable", _time_without_zone),
    "missing_track": _event("track_present", _without("track_id", "track_title")),
    "null_track": _event("track_present", _with(track_id=None, track_title=None)),
    "missing_played": _event("played_ms_present", _without("played_ms")),
    "wrong_type": _event("typed_fields", _wrong_type),
    "too_long_text": _event("within_limits", _with(track_title="la " * 1_000)),
    "too_deep": _event("within_limits", _too_deep),
    "renamed_key": _event("played_ms_present", _renamed),
    "negative_played": _event("played_ms_not_negative", _negative("played_ms")),
    "played_beyond_duration": _event("played_within_duration", _beyond),
    "impossible_duration": _event("duration_plausible", _with(duration_ms=(0, -5, 90_000_000, 10**12))),
    "ended_before_started": _event("ordered_times", _ended_before),
    "year_1970": _event("not_before_2002", _year(1970)),
    "year_2099": _event("not_in_future", _year(2099)),
    "clock_days_ahead": _event("not_in_future", _ahead),
    "unknown_country": _event("known_country", _with(country=("ZZ", "UK", "Germany", "XX"))),
    "unknown_tier": _event("known_tier", _with(tier=("gold", "vip", "trial"))),
    "unknown_context": _event("known_context", _with(context=("moodboard", "car", "shuffle"))),
    "negative_startup": _event("startup_not_negative", _negative("startup_ms")),
    "negative_rebuffer": _event("rebuffer_not_negative", _negative("rebuffer_ms")),
    "impossible_bitrate": _event("bitrate_plausible", _with(bitrate_kbps=(0, -1, 99_999))),
    "small_clock_skew": _event(None, _skewed),
}
