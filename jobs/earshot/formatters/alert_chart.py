"""The picture of an alert: the band that was expected, what was seen, and the windows that it is about."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from earshot.core.alerts import Alert, Notification, Point

WIDTH, HEIGHT = 560, 190
_DPI = 100
_COLOURS = 64
_INK, _MUTED, _BAND, _SEEN, _WRONG = "#1c1c1a", "#6c6c68", "#cfe0f3", "#1f5fa8", "#b3261e"
_BARS = "▁▂▃▄▅▆▇█"
_BARS_SHOWN = 24
_FEWEST = 3


def chart_name(alert: Alert) -> str:
    """The file of the alert's picture: another one for each episode and state."""
    return f"{alert.fingerprint}-{alert.starts_at:%Y%m%dT%H%M}-{alert.state}.png"


def chart_of(alert: Alert, notification: Notification) -> bytes | None:
    """The picture of one alert of a message as PNG; None where it has no series."""
    points = notification.series.get(alert.fingerprint, ())
    return chart_png(alert, points) if len(points) >= _FEWEST else None


def chart_png(alert: Alert, points: Sequence[Point]) -> bytes:
    """Draw the picture, 560 x 190 pixels in few colours; the same points always give the same bytes."""
    from matplotlib import dates  # noqa: PLC0415 (only who draws waits for it)
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    axes: Any = figure.subplots()  # its types know no times
    ticks: Any = dates
    step = min((b.at - a.at for a, b in pairwise(points)), default=timedelta(hours=1))
    times = [point.at for point in points]
    seen = [_or_nan(point.observed) for point in points]
    lower, upper = ([_or_nan(value) for value in side] for side in _band(points))
    until = max(_end(alert), alert.starts_at + step)
    axes.axvspan(alert.starts_at, until, color=_WRONG, alpha=0.08, linewidth=0)
    axes.fill_between(times, lower, upper, color=_BAND, linewidth=0, label="expected band")
    axes.plot(times, [_or_nan(point.expected) for point in points], color=_MUTED, linewidth=1, linestyle=(0, (4, 2)))
    axes.plot(times, seen, color=_SEEN, linewidth=1.6, label="seen")
    wrong = [(at, value) for at, value in zip(times, seen, strict=True) if alert.starts_at <= at < until]
    axes.plot([at for at, _ in wrong], [value for _, value in wrong], "o", color=_WRONG, markersize=3.5)
    axes.set_title(_title(alert), loc="left", fontsize=9, color=_INK)
    locator = ticks.AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ticks.ConciseDateFormatter(locator, show_offset=False))
    axes.tick_params(labelsize=7.5, colors=_MUTED, length=2)
    axes.grid(axis="y", color="#e6e6e2", linewidth=0.6)
    axes.margins(x=0.01)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#d0d0cc")
    axes.legend(loc="upper right", fontsize=7.5, frameon=False, ncols=2, borderaxespad=0, bbox_to_anchor=(1, 1.16))
    canvas.draw()
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    file = io.BytesIO()
    picture.convert("RGB").quantize(_COLOURS, Image.Quantize.MAXCOVERAGE).save(file, "PNG", optimize=True)
    return file.getvalue()


def sparklines(points: Sequence[Point]) -> tuple[str, str]:
    """What was seen and what was expected as rows of bars, for where no picture can go; empty without a series."""
    shown = points[-_BARS_SHOWN:]
    values = [value for point in shown for value in (point.observed, point.expected) if value is not None]
    if len(shown) < _FEWEST or not values:
        return "", ""
    low, high = min(0.0, *values), max(values)
    seen = "".join(_bar(point.observed, low, high) for point in shown)
    return seen, "".join(_bar(point.expected, low, high) for point in shown)


def _bar(value: float | None, low: float, high: float) -> str:
    if value is None:
        return " "
    return _BARS[round((value - low) / ((high - low) or 1.0) * (len(_BARS) - 1))]


def _band(points: Sequence[Point]) -> tuple[list[float | None], list[float | None]]:
    return [point.lower for point in points], [point.upper for point in points]


def _title(alert: Alert) -> str:
    names = ("country", "device", "tier", "platform", "app_version", "cdn")
    where = ", ".join(alert.labels[name] for name in names if name in alert.labels)
    return f"{alert.labels.get('metric', alert.rule)} · {where or 'overall'} · UTC".replace("$", r"\$")


def _end(alert: Alert) -> datetime:
    return alert.ends_at or alert.evidence.last or alert.starts_at


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
