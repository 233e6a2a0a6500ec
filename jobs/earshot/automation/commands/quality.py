"""`earshot evaluate quality`: what the gate did with every line, against truth/, and what suggested suites find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from earshot.core.settings import Settings

_SKIPPED = (
    "skipped: no dirty and clean twins are named (--raha DIR, --twins DIRTY CLEAN, or setting quality.twins, "
    "EARSHOT_QUALITY__TWINS)"
)


def register(app: typer.Typer) -> None:
    """Add nothing: `earshot evaluate` calls `evaluate_quality`."""


def evaluate_quality(
    settings: Settings, folder: Path | None = None, pair: tuple[Path, Path] | None = None
) -> dict[str, Any]:
    """Quarantine, duplicates and ledger against truth/, the marts against their suites, and suggested suites.

    See `earshot.automation.quality_truth.compare_with_truth`; `tables` has a row for every expectation of the
    suites that are judged on demand and that is not met, where there are marts; their verdicts get a page in
    HOME/reports/data_docs. `twins` and what belongs to it score suggested suites on dirty files with clean twins
    (`earshot.automation.twins.judge_twins`).

    Args:
        settings: Name HOME, and the folder of twins where no other is given.
        folder: Of twins. With it, the setting or a pair, HOME needs no truth.
        pair: A dirty and a clean file.
    """
    figures: dict[str, Any] = {}
    asked = folder is not None or pair is not None or bool(settings.quality.twins)
    if not asked or (settings.home / "truth" / "lines.parquet").is_file():
        figures |= _truth(settings)
    return figures | _twins(settings, folder, pair)


def _truth(settings: Settings) -> dict[str, Any]:
    from earshot.automation.quality_truth import compare_with_truth  # noqa: PLC0415 (keeps --help instant)

    figures = compare_with_truth(settings)
    if (Path(settings.lake_root) / "gold" / "charts").is_dir():
        figures |= _marts(settings)
    return figures


def _twins(settings: Settings, folder: Path | None, pair: tuple[Path, Path] | None) -> dict[str, Any]:
    from earshot.automation.twins import Twins, judge_twins, twins_in  # noqa: PLC0415 (keeps --help instant)
    from earshot.importers.landing import limits_of  # noqa: PLC0415

    if pair is not None:
        pairs = [Twins(pair[0].name.partition(".")[0], *pair)]
    elif folder is not None or settings.quality.twins:
        pairs = twins_in(folder or Path(settings.quality.twins))
    else:
        return {"suggested_suites": _SKIPPED}
    return judge_twins(pairs, limits_of(settings))


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
