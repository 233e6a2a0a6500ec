"""What streams add up to in some days, kept with the names that its numbers stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self, cast

import numpy as np
import pyarrow as pa

from earshot.analytics.chart_names import Key, Vocabulary
from earshot.analytics.chart_streams import Groups
from earshot.analytics.chart_tally import Sums
from earshot.analytics.flagged import EXCLUDED, INCLUDED
from earshot.analytics.plays import Integers
from earshot.core.memo_files import listed, one_row

_NAMES: Final = ("country", "tier", "entity")
_COLUMNS: Final = ("keys", "streams", "listeners")
_SUSPECTS: Final = (INCLUDED, EXCLUDED)


@dataclass(frozen=True)
class NamedSums:
    """Sums and their names.

    Attributes:
        sums: Of all streams, and of those that are not flagged; in the numbers of the names.
        country: By number; so are tiers and entities.
        tier: By number.
        entity: By number.
    """

    sums: Sums
    country: pa.Array
    tier: pa.Array
    entity: pa.Array

    @classmethod
    def of(cls, sums: Sums, names: Vocabulary) -> Self:
        """Sums in the numbers of these names, of which only the entities that are there are kept."""
        used = np.zeros(len(names.entity), np.bool_)
        for groups in sums:
            if groups is not None:
                used[Key.of(groups.keys).entity] = True
        entity = names.entity.listed.filter(pa.array(used))
        numbers = np.arange(len(names.country)), np.arange(len(names.tier)), np.cumsum(used) - 1
        return cls(_renamed(sums, *numbers), names.country.listed, names.tier.listed, entity)

    def in_terms_of(self, names: Vocabulary) -> Sums:
        """The sums in the numbers of other names."""
        known = (names.country, self.country), (names.tier, self.tier), (names.entity, self.entity)
        country, tier, entity = (of.codes(own).astype(np.int64) for of, own in known)
        return _renamed(self.sums, country, tier, entity)

    def as_batch(self) -> pa.RecordBatch:
        """As a memo."""
        columns: dict[str, Any] = {name: getattr(self, name) for name in _NAMES}
        for suspects, groups in zip(_SUSPECTS, self.sums, strict=True):
            if groups is not None:
                columns |= {f"{suspects}_{name}": getattr(groups, name) for name in _COLUMNS}
        return one_row(columns)

    @classmethod
    def from_batch(cls, memo: pa.RecordBatch) -> Self:
        """What `as_batch` made, without a copy."""

        def groups(suspects: str) -> Groups | None:
            names = [f"{suspects}_{name}" for name in _COLUMNS]
            is_there = names[0] in memo.schema.names
            return Groups(*(listed(memo, name).to_numpy() for name in names)) if is_there else None

        included, excluded = map(groups, _SUSPECTS)
        return cls((cast(Groups, included), excluded), *(listed(memo, name) for name in _NAMES))


def _renamed(sums: Sums, country: Integers, tier: Integers, entity: Integers) -> Sums:
    """Sums by other numbers, given the new one of each old one."""
    if all(np.array_equal(numbers, np.arange(len(numbers))) for numbers in (country, tier, entity)):
        return sums

    def renamed(groups: Groups) -> Groups:
        key = Key.of(groups.keys)
        keys = Key(key.excluded, country[key.country], tier[key.tier], entity[key.entity]).packed
        if np.all(keys[1:] > keys[:-1]):
            return Groups(keys, groups.streams, groups.listeners)
        order = np.argsort(keys)
        return Groups(keys[order], groups.streams[order], groups.listeners[order])

    every, organic = sums
    return renamed(every), None if organic is None else renamed(organic)
