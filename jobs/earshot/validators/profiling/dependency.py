"""How well one column, or two, determine another one, and which rows break that.

The measure is mu (Piatetsky-Shapiro and Matheus 1993, recommended for approximate dependencies by Parciak et al.,
ICDE 2024): pdep(A, B), the chance that two rows with the same A have the same B, corrected for what pdep would be if
B were shuffled, so that neither a near-unique A nor a nearly constant B looks like a dependency.
Confidence is the share of rows that agree with their group's majority, over groups of at least two rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from earshot.core.arrow_columns import opens
from earshot.validators.profiling.columns import Bools, Ints

STRONG, CROSSED, SYSTEMATIC = 0.8, 0.3, 0.1
"""The least mu of a dependency; of one among reports of several sources; the most groups with a second fact."""

_TWICE, _OFTEN = 2, 0.1
_LEAST_SUPPORT, _LEAST_ROWS, _LEAST_GROUPS = 0.1, 20, 3
_COUNTED_IN_PLACE = 4_000_000


@dataclass(frozen=True)
class Dependency:
    """One determinant (one or two columns) and the column that it may determine.

    Attributes:
        determinant: Names of columns.
        column: The determined one.
        groups: The group of every row by the determinant, -1 for none.
        values: The code of every row's value, -1 for null.
    """

    determinant: tuple[str, ...]
    column: str
    groups: Ints
    values: Ints

    @cached_property
    def _judged(self) -> Ints:
        """The rows that have a group and a value."""
        return np.flatnonzero((self.groups >= 0) & (self.values >= 0))

    @cached_property
    def _keys(self) -> Ints:
        """The pair of group and value of each judged row, as one number."""
        return self.groups[self._judged] * (int(self.values.max(initial=0)) + 1) + self.values[self._judged]

    @cached_property
    def _pairs(self) -> tuple[Ints, Ints, Ints]:
        """Each pair that there is, its rows, and its group."""
        keys = self._keys
        if len(keys) and int(keys.max()) < _COUNTED_IN_PLACE:
            rows = np.bincount(keys)
            pairs = np.flatnonzero(rows)
            counts = rows[pairs]
        else:
            pairs, counts = np.unique(keys, return_counts=True)
        return pairs, counts, pairs // (int(self.values.max(initial=0)) + 1)

    @cached_property
    def _of_groups(self) -> tuple[Ints, Ints]:
        """Rows of each group, and rows of its most frequent value."""
        _, counts, group = self._pairs
        rows = np.zeros(int(self.groups.max(initial=-1)) + 1, dtype=np.int64)
        most = rows.copy()
        if len(group):  # pairs are in the order of their groups
            first = np.flatnonzero(opens(group))
            rows[group[first]] = np.add.reduceat(counts, first)
            most[group[first]] = np.maximum.reduceat(counts, first)
        return rows, most

    @cached_property
    def mu(self) -> float:
        """The measure, up to 1; 0 or less for no dependency."""
        _, counts, group = self._pairs
        rows, _ = self._of_groups
        n, k = int(counts.sum()), int((rows > 0).sum())
        if n <= k:
            return 0.0
        pdep = float((counts.astype(float) ** 2 / rows[group]).sum()) / n
        plain = self.plain_chance
        return 1 - (1 - pdep) / (1 - plain) * (n - 1) / (n - k) if plain < 1 else 0.0

    @cached_property
    def plain_chance(self) -> float:
        """The chance that two rows have the same value, whatever their group."""
        there = self.values[self._judged]
        shares = np.bincount(there) / max(1, len(there))
        return float((shares**2).sum())

    @cached_property
    def support(self) -> tuple[int, int]:
        """Rows in groups of at least two, and how many such groups."""
        rows, _ = self._of_groups
        large = rows[rows >= _TWICE]
        return int(large.sum()), len(large)

    @cached_property
    def confidence(self) -> float:
        """The share of rows, in groups of at least two, that have the most frequent value of their group."""
        rows, most = self._of_groups
        total = self.support[0]
        return float(most[rows >= _TWICE].sum()) / total if total else 0.0

    @cached_property
    def conflicts(self) -> Ints:
        """Rows whose value is rarer in their group than another one."""
        pairs, counts, group = self._pairs
        _, most = self._of_groups
        return self._judged[(counts < most[group])[np.searchsorted(pairs, self._keys)]]

    @cached_property
    def gaps(self) -> Ints:
        """Rows without a value whose group knows one, at least twice."""
        _, most = self._of_groups
        empty = np.flatnonzero((self.groups >= 0) & (self.values < 0))
        return empty[most[self.groups[empty]] >= _TWICE]

    @cached_property
    def _facts(self) -> Bools:
        """For each pair: whether its value comes often in its group, though another one comes more often."""
        _, counts, group = self._pairs
        _, most = self._of_groups
        often = (counts >= _TWICE) & (counts >= _OFTEN * most[group])
        return np.asarray(often & (counts < most[group]))

    @cached_property
    def systematic(self) -> float:
        """The share of groups in which a second value comes often: no slips of a pen."""
        _, _, group = self._pairs
        groups = self.support[1]
        return len(np.unique(group[self._facts])) / groups if groups else 0.0

    @cached_property
    def slips(self) -> Ints:
        """The conflicts whose value is rare in their group."""
        pairs, _, _ = self._pairs
        conflicts = self.conflicts
        width = int(self.values.max(initial=0)) + 1
        keys = self.groups[conflicts] * width + self.values[conflicts]
        return conflicts[~self._facts[np.searchsorted(pairs, keys)]]

    @property
    def certainty(self) -> float:
        """How likely a conflict is an error, by how much the dependency explains: 0.5 to 0.99."""
        return round(min(0.99, 0.5 + max(0.0, self.mu) / 2), 3)

    @property
    def is_supported(self) -> bool:
        """Whether enough rows and groups speak for it."""
        rows, groups = self.support
        return rows >= max(_LEAST_ROWS, _LEAST_SUPPORT * len(self.values)) and groups >= _LEAST_GROUPS

    def holds(self, crossed: bool) -> bool:
        """Whether it is one.

        Args:
            crossed: Whether the rows are what sources report of the same things, each once: then what a thing is
                described by should agree, however often it does not. Elsewhere a value that comes again and again
                against the majority is a fact and no slip.
        """
        if not self.is_supported:
            return False
        return self.mu >= CROSSED if crossed else self.is_strong

    @property
    def is_strong(self) -> bool:
        """Whether it holds but for slips."""
        return self.mu >= STRONG and self.systematic <= SYSTEMATIC
