"""Do people leave when sound stalls? Sums of each cell of gold.audio_quality from which that is estimated.

Compared are plays of one listener in one hour, on one device, from one CDN, with one version, that were heard for
about as long (`HEARD_MS`): those that stalled, and those that did not. Of each it is asked whether the listener had
left after it: no play of theirs began within the pause that ends a session. So a play is a step of discrete time, and
leaving is what may happen at it; the estimate is the odds ratio of Mantel and Haenszel ("Statistical Aspects of the
Analysis of Data From Retrospective Studies of Disease", JNCI 1959), which many small groups do not harm (Greenland and
Robins, "Estimation of a Common Effect Parameter from Sparse Follow-Up Data", Biometrics 1985). Its interval treats the
plays of a listener in a cell as one cluster.

It is an association under these assumptions: within such a group stalls fall on plays by chance, as to what else makes
people leave; a longer play had more time to stall, which the time heard accounts for, so that what a stall does by
cutting a play short is left out; clusters are independent. It is no proof of cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.plays import Flags, Floats, Integers, is_among
from earshot.core import columns as c
from earshot.core.arrow_columns import distinct
from earshot.core.stall_effect import TERMS

HEARD_MS: Final = (30_000, 120_000, 240_000)
"""Bounds of the bands of time heard."""

_DAY_MS: Final = 86_400_000


def stall_leaving(
    cells: Integers,
    listeners: Integers,
    started: Integers,
    measured: Mapping[str, Floats],
    *,
    size: int,
    session_gap_ms: int,
) -> pa.Array:
    """The sums of each cell (`core.stall_effect.TERMS`), as a map; null where nothing can be compared.

    A play whose listener may have gone on after midnight is left out: a day is known by itself.

    Args:
        cells: Cell of each play of a day, 0 to `size` - 1.
        listeners: Number of its listener.
        started: When it began, ms from midnight.
        measured: Columns of silver.listens by play, nan where the source did not say.
        size: Number of cells.
        session_gap_ms: A pause after which the listener has left.
    """
    heard, count, stalled_ms = (measured[name] for name in (c.PLAYED_MS, c.REBUFFER_COUNT, c.REBUFFER_MS))
    stalled = (count > 0) | (stalled_ms > 0)
    told = (np.isfinite(count) | np.isfinite(stalled_ms)) & (heard > 0)
    clusters = listeners * max(size, 1) + cells
    chosen = np.flatnonzero(told & is_among(clusters, distinct(clusters[told & stalled])))
    following = _following(listeners, started, chosen)
    due = started[chosen] + heard[chosen].astype(np.int64) + session_gap_ms
    is_known = (following <= due) | (due < _DAY_MS)
    kept, left = chosen[is_known], (following > due)[is_known]
    strata = clusters[kept] * (len(HEARD_MS) + 1) + np.searchsorted(HEARD_MS, heard[kept], side="right")
    return _terms(strata, stalled[kept], left, size)


def _following(listeners: Integers, started: Integers, chosen: Integers) -> Integers:
    """When the listener of each chosen play began the next one after it; the end of time where there is none."""
    begun = np.sort(listeners * _DAY_MS + started)
    at = np.searchsorted(begun, listeners[chosen] * _DAY_MS + started[chosen], side="right")
    coming = begun[np.minimum(at, len(begun) - 1)]
    is_theirs = (at < len(begun)) & (coming // _DAY_MS == listeners[chosen])
    return np.where(is_theirs, coming % _DAY_MS, np.iinfo(np.int64).max)


def _terms(strata: Integers, stalled: Flags, left: Flags, size: int) -> pa.Array:
    names, places = np.unique(strata, return_inverse=True)
    plays = np.bincount(places, minlength=len(names))
    hit = np.bincount(places, weights=stalled, minlength=len(names))
    left_hit = np.bincount(places, weights=stalled & left, minlength=len(names))
    left_spared = np.bincount(places, weights=~stalled & left, minlength=len(names))
    spared = plays - hit
    after, without = left_hit * (spared - left_spared) / plays, left_spared * (hit - left_hit) / plays
    comparable = (hit > 0) & (spared > 0)
    clusters, of_cluster = np.unique(names // (len(HEARD_MS) + 1), return_inverse=True)
    r, s, n, k = (
        np.bincount(of_cluster, weights=np.where(comparable, part, 0), minlength=len(clusters))
        for part in (after, without, plays, hit)
    )
    cell = (clusters % max(size, 1)).astype(np.int64)
    terms = [r, s, r * r, r * s, s * s, k, n, (r + s > 0).astype(np.float64)]
    sums = np.stack([np.bincount(cell, weights=term, minlength=size) for term in terms], axis=1)
    filled = sums[:, TERMS.index("plays")] > 0
    rows = np.flatnonzero(filled)
    ends = np.concatenate([[0], np.cumsum(filled) * len(TERMS)]).astype(np.int32)
    return pa.MapArray.from_arrays(
        pa.array(ends, mask=np.append(~filled, False)),
        pa.array(np.tile(np.array(TERMS, dtype=object), len(rows)), pa.string()),
        pa.array(sums[rows].ravel()),
    )
