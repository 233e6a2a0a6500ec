"""Which days of its sources a table is to be rebuilt for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

CONSUMED: Final = "consumed"
TOUCHED: Final = "touched_days"


@dataclass(frozen=True)
class TouchedDays:
    """What to rebuild.

    Attributes:
        days: UTC days whose rows changed; with `complete`, all that have rows now.
        consumed: Version of each source that is thereby consumed; goes into the consumer's commit.
        complete: Nothing is known of what was consumed: the consumer is to be replaced as a whole.
    """

    days: frozenset[date]
    consumed: dict[str, int] = field(default_factory=dict)
    complete: bool = False

    def __bool__(self) -> bool:
        """Whether anything is to be rebuilt."""
        return bool(self.days) or self.complete

    @property
    def metadata(self) -> dict[str, object]:
        """What the consumer leaves in its commit."""
        return {CONSUMED: self.consumed, TOUCHED: [day.isoformat() for day in sorted(self.days)]}


def with_followers(days: Iterable[date], following: int, existing: Iterable[date]) -> frozenset[date]:
    """The days, and of the `following` days after each those that exist."""
    there = set(existing)
    return frozenset(
        day + timedelta(days=offset)
        for day in days
        for offset in range(following + 1)
        if not offset or day + timedelta(days=offset) in there
    )
