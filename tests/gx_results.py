"""What is compared of two results of Great Expectations."""

from __future__ import annotations

from typing import Any

COMPARED = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "missing_count",
    "missing_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "observed_value",
    "details",
)


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    """A result of one expectation without examples and rounding."""
    found = result.get("result") or {}
    told = result.get("exception_info") or {}
    raised = str(told) if told.get("raised_exception", any(isinstance(v, dict) for v in told.values())) else ""
    picked = {key: found[key] for key in COMPARED if key in found}
    rounded = {key: round(value, 9) if isinstance(value, float) else value for key, value in picked.items()}
    return {"success": result["success"], "raised": raised, **rounded}
