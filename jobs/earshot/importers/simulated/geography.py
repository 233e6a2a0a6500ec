"""Where listeners live and when they listen: countries, zones, delivery networks, rhythm of day and week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_MS: Final = 86_400_000
BINS: Final = 48
_BIN_MS: Final = DAY_MS // BINS
_SATURDAY: Final = 5


@dataclass(frozen=True)
class Country:
    """One country.

    Attributes:
        code: ISO 3166-1 alpha-2.
        weight: Share of the listeners.
        zones: IANA zones with their shares.
        cdns: Shares of the networks of `CDNS`.
        network: How slow its networks are; 1 is average.
        free: How many of its listeners pay nothing, relative to the world.
    """

    code: str
    weight: float
    zones: tuple[tuple[str, float], ...]
    cdns: tuple[float, float, float]
    network: float
    free: float = 1.0


CDNS: Final = ("alpha", "beta", "gamma")

COUNTRIES: Final = (
    Country(
        "US",
        0.29,
        (("America/New_York", 0.47), ("America/Chicago", 0.3), ("America/Los_Angeles", 0.23)),
        (0.6, 0.3, 0.1),
        0.9,
    ),
    Country("GB", 0.11, (("Europe/London", 1.0),), (0.5, 0.4, 0.1), 0.9, 0.9),
    Country("DE", 0.11, (("Europe/Berlin", 1.0),), (0.35, 0.55, 0.1), 0.95, 0.9),
    Country("BR", 0.10, (("America/Sao_Paulo", 1.0),), (0.5, 0.15, 0.35), 1.25, 1.3),
    Country("FR", 0.08, (("Europe/Paris", 1.0),), (0.35, 0.55, 0.1), 0.95, 0.9),
    Country("MX", 0.07, (("America/Mexico_City", 1.0),), (0.6, 0.1, 0.3), 1.2, 1.3),
    Country("JP", 0.07, (("Asia/Tokyo", 1.0),), (0.25, 0.25, 0.5), 0.8, 0.7),
    Country("IN", 0.06, (("Asia/Kolkata", 1.0),), (0.3, 0.1, 0.6), 1.4, 1.5),
    Country("SE", 0.04, (("Europe/Stockholm", 1.0),), (0.3, 0.6, 0.1), 0.8, 0.6),
    Country("AU", 0.04, (("Australia/Sydney", 0.7), ("Australia/Perth", 0.3)), (0.5, 0.1, 0.4), 1.1),
    Country("PL", 0.03, (("Europe/Warsaw", 1.0),), (0.3, 0.6, 0.1), 1.0, 1.1),
)
COUNTRY_CODES: Final = tuple(country.code for country in COUNTRIES)
ZONES: Final = tuple(zone for country in COUNTRIES for zone, _ in country.zones)
ZONE_COUNTRY: Final = np.array([i for i, country in enumerate(COUNTRIES) for _ in country.zones])
ZONE_SHARES: Final = np.array([country.weight * share for country in COUNTRIES for _, share in country.zones])
CDN_SHARES: Final = np.array([country.cdns for country in COUNTRIES])
NETWORK: Final = np.array([country.network for country in COUNTRIES])
FREE: Final = np.array([country.free for country in COUNTRIES])

# Plays by local hour, relative: working days, weekends.
_WORKING_DAY: Final = np.array(
    [18, 10, 6, 5, 6, 12, 30, 58, 66, 58, 54, 56, 60, 58, 56, 60, 70, 84, 86, 80, 76, 72, 56, 34], float
)
_WEEKEND: Final = np.array(
    [36, 24, 14, 8, 6, 7, 12, 22, 38, 56, 70, 76, 76, 74, 74, 76, 78, 80, 82, 80, 76, 72, 62, 48], float
)
_WEEKDAY_FACTOR: Final = np.array([0.96, 0.98, 1.0, 1.02, 1.1, 1.04, 0.94])
CHRONOTYPE_SHIFT_H: Final = (-1.0, 0.0, 1.5)
CHRONOTYPE_SHARES: Final = (0.3, 0.45, 0.25)


@lru_cache(maxsize=4096)
def zone_offsets_ms(day: date) -> NDArray[np.int64]:
    """Local time minus UTC of every zone of `ZONES` at noon UTC, in ms."""
    noon = datetime.combine(day, time(12), UTC)
    offsets = [(noon.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()) for zone in ZONES]
    return np.array([round(offset.total_seconds() * 1000) for offset in offsets], np.int64)


@lru_cache(maxsize=1024)
def rhythm(day: date) -> Floats:
    """How much is played in each half hour of a UTC day.

    Returns:
        (zones x chronotypes) x 48, row `zone * 3 + chronotype`; an average day sums to about 1.
    """
    offsets = zone_offsets_ms(day)
    middle = np.arange(BINS) * _BIN_MS + _BIN_MS // 2
    local = middle[None, :] + offsets[:, None]
    weekday = (day.weekday() + local // DAY_MS) % 7
    rows = []
    for shift in CHRONOTYPE_SHIFT_H:
        hour = (local / 3_600_000 - shift) % 24
        at = np.arange(25)
        working = np.interp(hour, at, np.append(_WORKING_DAY, _WORKING_DAY[0]))
        weekend = np.interp(hour, at, np.append(_WEEKEND, _WEEKEND[0]))
        level = np.where(weekday >= _SATURDAY, weekend / _WEEKEND.sum(), working / _WORKING_DAY.sum())
        rows.append(level * _WEEKDAY_FACTOR[weekday] / 2)
    return np.stack(rows, axis=1).reshape(-1, BINS)


def moments(weights: Floats, rows: NDArray[np.int64], uniform: Floats) -> NDArray[np.int64]:
    """Times of day drawn from `rhythm`: its row and a number in [0, 1) to ms since midnight UTC."""
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    cumulative[:, -1] = 1.0
    flat = (cumulative + np.arange(len(weights))[:, None]).ravel()
    bins = np.minimum(np.searchsorted(flat, rows + uniform, side="right") - rows * BINS, BINS - 1)
    before = np.where(bins > 0, cumulative[rows, bins - 1], 0.0)
    within = (uniform - before) / np.maximum(cumulative[rows, bins] - before, 1e-12)
    return np.asarray((bins + np.clip(within, 0, 0.9999)) * _BIN_MS).astype(np.int64, copy=False)


def congestion(local_hours: NDArray[np.int64]) -> Floats:
    """How busy networks are at a local hour, 0 to 1: highest in the evening."""
    busy: Floats = (_WORKING_DAY / _WORKING_DAY.max()) ** 2
    return np.asarray(busy[local_hours], np.float64)
