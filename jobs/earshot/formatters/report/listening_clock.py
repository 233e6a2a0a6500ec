"""When people listen: plays by weekday and hour, on the listeners' own clocks where the tables tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from earshot.formatters.report.drawing import number, share

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS: Final = 24


@dataclass(frozen=True)
class ListeningClock:
    """Plays of a week's hours.

    Attributes:
        plays: By weekday (0 = Monday) and hour.
        is_local: Whether hours are those of the listeners; else they are UTC.
    """

    plays: Mapping[tuple[int, int], int]
    is_local: bool

    @property
    def total(self) -> int:
        """All plays."""
        return sum(self.plays.values())

    @property
    def busiest(self) -> tuple[int, int]:
        """Weekday and hour with most plays; the earliest of several."""
        return min(self.plays, key=lambda at: (-self.plays[at], at))


def local_clock(rows: Iterable[Mapping[str, Any]]) -> ListeningClock | None:
    """The clock of `local_listens`, a metric of gold.behaviour.

    Args:
        rows: slice (`Mon 08`) and value, of all countries and tiers.

    Returns:
        None where there is no row.
    """
    plays: Counter[tuple[int, int]] = Counter()
    for row in rows:
        weekday, _, hour = row["slice"].partition(" ")
        plays[WEEKDAYS.index(weekday), int(hour)] += round(row["value"])
    return ListeningClock(dict(plays), True) if plays.total() else None


def utc_clock(plays: Mapping[tuple[int, int], int]) -> ListeningClock | None:
    """The clock of plays by UTC weekday and hour; None without a play."""
    return ListeningClock(plays, False) if sum(plays.values()) else None


def draw_clock(clock: ListeningClock) -> str:
    """A heat map of the week with a bar for each hour above and each weekday beside it."""
    counts = [clock.plays.get((day, hour), 0) for day in range(7) for hour in range(_HOURS)]
    low, span = min(counts), (max(counts) - min(counts)) or 1
    by_hour = [sum(clock.plays.get((day, hour), 0) for day in range(7)) for hour in range(_HOURS)]
    by_day = [sum(clock.plays.get((day, hour), 0) for hour in range(_HOURS)) for day in range(7)]
    day, hour = clock.busiest
    words = (
        f"Busiest hour: {WEEKDAYS[day]} {hour:02}:00 to {(hour + 1) % _HOURS:02}:00, "
        f"{share(clock.plays[day, hour] / clock.total)} of the week's plays"
    )
    bars = "".join(
        f'<i style="height:{n / (max(by_hour) or 1):.1%}" title="{h:02}:00: {number(n)}"></i>'
        for h, n in enumerate(by_hour)
    )
    lines = "".join(_line(clock, d, (low, span), by_day) for d in range(7))
    hours = "".join(f"<span>{h:02}</span>" if h % 6 == 0 else "<span></span>" for h in range(_HOURS))
    return (
        f'<div class="clock" role="img" aria-label="{escape(words)}">'
        f'<div class="row bars"><b></b><div class="hours">{bars}</div><em></em></div>{lines}'
        f'<div class="row"><b></b><div class="hours names">{hours}</div><em></em></div>'
        f'<div class="scale-words">{number(low)} plays <i></i> {number(low + span)}</div></div>'
        f'<p class="told"><b>{escape(words)}.</b></p>'
    )


def _line(clock: ListeningClock, day: int, scale: tuple[int, int], by_day: list[int]) -> str:
    low, span = scale
    cells = ""
    for hour in range(_HOURS):
        n = clock.plays.get((day, hour), 0)
        peak = ' class="peak"' if (day, hour) == clock.busiest else ""
        told = f"{WEEKDAYS[day]} {hour:02}:00: {number(n)} plays"
        cells += f'<i{peak} style="--heat:{(n - low) / span:.3f}" title="{told}"></i>'
    width = by_day[day] / (max(by_day) or 1)
    return (
        f'<div class="row"><b>{WEEKDAYS[day]}</b><div class="hours">{cells}</div>'
        f'<em><i style="width:{width:.1%}"></i><span>{share(by_day[day] / clock.total, 0)}</span></em></div>'
    )
