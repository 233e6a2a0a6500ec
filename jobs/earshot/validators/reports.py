"""Verdicts on disk: HOME/reports/validations/BATCH.json, Great Expectations' result with the gate's summary."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from earshot.core.settings import Settings
from earshot.validators.verdicts import FailedExpectation, GateVerdict


def report_path(settings: Settings, batch_id: str) -> Path:
    """Where the verdict of a batch lies."""
    return settings.home / "reports" / "validations" / f"{batch_id}.json"


def write_report(settings: Settings, verdict: GateVerdict) -> Path:
    """Write (or replace) the verdict of a batch, in one step."""
    path = report_path(settings, verdict.batch_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(verdict.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(unfinished, path)
    return path


def read_report(settings: Settings, batch_id: str) -> GateVerdict | None:
    """The verdict of a batch as it was written; None where there is none that can be read."""
    try:
        content = json.loads(report_path(settings, batch_id).read_text(encoding="utf-8"))
        return _verdict(content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def data_docs_index(settings: Settings) -> Path:
    """Where the index of the Data Docs is, whether or not they were built."""
    return settings.home / "reports" / "data_docs" / "index.html"


def pages_by_batch(settings: Settings) -> dict[str, str]:
    """Pages of Data Docs by batch, beside the report; "" is their index. Empty where none was built."""
    index = data_docs_index(settings)
    if not index.is_file():
        return {}
    beside = {"": index} | {page.stem: page for page in sorted(index.parent.glob("validations/*/*/*/*.html"))}
    return {batch: page.relative_to(index.parents[1]).as_posix() for batch, page in beside.items()}


def _verdict(content: dict[str, Any]) -> GateVerdict:
    failures = tuple(
        FailedExpectation(**{**failure, "examples": tuple(failure["examples"])}) for failure in content["failures"]
    )
    return GateVerdict(
        suite=content["suite"],
        batch_id=content["batch_id"],
        fingerprint=content["fingerprint"],
        closed=bool(content["closed"]),
        rows=int(content["rows"]),
        statistics=content["statistics"],
        failures=failures,
        result=content["result"],
        scan_seconds=content.get("scan_seconds"),
    )
