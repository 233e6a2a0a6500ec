"""How long sound takes to start, by country and device, with two weeks of days in each cell."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, Final

from earshot.formatters.report.drawing import number

_COUNTRIES, _DEVICES = 8, 6
_UNKNOWN: Final = "unknown"
_P95: Final = 0.95
_GAMMA: Final = 1.01  # of core.log_histogram's sketches
_SLOW_MS: Final = 2_000

Sketch = Counter[int]


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
    """Cells by country and device.

    Attributes:
        is_exact: Whether percentiles come from sketches that add up; else they are means of hourly percentiles,
            weighted by plays.
    """

    countries: tuple[str, ...]
    devices: tuple[str, ...]
    cells: Mapping[tuple[str, str], StartupCell]
    is_exact: bool


def startup_map(rows: Sequence[Mapping[str, Any]]) -> StartupMap | None:
    """Startup times of the countries and devices with most plays.

    Args:
        rows: Of gold.audio_quality: country, device, quality_date, plays, startup_ms_p95, and startup_ms_sketch (bucket
            to count; Masson, Rim and Lee, "DDSketch", VLDB 2019) where it is there.

    Returns:
        None where no row has a startup time.
    """
    measured = [
        row
        for row in rows
        if row["startup_ms_p95"] is not None and row["country"] != _UNKNOWN and row["device"] != _UNKNOWN
    ]
    if not measured:
        return None
    is_exact = all(row.get("startup_ms_sketch") for row in measured)
    p95: Callable[[Sequence[Mapping[str, Any]]], float] = _p95_of_sketches if is_exact else _mean_of_p95s
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    plays: Counter[tuple[str, str]] = Counter()
    for row in measured:
        groups[row["country"], row["device"]].append(row)
        plays[row["country"], row["device"]] += row["plays"]
    countries = _busiest(plays, 0, _COUNTRIES)
    devices = _busiest(plays, 1, _DEVICES)
    cells = {
        key: StartupCell(p95(group), _by_day(group, p95), plays[key])
        for key, group in groups.items()
        if key[0] in countries and key[1] in devices
    }
    return StartupMap(countries, devices, cells, is_exact)


def startup_section(startup: StartupMap) -> str:
    """A table with a figure and a trend in every cell; the darker, the later."""
    top = max(cell.p95_ms for cell in startup.cells.values())
    high = max(value for cell in startup.cells.values() for _, value in cell.days)
    head = "".join(f"<th scope=col>{escape(device)}</th>" for device in startup.devices)
    body = "".join(
        f"<tr><th scope=row>{escape(country)}</th>"
        + "".join(
            _cell(startup.cells.get((country, device)), top, high, f"{country} {device}") for device in startup.devices
        )
        + "</tr>"
        for country in startup.countries
    )
    how = "" if startup.is_exact else " (means of hourly percentiles, weighted by plays)"
    about = "" if startup.is_exact else "about "
    (country, device), worst = max(startup.cells.items(), key=lambda item: item[1].p95_ms)
    words = f"Slowest: {country} on {device}, 95 of 100 plays start within {about}{number(worst.p95_ms)} ms"
    return (
        f'<div class="startup"><h3>Startup time, 95th percentile{how}</h3>'
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


def _by_day(
    group: Sequence[Mapping[str, Any]], p95: Callable[[Sequence[Mapping[str, Any]]], float]
) -> tuple[tuple[date, float], ...]:
    days: dict[date, list[Mapping[str, Any]]] = defaultdict(list)
    for row in group:
        days[row["quality_date"]].append(row)
    return tuple((day, p95(days[day])) for day in sorted(days))


def _mean_of_p95s(rows: Sequence[Mapping[str, Any]]) -> float:
    plays = sum(row["plays"] for row in rows)
    return float(sum(row["startup_ms_p95"] * row["plays"] for row in rows) / plays) if plays else 0.0


def _p95_of_sketches(rows: Sequence[Mapping[str, Any]]) -> float:
    whole: Sketch = Counter()
    for row in rows:
        whole.update(dict(row["startup_ms_sketch"]))
    place, seen = _P95 * (whole.total() - 1), 0
    for bucket in sorted(whole):
        seen += whole[bucket]
        if seen > place:
            return 0.0 if bucket < math.log(1e-9, _GAMMA) else 2 * _GAMMA**bucket / (_GAMMA + 1)
    return 0.0
