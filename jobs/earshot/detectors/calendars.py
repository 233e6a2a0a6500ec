"""Public holidays and local clocks, by country, and what of them a series with several countries has.

Holidays are those of the `holidays` package (national ones), clocks those of the IANA zones; both can be added to in
the settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from earshot.detectors.series import HOURS_OF_DAY, Dimensions, Floats, Kind, SeriesMatrix

EVERYWHERE: Final = "*"
_COUNTRY: Final = "country"
_ZONES: Final[Mapping[str, str]] = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "ES": "Europe/Madrid",
    "ID": "Asia/Jakarta",
    "KZ": "Asia/Almaty",
    "MX": "America/Mexico_City",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
}
"""Where most people live, of countries whose first zone in the IANA list is another."""


@dataclass(frozen=True)
class Calendar:
    """What is known of the days and clocks of countries.

    Attributes:
        days_off: Further holidays by country, `EVERYWHERE` for all.
        zones: Clock of a country, where it is not that of most of its people.
        public: Whether public holidays count.
    """

    days_off: Mapping[str, Sequence[date]] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    public: bool = True

    def is_holiday(self, country: str, day: date) -> bool:
        """Whether a country has a holiday; never one of which nothing is known."""
        told = {*self.days_off.get(EVERYWHERE, ()), *self.days_off.get(country, ())}
        return day in told or (self.public and day in _public_holidays(country, day.year))

    def offset_hours(self, country: str, day: date) -> float:
        """Hours by which its clocks are before UTC at noon UTC; nan where its zone is unknown."""
        zone = self.zones.get(country) or _ZONES.get(country) or _first_zones().get(country)
        return float("nan") if zone is None else _offset(zone, day)

    def mark(self, matrix: SeriesMatrix) -> SeriesMatrix:
        """The matrix with its holidays and clocks."""
        first = matrix.start.astype("datetime64[D]").astype(date)
        days = [first + timedelta(days=number) for number in range(matrix.days)]
        countries = [dict(dimensions).get(_COUNTRY) for dimensions in matrix.dimensions]
        known = sorted({country for country in countries if country is not None})
        off = {country: np.array([self.is_holiday(country, day) for day in days], dtype=float) for country in known}
        clocks = {country: np.array([self.offset_hours(country, day) for day in days]) for country in known}
        nowhere = np.full(len(days), np.nan)
        offsets = np.array([clocks.get(country or "", nowhere) for country in countries]).reshape(-1, len(days))
        mixed = _mixed(matrix, off, len(days))
        holidays = np.array([off.get(country or "", mixed) for country in countries]).reshape(-1, len(days))
        return replace(matrix, holidays=holidays if holidays.any() else None, offsets=offsets)


def aligned(matrix: SeriesMatrix, day: int) -> SeriesMatrix:
    """The matrix with its history on the clocks of a day: what was at eight o'clock there stands at eight o'clock.

    A series of one country is moved by the hours by which its clocks were. One of many countries gains and loses,
    hour by hour, what its countries together do.

    Args:
        matrix: Any.
        day: The day that is judged.
    """
    if matrix.offsets is None or day < 1:
        return matrix
    later = np.nan_to_num(matrix.offsets[:, day : day + 1] - matrix.offsets[:, :day])
    if not later.any():
        return matrix
    stop = day * HOURS_OF_DAY
    there = np.arange(stop)[None, :] + np.repeat(np.rint(later).astype(np.int64), HOURS_OF_DAY, axis=1)
    moved = {}
    for name in ("values", "volume", "began", "excluded"):
        array = getattr(matrix, name).copy()
        array[:, :stop] = np.take_along_axis(array[:, :stop], np.clip(there, 0, stop - 1), axis=1)
        moved[name] = array
    found = replace(matrix, **moved)
    return _with_totals(matrix, found, stop)


def of_many_countries(matrix: SeriesMatrix, before: Floats, after: Floats) -> tuple[list[int], Floats] | None:
    """Which series are of many countries, and by what factor their plays change when those of the countries do.

    Args:
        matrix: The series.
        before: S x N, plays; only rows of single countries are read.
        after: The same as they become.

    Returns:
        Rows and N factors; None where no series is of one country, or none of many.
    """
    countries = [row for row, dimensions in enumerate(matrix.dimensions) if _is_country(dimensions)]
    many = [row for row, dimensions in enumerate(matrix.dimensions) if _COUNTRY not in dict(dimensions)]
    if not countries or not many:
        return None
    one, other = (np.nan_to_num(plays[countries]).sum(axis=0) for plays in (before, after))
    return many, np.where(one > 0, other / np.where(one > 0, one, 1.0), 1.0)


def _with_totals(matrix: SeriesMatrix, moved: SeriesMatrix, stop: int) -> SeriesMatrix:
    """Series of many countries changed as the sum of the countries has."""
    changed = of_many_countries(matrix, _counts(matrix)[:, :stop], _counts(moved)[:, :stop])
    if changed is None:
        return moved
    many, ratio = changed
    moved.volume[many, :stop] *= ratio
    if matrix.grows_with_plays:
        moved.values[many, :stop] *= ratio
    return moved


def _counts(matrix: SeriesMatrix) -> Floats:
    return matrix.values if matrix.kind is Kind.COUNT else matrix.volume


def _is_country(dimensions: Dimensions) -> bool:
    return [name for name, _ in dimensions] == [_COUNTRY]


def _mixed(matrix: SeriesMatrix, off: Mapping[str, Floats], days: int) -> Floats:
    """Of each day, the part of all countries' plays that came, before it, from those which have a holiday on it."""
    rows = {dict(d)[_COUNTRY]: row for row, d in enumerate(matrix.dimensions) if _is_country(d)}
    total, resting = np.zeros(days), np.zeros(days)
    for country, row in rows.items():
        by_day = np.nan_to_num(_counts(matrix)[row]).reshape(days, HOURS_OF_DAY).sum(axis=1)
        before = np.cumsum(by_day) - by_day
        total += before
        resting += before * off[country]
    return np.asarray(resting / np.where(total > 0, total, 1.0))


@lru_cache(maxsize=4096)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 (slow to import)

    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


@lru_cache(maxsize=65_536)
def _offset(zone: str, day: date) -> float:
    shift = datetime.combine(day, time(12), UTC).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return shift / timedelta(hours=1)


@lru_cache(maxsize=1)
def _first_zones() -> Mapping[str, str]:
    found: dict[str, str] = {}
    table = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found.setdefault(country, zone)
    return found
