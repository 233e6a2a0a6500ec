"""KPIs over time and the worst rules, from tables and verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from earshot.core.small_tables import SmallTables
from earshot.formatters.report.quality_figures import (
    Example,
    FailedRules,
    JudgedTable,
    failed_rules,
    judged_tables,
    kpis,
)

NOW = datetime(2026, 3, 29, 6, tzinfo=UTC)


@dataclass
class _Failure:
    rule: str
    unexpected_count: int | None
    examples: tuple[str, ...] = ()
    description: str = "why"
    action: str = "quarantine"
    owner: str = "ingest"


@dataclass
class _Verdict:
    rows: int
    failures: tuple[_Failure, ...] = field(default=())
    scan_seconds: float | None = None
    statistics: dict[str, int] = field(
        default_factory=lambda: {"successful_expectations": 3, "evaluated_expectations": 4}
    )


def _batches(*days_ago: int) -> list[dict[str, object]]:
    return [{"batch": f"b{days}", "at": NOW - timedelta(days=days)} for days in sorted(days_ago, reverse=True)]


def test_the_worst_rules_are_summed_over_the_days_before_the_newest_batch() -> None:
    verdicts = {
        "b20": _Verdict(1_000, (_Failure("old", 900),)),
        "b2": _Verdict(600, (_Failure("tier", 2, ("a:1: {1}", "a:2: {2}")), _Failure("share", None))),
        "b0": _Verdict(400, (_Failure("tier", 3, ("b:9: {9}",)), *(_Failure(f"r{n}", 10 + n) for n in range(6)))),
    }
    found = failed_rules(_batches(20, 2, 0), verdicts.get)
    assert [(rule.name, rule.lines) for rule in found.worst] == [(f"r{n}", 10 + n) for n in (5, 4, 3, 2, 1)]
    assert found.all_of_them == 7
    tier = failed_rules(_batches(2), verdicts.get).worst[0]
    assert (tier.name, tier.lines, tier.share, tier.batches) == ("tier", 2, 2 / 600, 1)


def test_examples_of_the_newest_batch_come_first_and_hold_nothing_that_a_terminal_obeys() -> None:
    verdicts = {
        "b1": _Verdict(10, (_Failure("r", 1, ("c:3: late",)),)),
        "b0": _Verdict(10, (_Failure("r", 2, ("a:1: enc1:abc", "b.csv:7: \x1b[31m\n=cmd" + "x" * 500)),)),
    }
    first, second, third = failed_rules(_batches(1, 0), verdicts.get).worst[0].examples
    assert first == Example("a:1", None)
    assert second.where == "b.csv:7"
    assert second.cut is not None
    assert second.cut.isprintable()
    assert len(second.cut) == 200
    assert third == Example("c:3", "late")


def test_without_batches_or_verdicts_no_rule_failed() -> None:
    assert failed_rules([], lambda _: None) == failed_rules(_batches(1), lambda _: None) == FailedRules()


def test_tables_whose_verdict_cost_a_scan_are_told_with_its_seconds() -> None:
    verdicts = {"b1": _Verdict(10), "gold.charts": _Verdict(9, scan_seconds=1.5)}
    assert judged_tables(["", "gold.charts", "b1", "gone"], verdicts.get) == (JudgedTable("gold.charts", 3, 4, 1.5),)


def test_kpis_come_as_series_with_the_target_in_force(tmp_path: Path) -> None:
    tables = SmallTables(str(tmp_path / "lake"))
    row = {"batch_id": "b", "suite": "s", "target": 0.9}
    readings = [("zebra_share", 0.2, None, None), ("accuracy", 0.8, 0.9, False), ("accuracy", 0.95, 0.9, True)]
    tables.append(
        "gold.quality_kpis",
        [
            {**row, "measured_at": NOW + timedelta(days=n), "kpi": kpi, "value": value, "target": target, "met": met}
            for n, (kpi, value, target, met) in enumerate(readings)
        ],
    )
    accuracy, other = kpis(tables)
    assert (accuracy.name, accuracy.target, [p.met for p in accuracy.points]) == ("accuracy", 0.9, [False, True])
    assert (other.name, other.target) == ("zebra_share", None)
