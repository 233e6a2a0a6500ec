"""From deviations in any unit to scores of one scale, each series measured by its own past.

An alarm is a deviation that breaks the range of all earlier ones, by how much in units of what they usually span.
What lies below alarms is ranked by energy: how far the last rows together are from what is usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.signal import WARM_UP

ALARM: Final = 0.5


@dataclass(frozen=True)
class Calibration:
    """The one fixed configuration.

    Attributes:
        least_margin: An alarm breaks its range by more than so many inner ranges.
        half_margin: So many more and it is half way to the highest score.
        most_margin: More than this of one detector counts as this.
        quiet: Rows over which an alarm fades, until when a smaller one is none of its own.
        quiet_share: The same in periods, where that is longer.
        first_share: So many periods of the series must have passed before a range can be broken.
        confident: Rows after which half of a margin is believed.
        usual: Rows that tell what size of deviation is usual.
        usual_share: The quantile of them that is taken for it.
        largest: A deviation counts for at most so many times the usual one.
        span: Span of the fading mean of energies.
        settled: Rows after which half of an energy is believed.
        half_energy: An energy that is half way to the alarms.
    """

    least_margin: float = 0.06
    half_margin: float = 0.4
    most_margin: float = 5.0
    quiet: float = 200.0
    quiet_share: float = 0.7
    first_share: float = 1.0
    confident: float = 100.0
    usual: int = 1_000
    usual_share: float = 0.9
    largest: float = 20.0
    span: float = 100.0
    settled: float = 300.0
    half_energy: float = 1.0


def margin(deviation: Floats, period: Floats, config: Calibration) -> Floats:
    """By how many inner ranges each deviation breaks the range of those before it; 0 where it does not.

    Args:
        deviation: Signed or not; nan where unknown.
        period: Rows in a period, by row; 0 where there is none.
        config: Limits.
    """
    out = np.zeros(deviation.size)
    known = np.flatnonzero(np.isfinite(deviation))
    told = deviation[known]
    low, high = rolling.past_bounds(told)
    beyond = np.maximum(np.maximum(told - high, low - told), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(beyond > 0, beyond / rolling.inner_range(told), 0.0)
    early = (known < config.first_share * period[known]) | (np.arange(told.size) < WARM_UP)
    ratio[early] = 0.0
    out[known] = np.minimum(np.nan_to_num(ratio, posinf=config.most_margin), config.most_margin)
    return out * seen_share(out.size, config.confident)


def energy(deviation: Floats, config: Calibration) -> Floats:
    """Logarithm of the mean square of the last deviations, in units of what was usual before."""
    return np.log1p(rolling.faded(np.square(relative(deviation, config)), config.span))


def relative(deviation: Floats, config: Calibration) -> Floats:
    """Size of deviations in units of what was usual before; 0 where unknown."""
    known = np.flatnonzero(np.isfinite(deviation))
    size = np.abs(deviation[known])
    (usual,) = rolling.learnt_quantiles(size, (config.usual_share,), config.usual, least=WARM_UP)
    out = np.zeros(deviation.size)
    out[known] = _times(size, usual, config)
    return out


def energy_in_hindsight(deviation: Floats, config: Calibration) -> Floats:
    """Logarithm of the mean square of the deviations around a row, in units of what is usual in the whole series."""
    known = np.flatnonzero(np.isfinite(deviation))
    size = np.abs(deviation[known])
    squares = np.zeros(deviation.size)
    if size.size >= WARM_UP:
        usual = np.full(size.size, np.quantile(size, config.usual_share))
        squares[known] = np.square(_times(size, usual, config))
    forward, backward = rolling.faded(np.stack([squares, squares[::-1]]), config.span)
    return np.asarray(np.log1p((forward + backward[::-1]) / 2))


def _times(size: Floats, usual: Floats, config: Calibration) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(size > 0, size / usual, 0.0)
    return np.asarray(np.minimum(np.nan_to_num(ratio, nan=0.0, posinf=config.largest), config.largest))


def seen_share(rows: int, half: float) -> Floats:
    """Trust in what has been learnt so far: one half after `half` rows."""
    seen = np.arange(rows, dtype=np.float64)
    return seen / (seen + half)


def online(alarming: Sequence[Floats], unusual: Sequence[Floats], period: Floats, config: Calibration) -> Floats:
    """Scores of 0 to 1: `ALARM` and more is an alarm, less is how unusual the last rows are.

    Args:
        alarming: Deviations whose records are alarms.
        unusual: Deviations whose energy ranks the rest.
        period: Rows in a period, by row; 0 where there is none.
        config: Limits.
    """
    evidence = np.mean([energy(one, config) for one in unusual], axis=0)
    evidence = evidence * seen_share(evidence.size, config.settled)
    return np.maximum(_below_alarms(evidence, config), alarms(margins_of(alarming, period, config), period, config))


def in_hindsight(alarming: Sequence[Floats], unusual: Sequence[Floats], period: Floats, config: Calibration) -> Floats:
    """The same where the rows after are known: alarms where they would have been raised, the rest by what is around.

    Args:
        alarming: Deviations from the past, whose records are alarms.
        unusual: Deviations from the side of each row on which more rows are known.
        period: Rows in a period, by row; 0 where there is none.
        config: Limits.
    """
    evidence = np.mean([energy_in_hindsight(one, config) for one in unusual], axis=0)
    return np.maximum(_below_alarms(evidence, config), alarms(margins_of(alarming, period, config), period, config))


def margins_of(alarming: Sequence[Floats], period: Floats, config: Calibration) -> Floats:
    """The sum of what each deviation breaks its range by."""
    return np.asarray(np.sum([margin(one, period, config) for one in alarming], axis=0))


def alarms(margins: Floats, period: Floats, config: Calibration) -> Floats:
    """Scores of the rows that are alarms, 0 elsewhere: what only continues an alarm is none of its own."""
    out = np.zeros(margins.size)
    quiet = np.maximum(config.quiet_share * period, config.quiet)
    lowest, before = 0.0, 0
    for row in np.flatnonzero(margins > config.least_margin).tolist():
        size = margins[row] / (margins[row] + config.half_margin)
        lowest *= np.exp((before - row) / quiet[row])
        before = row
        if size > lowest:
            lowest = size
            excess = margins[row] - config.least_margin
            out[row] = ALARM + (1 - ALARM) * excess / (excess + config.half_margin)
    return out


def _below_alarms(evidence: Floats, config: Calibration) -> Floats:
    return ALARM * evidence / (evidence + config.half_energy)
