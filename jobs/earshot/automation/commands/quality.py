"""`earshot evaluate quality`: what the gate did with every line, against truth/lines.parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from earshot.core.settings import Settings


def register(app: typer.Typer) -> None:
    """Add nothing: `earshot evaluate` calls `evaluate_quality`."""


def evaluate_quality(settings: Settings) -> dict[str, Any]:
    """Quarantine, duplicates and ledger against truth/, and the marts against their suites.

    See `earshot.automation.quality_truth.compare_with_truth`; `tables` has a row for every expectation of the
    suites that are judged on demand and that is not met, where there are marts; their verdicts get a page in
    HOME/reports/data_docs.
    """
    from earshot.automation.quality_truth import compare_with_truth  # noqa: PLC0415 (keeps --help instant)

    figures = compare_with_truth(settings)
    if (Path(settings.lake_root) / "gold" / "charts").is_dir():
        figures |= _marts(settings)
    return figures


def _marts(settings: Settings) -> dict[str, Any]:
    from earshot.automation.session import open_session  # noqa: PLC0415 (keeps --help instant)
    from earshot.core.tables import Tables  # noqa: PLC0415
    from earshot.validators.data_docs.site import build_data_docs  # noqa: PLC0415
    from earshot.validators.lake import judge_lake  # noqa: PLC0415
    from earshot.validators.reports import write_report  # noqa: PLC0415

    verdicts = judge_lake(Tables(open_session(settings.spark), settings.lake_root).read, settings)
    for verdict in verdicts:
        write_report(settings, verdict)
    build_data_docs(settings)
    judged = sum(verdict.statistics["evaluated_expectations"] for verdict in verdicts)
    failed = [
        {"table": verdict.batch_id, "rule": failure.rule, "action": failure.action, "found": failure.explain()}
        for verdict in verdicts
        for failure in verdict.failures
    ]
    return {"table_expectations": judged, "table_expectations_met": judged - len(failed), "tables": failed}
