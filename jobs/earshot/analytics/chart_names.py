"""Names as numbers, so that rows of charts are integers that sort and compare at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.many_names import Codes, ManyNames, check_names
from earshot.analytics.plays import Integers
from earshot.core import columns as c
from earshot.core.arrow_columns import coded
from earshot.core.measures import ALL, UNKNOWN

_COUNTRY_BITS, _TIER_BITS, _ENTITY_BITS = 15, 15, 31

EXCLUDED_KEYS: Final = 1 << (_COUNTRY_BITS + _TIER_BITS + _ENTITY_BITS)
"""Between the key of a chart with suspects and that of the one without."""


def sorted_names(*parts: pa.Array) -> pa.Array:
    """The different names of all parts, sorted as bytes."""
    names = pa.array([], pa.string())
    for part in parts:  # all at once they may be more than an array of Arrow holds
        names = pa.concat_arrays([names, part.cast(pa.string())]).unique()
    return names.take(pc.sort_indices(names))


def with_all(names: pa.Array) -> pa.Array:
    """The names of countries or tiers after ALL, which has the number 0."""
    return pa.concat_arrays([pa.array([ALL]), names.filter(pc.not_equal(names, ALL))])


def names_in(column: pa.ChunkedArray) -> pa.Array:
    """The different names of a column of dictionary arrays, sorted as bytes: `unknown` for what is null."""
    whole = column.combine_chunks()
    names = [of.dictionary for of in (whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole])]
    return sorted_names(*names, *([pa.array([UNKNOWN])] if whole.null_count else []))


class Names:
    """Names as numbers that stay the same while further names come.

    Args:
        what: What they name, for errors.
        most: How many there may be.
        first: Names that have the first numbers.
    """

    def __init__(self, what: str, most: int, first: Sequence[str] = ()) -> None:
        self._what, self._most = what, most
        self._codes = {name: code for code, name in enumerate(first)}
        self._listed = pa.array(list(first), pa.string())
        self._places: Integers = np.zeros(0, np.int64)

    def __len__(self) -> int:
        """How many different names there are so far."""
        return len(self._codes)

    def codes(self, column: pa.ChunkedArray | pa.Array, *, missing: str | None = None) -> Codes:
        """Of each value its number; `missing` is the name of what is null.

        Raises:
            TableError: There are too many different names.
        """
        own, names = coded(column, missing=missing)
        codes = self._codes
        numbers = np.array([codes.setdefault(name, len(codes)) for name in names.to_pylist()], np.int32)
        check_names(len(codes), self._most, self._what)
        found: Codes = numbers[own]
        return found

    @property
    def listed(self) -> pa.Array:
        """Every name at the place of its number."""
        if len(self._listed) < len(self._codes):
            self._listed = pa.array(list(self._codes), pa.string())
        return self._listed

    @property
    def places(self) -> Integers:
        """Of each number, where its name stands among the names sorted as bytes."""
        if len(self._places) < len(self._codes):
            order = pc.sort_indices(self.listed).to_numpy(zero_copy_only=False)
            self._places = np.empty(len(order), np.int64)
            self._places[order] = np.arange(len(order))
        return self._places


@dataclass(frozen=True)
class Vocabulary:
    """The numbers of everything that the charts of one kind of entity name."""

    country: Names = field(default_factory=lambda: Names(c.COUNTRY, 1 << _COUNTRY_BITS, [ALL]))
    tier: Names = field(default_factory=lambda: Names(c.TIER, 1 << _TIER_BITS, [ALL]))
    entity: Names = field(default_factory=lambda: Names(c.ENTITY_ID, 1 << _ENTITY_BITS))
    listener: ManyNames = field(default_factory=lambda: ManyNames(c.LISTENER_ID, 1 << _ENTITY_BITS))

    @classmethod
    def beginning(cls, country: pa.Array, tier: pa.Array, entity: pa.Array, listener: pa.Array) -> Self:
        """Numbers that begin with those of these names."""
        return cls(
            Names(c.COUNTRY, 1 << _COUNTRY_BITS, country.to_pylist()),
            Names(c.TIER, 1 << _TIER_BITS, tier.to_pylist()),
            Names(c.ENTITY_ID, 1 << _ENTITY_BITS, entity.to_pylist()),
            ManyNames(c.LISTENER_ID, 1 << _ENTITY_BITS, listener),
        )


@dataclass(frozen=True)
class Key:
    """A row of the charts of one period and kind of entity, as parts or as one number in their order."""

    excluded: Integers
    country: Integers
    tier: Integers
    entity: Integers

    @property
    def packed(self) -> Integers:
        """One number each, below 2^63."""
        places = (self.excluded << _COUNTRY_BITS | self.country) << _TIER_BITS | self.tier
        packed: Integers = places << _ENTITY_BITS | self.entity
        return packed

    @classmethod
    def of(cls, packed: Integers) -> Key:
        """The parts again."""
        places = packed >> _ENTITY_BITS
        country = places >> _TIER_BITS
        return cls(
            country >> _COUNTRY_BITS,
            country & (1 << _COUNTRY_BITS) - 1,
            places & (1 << _TIER_BITS) - 1,
            packed & (1 << _ENTITY_BITS) - 1,
        )
