"""Dividing an amount of minor units exactly: the method of the largest remainder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earshot.analytics.plays import Integers

Exact = NDArray[Any]
"""Integers of eight bytes, or Python's where these would not hold them."""

LARGEST: Final = 2.0**62
"""Below it a float tells that a sum or a product fits eight bytes."""

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


def integer_weights(weights: Weights, *, parts: int) -> list[int]:
    """The weights as integers of the same proportions: over the least common multiple of the denominators.

    Python's integers have no largest value, so nothing is rounded, however many fractions there are.
    """
    denominators, code = np.unique(weights.denominator, return_inverse=True)
    size = max(len(denominators), 1)
    keys, sums = summed(weights.part * size + code, weights.numerator)
    multiple = math.lcm(*denominators.tolist())
    factors = [multiple // denominator for denominator in denominators.tolist()]
    sums_of_parts = [0] * parts
    for part, factor, amount in zip((keys // size).tolist(), (keys % size).tolist(), sums.tolist(), strict=True):
        sums_of_parts[part] += amount * factors[factor]
    return sums_of_parts


def divided(amount: int, weights: Sequence[int]) -> list[int] | None:
    """The amount in parts proportional to the weights, each rounded down or up by less than one.

    Every part first gets its quota rounded down; what is left goes, one each, to the largest remainders,
    among equal ones to the part that comes first (Hamilton's method, as in the apportionment of seats).

    Args:
        amount: Minor units; not negative.
        weights: Not negative.

    Returns:
        Parts that add up to the amount exactly; None where no weight is above zero.
    """
    total = sum(weights)
    if total == 0:
        return None
    quotas = [divmod(amount * weight, total) for weight in weights]
    parts = [whole for whole, _ in quotas]
    left = amount - sum(parts)
    if left:
        for place in sorted(range(len(parts)), key=lambda place: -quotas[place][1])[:left]:
            parts[place] += 1
    return parts
