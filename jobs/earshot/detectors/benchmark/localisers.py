"""Published methods that tell the cause of a deviation from what was seen and due in the smallest slices.

Written anew from the papers, for comparison only; jobs use `detectors.attribution`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.series import Dimensions, Flags, Floats, sorted_dimensions

# Adtributor's thresholds as its paper has them: of the explanatory power of a set, and of one of its elements.
_SET_POWER: Final = 0.67
_ELEMENT_POWER: Final = 0.1
# RiskLoc's: values cut at either end, the risk of a cause, and the part of the deviation that is worth another round.
_CUT: Final = 5
_RISK: Final = 0.5
_WORTH: Final = 0.02
_ROUNDS: Final = 20


@dataclass(frozen=True)
class Leaves:
    """The smallest slices over the time of a deviation.

    Attributes:
        names: Of the D dimensions.
        values: Of each dimension, its values by number.
        codes: L x D, the number of each leaf's value.
        seen: L.
        due: L.
    """

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: NDArray[np.intp]
    seen: Floats
    due: Floats

    def where(self, kept: Flags) -> Leaves:
        """Only these leaves."""
        return Leaves(self.names, self.values, self.codes[kept], self.seen[kept], self.due[kept])

    def slices(self, fixed: tuple[int, ...]) -> tuple[NDArray[np.intp], list[Dimensions]]:
        """Of each leaf, the slice that fixes these dimensions (by number); and the slices by number."""
        rows, place = np.unique(self.codes[:, fixed], axis=0, return_inverse=True)
        named = [
            sorted_dimensions({self.names[at]: self.values[at][code] for at, code in zip(fixed, row, strict=True)})
            for row in rows
        ]
        return place.reshape(-1), named


def adtributor(leaves: Leaves) -> list[Dimensions]:
    """The dimension whose values surprise most, and those of its values that explain two thirds (one dimension only).

    Bhagwan et al., "Adtributor: Revenue Debugging in Advertising Systems", NSDI 2014.
    """
    whole = leaves.seen.sum() - leaves.due.sum()
    told: list[tuple[float, list[Dimensions]]] = []
    for at in range(len(leaves.names)):
        place, named = leaves.slices((at,))
        seen, due = (np.bincount(place, of, len(named)) for of in (leaves.seen, leaves.due))
        surprise = _surprise(due / max(due.sum(), 1e-12), seen / max(seen.sum(), 1e-12))
        power = (seen - due) / (whole or 1e-12)
        chosen, explained, surprising = [], 0.0, 0.0
        for element in np.argsort(-surprise, kind="stable"):
            if power[element] <= _ELEMENT_POWER:
                continue
            chosen.append(named[element])
            explained += power[element]
            surprising += surprise[element]
            if explained > _SET_POWER:
                told.append((surprising, chosen))
                break
    return [slice_ for _, chosen in sorted(told, key=lambda one: -one[0]) for slice_ in chosen]


def riskloc(leaves: Leaves) -> list[Dimensions]:
    """Leaves that deviate and leaves that do not, told apart; the shallowest slice with enough of the former, repeated.

    Kalander, "RiskLoc: Localization of Multi-dimensional Root Causes by Weighted Risk", arXiv 2205.10004 (2022).
    """
    with np.errstate(all="ignore"):
        deviation = np.nan_to_num(2 * (leaves.due - leaves.seen) / (leaves.due + leaves.seen))
    cutoff = _cutoff(deviation)
    abnormal = deviation > cutoff if cutoff >= 0 else deviation < cutoff
    power = (leaves.seen - leaves.due) / ((leaves.seen.sum() - leaves.due.sum()) or 1e-12)
    power = -power if power[abnormal].sum() < 0 else power
    weight = np.minimum(np.where(abnormal, np.abs(deviation), np.abs(cutoff - deviation)), 1.0)
    weight[(leaves.seen == 0) & (leaves.due == 0)] = 0.0
    least = power[abnormal].sum() * _WORTH
    found: list[Dimensions] = []
    left = np.ones(leaves.seen.size, dtype=np.bool_)
    for _ in range(_ROUNDS):
        if power[abnormal & left].sum() < least:
            break
        cause = _riskiest(leaves, (deviation, abnormal, power, weight), left, least)
        if cause is None:
            break
        found.append(cause[0])
        left &= ~cause[1]
    return found


LOCALISERS: Final[Mapping[str, Callable[[Leaves], list[Dimensions]]]] = {"Adtributor": adtributor, "RiskLoc": riskloc}


def _surprise(due: Floats, seen: Floats) -> Floats:
    """The Jensen-Shannon divergence, element by element."""
    with np.errstate(all="ignore"):
        first = np.where(due > 0, due * np.log(2 * due / (due + seen)), 0.0)
        second = np.where(seen > 0, seen * np.log(2 * seen / (due + seen)), 0.0)
    return np.asarray(0.5 * (first + second))


def _cutoff(deviation: Floats) -> float:
    """The side with the shorter tail of deviations, mirrored: beyond it deviations are more than noise."""
    values = np.unique(deviation)
    cut = min(_CUT, values.size - 1)
    low, high = values[cut], values[-1 - cut]
    return float(-low if abs(low) < abs(high) else -high)


_Marks = tuple[Floats, Flags, Floats, Floats]


def _riskiest(leaves: Leaves, marks: _Marks, left: Flags, least: float) -> tuple[Dimensions, Flags] | None:
    for depth in range(1, len(leaves.names) + 1):
        best: tuple[Dimensions, Flags] | None = None
        most = least
        for fixed in combinations(range(len(leaves.names)), depth):
            for power, slice_, mask in _by_power(leaves, fixed, marks, left, most):
                if _risk(leaves, marks, mask) >= _RISK:
                    best, most = (slice_, mask), power
                    break
        if best is not None:
            return best
    return None


def _by_power(
    leaves: Leaves, fixed: tuple[int, ...], marks: _Marks, left: Flags, most: float
) -> Iterator[tuple[float, Dimensions, Flags]]:
    """Slices with abnormal leaves that explain more than `most`, those that explain most first."""
    _, abnormal, power, _ = marks
    place, named = leaves.slices(fixed)
    powers = np.bincount(place[left], power[left], len(named))
    has_abnormal = np.bincount(place[left & abnormal], minlength=len(named)) > 0
    for at in np.argsort(-powers, kind="stable"):
        if powers[at] <= most:
            return
        if has_abnormal[at]:
            yield float(powers[at]), named[at], left & (place == at)


def _risk(leaves: Leaves, marks: _Marks, mask: Flags) -> float:
    """How much of a slice is abnormal, less how badly one ratio for all of it fits."""
    deviation, abnormal, _, weight = marks
    high = weight[mask & abnormal].sum()
    high = high / (high + weight[mask & ~abnormal].sum() + 1)
    both = mask & (leaves.seen != 0) & (leaves.due != 0)
    if not both.any():
        return float(high)
    fitted = leaves.due[both] * leaves.seen[both].sum() / leaves.due[both].sum()
    misfit = np.abs(2 * (fitted - leaves.seen[both]) / (fitted + leaves.seen[both])).mean()
    spread = np.abs(deviation[both]).mean()
    return float(high - (misfit / spread if spread else 0.0))
