"""Dividing an amount of minor units exactly: the method of the largest remainder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earshot.analytics.plays import Integers, renumbered
from earshot.core.arrow_columns import opens

Exact = NDArray[Any]
"""Integers of eight bytes, or Python's where these would not hold them."""

LARGEST: Final = 2**62
"""Below it a sum or a product fits eight bytes."""

_DENSE: Final = 8
"""So many possible sums for each fraction have a place each; more are sorted."""
_COLUMNS: Final = ("part", "numerator", "denominator")
_AT_ONCE: Final = 2_000_000
_EXACT_FLOAT: Final = 2.0**53
"""Below it a float holds every integer."""


@dataclass(frozen=True)
class Weights:
    """What each part counts, as a sum of fractions: one row a fraction.

    Attributes:
        part: Which part, 0, 1, 2, ...
        numerator: Of the fraction; not negative.
        denominator: Of the fraction; above zero.
    """

    part: Integers
    numerator: Exact
    denominator: Integers


def summed(keys: Integers, values: Exact) -> tuple[Integers, Exact]:
    """The different keys in order, and the exact sum of the values of each."""
    if not len(keys):
        return keys, values
    if float(values.sum(dtype=np.float64)) >= LARGEST:
        values = values.astype(object)
    order = np.argsort(keys)
    ordered = keys[order]
    opening = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[opening], np.add.reduceat(values[order], opening)


def totals(codes: Integers, values: Integers, *, size: int) -> Integers:
    """Of each code, 0 to `size` - 1, the exact sum of the values; without a sort, since every code has its place."""
    if float(values.sum(dtype=np.float64)) < _EXACT_FLOAT:
        return np.bincount(codes, weights=values, minlength=size).astype(np.int64)
    sums = np.zeros(size, np.int64)
    np.add.at(sums, codes, values)
    return sums


def added_up(weights: Weights, *, parts: int) -> Weights:
    """Of each part (0 to `parts` - 1) its fractions, added up by denominator, in the order of both; without zeros."""
    there, columns = weights.numerator > 0, (weights.part, weights.numerator, weights.denominator)
    part, numerator, denominator = columns if there.all() else (column[there] for column in columns)
    denominators, code = renumbered(denominator)
    size, keys = parts * len(denominators), part * len(denominators) + code
    if size <= _DENSE * len(keys) and float(numerator.sum(dtype=np.float64)) < _EXACT_FLOAT:
        sums = totals(keys, numerator.astype(np.int64), size=size)
        keys = np.flatnonzero(sums)
        numerator = sums[keys]
    else:
        keys, numerator = summed(keys, numerator)
    part, code = np.divmod(keys, max(len(denominators), 1))
    return Weights(part, numerator, denominators[code])


def joined(sums: Sequence[Weights], *, parts: int) -> Weights:
    """`added_up` of fractions that are added up already, some of the same parts: of some parts at a time."""
    some = [of for of in sums if len(of.part)]
    if len(some) == 1:
        return some[0]
    every = np.cumsum(sum(np.bincount(of.part, minlength=parts) for of in some))
    total = int(every[-1]) if some and parts else 0
    inner = np.searchsorted(every, np.arange(_AT_ONCE, total, _AT_ONCE)) + 1
    bounds = [0, *np.unique(inner[inner < parts]).tolist(), parts]
    found = [_joined(some, low, high) for low, high in pairwise(bounds)]
    return Weights(*(np.concatenate([getattr(of, name) for of in found]) for name in _COLUMNS))


def _joined(sums: Sequence[Weights], low: int, high: int) -> Weights:
    cuts = [slice(*np.searchsorted(of.part, (low, high))) for of in sums]
    columns = (
        np.concatenate([np.zeros(0, np.int64), *(getattr(of, name)[cut] for of, cut in zip(sums, cuts, strict=True))])
        for name in _COLUMNS
    )
    part, numerator, denominator = columns
    of_these = added_up(Weights(part - low, numerator, denominator), parts=high - low)
    return Weights(of_these.part + low, of_these.numerator, of_these.denominator)


def integer_weights(weights: Weights, *, parts: int) -> Exact:
    """The weights as integers of the same proportions: over the least common multiple of the denominators.

    Python's integers have no largest value, so nothing is rounded, however many fractions there are.
    """
    sums = added_up(weights, parts=parts)
    denominators, code = renumbered(sums.denominator)
    multiple = math.lcm(*denominators.tolist())
    factors = [multiple // denominator for denominator in denominators.tolist()]
    is_small = max(factors, default=1) * sum(sums.numerator.tolist()) < LARGEST
    kind = np.int64 if is_small else object
    of_parts: Exact = np.zeros(parts, kind)
    if len(code):
        opening = np.flatnonzero(opens(sums.part))
        products = sums.numerator.astype(kind) * np.array(factors, kind)[code]
        of_parts[sums.part[opening]] = np.add.reduceat(products, opening)
    return of_parts


def divided(amount: int, weights: Exact) -> Exact | None:
    """The amount in parts proportional to the weights, each rounded down or up by less than one.

    Every part first gets its quota rounded down; what is left goes, one each, to the largest remainders,
    among equal ones to the part that comes first (Hamilton's method, as in the apportionment of seats).

    Args:
        amount: Minor units; not negative.
        weights: Not negative.

    Returns:
        Parts that add up to the amount exactly; None where no weight is above zero.
    """
    total = sum(weights.tolist())
    if total == 0:
        return None
    if max(amount, 1) * total >= LARGEST:
        weights = weights.astype(object)
    products: Exact = weights * amount
    parts: Exact = products // total
    remainders: Exact = products % total
    left = amount - int(parts.sum())
    if left:
        parts[np.argsort(-remainders, kind="stable")[:left]] += 1
    return parts
