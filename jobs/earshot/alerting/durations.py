"""Durations and times of day as conf/alerts.toml writes them: `90s`, `30m`, `4h`, `2d`, `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_FORM = re.compile(r"(?:\d{1,7}[dhms])+")
_PART = re.compile(r"(\d+)([dhms])")


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `30m`, `4h`, `2d` or several of them after one another.

    Raises:
        ValueError: It has another form.
    """
    if not _FORM.fullmatch(text):
        raise ValueError("a duration such as 30s, 5m, 4h, 1d or 1h30m")
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def spoken_duration(duration: timedelta) -> str:
    """The duration as the file writes it; `0s` for none."""
    left = int(duration.total_seconds())
    parts = []
    for unit, seconds in _UNITS.items():
        number, left = divmod(left, seconds)
        parts += [f"{number}{unit}"] if number else []
    return "".join(parts) or "0s"


def _read(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Berlin") from None
    return name


Duration = Annotated[timedelta, BeforeValidator(_read)]
TimeZone = Annotated[str, AfterValidator(_zone)]
