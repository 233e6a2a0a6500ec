"""The streams of earlier and of later days of a month, together."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from earshot.analytics.plays import Integers, places_of
from earshot.analytics.revenue.month_cells import BITS, MonthCells
from earshot.core.arrow_columns import distinct, places_in

_AT_ONCE: Final = 1_000_000


def joined_cells(earlier: MonthCells, later: MonthCells) -> MonthCells:
    """Both, in the numbers of the later ones.

    Args:
        earlier: Streams.
        later: Others, whose names hold those of the earlier ones: listeners and works begin with them.

    Raises:
        TableError: There are more combinations than 63 bits hold.
    """
    titles = distinct(np.concatenate([_titles_in(earlier, later), later.titles]))
    joined = replace(later, titles=titles)
    joined.check()
    before, after = _recoded(earlier, joined), _recoded(later, joined)
    at, is_known = places_of(after, before)
    kind = np.min_scalar_type(int(earlier.plays.max(initial=0)) + int(later.plays.max(initial=0)))
    plays, further = earlier.plays.astype(kind), later.plays.astype(kind)
    plays[at[is_known]] += further[is_known]
    # NumPy's stable sort merges what ascends already, in a third of the time that putting keys in takes.
    keys = np.concatenate([before, after[~is_known]])
    keys.sort(kind="stable")
    return replace(joined, keys=keys, plays=np.insert(plays, at[~is_known], further[~is_known]))


def _titles_in(cells: MonthCells, other: MonthCells) -> Integers:
    """The titles in the numbers of the other's artists and works."""
    artist, work = np.divmod(cells.titles, len(cells.works) + 1)
    found: Integers = places_in(cells.artists, other.artists)[artist] * (len(other.works) + 1) + work
    return found


def _recoded(cells: MonthCells, other: MonthCells) -> Integers:
    """The keys in the numbers of the other, in their order: names that are sorted stay so."""
    title = np.searchsorted(other.titles, _titles_in(cells, other))
    country, tier = places_in(cells.countries, other.countries), places_in(cells.tiers, other.tiers)
    pool = np.add.outer(country * len(other.tiers), tier).ravel()
    is_same = cells.listeners == other.listeners and len(cells.titles) == len(other.titles)
    if is_same and np.array_equal(pool, np.arange(len(pool))):
        return cells.keys
    keys = np.empty(len(cells.keys), np.int64)
    for first in range(0, len(keys), _AT_ONCE):
        place, of_title = np.divmod(cells.keys[first : first + _AT_ONCE], cells.of_a_listener)
        of_pool, listener = np.divmod(place, cells.listeners)
        number, marks = np.divmod(of_title, BITS)
        some = keys[first : first + _AT_ONCE]
        some[:] = pool[of_pool]
        for codes, size in ((listener, other.listeners), (title[number], len(other.titles)), (marks, BITS)):
            some *= size
            some += codes
    return keys
