"""Functional dependencies that hold but for errors: which are worth keeping, and the cells that break them.

What is measured stands in `dependency`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pyarrow.compute as pc

from earshot.validators.profiling.columns import Ints, Profile, ProfiledColumn
from earshot.validators.profiling.dependency import CROSSED, SYSTEMATIC, Dependency
from earshot.validators.profiling.findings import Finding

TYPE = "expect_column_to_be_determined_by"

_FILLED = 0.95
_PAIR, _MORE = 0.9, 0.1
_GROUP_OF_SOURCE, _SOURCES, _DENSE, _ONCE = 10, 3, 0.25, 0.99
_DENSE_NUMBERS, _CODE = 0.5, 4
_AS_GOOD, _KEPT = 0.05, 2
_ROWS_LOOKED_AT, _MOST_DETERMINANTS = 50_000, 12


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
    return len(rows) == a.rows or not looked.is_supported or looked.mu >= CROSSED / 2


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


def blamed(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, with no cell flagged by a dependency whose determinant is flagged in the same row.

    Where a state is wrong, its tax rate only looks wrong. Two columns that determine each other keep their flags.
    """
    return [replace(f, cells=_not_explained(f, findings)) if f.type == TYPE else f for f in findings]


def _not_explained(finding: Finding, findings: Sequence[Finding]) -> Ints:
    wrong = [
        other.flagged
        for other in findings
        if other.column in finding.kwargs["determinant"] and finding.column not in other.kwargs.get("determinant", ())
    ]
    return finding.flagged[~np.isin(finding.flagged, np.concatenate(wrong))] if wrong else finding.flagged


def _are_crossed(thing: ProfiledColumn, source: ProfiledColumn) -> bool:
    """Whether a good part of all pairs of a thing and a source have a row, and hardly any has two."""
    cells = len(thing.texts) * len(source.texts)
    if thing is source or source.filled < _GROUP_OF_SOURCE * len(source.texts) or not cells:
        return False
    if not _DENSE <= thing.filled / cells <= 1 / _ONCE:
        return False
    pairs = len(np.unique(_joined(thing, source)))
    return len(source.texts) >= _SOURCES and pairs >= _ONCE * thing.filled


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
            if looked.is_supported and looked.mu >= least and looked.systematic <= SYSTEMATIC:
                promising.append(looked)
        for looked in _nearest(promising)[:1]:
            one, other = (profile[name] for name in looked.determinant)
            whole = Dependency(looked.determinant, b.name, _dense(_joined(one, other)), b.codes)
            if whole.is_supported and whole.mu >= _PAIR and whole.systematic <= SYSTEMATIC:
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
        confidence=d.certainty,
        support=d.support[0] + len(gaps) if len(gaps) else d.support[0],
        unexpected=np.sort(np.concatenate([gaps, conflicts])),
        cells=np.sort(np.concatenate([gaps, slips])),
        seen={"confidence": round(d.confidence, 4), "mu": round(d.mu, 4), "groups": d.support[1]},
    )
