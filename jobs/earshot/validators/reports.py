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
