"""Which tracks and artists rise or fall in a week by more than chance explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

Floats = NDArray[np.float64]

BASELINE_WEEKS: Final = 4
_LEAST_WEEKS: Final = 2
_PRIOR: Final = 0.5  # streams that an entity is given before it had any


@dataclass(frozen=True)
class Movements:
    """Entities that were tested.

    Attributes:
        tested: Their places among all entities.
        ratio: Streams of the week by what the weeks before let expect.
        p: Two-sided.
        q: The false discovery rate at which the entity counts as moved.
    """

    tested: NDArray[np.int64]
    ratio: Floats
    p: Floats
    q: Floats


def movements(week: Floats, before: Floats, totals: Floats, *, minimum: float) -> Movements | None:
    """Test each entity's streams of a week against those of the weeks before.

    What is expected of an entity is what it had in the weeks before, times what the median entity made of it: a week
    that is shorter, or louder for all, moves nobody, and a few hits do not let all else seem to fall (the size factor
    of Anders and Huber 2010, "Differential expression analysis for sequence count data", Genome Biology 11:R106).

    Counts of streams vary by more than a Poisson law allows (the same listeners come again), so they are taken as
    negative binomial with one dispersion for all entities, estimated from the weeks before by the method of moments.
    Given all streams of an entity in these weeks, those of the last then follow a beta-binomial law, which needs no
    estimate of how popular the entity is: the exact test of Robinson and Smyth (2008), "Small-sample estimation of
    negative binomial dispersion, with applications to SAGE data", Biostatistics 9(2); exact for weeks as loud as each
    other, and by matched variance of the log ratio otherwise. Without extra variation it is the conditional test of
    Poisson rates (Przyborowski and Wilenski 1940). Its tails are those of a beta law of the same mean and variance,
    with the correction for continuity.

    The q-values are those of Benjamini and Hochberg (1995), "Controlling the false discovery rate", JRSS B 57(1), over
    the entities of one kind and week. Tested are entities by their streams of all these weeks together, which under
    "no change" tells nothing of the change (Bourgon, Gentleman and Huber 2010, "Independent filtering increases
    detection power", PNAS 107(21)).

    Args:
        week: Streams of each entity in the week.
        before: The same of each week before: entities x weeks.
        totals: Streams of all entities in each week before.
        minimum: Mean streams a week from which an entity is tested.

    Returns:
        None where fewer than two weeks before had streams.
    """
    before, exposure = before[:, totals > 0], totals[totals > 0]
    weeks = before.shape[1]
    if weeks < _LEAST_WEEKS:
        return None
    tested = np.flatnonzero((before.sum(1) + week) / (weeks + 1) >= minimum)
    seen, history = week[tested], before[tested]
    factor = np.median((seen + _PRIOR) / (history.sum(1) + _PRIOR)) if len(tested) else 0.0
    now = float(exposure.sum() * factor)
    rate = (history.sum(1) + _PRIOR) / exposure.sum()
    extra = _dispersion(history, rate[:, None] * exposure)
    p = _two_sided(seen, seen + history.sum(1), exposure=exposure, now=now, extra=extra)
    return Movements(tested, seen / (rate * now), p, false_discovery_rates(p))


def false_discovery_rates(p: Floats) -> Floats:
    """q-values of Benjamini and Hochberg: the least p(j) n / j over the ranks j from the own one on."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def _dispersion(counts: Floats, means: Floats) -> float:
    """The a of Var = m + a m^2, pooled over all entities and weeks; 0 where counts vary by no more than Poisson's."""
    weeks = counts.shape[1]
    surplus = ((counts - means) ** 2).sum() * weeks / (weeks - 1) - means.sum()
    return float(max(surplus, 0.0) / max((means**2).sum(), 1e-12))


def _two_sided(seen: Floats, whole: Floats, *, exposure: Floats, now: float, extra: float) -> Floats:
    """Twice the smaller tail of the streams of the week among those of all weeks, at most 1."""
    share = now / (now + exposure.sum())
    weights = exposure / exposure.sum()
    size = extra * (1 + (weights**2).sum()) * (1 - share) * share  # one by the sum of the beta law's parameters
    alike = size / (1 + size)  # correlation of two streams of an entity
    precision = whole / (1 + (whole - 1) * alike) - 1
    low, high = np.clip((seen - 0.5) / whole, 0, 1), np.clip((seen + 0.5) / whole, 0, 1)
    at_most = betainc(precision * share, precision * (1 - share), high)
    at_least = betainc(precision * (1 - share), precision * share, 1 - low)
    p: Floats = np.minimum(2 * np.minimum(at_most, at_least), 1.0)
    return p
