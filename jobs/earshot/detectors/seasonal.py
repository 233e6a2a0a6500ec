"""The robust seasonal detector: a profile by hour and class of day, noise by metric and size.

The same few hours are judged over windows of one hour to a day, so that a sharp outage of a large
series is seen within the hour and a faint, long one of a small series within the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earshot.detectors import baseline, evidence
from earshot.detectors.baseline import Baseline, Scalar, SeasonalConfig
from earshot.detectors.calendars import aligned, of_many_countries
from earshot.detectors.evidence import Dispersion, Frame
from earshot.detectors.interface import DayScores, joined
from earshot.detectors.series import (
    HOURS_OF_DAY,
    POINTS,
    Floats,
    Kind,
    SeriesMatrix,
    is_complement,
    is_per_play,
    row_blocks,
    weekends,
)

NAME: Final = "seasonal"
MINIMUM_DAYS: Final = 2
RECENT_HOURS: Final = 3
_MOSTLY: Final = 0.5


class Tracking(Protocol):
    """What moves a profile along with the series: its level, its trend."""

    @property
    def name(self) -> str:
        """Name of the detector that uses it."""

    def follow(self, matrix: SeriesMatrix, day: int, learnt: Baseline) -> Baseline:
        """The profile as of a day, from what lies before it, and as it was foreseen for each day before."""


class FittedSeasonal:
    """The seasonal detector with the noise of each metric.

    Args:
        config: The configuration.
        noise: Dispersion by metric; a metric that is missing is learnt from the matrix itself.
        tracking: What follows level and trend upon the profile; None: nothing does.
    """

    def __init__(
        self, config: SeasonalConfig, noise: Mapping[str, Dispersion], tracking: Tracking | None = None
    ) -> None:
        self.config = config
        self.noise = dict(noise)
        self.tracking = tracking
        self.name = NAME if tracking is None else tracking.name

    def parameters(self) -> Mapping[str, Floats]:
        """By metric: 2 x W, intercept and slope of the dispersion."""
        return {metric: np.stack([line.intercept, line.slope]) for metric, line in self.noise.items()}

    def score(self, matrix: SeriesMatrix, days: Sequence[int], rows: Sequence[int] | None = None) -> list[DayScores]:
        """Score days, each with what lies before it, and nothing else."""
        return [self._score_day(matrix, day, rows) for day in days]

    def _score_day(self, matrix: SeriesMatrix, day: int, rows: Sequence[int] | None) -> DayScores:
        matrix = aligned(matrix, day)
        learnt = _learn(matrix, day, self.config)
        rested = _on_a_day_off(matrix, day, learnt, self.config)
        if self.tracking is not None:
            followed = self.tracking.follow(matrix, day, learnt)
            rested = None if rested is None else rested * followed.rate / np.maximum(learnt.rate, baseline.TINY)
            learnt = followed
        pooled = self.noise.get(matrix.metric) or _pooled(matrix, day, learnt, self.config)
        if rows is not None:
            matrix, learnt = matrix.rows(rows), learnt.rows(rows)
            rested = None if rested is None else rested[np.asarray(rows, dtype=np.int64)]
        parts = []
        for at in row_blocks(len(matrix.dimensions)):
            resting = None if rested is None else rested[at]
            parts.append(_judge_some(matrix.block(at), day, learnt.block(at), resting, pooled, self.config))
        return joined(matrix, parts)


def _judge_some(
    matrix: SeriesMatrix, day: int, learnt: Baseline, rested: Floats | None, pooled: Dispersion, config: SeasonalConfig
) -> DayScores:
    """The scores of series that are few enough for what lies between to stay in the processor's cache."""
    numerator, exposure = baseline.fold(matrix.numerator()), baseline.fold(matrix.exposure())
    began = baseline.fold(matrix.began).copy()
    began[:, :day] &= ~baseline.fold(matrix.excluded)[:, :day]
    own, behind, volume = _history_noise(matrix, day, learnt, config)
    dispersion = evidence.shrunk(own, behind, pooled.of(volume), matrix.kind, config)
    dispersion = dispersion * np.square(_restlessness(matrix, day, learnt, dispersion, config))[:, None]
    reach = slice(max(day - 1, 0), day + 1)
    rate = learnt.rate[:, None, :]
    if day >= 1:
        rate = np.concatenate([learnt.in_sample[:, day - 1 : day], rate], axis=1)
    series = numerator.shape[0]
    expected = rate * exposure[:, reach]
    if rested is not None:
        expected[:, -1] = _between(numerator[:, day], expected[:, -1], rested * exposure[:, day])
    frame = Frame(
        matrix.kind,
        numerator[:, reach].reshape(series, -1),
        expected.reshape(series, -1),
        exposure[:, reach].reshape(series, -1),
        dispersion,
        1.0 + 1.0 / learnt.days,
        began[:, reach].reshape(series, -1),
    )
    known = (exposure[:, :day] > 0) & began[:, :day]
    frame.usable[known.sum(axis=(1, 2)) < config.least_hours] = False
    return published(matrix, day, frame, config)


class SeasonalDetector:
    """Learns the noise of each metric from history.

    Args:
        config: The configuration.
        tracking: What follows level and trend upon the profile; None: nothing does.
    """

    def __init__(self, config: SeasonalConfig | None = None, tracking: Tracking | None = None) -> None:
        self.config = config or SeasonalConfig()
        self.tracking = tracking
        self.name = NAME if tracking is None else tracking.name

    def fit(self, history: Sequence[SeriesMatrix]) -> FittedSeasonal:
        """Learn how noisy each metric is over each window, by volume."""
        noise = {}
        for matrix in history:
            if matrix.days >= MINIMUM_DAYS:
                day = matrix.days
                learnt = _learn(matrix, day, self.config)
                if self.tracking is not None:
                    learnt = self.tracking.follow(matrix, day, learnt)
                noise[matrix.metric] = _pooled(matrix, day, learnt, self.config)
        return FittedSeasonal(self.config, noise, self.tracking)

    def restore(self, parameters: Mapping[str, Floats]) -> FittedSeasonal:
        """The detector that had these parameters."""
        noise = {name: Dispersion(pair[0], pair[1]) for name, pair in parameters.items()}
        return FittedSeasonal(self.config, noise, self.tracking)


def published(matrix: SeriesMatrix, day: int, frame: Frame, config: SeasonalConfig) -> DayScores:
    """The scores of a day from what was seen and what was due."""
    today = slice(frame.numerator.shape[1] - HOURS_OF_DAY, None)
    deviations = evidence.deviations(frame, config)
    deviation, window = evidence.strongest(deviations)
    observed = matrix.values[:, day * HOURS_OF_DAY : (day + 1) * HOURS_OF_DAY]
    exposure, due = frame.exposure[:, today], frame.expected[:, today]
    judged = np.isfinite(observed) & frame.usable[:, today] & (exposure > 0)
    expected, lower, upper = _bounds(matrix, exposure, due, frame, config)
    signed = np.where(judged, deviation[:, today], 0.0)
    seen = frame.numerator[:, today]
    if matrix.kind is Kind.LEVEL:
        effect = np.expm1(np.clip((seen - due) / np.maximum(exposure, baseline.TINY), -50, 50))
    else:
        effect = (seen - due) / np.maximum(due, baseline.TINY)
    behind = np.where(frame.usable, frame.expected if matrix.kind is Kind.COUNT else frame.exposure, 0.0)
    sums = np.stack(list(evidence.trailing_each(behind, config.windows)), axis=2)
    short = max(position for position, length in enumerate(config.windows) if length <= RECENT_HOURS)
    return DayScores(
        matrix,
        day,
        observed,
        expected,
        lower,
        upper,
        score=np.where(judged, evidence.score_of(signed, config), 0.0),
        deviation=signed,
        recent=np.where(judged, deviations[:, today, short], 0.0),
        persistence=_persistence(frame, window, config)[:, today],
        window=np.array(config.windows)[window[:, today]],
        support=np.take_along_axis(sums, window[:, :, None], axis=2)[:, today, 0],
        effect=np.clip(effect, -1, 1e3),
        frame=frame,
        judged=judged,
    )


def _persistence(frame: Frame, window: NDArray[np.intp], config: SeasonalConfig) -> Floats:
    """S x H: the least effect of the shorter windows, down to the recent one, relative to that of the window."""
    effects = _effects(frame, config)
    of_window = np.take_along_axis(effects, window[:, :, None], axis=2)
    relative = effects * np.sign(of_window) / np.maximum(np.abs(of_window), baseline.TINY)
    shorter = np.arange(len(config.windows))[None, None, :] < window[:, :, None]
    recent = np.array([length >= RECENT_HOURS for length in config.windows])[None, None, :]
    return np.asarray(np.where(shorter & recent, relative, 1.0).min(axis=2))


def _effects(frame: Frame, config: SeasonalConfig) -> Floats:
    """S x H x W: deviation of each window relative to what was due (for levels, as a logarithm)."""
    gap = np.where(frame.usable, frame.numerator - frame.expected, 0.0)
    due = np.where(frame.usable, frame.exposure if frame.kind is Kind.LEVEL else frame.expected, 0.0)
    sums = (evidence.trailing_each(array, config.windows) for array in (gap, due))
    found = [gaps / np.maximum(dues, baseline.TINY) for gaps, dues in zip(*sums, strict=True)]
    return np.stack(found, axis=2)


def _bounds(
    matrix: SeriesMatrix, exposure: Floats, due: Floats, frame: Frame, config: SeasonalConfig
) -> tuple[Floats, Floats, Floats]:
    """Expected, lower and upper of single hours, in the unit of the metric."""
    variance = evidence.unit_variance(due, exposure, matrix.kind) * frame.dispersion[:, :1] * frame.inflation[:, None]
    half = config.bound * np.sqrt(variance)
    if matrix.kind is Kind.COUNT:
        return due, np.maximum(due - half, 0.0), due + half
    with np.errstate(all="ignore"):
        divide = np.where(exposure > 0, exposure, np.nan)
        if matrix.kind is Kind.LEVEL:
            return np.exp(due / divide), np.exp((due - half) / divide), np.exp((due + half) / divide)
        if is_complement(matrix.metric):
            lost = (due / divide, (due + half) / divide, np.maximum(due - half, 0.0) / divide)
            expected, lower, upper = (POINTS * (1 - share) for share in lost)
            return expected, np.maximum(lower, 0.0), upper
        scale = divide if is_per_play(matrix.metric) else np.where(exposure > 0, 1.0, np.nan)
        top = exposure if matrix.kind is Kind.SHARE else np.inf
        return due / scale, np.maximum(due - half, 0.0) / scale, np.minimum(due + half, top) / scale


def _learn(matrix: SeriesMatrix, day: int, config: SeasonalConfig, *, as_day_off: bool | None = None) -> Baseline:
    numerator, exposure = baseline.fold(matrix.numerator()), baseline.fold(matrix.exposure())
    weekend = weekends(matrix.start, day + 1)
    judged_is_off = bool(weekend[day]) if as_day_off is None else as_day_off
    past = (numerator[:, :day], exposure[:, :day], baseline.fold(matrix.usable)[:, :day])
    off = weekend[None, :day]
    if matrix.holidays is not None:
        off = off | (matrix.holidays[:, :day] > _MOSTLY)
    return baseline.learn(*past, off, judged_is_off, matrix.kind, config)


def _on_a_day_off(matrix: SeriesMatrix, day: int, learnt: Baseline, config: SeasonalConfig) -> Floats | None:
    """S x 24: the rates if countries with a holiday rest as they do at weekends; None where no working day is one."""
    if matrix.holidays is None or not matrix.holidays[:, day].any() or weekends(matrix.start, day + 1)[day]:
        return None
    share = matrix.holidays[:, day][:, None]
    rested = (1 - share) * learnt.rate + share * _learn(matrix, day, config, as_day_off=True).rate
    if matrix.kind is Kind.COUNT and (changed := of_many_countries(matrix, learnt.rate, rested)) is not None:
        many, ratio = changed
        rested[many] = learnt.rate[many] * ratio
    return np.asarray(rested)


def _between(seen: Floats, one: Floats, other: Floats) -> Floats:
    """On a holiday everything from a working day to a day off is as expected."""
    return np.clip(seen, np.minimum(one, other), np.maximum(one, other))


def _history_noise(
    matrix: SeriesMatrix, day: int, learnt: Baseline, config: SeasonalConfig
) -> tuple[Floats, Floats, Floats]:
    """Own dispersions (S x W), windows behind them (S x W), mean hourly volume (S) before a day."""
    stop = day * HOURS_OF_DAY
    exposure, usable = _before(matrix.exposure(), stop), _before(matrix.usable, stop)
    numerator = _before(matrix.numerator(), stop)
    expected = learnt.in_sample.reshape(exposure.shape) * exposure
    own, behind = evidence.dispersion_of(numerator, expected, exposure, usable, matrix.kind, config.windows)
    # Residuals of the days that the profile was learnt from are too small by this much.
    effective = learnt.days[:, None]
    own = own * effective / np.maximum(effective - 1.0, 0.5)
    counts = matrix.numerator() if matrix.kind is Kind.COUNT else matrix.volume
    volume = np.where(usable, _before(counts, stop), 0.0).sum(axis=1) / np.maximum(usable.sum(axis=1), 1)
    return own, behind, volume


def _pooled(matrix: SeriesMatrix, day: int, learnt: Baseline, config: SeasonalConfig) -> Dispersion:
    blocks = row_blocks(len(matrix.dimensions))
    parts = [_history_noise(matrix.block(at), day, learnt.block(at), config) for at in blocks]
    return evidence.pool(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _restlessness(
    matrix: SeriesMatrix, day: int, learnt: Baseline, dispersion: Floats, config: SeasonalConfig
) -> Floats:
    """S: how much wilder than chance the days of history were; 1 where they were not.

    The upper quartile of a day's largest deviation: an account that plays in bursts every day makes a
    series restless, an incident on one day does not.
    """
    stop = day * HOURS_OF_DAY
    exposure = _before(matrix.exposure(), stop)
    expected = learnt.in_sample.reshape(exposure.shape) * exposure
    numerator, usable = _before(matrix.numerator(), stop), _before(matrix.usable, stop)
    inflation = np.ones(exposure.shape[0])
    past = Frame(matrix.kind, numerator, expected, exposure, dispersion, inflation, usable)
    largest = baseline.fold(evidence.largest(past, config)).max(axis=2)
    return np.asarray(np.maximum(np.quantile(largest, 0.75, axis=1) / config.calm, 1.0))


def _before(array: NDArray[Scalar], stop: int) -> NDArray[Scalar]:
    """The columns before `stop`, in a layout of their own: sums over a slice of a larger array could differ."""
    kept: NDArray[Scalar] = array[:, :stop].copy(order="C")
    return kept
