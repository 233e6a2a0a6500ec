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

    What is expected of an entity is its share of all streams in the weeks before, times all streams of the week: a week
    that is shorter, or louder for all, moves nobody. Counts of streams vary by more than a Poisson law allows (the same
    listeners come again), so they are taken as negative binomial with one dispersion for all entities, estimated from
    the weeks before by the method of moments; without extra variation it is the Poisson law. The variance includes that
    of the expectation itself. Robinson and Smyth (2008), "Small-sample estimation of negative binomial dispersion, with
    applications to SAGE data", Biostatistics 9(2); Anders and Huber (2010), "Differential expression analysis for
    sequence count data", Genome Biology 11:R106. The q-values are those of Benjamini and Hochberg (1995),
    "Controlling the false discovery rate", JRSS B 57(1), over the entities of one kind and week. Tested are entities by
    their streams of all these weeks together, which under "no change" tells nothing of the change (Bourgon, Gentleman
    and Huber 2010, "Independent filtering increases detection power", PNAS 107(21)).

    Args:
        week: Streams of each entity in the week.
        before: The same of each week before: entities x weeks.
        totals: Streams of all entities: of the weeks before, then of the week.
        minimum: Mean streams a week from which an entity is tested.

    Returns:
        None where fewer than two weeks before had streams.
    """
    kept = totals[:-1] > 0
    before, exposure, now = before[:, kept], totals[:-1][kept], totals[-1]
    weeks = before.shape[1]
    if weeks < _LEAST_WEEKS or now <= 0:
        return None
    tested = np.flatnonzero((before.sum(1) + week) / (weeks + 1) >= minimum)
    seen, history = week[tested], before[tested]
    rate = (history.sum(1) + _PRIOR) / exposure.sum()
    means, expected = rate[:, None] * exposure, rate * now
    extra = _dispersion(history, means)
    of_expectation = (now / exposure.sum()) ** 2 * (means + extra * means**2).sum(1)
    variance = expected + extra * expected**2 + of_expectation
    p = _two_sided(seen, expected, variance)
    return Movements(tested, seen / expected, p, false_discovery_rates(p))


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


def _two_sided(seen: Floats, mean: Floats, variance: Floats) -> Floats:
    """Twice the smaller tail of a negative binomial law, at most 1."""
    size = mean**2 / (variance - mean)
    success = size / (size + mean)
    at_most = betainc(size, seen + 1, success)
    at_least = np.where(seen > 0, betainc(np.maximum(seen, 1), size, 1 - success), 1.0)
    p: Floats = np.minimum(2 * np.minimum(at_most, at_least), 1.0)
    return p
