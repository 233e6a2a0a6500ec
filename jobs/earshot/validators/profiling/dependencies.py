"""Functional dependencies that hold but for errors, and the cells that break them.

How well A determines B is mu (Piatetsky-Shapiro and Matheus 1993, recommended for approximate dependencies by
Parciak et al., ICDE 2024): pdep(A, B), the chance that two rows with the same A have the same B, corrected for what
pdep would be if B were shuffled, so that neither a near-unique A nor a nearly constant B looks like a dependency.
Confidence is the share of rows that agree with their group's majority, over groups of at least two rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pyarrow.compute as pc

from earshot.validators.profiling.columns import Bools, Ints, Profile, ProfiledColumn
from earshot.validators.profiling.findings import Finding

TYPE = "expect_column_to_be_determined_by"

_TWICE = 2
_FILLED = 0.95
_STRONG, _CROSSED, _PAIR, _MORE = 0.8, 0.3, 0.9, 0.1
_SYSTEMATIC, _OFTEN, _FACTS = 0.1, 0.1, 0.9
_LEAST_SUPPORT, _LEAST_ROWS, _LEAST_GROUPS = 0.1, 20, 3
_GROUP_OF_SOURCE, _DENSE, _ONCE = 10, 0.25, 0.99
_DENSE_NUMBERS, _CODE = 0.5, 4
_AS_GOOD, _KEPT = 0.05, 2
_ROWS_LOOKED_AT, _COUNTED_IN_PLACE, _MOST_DETERMINANTS = 50_000, 4_000_000, 12


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
            first = np.flatnonzero(np.diff(group, prepend=-1))
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

    def certainty(self) -> float:
        """How likely a conflict is an error: what the dependency explains, and by how far majorities lead."""
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
        return self.mu >= _CROSSED if crossed else self.is_strong

    @property
    def is_strong(self) -> bool:
        """Whether it holds but for slips."""
        return self.mu >= _STRONG and self.systematic <= _SYSTEMATIC


def find_dependencies(profile: Profile) -> list[Finding]:
    """The dependencies of a table, with the rows that break them or leave a known value out."""
    usable = [column for column in profile.columns if len(column.texts) > 1 and not column.is_nested]
    determinants = [c for c in usable if _may_determine(c)]
    found = []
    for a in determinants:
        crossed = any(_are_crossed(a, source) for source in determinants)
        candidates = [Dependency((a.name,), b.name, a.codes, b.codes) for b in usable if b is not a and _promises(a, b)]
        found += [dependency for dependency in candidates if dependency.holds(crossed)]
    strong = {d.column for d in found if d.is_strong}
    double = list(_of_two(profile, determinants, usable, strong))
    explained = {d.column for d in double}
    single = [d for b in usable for d in _nearest([d for d in found if d.column == b.name])]
    return [_finding(d) for d in (*(d for d in single if d.column not in explained), *double)]


def _promises(a: ProfiledColumn, b: ProfiledColumn) -> bool:
    """Whether some of the rows do not already rule the dependency out."""
    rows = _some_rows(a.rows)
    looked = Dependency((a.name,), b.name, a.codes[rows], b.codes[rows])
    return len(rows) == a.rows or not looked.is_supported or looked.mu >= _CROSSED / 2


def _some_rows(rows: int) -> Ints:
    """At most so many rows, evenly spread."""
    return np.arange(0, rows, max(1, -(-rows // _ROWS_LOOKED_AT)))


def _may_determine(column: ProfiledColumn) -> bool:
    """Whether the values name things: filled, not told apart by every row, and no measures."""
    if column.filled_share < _FILLED or len(column.texts) > column.filled / 2:
        return False
    if column.number_share < _FILLED:
        return True
    numbers = column.numbers[~np.isnan(column.numbers)]
    span = float(numbers.max() - numbers.min()) + 1
    lengths = np.bincount(pc.utf8_length(column.texts).to_numpy(), weights=column.counts)
    code = column.is_text and len(lengths) > _CODE and lengths.max() >= _ONCE * column.filled
    return bool(code or len(numbers) >= _DENSE_NUMBERS * span)


def _nearest(found: Sequence[Dependency]) -> list[Dependency]:
    """Of those that determine one column, two that say the most with the largest groups; the others follow."""
    best = max((d.mu for d in found), default=0.0)
    strong = [d for d in found if d.mu >= best - _AS_GOOD]
    return sorted(strong, key=lambda d: (d.support[1], -d.mu, d.determinant))[:_KEPT]


def _are_crossed(thing: ProfiledColumn, source: ProfiledColumn) -> bool:
    """Whether a good part of all pairs of a thing and a source have a row, and hardly any has two."""
    cells = len(thing.texts) * len(source.texts)
    if thing is source or source.filled < _GROUP_OF_SOURCE * len(source.texts) or not cells:
        return False
    if not _DENSE <= thing.filled / cells <= 1 / _ONCE:
        return False
    pairs = len(np.unique(_joined(thing, source)))
    return len(source.texts) >= _LEAST_GROUPS and pairs >= _ONCE * thing.filled


def _of_two(
    profile: Profile, determinants: Sequence[ProfiledColumn], usable: Sequence[ProfiledColumn], done: set[str]
) -> Iterator[Dependency]:
    """Dependencies on two columns together, of columns that no single one determines."""
    rows = _some_rows(profile.rows)
    few = sorted(determinants, key=lambda column: (len(column.texts), column.name))[:_MOST_DETERMINANTS]
    for b in (column for column in usable if column.name not in done):
        alone = {c.name: Dependency((c.name,), b.name, c.codes[rows], b.codes[rows]).mu for c in few if c is not b}
        promising = []
        for one, other in combinations([c for c in few if c is not b], 2):
            looked = Dependency((one.name, other.name), b.name, _dense(_joined(one, other)[rows]), b.codes[rows])
            least = max(_PAIR, alone[one.name] + _MORE, alone[other.name] + _MORE)
            if looked.is_supported and looked.mu >= least and looked.systematic <= _SYSTEMATIC:
                promising.append(looked)
        for looked in _nearest(promising)[:1]:
            one, other = (profile[name] for name in looked.determinant)
            whole = Dependency(looked.determinant, b.name, _dense(_joined(one, other)), b.codes)
            if whole.is_supported and whole.mu >= _PAIR and whole.systematic <= _SYSTEMATIC:
                yield whole


def _joined(one: ProfiledColumn, other: ProfiledColumn) -> Ints:
    known = (one.codes >= 0) & (other.codes >= 0)
    return np.where(known, one.codes * len(other.texts) + other.codes, -1)


def _dense(groups: Ints) -> Ints:
    keys, place = np.unique(groups, return_inverse=True)
    return place - int(len(keys) > 0 and keys[0] < 0)


def _finding(d: Dependency) -> Finding:
    gaps, conflicts = d.gaps, d.conflicts
    slips = d.slips if d.is_strong else conflicts
    by = " and ".join(d.determinant)
    return Finding(
        kind=f"determined_by_{'_and_'.join(d.determinant)}",
        column=d.column,
        type=TYPE,
        kwargs={"determinant": list(d.determinant), "missing_counts": bool(len(gaps))},
        description=f"Rows with the same {by} have the same {d.column}.",
        confidence=d.certainty(),
        support=d.support[0] + len(gaps) if len(gaps) else d.support[0],
        unexpected=np.sort(np.concatenate([gaps, conflicts])),
        cells=np.sort(np.concatenate([gaps, slips])),
        seen={"confidence": round(d.confidence, 4), "mu": round(d.mu, 4), "groups": d.support[1]},
    )
