"""What an hour should be: robust profiles by hour of day and class of day, learnt from days before.

All functions take folded arrays, S x D x 24 (series, days, hours of day).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.medians import nanmedian
from earshot.detectors.series import HOURS_OF_DAY, Flags, Floats, Kind, row_blocks

TINY: Final = 1e-12
# Variance of 1/4, 1/2, 1/4 of three neighbours, of which sessions make each lean on the next.
_OF_SMOOTHED: Final = 0.6
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class SeasonalConfig:
    """The one fixed configuration of the seasonal detector.

    Attributes:
        windows: Lengths of the trailing windows, in hours, over which evidence is summed.
        half_life_days: After so many days a day of history weighs half.
        other_class_weight: Weight of a weekday when a weekend day is judged, and the other way round.
        clip: Beyond so many standard deviations an hour of history counts no further.
        pseudo_count: Strength with which an hour of day leans on its neighbours and its whole day.
        prior_hours: Strength with which a series' dispersion leans on that of its metric, in hours.
        bound: Half width of the published bounds, in standard deviations.
        half_score: Standard deviations at which the score is one half.
        calm: Largest deviation of an ordinary day.
        least_hours: Hours with plays that a series must have behind it to be judged.
        class_plays: With so many plays on days off an hour's own ratio to working days weighs half.
    """

    windows: tuple[int, ...] = (1, 2, 3, 6, 12, 24)
    half_life_days: float = 14.0
    other_class_weight: float = 0.5
    clip: float = 3.0
    pseudo_count: float = 30.0
    prior_hours: float = 96.0
    bound: float = 3.0
    half_score: float = 7.0
    calm: float = 3.2
    least_hours: int = 60
    class_plays: float = 300.0


@dataclass(frozen=True)
class Baseline:
    """What the judged hours should be, by series and hour of day.

    Attributes:
        rate: S x 24, numerator a unit of exposure on the judged day.
        in_sample: S x D x 24, the same for the days of history.
        days: S, effective number of days behind the rate.
    """

    rate: Floats
    in_sample: Floats
    days: Floats

    def rows(self, rows: Sequence[int]) -> Baseline:
        """Only some of the series."""
        kept = np.asarray(rows, dtype=np.int64)
        return Baseline(self.rate[kept], self.in_sample[kept], self.days[kept])

    def block(self, at: slice) -> Baseline:
        """Some series that follow one another, as views."""
        return Baseline(self.rate[at], self.in_sample[at], self.days[at])


def fold(matrix: NDArray[Scalar]) -> NDArray[Scalar]:
    """S x T to S x D x 24."""
    return matrix.reshape(matrix.shape[0], -1, HOURS_OF_DAY)


def learn(
    numerator: Floats,
    exposure: Floats,
    usable: Flags,
    off: Flags,
    judged_is_off: bool,
    kind: Kind,
    config: SeasonalConfig,
) -> Baseline:
    """Learn the profile of one judged day from the days before it.

    Args:
        numerator: S x D x 24, history only.
        exposure: S x D x 24.
        usable: S x D x 24, false for known incidents and before a series began.
        off: S x D (1 x D where it is the same for all), whether each day of history is a weekend or holiday.
        judged_is_off: Whether the day that is judged is one.
        kind: The noise of the metric.
        config: The configuration.
    """
    biggest = _biggest(numerator, exposure, usable, off) if kind is Kind.COUNT else None
    some = ((at, off[at] if off.shape[0] > 1 else off) for at in row_blocks(numerator.shape[0]))
    # A block is small enough to stay in the processor's cache from the first step to the last.
    parts = [
        _learn_some(
            np.where(usable[at], numerator[at], 0.0),
            np.where(usable[at], exposure[at], 0.0),
            free,
            judged_is_off,
            biggest,
            kind,
            config,
        )
        for at, free in some
    ]
    rate, in_sample, effective = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Baseline(rate, in_sample, effective)


def _learn_some(
    numerator: Floats,
    exposure: Floats,
    off: Flags,
    judged_is_off: bool,
    biggest: Floats | None,
    kind: Kind,
    config: SeasonalConfig,
) -> tuple[Floats, Floats, Floats]:
    """Rate, rates in sample and effective days of some series, given what days off change in the biggest of all."""
    age = np.arange(numerator.shape[1], 0, -1, dtype=np.float64)
    weight = 0.5 ** (age / config.half_life_days)
    weight = weight * np.where(off == judged_is_off, 1.0, config.other_class_weight)
    factor, judged_factor = _class_factors(numerator, exposure, off, judged_is_off, biggest, config)
    level = exposure * factor
    clipped = _clip(numerator, level, kind, config)
    cells = weight[:, :, None]
    top = (clipped * cells).sum(axis=1)
    bottom = (level * cells).sum(axis=1)
    rate = _shrink(top, bottom, kind, config)
    effective = np.square((level * cells).sum(axis=(1, 2))) / np.maximum(
        np.square((level * cells).sum(axis=2)).sum(axis=1), TINY
    )
    return rate * judged_factor, rate[:, None, :] * factor, np.maximum(effective, 1.0)


def _biggest(numerator: Floats, exposure: Floats, usable: Flags, off: Flags) -> Floats | None:
    """1 x 24: how much busier the biggest series is on days off; None where it has none, or nothing else."""
    if not numerator.size:
        return None
    sums = [np.where(usable[at], numerator[at], 0.0).sum(axis=(1, 2)) for at in row_blocks(numerator.shape[0])]
    row = [int(np.argmax(np.concatenate(sums)))]
    free = off[min(row[0], off.shape[0] - 1)]
    if free.all() or not free.any():
        return None
    there = usable[row]
    return _ratio(np.where(there, numerator[row], 0.0), np.where(there, exposure[row], 0.0), free[None, :])


def _class_factors(
    numerator: Floats, exposure: Floats, off: Flags, judged: bool, biggest: Floats | None, config: SeasonalConfig
) -> tuple[Floats, Floats]:
    """How much busier each hour is on days off: S x D x 24 (or 1 x D x 24), and S x 24 of the judged day.

    Countries rest at other hours of the UTC day, so a series with many plays on days off speaks for itself; one with
    few leans on the biggest.
    """
    working = np.ones((1, off.shape[1], HOURS_OF_DAY)), np.ones((1, HOURS_OF_DAY))
    if biggest is None:
        return working
    own = _ratio(numerator, exposure, off)
    plays = np.where(off[:, :, None], _smooth(numerator), 0.0).sum(axis=1)
    trust = plays / (plays + config.class_plays)
    ratio = np.exp(trust * np.log(own) + (1 - trust) * np.log(biggest))
    by_day = np.where(off[:, :, None], ratio[:, None, :], 1.0)
    return by_day, ratio if judged else working[1]


def _ratio(numerator: Floats, exposure: Floats, off: Flags) -> Floats:
    """S x 24: days off relative to working days, by their medians; near one where few days tell."""
    rates = np.where(exposure > 0, _smooth(numerator) / np.maximum(exposure, TINY), np.nan)
    with np.errstate(all="ignore"):
        idle, busy = (_finite(_median_of_days(rates, days)) for days in (off, ~off))
    prior = 0.25 * np.maximum(busy.mean(axis=1, keepdims=True), TINY)
    fewest = np.minimum(np.minimum(off.sum(axis=1), (~off).sum(axis=1)), 4)[:, None]
    return np.asarray(np.clip(((idle + prior) / (busy + prior)) ** (fewest / (fewest + 0.5)), 0.4, 2.5))


def _median_of_days(rates: Floats, days: Flags) -> Floats:
    """S x 24: over some days, the same for all series where `days` has one row."""
    if days.shape[0] == 1:
        return nanmedian(rates[:, days[0]], axis=1)
    return nanmedian(np.where(days[:, :, None], rates, np.nan), axis=1)


def _clip(numerator: Floats, level: Floats, kind: Kind, config: SeasonalConfig) -> Floats:
    """History with its outlying hours pulled to what a robust profile allows."""
    exposed = level > 0
    if kind is Kind.LEVEL:
        rates = np.where(exposed, numerator / np.maximum(level, TINY), np.nan)
        with np.errstate(all="ignore"):
            middle = _finite(nanmedian(rates, axis=(1, 2)))[:, None, None]
            spread = 1.4826 * _finite(nanmedian(np.abs(rates - middle), axis=(1, 2)))[:, None, None]
        bounded = np.clip(_finite(rates), middle - config.clip * spread - TINY, middle + config.clip * spread + TINY)
        clipped: Floats = np.where(exposed, bounded * level, 0.0)
        return clipped
    centre = _median_profile(numerator, level)[:, None, :] * level
    counted = kind in (Kind.COUNT, Kind.SHARE)
    least = 0.5 if counted else 0.1 * centre.mean(axis=(1, 2), keepdims=True) + TINY
    with np.errstate(all="ignore"):
        excess = np.where(exposed, np.square(numerator - centre) / np.maximum(centre, least), np.nan)
        dispersion = _finite(nanmedian(excess, axis=(1, 2))) / 0.4549
    noise = np.maximum(dispersion, 1.0 if counted else 0.0)[:, None, None]
    variance = noise * np.maximum(centre, least)
    width = config.clip * np.sqrt(variance) + TINY
    bounded = np.clip(numerator, centre - width, centre + width)
    flat = (numerator.shape[0], -1)
    gap = _smooth(np.where(exposed, numerator - centre, 0.0).reshape(flat)).reshape(numerator.shape)
    spoilt = np.abs(gap) > config.clip * np.sqrt(_OF_SMOOTHED * variance)
    return np.where(exposed, np.where(spoilt, centre, bounded), 0.0)


def _median_profile(numerator: Floats, level: Floats) -> Floats:
    """S x 24: the median over days of each hour with its neighbours, pulled to the median day."""
    wide_top, wide_bottom = _smooth(numerator), _smooth(level)
    with np.errstate(all="ignore"):
        hourly = nanmedian(np.where(wide_bottom > 0, wide_top / wide_bottom, np.nan), axis=1)
        bottom = level.sum(axis=2)
        daily = nanmedian(np.where(bottom > 0, numerator.sum(axis=2) / bottom, np.nan), axis=1)
    profile: Floats = np.where(np.isfinite(hourly), hourly, _finite(daily)[:, None])
    # The median of few plays lies below their mean: keep the shape, take the level from whole days.
    total = _finite((profile[:, None, :] * level).sum(axis=(1, 2)))
    wanted = _finite(daily) * level.sum(axis=(1, 2))
    scale = np.where(total > 0, wanted / np.maximum(total, TINY), 1.0)
    return np.asarray(np.maximum(profile * np.clip(scale, 0.5, 2.0)[:, None], 0.0))


def _shrink(top: Floats, bottom: Floats, kind: Kind, config: SeasonalConfig) -> Floats:
    """Rates by hour of day; an hour with little behind it leans on its neighbours, and they on the day."""
    whole = top.sum(axis=1, keepdims=True) / np.maximum(bottom.sum(axis=1, keepdims=True), TINY)
    if kind is Kind.COUNT:
        near = _smooth(top) / np.maximum(_smooth(bottom), TINY)
        trust = top / (top + config.pseudo_count)
        return np.where(bottom > 0, trust * top / np.maximum(bottom, TINY) + (1 - trust) * near, near)
    strength = config.pseudo_count
    if kind is Kind.LEVEL:
        return np.asarray((top + 10 * strength * whole) / (bottom + 10 * strength))
    prior = strength / np.maximum(whole, 1e-6) if kind is Kind.SHARE else np.full_like(whole, 10 * strength)
    return np.asarray((top + prior * whole) / (bottom + prior))


def _smooth(folded: Floats) -> Floats:
    """Quarter, half, quarter over neighbouring hours of the clock."""
    quarter = 0.25 * folded
    out = quarter + quarter
    out[..., 1:] += quarter[..., :-1]
    out[..., :-1] += quarter[..., 1:]
    out[..., 0] += quarter[..., -1]
    out[..., -1] += quarter[..., 0]
    return out


def _finite(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
