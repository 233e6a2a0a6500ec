"""Small drawings in SVG and HTML that scale with the page and need nothing from outside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

from earshot.formatters.report.hours import HourPoint

_WIDTH, _HEIGHT = 1000.0, 260.0
_UNITS = {60: "min", 3_600: "h", 86_400: "days"}


def number(value: float) -> str:
    """A number for people: thousands separated, few decimals."""
    if abs(value) >= 1000 or value == int(value):  # noqa: PLR2004 (a thousand)
        return f"{value:,.0f}"
    return f"{value:.3g}"


def share(value: float, digits: int = 1) -> str:
    """A fraction as a percentage."""
    return f"{100 * value:.{digits}f} %"


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would choose."""
    for size, unit in ((172_800, 86_400), (7_200, 3_600), (120, 60)):
        if seconds >= size:
            return f"{seconds / unit:,.0f} {_UNITS[unit]}"
    return f"{number(seconds)} s"


def hourly(points: Sequence[HourPoint]) -> str:
    """Plays by hour, the band that was expected, and a mark at each detection."""
    top = nice_ceiling(max([p.observed for p in points] + [p.upper or 0 for p in points]))
    last = max(len(points) - 1, 1)

    def at(index: int, value: float) -> str:
        return f"{index / last * _WIDTH:.1f},{_HEIGHT - value / top * _HEIGHT:.1f}"

    banded = [(i, p) for i, p in enumerate(points) if p.lower is not None and p.upper is not None]
    band = [at(i, p.upper or 0) for i, p in banded] + [at(i, max(p.lower or 0, 0)) for i, p in reversed(banded)]
    seen = " ".join(at(i, p.observed) for i, p in enumerate(points))
    wanted = " ".join(at(i, p.expected) for i, p in enumerate(points) if p.expected is not None)
    marks = "".join(
        f'<i class="mark {escape(p.severity)}" style="left:{i / last:.2%};bottom:{p.observed / top:.2%}"'
        f' title="{p.at:%a %d %b %H:00} UTC: {number(p.observed)} seen, {number(p.expected or 0)} expected"></i>'
        for i, p in enumerate(points)
        if p.severity
    )
    rules = "".join(f'<line x1="0" x2="1000" y1="{y:.0f}" y2="{y:.0f}" class="rule"/>' for y in (0, 87, 173, 260))
    days = [(i, p.at) for i, p in enumerate(points) if p.at.hour == 0]
    step = math.ceil(len(days) / 7)
    ticks = "".join(f'<span style="left:{i / last:.2%}">{d:%d %b}</span>' for i, d in days[::step])
    scale = "".join(f'<span style="bottom:{k / 3:.2%}">{number(top * k / 3)}</span>' for k in range(4))
    return (
        f'<div class="plot"><div class="scale">{scale}</div><div class="area">'
        f'<svg viewBox="0 0 1000 260" preserveAspectRatio="none" role="img" aria-label="Plays by hour">{rules}'
        f'<polygon class="band" points="{" ".join(band)}"/><polyline class="expected" points="{wanted}"/>'
        f'<polyline class="seen" points="{seen}"/></svg>{marks}</div><div class="ticks">{ticks}</div></div>'
    )


def spark(points: Sequence[tuple[date, float]], label: str) -> str:
    """A small line with its last value in words."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    last = max(len(values) - 1, 1)
    line = " ".join(f"{i / last * 200:.1f},{44 - (v - low) / span * 36:.1f}" for i, v in enumerate(values))
    return (
        f'<figure class="spark"><figcaption>{escape(label)}<b>{share(values[-1])}</b></figcaption>'
        f'<svg viewBox="0 0 200 48" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<polyline class="seen" points="{line}"/></svg>'
        f"<small>{points[0][0]:%d %b} {share(values[0])} · lowest {share(low)} · highest {share(high)}</small></figure>"
    )


def trend(points: Sequence[tuple[float, bool | None]], target: float | None, label: str) -> str:
    """A line with a dot a value, in the colour of whether it met its target, and the target as a dashed line."""
    values = [value for value, _ in points]
    marks = [*values, *([target] if target is not None else [])]
    low, span = min(marks), (max(marks) - min(marks)) or 1.0
    last = max(len(values) - 1, 1)

    def height(value: float) -> float:
        return 0.08 + 0.84 * (value - low) / span

    line = " ".join(f"{i / last * 200:.1f},{48 - 48 * height(v):.1f}" for i, v in enumerate(values))
    aim = "" if target is None else 48 - 48 * height(target)
    dashed = "" if target is None else f'<line class="expected" x1="0" x2="200" y1="{aim:.1f}" y2="{aim:.1f}"/>'
    kinds = {True: "good", False: "bad", None: ""}
    dots = "".join(
        f'<i class="dot-at {kinds[met]}" style="left:{i / last:.2%};bottom:{height(v):.2%}"></i>'
        for i, (v, met) in enumerate(points)
    )
    return (
        f'<div class="trend"><svg viewBox="0 0 200 48" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{dashed}<polyline class="seen" points="{line}"/></svg>{dots}</div>'
    )


def bar(fraction: float, kind: str = "") -> str:
    """A bar that fills a fraction of its cell."""
    return f'<span class="bar"><i class="{kind}" style="width:{min(max(fraction, 0), 1):.1%}"></i></span>'


def heat(cells: Mapping[tuple[str, str], float], rows: Sequence[str], columns: Sequence[str], unit: str) -> str:
    """A table whose cells are shaded by value; `unit` is `share` or `count`."""
    top = max(cells.values(), default=1.0) or 1.0
    show = share if unit == "share" else number
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = ""
    for row in rows:
        body += f"<tr><th>{escape(row)}</th>"
        for column in columns:
            value = cells.get((row, column))
            shade = 0.0 if value is None else value / top
            text = "" if value is None else show(value)
            words = "" if unit == "count" else text
            body += f'<td style="--heat:{shade:.3f}" title="{escape(row)} {escape(column)}: {text}">{words}</td>'
        body += "</tr>"
    return f'<div class="scroll"><table class="heat {unit}"><tr><th></th>{head}</tr>{body}</table></div>'


def nice_ceiling(value: float) -> float:
    """The next of 3, 6, 9, 15, 30, ... above a value, so that thirds are round."""
    if value <= 0:
        return 3.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(k * power for k in (1.2, 1.5, 3, 6, 9, 12, 15) if k * power >= value)
