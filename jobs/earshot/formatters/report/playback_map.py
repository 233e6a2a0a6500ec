"""How long sound takes to start, by country and device, with two weeks of days in each cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, Final

from earshot.core.measures import UNKNOWN
from earshot.formatters.report.drawing import number

_COUNTRIES, _DEVICES = 8, 6
_SLOW_MS: Final = 2_000


@dataclass(frozen=True)
class StartupCell:
    """Startup time of a country and device.

    Attributes:
        p95_ms: Over all days.
        days: The same day by day, in order.
        plays: Plays behind it.
    """

    p95_ms: float
    days: tuple[tuple[date, float], ...]
    plays: int


@dataclass(frozen=True)
class StartupMap:
    """Cells by country and device."""

    countries: tuple[str, ...]
    devices: tuple[str, ...]
    cells: Mapping[tuple[str, str], StartupCell]


def startup_map(whole: Sequence[Mapping[str, Any]], days: Sequence[Mapping[str, Any]]) -> StartupMap | None:
    """Startup times of the countries and devices with most plays.

    Args:
        whole: Rows of `core.playback_rollup.roll_up` by country and device.
        days: The same by day, in order.

    Returns:
        None where no row has a startup time.
    """
    measured = {_place(row): row for row in whole if _is_measured(row)}
    if not measured:
        return None
    plays = Counter({place: row["plays"] for place, row in measured.items()})
    countries, devices = _busiest(plays, 0, _COUNTRIES), _busiest(plays, 1, _DEVICES)
    trends: dict[tuple[str, str], list[tuple[date, float]]] = defaultdict(list)
    for row in days:
        if _is_measured(row):
            trends[_place(row)].append((row["period_start"].date(), row["startup_ms_p95"]))
    cells = {
        place: StartupCell(row["startup_ms_p95"], tuple(trends[place]), row["plays"])
        for place, row in measured.items()
        if place[0] in countries and place[1] in devices
    }
    return StartupMap(countries, devices, cells)


def startup_section(startup: StartupMap) -> str:
    """A table with a figure and a trend in every cell; the darker, the later."""
    top = max(cell.p95_ms for cell in startup.cells.values())
    high = max((value for cell in startup.cells.values() for _, value in cell.days), default=top)
    head = "".join(f"<th scope=col>{escape(device)}</th>" for device in startup.devices)
    body = "".join(
        f"<tr><th scope=row>{escape(country)}</th>"
        + "".join(
            _cell(startup.cells.get((country, device)), top, high, f"{country} {device}") for device in startup.devices
        )
        + "</tr>"
        for country in startup.countries
    )
    (country, device), worst = max(startup.cells.items(), key=lambda item: item[1].p95_ms)
    words = f"Slowest: {country} on {device}, 95 of 100 plays start within {number(worst.p95_ms)} ms"
    return (
        f'<div class="startup"><h3>Startup time, 95th percentile</h3>'
        f'<p class="note">In ms, by country and device, with its days; all lines share one scale. '
        f"People begin to leave at {number(_SLOW_MS)} ms (Krishnan and Sitaraman, IMC 2012).</p>"
        f'<div class="scroll"><table class="map"><tr><td></td>{head}</tr>{body}</table></div>'
        f'<p class="told"><b>{escape(words)}.</b></p></div>'
    )


def _cell(cell: StartupCell | None, top: float, high: float, place: str) -> str:
    if cell is None:
        return "<td></td>"
    last = max(len(cell.days) - 1, 1)
    line = " ".join(f"{n / last * 100:.1f},{22 - value / high * 20:.1f}" for n, (_, value) in enumerate(cell.days))
    told = f"{place}: {number(cell.p95_ms)} ms of {number(cell.plays)} plays"
    if len(cell.days) > 1:
        (first, began), *_, (end, ended) = cell.days
        told += f"; {number(began)} on {first:%d %b}, {number(ended)} on {end:%d %b}"
    return (
        f'<td style="--heat:{cell.p95_ms / top:.3f}" title="{escape(told)}"><b>{cell.p95_ms:,.0f}</b>'
        f'<svg viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{escape(told)}">'
        f'<polyline class="seen" points="{line}"/></svg></td>'
    )


def _busiest(plays: Counter[tuple[str, str]], part: int, most: int) -> tuple[str, ...]:
    sums: Counter[str] = Counter()
    for key, count in plays.items():
        sums[key[part]] += count
    return tuple(sorted(sums, key=lambda name: (-sums[name], name))[:most])


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["country"], row["device"]


def _is_measured(row: Mapping[str, Any]) -> bool:
    return row["startup_ms_p95"] is not None and UNKNOWN not in _place(row)
