"""The hours of the page's first picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class HourPoint:
    """One hour of all plays: seen, and what the detector expected (None before it had history)."""

    at: datetime
    observed: float
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    severity: str | None = None
