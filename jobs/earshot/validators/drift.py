"""How far a day is from the same weekday before: rows, null rates, category shares, quantiles, hours without plays.

Each figure is compared with its median over the weekday's history. What is usual follows from the median absolute
deviation (scaled to a standard deviation), from what chance does to so many rows, and from a floor below which nobody
would look. Four such days of 1,000 rows are the least; before that a figure has no row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Final

from earshot.validators.day_profiles import (
    BUCKETS,
    HOURS,
    NULLS,
    ROWS,
    SHARE,
    WITH_NULLS,
    WITH_QUANTILES,
    WITH_SHARES,
    Profile,
    quantile,
)

WEEKS: Final = 8
LEAST_DAYS: Final = 4
LEAST_ROWS: Final = 1_000
HOURS_WITHOUT_PLAYS: Final = "hours_without_plays"

_MAD_TO_DEVIATION: Final = 1.4826
_CHANCE: Final = 5.0
_CLUSTERED: Final = 2.5
"""Plays come in sessions, so shares vary more than those of as many independent plays."""
_FLOORS: Final = {ROWS: 0.3, NULLS: 0.02, SHARE: 0.05, BUCKETS: 0.25}
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95}
_BUSY_HOUR: Final = 50
_HOURS_PER_DAY: Final = 24


@dataclass(frozen=True)
class Drift:
    """A figure of a day against its history.

    Attributes:
        kpi: Such as `drift_rows`, `drift_null_rate.country`, `drift_share.tier`, `drift_quantile.played_ms_p50`.
        value: Distance from the median: a fraction of it (rows, quantiles), a difference of rates, the total
            variation distance of shares, or a number of hours.
        target: The largest that is usual.
    """

    kpi: str
    value: float
    target: float

    @property
    def met(self) -> bool:
        """Whether the day is as usual."""
        return self.value <= self.target


def same_weekdays(day: date) -> list[date]:
    """The days that a day is compared with, the latest first."""
    return [day - timedelta(weeks=n) for n in range(1, WEEKS + 1)]


def drift(today: Profile, history: Sequence[Profile]) -> list[Drift]:
    """The figures of a day against the same weekday before; nothing where there is too little history.

    Args:
        today: Its profile.
        history: Profiles of the days that it is compared with.
    """
    before = [profile for profile in history if _rows(profile) >= LEAST_ROWS]
    if len(before) < LEAST_DAYS:
        return []
    rows = [_rows(profile) for profile in before]
    usual = median(rows)
    spread = _spread(rows) / usual
    volume = abs(_rows(today) / usual - 1)
    found = [
        Drift("drift_rows", volume, max(_FLOORS[ROWS], spread, _CHANCE / math.sqrt(usual))),
        Drift(HOURS_WITHOUT_PLAYS, _silent_hours(today, before), 0.0),
    ]
    if _rows(today) >= LEAST_ROWS:
        found += [*_null_rates(today, before), *_shares(today, before), *_quantiles(today, before)]
    return found


def _null_rates(today: Profile, before: Sequence[Profile]) -> Iterator[Drift]:
    for column in WITH_NULLS:
        rates = [_rate(profile, column) for profile in before]
        usual, rows = median(rates), _rows(today)
        at_least = max(usual, 1 / rows)
        chance = _CHANCE * math.sqrt(at_least * (1 - min(at_least, 0.99)) / rows)
        target = max(_FLOORS[NULLS], _spread(rates), chance)
        yield Drift(f"drift_null_rate.{column}", abs(_rate(today, column) - usual), target)


def _shares(today: Profile, before: Sequence[Profile]) -> Iterator[Drift]:
    for column in WITH_SHARES:
        shares = [_share(profile, column) for profile in before]
        now = _share(today, column)
        if not now or not all(shares):
            continue
        usual = _normal({key: median(share.get(key, 0.0) for share in shares) for key in set().union(*shares)})
        apart = [_variation(share, usual) for share in shares]
        rows = _rows(today)
        chance = sum(math.sqrt(2 * p * (1 - p) / (math.pi * rows)) for p in usual.values())
        target = max(_FLOORS[SHARE], median(apart) + _spread(apart), 2 * median(apart), _CLUSTERED * chance)
        yield Drift(f"drift_share.{column}", _variation(now, usual), target)


def _quantiles(today: Profile, before: Sequence[Profile]) -> Iterator[Drift]:
    for column in WITH_QUANTILES:
        for name, share in _QUANTILES.items():
            now = quantile(today.get(f"{BUCKETS}.{column}", {}), share)
            found = [quantile(profile.get(f"{BUCKETS}.{column}", {}), share) for profile in before]
            values = [value for value in found if value]
            if now is None or len(values) < LEAST_DAYS:
                continue
            usual = median(values)
            target = max(_FLOORS[BUCKETS], _spread(values) / usual, _CHANCE / math.sqrt(_rows(today)))
            yield Drift(f"drift_quantile.{column}_{name}", abs(now / usual - 1), target)


def _silent_hours(today: Profile, before: Sequence[Profile]) -> float:
    """Hours without any play in which every day of the history had plays, and the median one many."""
    silent = 0
    for hour in map(str, range(_HOURS_PER_DAY)):
        plays = [profile.get(HOURS, {}).get(hour, 0) for profile in before]
        silent += not today.get(HOURS, {}).get(hour, 0) and min(plays) > 0 and median(plays) >= _BUSY_HOUR
    return float(silent)


def _spread(values: Sequence[float]) -> float:
    """How far from the median a value may be: the fewer values, the more deviations (6 of eight, 8 of four)."""
    middle = median(values)
    deviation = _MAD_TO_DEVIATION * median(abs(value - middle) for value in values)
    return deviation * (4 + 16 / len(values))


def _rows(profile: Profile) -> int:
    return profile.get(ROWS, {}).get(ROWS, 0)


def _rate(profile: Profile, column: str) -> float:
    rows = _rows(profile)
    return profile.get(NULLS, {}).get(column, 0) / rows if rows else 0.0


def _share(profile: Profile, column: str) -> dict[str, float]:
    return _normal(profile.get(f"{SHARE}.{column}", {}))


def _normal(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()} if total else {}


def _variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Total variation distance: the share that would have to change its category."""
    return sum(abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in {*one, *other}) / 2
