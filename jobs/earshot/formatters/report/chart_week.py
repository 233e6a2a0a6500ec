"""The chart of the week: ranks, how they moved, and each entry's best rank and weeks on the chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import Any, Final

from earshot.formatters.report import drawing
from earshot.formatters.report.drawing import number

_DAYS: Final = 7
_ALONE: Final = " — "


@dataclass(frozen=True)
class ChartLine:
    """One line of a chart.

    Attributes:
        previous_rank: Rank in the week before; None where it was not on the chart.
        peak_rank: Best rank up to this week; None where the chart does not tell.
        weeks: Weeks on the chart up to this one; None where the chart does not tell.
        is_back: Whether it was on the chart before the week before.
    """

    rank: int
    name: str
    streams: int
    listeners: int
    previous_rank: int | None = None
    peak_rank: int | None = None
    weeks: int | None = None
    is_back: bool = False


@dataclass(frozen=True)
class ChartOfTheWeek:
    """Tracks and artists of one ISO week, suspect listens left out.

    Attributes:
        week: Its Monday.
        days: How many of its days are over.
        has_before: Whether there is a chart of the week before: without one, everything would be new.
    """

    week: date
    days: int
    has_before: bool
    tracks: tuple[ChartLine, ...]
    artists: tuple[ChartLine, ...]


def chart_of_the_week(
    rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], day: date, *, top: int
) -> ChartOfTheWeek | None:
    """The newest week of weekly charts of all countries and tiers.

    Args:
        rows: Of gold.charts (period `week`), of one or more weeks, in any order; peak_rank, periods_on_chart and entry
            are read where they are there.
        names: What ids are called.
        day: The day that is over.
        top: Lines of each chart.

    Returns:
        None where there is no row.
    """
    if not rows:
        return None
    week = max(row["period_start"] for row in rows)
    of_week = [row for row in rows if row["period_start"] == week]
    has_before = any(row["previous_rank"] is not None for row in of_week)

    def lines(entity: str) -> tuple[ChartLine, ...]:
        chosen = sorted((row for row in of_week if row["entity"] == entity), key=lambda row: row["rank"])
        return tuple(_line(row, names) for row in chosen[:top])

    days = min(max((day - week).days + 1, 1), _DAYS)
    return ChartOfTheWeek(week, days, has_before, lines("track"), lines("artist"))


def chart_section(chart: ChartOfTheWeek) -> str:
    """The two charts beside one another."""
    until = chart.week + timedelta(days=chart.days - 1)
    when = f"{chart.week:%d %B} to {until:%d %B %Y}" + ("" if chart.days == _DAYS else f", {chart.days} of 7 days")
    note = f"{when}. Counted streams of all countries and tiers; suspect listens are left out."
    first = "" if chart.has_before else " The first week on record: nothing can have moved yet."
    body = _list("Tracks", chart.tracks, chart) + _list("Artists", chart.artists, chart)
    return f"<section><h2>Chart of the week</h2><p>{note}{first}</p><div class=two>{body}</div></section>"


def _list(title: str, lines: Sequence[ChartLine], chart: ChartOfTheWeek) -> str:
    top = max((line.streams for line in lines), default=1) or 1
    items = "".join(_item(line, line.streams / top, has_before=chart.has_before) for line in lines)
    return f'<div><h3>{title}</h3><ol class="chart">{items}</ol></div>'


def _item(line: ChartLine, share: float, *, has_before: bool) -> str:
    title, _, artist = line.name.partition(_ALONE)
    by = f" <span>{escape(artist)}</span>" if artist else ""
    return (
        f'<li><b class="rank">{line.rank}</b><span class="move">{_move(line) if has_before else ""}</span>'
        f'<span class="what"><b>{escape(title)}</b>{by}{drawing.bar(share)}<small>{_history(line)}</small></span>'
        f'<span class="n"><b>{number(line.streams)}</b><small>streams</small></span></li>'
    )


def _move(line: ChartLine) -> str:
    if line.previous_rank is None:
        return '<span class="pill back">back</span>' if line.is_back else '<span class="pill fresh">new</span>'
    steps = line.previous_rank - line.rank
    if steps == 0:
        return '<span class="same" title="as last week"><i aria-hidden="true">=</i></span>'
    kind, sign, word = ("up", "▲", "up") if steps > 0 else ("down", "▼", "down")
    return f'<span class="{kind}" aria-label="{word} {abs(steps)}">{sign} {abs(steps)}</span>'


def _history(line: ChartLine) -> str:
    parts = [f"last week {line.previous_rank}"] if line.previous_rank is not None else []
    if line.peak_rank is not None:
        parts.append(f"peak {line.peak_rank}")
    if line.weeks is not None:
        parts.append(f"{line.weeks} week{'' if line.weeks == 1 else 's'}")
    parts.append(f"{number(line.listeners)} listener{'' if line.listeners == 1 else 's'}")
    return " · ".join(parts)


def _line(row: Mapping[str, Any], names: Mapping[str, str]) -> ChartLine:
    return ChartLine(
        row["rank"],
        names.get(row["entity_id"], row["entity_id"]),
        row["streams"],
        row["listeners"],
        row["previous_rank"],
        row.get("peak_rank"),
        row.get("periods_on_chart"),
        row.get("entry") == "re_entry",
    )
