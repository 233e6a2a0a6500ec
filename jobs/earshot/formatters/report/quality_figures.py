"""How far the tables can be trusted: KPIs by batch, where lines went, and the rules that most lines failed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from earshot.core.small_tables import SmallTables
from earshot.core.text import one_line

WORST = 5
RULE_DAYS = 14
_TREND = 30
_EXAMPLES = 3
_CUT = 200
_FIRST = ("accuracy", "validation_success", "error_rate", "freshness_s")


@dataclass(frozen=True)
class KpiPoint:
    """A KPI of one batch; `met` is None where there is no target."""

    at: datetime
    value: float
    met: bool | None


@dataclass(frozen=True)
class KpiReading:
    """A KPI of the newest batches, oldest first, at least one; the last is the reading."""

    name: str
    target: float | None
    points: tuple[KpiPoint, ...]


@dataclass(frozen=True)
class Example:
    """A line that failed a rule: `FILE:LINE`, and the beginning of it; None of a line that is kept encrypted."""

    where: str
    cut: str | None


@dataclass(frozen=True)
class FailedRule:
    """A rule, and the lines of the last days that failed it.

    Attributes:
        share: Of the lines that were judged, 0 to 1.
        batches: Batches in which a line failed it.
    """

    name: str
    why: str
    action: str
    owner: str
    lines: int
    share: float
    batches: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class FailedRules:
    """The worst rules first, at most `WORST`; `all_of_them` is how many failed at all."""

    worst: tuple[FailedRule, ...] = ()
    all_of_them: int = 0


@dataclass(frozen=True)
class JudgedTable:
    """A table that was judged after it was written; `scan_seconds` is what reading it once more cost."""

    name: str
    met: int
    expectations: int
    scan_seconds: float


class Failure(Protocol):
    """An expectation that was not met."""

    @property
    def rule(self) -> str:
        """Name of the rule."""

    @property
    def description(self) -> str:
        """What it expects."""

    @property
    def action(self) -> str:
        """What follows: quarantine, warn or fail."""

    @property
    def owner(self) -> str:
        """Whom to ask."""

    @property
    def unexpected_count(self) -> int | None:
        """Lines that failed it; None of a statement about the batch."""

    @property
    def examples(self) -> Sequence[str]:
        """`FILE:LINE: payload`."""


class Verdict(Protocol):
    """What the gate said of a batch."""

    @property
    def rows(self) -> int:
        """Lines that were judged."""

    @property
    def failures(self) -> Sequence[Failure]:
        """The expectations that were not met."""

    @property
    def statistics(self) -> Mapping[str, Any]:
        """Great Expectations' `evaluated_expectations` and `successful_expectations`."""

    @property
    def scan_seconds(self) -> float | None:
        """What a scan for the verdict cost; None where the writing pass observed its figures."""


def judged_tables(names: Iterable[str], verdict_of: Callable[[str], Verdict | None]) -> tuple[JudgedTable, ...]:
    """Those of the names whose verdict cost a scan, in order."""
    found = ((name, verdict_of(name)) for name in sorted(names) if name)
    return tuple(
        JudgedTable(
            name,
            verdict.statistics["successful_expectations"],
            verdict.statistics["evaluated_expectations"],
            verdict.scan_seconds,
        )
        for name, verdict in found
        if verdict is not None and verdict.scan_seconds is not None
    )


def kpis(tables: SmallTables) -> tuple[KpiReading, ...]:
    """Every KPI of the gate; those with a target first."""
    rows = [row for row in tables.rows("gold.quality_kpis") if row["value"] is not None]
    series: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["measured_at"]):
        series[row["kpi"]].append(row)
    known = [name for name in _FIRST if name in series]
    names = [*known, *sorted(name for name in series if name not in known)]
    return tuple(_reading(name, series[name][-_TREND:]) for name in names)


def _reading(name: str, rows: list[dict[str, Any]]) -> KpiReading:
    points = tuple(KpiPoint(row["measured_at"], row["value"], row["met"]) for row in rows)
    return KpiReading(name, rows[-1]["target"], points)


def ledger(tables: SmallTables) -> tuple[dict[str, Any], ...]:
    """What became of the lines of each batch, oldest first."""
    parts = ("read", "accepted", "duplicate", "quarantined", "filtered")
    by_batch: dict[str, dict[str, Any]] = {}
    for row in tables.rows("ops.ledger"):
        at = row["committed_at"] or row["started_at"]
        batch = by_batch.setdefault(
            row["batch_id"],
            {"batch": row["batch_id"], "files": 0, "at": at, "status": row["status"], **dict.fromkeys(parts, 0)},
        )
        batch["files"] += 1
        for part in parts:
            batch[part] += row[part] or 0
    return tuple(sorted(by_batch.values(), key=lambda batch: batch["at"]))


def failed_rules(batches: Sequence[Mapping[str, Any]], verdict_of: Callable[[str], Verdict | None]) -> FailedRules:
    """The rules that most lines failed in the `RULE_DAYS` days before the newest batch, by the gate's verdicts.

    Args:
        batches: From `ledger`.
        verdict_of: Gives the verdict on a batch; None where there is none.
    """
    if not batches:
        return FailedRules()
    since = max(batch["at"] for batch in batches) - timedelta(days=RULE_DAYS)
    verdicts = [verdict_of(batch["batch"]) for batch in reversed(batches) if batch["at"] > since]
    read = [verdict for verdict in verdicts if verdict is not None]
    judged = sum(verdict.rows for verdict in read) or 1
    lines: Counter[str] = Counter()
    failures: dict[str, list[Failure]] = defaultdict(list)
    for failure in (failure for verdict in read for failure in verdict.failures if failure.unexpected_count):
        lines[failure.rule] += failure.unexpected_count or 0
        failures[failure.rule].append(failure)
    ranked = sorted(lines.items(), key=lambda item: (-item[1], item[0]))
    worst = tuple(_failed_rule(failures[rule], count, count / judged) for rule, count in ranked[:WORST])
    return FailedRules(worst, len(ranked))


def _failed_rule(failures: Sequence[Failure], lines: int, share: float) -> FailedRule:
    newest = failures[0]
    examples = [_example(text) for failure in failures for text in failure.examples]
    return FailedRule(
        newest.rule, newest.description, newest.action, newest.owner, lines, share, len(failures),
        tuple(examples[:_EXAMPLES]),
    )  # fmt: skip


def _example(text: str) -> Example:
    found = re.match(r"(.*?:\d+): (.*)", text, re.DOTALL)
    where, payload = found.groups() if found else ("", text)
    return Example(one_line(where), None if payload.startswith("enc1:") else one_line(payload, _CUT))
