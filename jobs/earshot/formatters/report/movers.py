"""What rises and falls in a week by more than chance explains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, Final

from earshot.formatters.report.drawing import bar, number, share

_KINDS: Final = {"track_trend": "track", "artist_trend": "artist"}
_SHOWN: Final = 5
LEVEL: Final = 0.05


@dataclass(frozen=True)
class Mover:
    """One track or artist.

    Attributes:
        ratio: Streams of the week by what the weeks before let expect.
        q: The false discovery rate at which it counts as moved (Benjamini and Hochberg 1995).
    """

    name: str
    kind: str
    streams: int
    ratio: float
    q: float


@dataclass(frozen=True)
class Movers:
    """Those that moved in a week.

    Attributes:
        week: Its Monday.
        tested: How many were tested.
        rising: Strongest first.
        falling: Strongest first.
    """

    week: date
    tested: int
    rising: tuple[Mover, ...]
    falling: tuple[Mover, ...]


def movers(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Movers | None:
    """The movers of the newest week.

    Args:
        rows: Of gold.audience: period_start (Monday), metric (`track_trend`, `artist_trend`), slice (id), value
            (ratio), volume (streams), q_value.
        names: What ids are called.

    Returns:
        None where nothing was tested.
    """
    told = [row for row in rows if row["metric"] in _KINDS and row["q_value"] is not None]
    if not told:
        return None
    week = max(row["period_start"] for row in told)
    of_week = [row for row in told if row["period_start"] == week]
    moved = [
        Mover(names.get(r["slice"], r["slice"]), _KINDS[r["metric"]], r["volume"], r["value"], r["q_value"])
        for r in of_week
        if r["q_value"] <= LEVEL
    ]
    rising = sorted((m for m in moved if m.ratio > 1), key=lambda m: (-m.ratio, m.name))
    falling = sorted((m for m in moved if m.ratio < 1), key=lambda m: (m.ratio, m.name))
    return Movers(week, len(of_week), tuple(rising[:_SHOWN]), tuple(falling[:_SHOWN]))


def movers_section(found: Movers) -> str:
    """Rising and falling beside one another, on one scale of doublings."""
    widest = max((_doublings(m) for m in (*found.rising, *found.falling)), default=1.0) or 1.0
    note = (
        f"Week of {found.week:%d %B %Y} against the weeks before it: streams by what they let expect, of "
        f"{found.tested:,} tracks and artists tested. Only what chance explains in fewer than {share(LEVEL, 0)} of "
        "those listed (Benjamini and Hochberg)."
    )
    if not found.rising and not found.falling:
        none = "Nothing moved by more than chance explains."
        return f"<section><h2>Movers</h2><p>{note}</p><p class=told><b>{none}</b></p></section>"
    columns = "".join(
        f"<div><h3>{title}</h3>{_list(chosen, widest, kind)}</div>"
        for title, chosen, kind in (("Rising", found.rising, "up"), ("Falling", found.falling, "down"))
    )
    return f"<section><h2>Movers</h2><p>{note}</p><div class=two>{columns}</div></section>"


def _list(chosen: Sequence[Mover], widest: float, kind: str) -> str:
    if not chosen:
        return "<p class=note>None.</p>"
    items = "".join(
        f'<li><b class="times {kind}">{_times(m.ratio)}</b><span class="what"><b>{escape(m.name)}</b>'
        f"{bar(_doublings(m) / widest, 'good' if kind == 'up' else 'bad')}"
        f"<small>{m.kind} · {number(m.streams)} streams · q {_q(m.q)}</small></span></li>"
        for m in chosen
    )
    return f'<ol class="movers">{items}</ol>'


def _doublings(mover: Mover) -> float:
    return abs(math.log2(mover.ratio)) if mover.ratio > 0 else 10.0


def _times(ratio: float) -> str:
    return f"×{ratio:.1f}" if ratio < 10 else f"×{ratio:,.0f}"  # noqa: PLR2004 (two digits are enough)


def _q(value: float) -> str:
    return "&lt; 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 (the last digit that is shown)
