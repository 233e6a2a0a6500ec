"""The odds of leaving after a stall, from sums that add up (see `analytics.stall_leaving`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TERMS: Final = ("after", "without", "after_2", "after_without", "without_2", "stalled", "plays", "clusters")
"""Sums over groups of plays that can be compared: of the two sides of the ratio by cluster, of their squares and
products; plays that stalled, plays, clusters in which anybody left."""

FEWEST_CLUSTERS: Final = 30
"""With fewer the interval would be too sure of itself."""

_Z: Final = 1.959963984540054


@dataclass(frozen=True)
class StallEffect:
    """How many times as high the odds were that a play was the last of its session where it stalled.

    Attributes:
        ratio: Of the odds; 1 is no difference.
        lower: Of the interval that holds the ratio in 95 of 100 such samples.
        upper: Of the same interval.
        stalled: Plays that stalled and could be compared.
        plays: All plays that could be compared.
    """

    ratio: float
    lower: float
    upper: float
    stalled: int
    plays: int


def stall_effect(sums: Mapping[str, float]) -> StallEffect | None:
    """The estimate from the sums of `TERMS`; None where they hold too little.

    log(R / S) has the variance sum((r / R - s / S)^2) over clusters, r and s being a cluster's parts of R and S.
    """
    after, without = sums["after"], sums["without"]
    if not (after > 0 and without > 0 and sums["clusters"] >= FEWEST_CLUSTERS):
        return None
    spread = sums["after_2"] / after**2 - 2 * sums["after_without"] / (after * without) + sums["without_2"] / without**2
    margin = math.exp(_Z * math.sqrt(max(spread, 0.0)))
    ratio = after / without
    return StallEffect(ratio, ratio / margin, ratio * margin, round(sums["stalled"]), round(sums["plays"]))
