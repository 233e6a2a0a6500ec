"""Drawings of a listener's year: the clock, the calendar, bars; SVG and HTML that need nothing from outside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape

_CENTRE, _INNER, _OUTER = 150.0, 52.0, 138.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def clock(hours: Mapping[int, int]) -> str:
    """24 wedges, midnight on top, as long as their plays are many; day hours lie on a lighter ring."""
    most = max(hours.values(), default=0) or 1
    wedges = ""
    for hour in range(24):
        share = math.sqrt(hours.get(hour, 0) / most)  # areas are compared, not radii
        outer = _INNER + (_OUTER - _INNER) * share
        shade = 0.35 + 0.65 * share
        wedges += (
            f'<path d="{_wedge(hour, _INNER, _OUTER)}" class="ring"/>'
            f'<path d="{_wedge(hour, _INNER, outer)}" class="petal" style="opacity:{shade:.2f}">'
            f"<title>{hour:02d}:00 to {(hour + 1) % 24:02d}:00: {hours.get(hour, 0):,} plays</title></path>"
        )
    labels = "".join(
        f'<text x="{x:.0f}" y="{y:.0f}" class="hour">{hour:02d}</text>'
        for hour in (0, 6, 12, 18)
        for x, y in [_point(hour, _INNER - 16)]
    )
    top = max(range(24), key=lambda hour: hours.get(hour, 0))
    label = f"Plays by hour of the day; most at {top:02d}:00"
    return f'<svg class="clock" viewBox="0 0 300 300" role="img" aria-label="{label}">{wedges}{labels}</svg>'


def calendar(minutes: Mapping[date, float], year: int, until: date) -> str:
    """A cell a day up to `until`, a column a week of the whole year, shaded by minutes."""
    most = max(minutes.values(), default=0) or 1
    first, end = date(year, 1, 1), date(year, 12, 31)
    last = min(end, max(until, max(minutes, default=until)))
    cells, months = "", ""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        week, weekday = divmod(number + first.weekday(), 7)
        heard = minutes.get(day, 0.0)
        cells += (
            f'<rect class="{"cell" if heard else "cell none"}" x="{week * 14}" y="{18 + weekday * 14}" width="11"'
            f' height="11" rx="2.5" style="--heat:{math.sqrt(heard / most):.3f}">'
            f"<title>{day:%a %d %b}: {heard:,.0f} min</title></rect>"
        )
    for month, name in enumerate(_MONTHS, start=1):
        week = ((date(year, month, 1) - first).days + first.weekday()) // 7
        months += f'<text x="{week * 14}" y="10" class="month">{name}</text>'
    width = (((end - first).days + first.weekday()) // 7 + 1) * 14
    return (
        f'<div class="scroll"><svg class="calendar" viewBox="0 0 {width} 116" role="img" aria-label="Minutes by day">'
        f"{months}{cells}</svg></div>"
    )


def bars(values: Sequence[tuple[str, float, str]], whole: float | None = None) -> str:
    """A line a value: its name, a bar that is full at `whole` (else at the largest), and what it says."""
    most = whole or max((value for _, value, _ in values), default=0) or 1
    lines = "".join(
        f'<li><span class="what">{escape(name)}</span><span class="bar"><i style="width:{value / most:.1%}"></i></span>'
        f'<span class="n">{escape(said)}</span></li>'
        for name, value, said in values
    )
    return f'<ol class="bars">{lines}</ol>'


def columns(values: Sequence[tuple[str, float, str]]) -> str:
    """A column a value, its name below it."""
    most = max((value for _, value, _ in values), default=0) or 1
    parts = "".join(
        f'<div title="{escape(name)}: {escape(said)}"><i style="height:{value / most:.1%}"></i>'
        f"<span>{escape(name)}</span></div>"
        for name, value, said in values
    )
    return f'<div class="columns">{parts}</div>'


def _point(hour: float, radius: float) -> tuple[float, float]:
    angle = (hour + 0.0) / 24 * 2 * math.pi
    return _CENTRE + radius * math.sin(angle), _CENTRE - radius * math.cos(angle)


def _wedge(hour: int, inner: float, outer: float) -> str:
    gap = 0.06
    corners = [_point(hour + gap, inner), _point(hour + gap, outer), _point(hour + 1 - gap, outer)]
    corners.append(_point(hour + 1 - gap, inner))
    (a, b), (c, d), (e, f), (g, h) = corners
    return (
        f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}A{outer:.1f} {outer:.1f} 0 0 1 {e:.1f} {f:.1f}"
        f"L{g:.1f} {h:.1f}A{inner:.1f} {inner:.1f} 0 0 0 {a:.1f} {b:.1f}Z"
    )
