"""How good the KPI detector and the manipulation rules were in HOME, against truth/; read by `earshot evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from earshot.core.errors import InputError
from earshot.core.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


def register(app: typer.Typer) -> None:
    """Add nothing: `earshot evaluate` calls this module."""


def evaluate_anomalies(settings: Settings) -> dict[str, Any]:
    """Recall by incident and precision by alert fingerprint of the detections in gold.anomalies.

    Raises:
        InputError: HOME has no truth/.
    """
    from earshot.core.small_tables import SmallTables  # noqa: PLC0415 (keeps --help instant)
    from earshot.detectors import evaluation, history  # noqa: PLC0415

    incidents = evaluation.incidents_of(_truth(settings.home, "incidents").to_pylist())
    rows = history.detected_rows(SmallTables(settings.lake_root))
    agreement = evaluation.compare(evaluation.detections_of(rows), incidents)
    return {
        "incidents": len(incidents),
        "found": sum(bool(row["found"]) for row in agreement.incidents),
        "recall": agreement.recall,
        "precision": agreement.precision,
        "detection_groups": agreement.groups,
        "by_incident": agreement.incidents,
        "false_groups": agreement.false_groups,
    }


def evaluate_corpora(nab: Path | None, odds: Path | None, only: Sequence[str] | None = None) -> dict[str, Any]:
    """Our detectors and published ones on public corpora; HOME is not read.

    Args:
        nab: Folder in NAB's layout.
        odds: Folder of ODDS sets.
        only: Names of detectors of series; all when None.

    Raises:
        InputError: A folder cannot be read.
        ArgumentError: There is no such detector.
    """
    figures: dict[str, Any] = {}
    if nab is not None:
        from earshot.detectors.benchmark import contest  # noqa: PLC0415 (keeps --help instant)

        figures |= contest.evaluate(nab, only=only)
    if odds is not None:
        from earshot.detectors.benchmark import odds as sets  # noqa: PLC0415

        figures["tabular"] = sets.evaluate(odds)
    return figures


def evaluate_manipulation(settings: Settings) -> dict[str, Any]:
    """Precision and recall by stream of gold.suspect_listens, and innocent look-alikes flagged, by kind.

    Raises:
        InputError: HOME has no truth/.
    """
    from earshot.core.small_tables import SmallTables  # noqa: PLC0415 (keeps --help instant)
    from earshot.detectors import stream_truth  # noqa: PLC0415

    truth = _truth(settings.home, "streams")
    lake = SmallTables(settings.lake_root)
    listens = lake.arrow("silver.listens", columns=stream_truth.LISTEN_COLUMNS)
    suspects = lake.arrow("gold.suspect_listens")
    return stream_truth.compare(truth, listens, suspects)


def _truth(home: Path, name: str) -> pa.Table:
    import pyarrow.dataset as ds  # noqa: PLC0415 (keeps --help instant)

    folder = home / "truth"
    for path in (folder / name, folder / f"{name}.parquet"):
        if path.exists():
            return ds.dataset(path, format="parquet").to_table()
    raise InputError(
        f"There is no truth about {name}.",
        where=str(folder),
        remedy="Evaluate a HOME that `earshot generate` or `earshot demo` filled; truth/ lies beside landing/.",
    )
