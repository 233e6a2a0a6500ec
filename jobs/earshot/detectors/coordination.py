"""Listeners who start the same tracks at the same times, again and again: found without comparing everybody.

Only starts after a pause count. Two people who play one album from end to end may run in step for hours by a single
chance; who starts the same track within minutes of the other, pauses, and does so again has an agreement.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Start = tuple[int, int, str]
"""A play: second of its start, milliseconds heard, track."""

_PAUSE_S: Final = 120
_TOGETHER_S: Final = 600
_BANDS: Final = 16
_ROWS: Final = 2
_PRIME: Final = (1 << 61) - 1
_LEAST_STARTS: Final = 6
_ALIKE: Final = 0.3
_MOST_IN_A_BUCKET: Final = 60

Shingles = frozenset[tuple[str, int]]


def shingles(plays: Iterable[Start]) -> Shingles:
    """Track and time, in halves of overlapping ten minutes, of the starts after two minutes of silence."""
    found = set()
    silent_since = -(10**12)
    for start, heard_ms, track in sorted(plays):
        if start - silent_since >= _PAUSE_S:
            half = 2 * start // _TOGETHER_S
            found |= {(track, half), (track, half + 1)}
        silent_since = max(silent_since, start + heard_ms // 1000)
    return frozenset(found)


def companies(starts: Mapping[str, Shingles]) -> dict[str, int]:
    """How many others each listener acts with, of those who do so with anybody.

    MinHash with locality-sensitive bands (Broder 1997; Indyk and Motwani, STOC 1998) proposes pairs, their Jaccard
    similarity decides, and the connected components of the pairs are the companies.

    Args:
        starts: Of each listener, the shingles of a day.
    """
    able = sorted(name for name, found in starts.items() if len(found) >= 2 * _LEAST_STARTS)
    parent = {name: name for name in able}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in _proposed({name: starts[name] for name in able}):
        if root(one) != root(other) and _is_together(starts[one], starts[other]):
            parent[root(one)] = root(other)
    sizes = Counter(root(name) for name in able)
    return {name: sizes[root(name)] - 1 for name in able if sizes[root(name)] > 1}


def _is_together(one: Shingles, other: Shingles) -> bool:
    both = len(one & other)
    return both >= _LEAST_STARTS and both >= _ALIKE * len(one | other)


def _proposed(starts: Mapping[str, Shingles]) -> set[tuple[str, str]]:
    """Pairs that fall into the same bucket of any band."""
    chance = np.random.default_rng(61)
    factors = chance.integers(1, _PRIME, _BANDS * _ROWS, dtype=np.int64)
    offsets = chance.integers(0, _PRIME, _BANDS * _ROWS, dtype=np.int64)
    buckets: dict[tuple[int, ...], list[str]] = defaultdict(list)
    numbers: dict[tuple[str, int], int] = {}
    for name, found in starts.items():
        codes = np.array([numbers.setdefault(shingle, len(numbers)) for shingle in found], dtype=np.int64)
        smallest = _hashes(codes, factors, offsets).min(axis=1)
        for band in range(_BANDS):
            buckets[(band, *smallest[band * _ROWS : (band + 1) * _ROWS].tolist())].append(name)
    pairs: set[tuple[str, str]] = set()
    for members in buckets.values():
        # Of a large company each member is held against its neighbours in the bucket: that joins it as well.
        is_large = len(members) > _MOST_IN_A_BUCKET
        pairs |= set(pairwise(members)) if is_large else set(combinations(members, 2))
    return pairs


def _hashes(codes: NDArray[np.int64], factors: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """H x N: codes, each mixed by a multiply and a shift of its own for each hash."""
    with np.errstate(over="ignore"):
        mixed = (codes[None, :].astype(np.uint64) + np.uint64(1)) * (factors[:, None].astype(np.uint64) | np.uint64(1))
        mixed = (mixed + offsets[:, None].astype(np.uint64)) ^ (mixed >> np.uint64(29))
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray(mixed ^ (mixed >> np.uint64(32)))
