"""Everything that a table suggests: findings in a fixed order, and cells that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from earshot.validators.profiling.columns import Profile, ProfiledColumn, profile_of
from earshot.validators.profiling.damage import find_damage
from earshot.validators.profiling.dates import find_dates
from earshot.validators.profiling.dependencies import blamed, find_dependencies
from earshot.validators.profiling.findings import Finding
from earshot.validators.profiling.keys import find_keys
from earshot.validators.profiling.kinds import find_kinds
from earshot.validators.profiling.missing import find_missing
from earshot.validators.profiling.patterns import find_patterns
from earshot.validators.profiling.ranges import find_ranges
from earshot.validators.profiling.sets import find_sets
from earshot.validators.profiling.typos import find_typos

_OF_A_COLUMN: tuple[Callable[[ProfiledColumn], Iterator[Finding]], ...] = (
    find_kinds,
    find_keys,
    find_patterns,
    find_ranges,
    find_sets,
    find_dates,
    find_damage,
)
_SAID_BY_OTHERS = {
    "length": frozenset({"set", "pattern", "digits", "number"}),
    "number": frozenset({"digits"}),
    "set": frozenset({"pattern", "digits"}),
}
_CODED = frozenset({"pattern", "digits", "number"})
_WORTH_ASKING = 0.5


@dataclass(frozen=True)
class Cell:
    """A cell that does not fit.

    Attributes:
        row: From 0.
        column: Its name.
        rule: Kind of the most confident finding that flags it.
        confidence: Of that finding.
    """

    row: int
    column: str
    rule: str
    confidence: float


@dataclass(frozen=True)
class Suggestion:
    """What was found in a table."""

    profile: Profile
    findings: tuple[Finding, ...]

    def cells(self, without: frozenset[str] = frozenset()) -> list[Cell]:
        """Every flagged cell once, in the order of rows and columns.

        Args:
            without: Kinds of findings to leave out.
        """
        place = {column.name: n for n, column in enumerate(self.profile.columns)}
        best: dict[tuple[int, int], tuple[float, str]] = {}
        for finding in self.findings:
            if finding.kind in without:
                continue
            mine = (finding.confidence, finding.kind)
            for row in finding.flagged.tolist():
                key = (row, place[finding.column])
                if key not in best or best[key] < mine:
                    best[key] = mine
        names = [column.name for column in self.profile.columns]
        return [Cell(row, names[n], kind, sure) for (row, n), (sure, kind) in sorted(best.items())]


def suggest(table: pa.Table) -> Suggestion:
    """Profile a table.

    Args:
        table: Any columns; of a CSV, texts, in which an empty one is no value.
    """
    profile = profile_of(table)
    findings = [finding for column in profile.columns for finding in _of_column(column, profile)]
    order = {column.name: n for n, column in enumerate(profile.columns)}
    findings += find_dependencies(profile)
    return Suggestion(profile, tuple(sorted(blamed(findings), key=lambda finding: order[finding.column])))


def _of_column(column: ProfiledColumn, profile: Profile) -> list[Finding]:
    """What one column suggests, without what another finding says better and what asks for little."""
    found = [*find_missing(column, profile.columns), *(f for find in _OF_A_COLUMN for f in find(column))]
    kinds = {finding.kind for finding in found}
    if not kinds & _CODED:
        found += find_typos(column)
    return [
        finding
        for finding in found
        if not kinds & _SAID_BY_OTHERS.get(finding.kind, frozenset())
        and (finding.kind != "filled" or finding.mostly >= _WORTH_ASKING)
    ]
