"""Hourly plays of a small service, made up: a day's rhythm, weekends, sessions; cubes and matrices of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product

import numpy as np
import pyarrow as pa

from earshot.detectors.cube import matrices
from earshot.detectors.series import SeriesMatrix

FIRST = date(2026, 3, 16)  # a Monday
COUNTRIES = {"DE": 0.4, "US": 0.35, "BR": 0.25}
DEVICES = {"ios": 0.6, "web": 0.4}
_RHYTHM = 40 + 35 * np.sin((np.arange(24) - 9) / 24 * 2 * np.pi)

Rows = list[dict[str, object]]
Change = Callable[[dict[str, str], int, float], float]


def _no_change(dimensions: dict[str, str], hour: int, value: float) -> float:
    return value


def cube(
    days: int = 14,
    *,
    seed: int = 1,
    size: float = 10.0,
    change: Change = _no_change,
    stalls: Change = _no_change,
    first: date = FIRST,
) -> pa.Table:
    """Listens and rebuffer_ms by hour for every country x device, country, device, and the total.

    `change` alters the expected listens of a country x device in an hour (counted from the first), `stalls` its
    mean stall in ms.
    """
    chance = np.random.default_rng(seed)
    sums: dict[tuple[tuple[tuple[str, str], ...], int], np.ndarray] = {}
    for country, device in product(COUNTRIES, DEVICES):
        cell = {"country": country, "device": device}
        for hour in range(days * 24):
            weekend = 1.15 if (first + timedelta(days=hour // 24)).weekday() >= 5 else 1.0
            due = size * _RHYTHM[hour % 24] / 40 * COUNTRIES[country] * DEVICES[device] * 10 * weekend
            sessions = chance.poisson(max(change(cell, hour, due), 0.0) / 3)
            listens = int(chance.geometric(1 / 3, sessions).sum()) if sessions else 0
            stalled = chance.gamma(2.0, stalls(cell, hour, 200.0) / 2.0, listens).sum() if listens else 0.0
            for fixed in ((), ("country",), ("device",), ("country", "device")):
                key = (tuple((name, cell[name]) for name in fixed), hour)
                sums[key] = sums.get(key, np.zeros(2)) + np.array([listens, stalled])
    rows: Rows = []
    for (dimensions, hour), (listens, stalled) in sums.items():
        at = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(hours=hour)
        for metric, value in (("listens", listens), ("rebuffer_ms", stalled)):
            rows.append(row(metric, dimensions, at, float(value), int(listens)))
    return table(rows)


def row(
    metric: str, dimensions: Sequence[tuple[str, str]], at: datetime, value: float, volume: int, grain: str = "hour"
) -> dict[str, object]:
    """One row of gold.activity_cube."""
    return {
        "metric": metric,
        "grain": grain,
        "dimensions": list(dimensions),
        "window_start": at,
        "value": value,
        "volume": volume,
        "window_date": at.date(),
    }


def table(rows: Rows) -> pa.Table:
    """Rows of gold.activity_cube as Arrow."""
    fields = [
        ("metric", pa.string()),
        ("grain", pa.string()),
        ("dimensions", pa.map_(pa.string(), pa.string())),
        ("window_start", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("volume", pa.int64()),
        ("window_date", pa.date32()),
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def history(days: int = 14, **how: object) -> list[SeriesMatrix]:
    """The matrices of such a cube."""
    return matrices(cube(days, **how), FIRST, FIRST + timedelta(days=days - 1))  # type: ignore[arg-type]
