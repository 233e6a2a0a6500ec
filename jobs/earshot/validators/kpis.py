"""KPIs of data quality for gold.quality_kpis, from figures that the pass and the publish already have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from earshot.core.settings import QualitySettings
from earshot.validators.compile import CompiledSuite
from earshot.validators.row_rules import ROW_RULES
from earshot.validators.rules import FAILED, LATE_PLAYS, QUARANTINED, ROWS, TIMED_PLAYS

RUN_WINDOW = timedelta(days=30)
_COUNTED_RUNS = frozenset({"done", "failed", "refused"})
_LARGER_IS_BETTER = frozenset({"accuracy", "validation_success"})


def quality_kpis(
    *,
    batch_id: str,
    suite: str,
    measured_at: datetime,
    figures: Mapping[str, float],
    runs: Iterable[Mapping[str, Any]],
    targets: QualitySettings,
) -> list[dict[str, Any]]:
    """Rows of gold.quality_kpis: accuracy, validation_success, error_rate, freshness_s and others.

    Args:
        batch_id: What was measured.
        suite: Suite that judged it.
        measured_at: When; runs of the 30 days before it count.
        figures: See `kpi_figures`; a KPI whose figures are missing, or that counts nothing, has no row.
        runs: Rows of ops.runs (`status`, `started_at`).
        targets: The settings' section `quality`.
    """
    aims = {
        "accuracy": targets.target_accuracy,
        "validation_success": targets.target_validation_success,
        "error_rate": targets.target_error_rate,
        "freshness_s": targets.target_freshness_s,
    }
    values = {
        "accuracy": _fraction(figures, "values_agreeing", "values_checked"),
        "validation_success": _fraction(figures, "passed", "read"),
        "error_rate": error_rate(runs, measured_at),
        "freshness_s": figures.get("freshness_s"),
        "event_lag_s": figures.get("event_lag_s"),
        "event_freshness_s": figures.get("event_freshness_s"),
        "quarantined_share": _fraction(figures, "quarantined", "read"),
        "late_share": _fraction(figures, LATE_PLAYS, TIMED_PLAYS),
    }
    return [
        {
            "batch_id": batch_id,
            "measured_at": measured_at,
            "suite": suite,
            "kpi": kpi,
            "value": float(value),
            "target": aims.get(kpi),
            "met": _met(kpi, float(value), aims.get(kpi)),
        }
        for kpi, value in values.items()
        if value is not None
    ]


def kpi_figures(
    compiled: CompiledSuite,
    observed: Mapping[str, Any],
    *,
    freshness_s: float | None = None,
    event_lag_s: float | None = None,
    event_freshness_s: float | None = None,
    catalogue: tuple[int, int] = (0, 0),
    read: int | None = None,
) -> dict[str, float]:
    """What `quality_kpis` needs, from a suite's observed figures.

    Args:
        compiled: The suite.
        observed: Its figures, from a judged frame.
        freshness_s: 99th percentile of silver commit - file arrival (`percentile`).
        event_lag_s: 99th percentile of file arrival - started_at.
        event_freshness_s: Silver commit - the newest started_at.
        catalogue: Values compared with the catalogue, and those of them that agree (`catalogue.compare`).
        read: Lines, those that are filtered on purpose among them; by default as many as were judged.
    """
    checked, agreeing = rule_values(compiled, observed)
    read = int(observed[ROWS]) if read is None else read
    figures: dict[str, float] = {
        "read": read,
        "passed": read - int(observed[FAILED]),
        "quarantined": int(observed[QUARANTINED]),
        "values_checked": checked + catalogue[0],
        "values_agreeing": agreeing + catalogue[1],
    }
    figures |= {name: observed[name] for name in (TIMED_PLAYS, LATE_PLAYS) if name in observed}
    if freshness_s is not None:
        figures["freshness_s"] = max(0.0, freshness_s)
    if event_lag_s is not None:
        figures["event_lag_s"] = event_lag_s
    if event_freshness_s is not None:
        figures["event_freshness_s"] = max(0.0, event_freshness_s)
    return figures


def rule_values(compiled: CompiledSuite, observed: Mapping[str, Any]) -> tuple[int, int]:
    """Values that row rules checked, and those of them that were as expected."""
    checked = agreeing = 0
    name_of = compiled.rules.figure_name
    for expectation in compiled.suite.expectations:
        if not expectation.judges_rows:
            continue
        rows = observed.get(name_of(expectation, "elements"), observed[ROWS])
        nulls = observed.get(name_of(expectation, "nulls"), 0)
        counts_nulls = ROW_RULES[expectation.type].counts_nulls
        judged = rows - nulls if counts_nulls else observed.get(name_of(expectation, "filtered"), rows)
        checked += int(judged)
        agreeing += int(judged) - int(observed[name_of(expectation, "unexpected")])
    return checked, agreeing


def error_rate(runs: Iterable[Mapping[str, Any]], measured_at: datetime) -> float | None:
    """Failed runs by runs of the 30 days before; skipped runs do not count; None where there was none."""
    recent = [
        run["status"]
        for run in runs
        if run["status"] in _COUNTED_RUNS and measured_at - RUN_WINDOW < run["started_at"] <= measured_at
    ]
    return recent.count("failed") / len(recent) if recent else None


def percentile(values: Sequence[float], share: float, weights: Sequence[int] | None = None) -> float | None:
    """The smallest value that at least `share` of the weight does not exceed (nearest rank); None of nothing.

    Args:
        values: In any order.
        share: 0 to 1, such as 0.99.
        weights: How often each value counts, such as the rows of a file; once each by default.
    """
    ranked = sorted(zip(values, weights or [1] * len(values), strict=True))
    total = sum(weight for _, weight in ranked)
    if total <= 0:
        return None
    rank, seen = max(1, math.ceil(share * total)), 0
    for value, weight in ranked:
        seen += weight
        if seen >= rank:
            return value
    return ranked[-1][0]


def _fraction(figures: Mapping[str, float], part: str, whole: str) -> float | None:
    return figures[part] / figures[whole] if figures.get(whole) and part in figures else None


def _met(kpi: str, value: float, target: float | None) -> bool | None:
    if target is None:
        return None
    return value >= target if kpi in _LARGER_IS_BETTER else value <= target
