"""How unequally money is shared, and how sure that is: groups of listeners are left out in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.stats import t as student

from earshot.analytics.optimisation.estimates import DESCRIPTION, Estimate
from earshot.analytics.plays import Floats, Integers

MEASURES: Final = ("gini", "top_1_percent_share", "top_10_percent_share", "hhi")
_MOVED: Final = MEASURES[:3]
_LEAST_GROUPS: Final = 10
_METHOD: Final = "payees' shares of the pools; delete-a-group jackknife over listeners"
_AGAINST: Final = "pro_rata"


def inequality(amounts: Floats) -> Floats:
    """Measures of one or of many distributions over the same payees.

    - gini: Gini's coefficient, mean difference of two payees over twice the mean; 0 = all have the same.
    - top_1_percent_share, top_10_percent_share: what the best paid have, their number rounded up.
    - hhi: sum of the squared shares (Hirschman 1945, Herfindahl 1950), 1 / payees to 1.

    Args:
        amounts: m x payees, not negative; a row without any money gives nan.

    Returns:
        m x `MEASURES`.
    """
    ordered = np.sort(amounts, axis=1)
    payees, total = amounts.shape[1], amounts.sum(axis=1)
    share = np.divide(ordered, total[:, None], out=np.full_like(ordered, np.nan), where=total[:, None] > 0)
    gini = share @ (2 * np.arange(1, payees + 1) - payees - 1) / payees
    tops = [share[:, payees - -(-payees // part) :].sum(axis=1) for part in (100, 10)]
    return np.stack([gini, *tops, (share**2).sum(axis=1)], axis=1)


def paid_without(group: Integers, payee: Integers, counts: Floats, *, pool: float, size: tuple[int, int]) -> Floats:
    """What each payee has of a pool: in row 0 by everybody's streams, in row 1 + g without those of group g.

    Args:
        group: Of each row of streams, 0 to g - 1.
        payee: Of each row, 0 to p - 1.
        counts: What the row counts in the model.
        pool: Money.
        size: g, p.
    """
    groups, payees = size
    of_group = np.bincount(group * payees + payee, weights=counts, minlength=groups * payees).reshape(groups, payees)
    everybody = of_group.sum(axis=0)
    left = np.vstack([everybody, np.maximum(everybody - of_group, 0.0)])
    total = left.sum(axis=1, keepdims=True)
    paid: Floats = pool * np.divide(left, total, out=np.zeros_like(left), where=total > 0)
    return paid


def concentration(measures: Mapping[str, Floats], listeners: int, **where: str) -> list[Estimate]:
    """The measures of each model, and what each model moves against pro rata, with 95 % intervals.

    The interval tells how far a figure would move had another sample of as many listeners listened: listeners
    come and go, payees and the money in the pools are as they are. Each group of listeners is left out once
    (delete-a-group jackknife, Kott 2001; Student's t). Between models the same groups are left out of both, so
    that what they share cancels.

    Args:
        measures: By model, (1 + g) x `MEASURES`: of everybody, then without each group.
        listeners: How many are in all groups.
        **where: Dimensions of the figures.
    """
    found = [
        _jackknife(measure, figures[:, n], listeners, (0.0, 1.0), model=model, **where)
        for model, figures in measures.items()
        for n, measure in enumerate(MEASURES)
    ]
    for model in measures if _AGAINST in measures else ():
        if model != _AGAINST:
            moved = measures[model] - measures[_AGAINST]
            named = {"model": model, "against": _AGAINST, **where}
            found += [
                _jackknife(f"{measure}_change", moved[:, n], listeners, (-1.0, 1.0), **named)
                for n, measure in enumerate(_MOVED)
            ]
    return found


def _jackknife(metric: str, figures: Floats, listeners: int, range_: tuple[float, float], **where: str) -> Estimate:
    value, without, groups = float(figures[0]), figures[1:], len(figures) - 1
    told = value if np.isfinite(value) else None
    if groups < _LEAST_GROUPS or not np.isfinite(figures).all():
        reason = f"fewer than {_LEAST_GROUPS} groups of listeners, or one without whom nobody is paid: no interval"
        return Estimate(metric, told, None, None, listeners, _METHOD, where, reason, DESCRIPTION)
    error = float(np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum()))
    half = float(student.ppf(0.975, groups - 1)) * error
    lower, upper = max(value - half, range_[0]), min(value + half, range_[1])
    return Estimate(metric, told, lower, upper, listeners, _METHOD, where, None, DESCRIPTION)
