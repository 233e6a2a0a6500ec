"""A suite in Great Expectations' format from what a profile found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from earshot.validators.profiling.findings import Finding
from earshot.validators.profiling.kinds import kind_of
from earshot.validators.profiling.suggestion import Suggestion
from earshot.validators.vocabulary import AGGREGATE_TYPES, ROW_TYPES

_OWNER = "suggested"
_SURE = 0.9


def rule_names(findings: Sequence[Finding]) -> list[str]:
    """A name for each, unique in the suite: lower case, digits and underscores."""
    names: list[str] = []
    for finding in findings:
        words = re.sub(r"[^a-z0-9]+", "_", f"{finding.column}_{finding.kind}".lower()).strip("_")
        name = words if words[:1].isalpha() else f"column_{words}"
        same = sum(other == name or re.fullmatch(rf"{re.escape(name)}_[0-9]+", other) is not None for other in names)
        names.append(f"{name}_{same + 1}" if same else name)
    return names


def suite_of(
    suggestion: Suggestion, name: str, *, table: str = "", read: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The suite as JSON.

    Args:
        suggestion: What was found.
        name: Of the suite.
        table: The table of the lake that it speaks of. The gate's suites have their own vocabulary: what is not in
            it (uniqueness, dependencies) stands in `meta.earshot.beyond_the_gate`, in the same form.
        read: How a file was read, as arguments of `pandas.read_csv`.
    """
    findings = suggestion.findings
    expectations = [_expectation(f, rule) for f, rule in zip(findings, rule_names(findings), strict=True)]
    meta: dict[str, Any] = {"suggested_from": {"rows": suggestion.profile.rows}}
    if table:
        gate = ROW_TYPES | AGGREGATE_TYPES
        meta["table"] = table
        meta["beyond_the_gate"] = [e for e in expectations if e["type"] not in gate]
        expectations = [e for e in expectations if e["type"] in gate]
    if read is not None:
        meta["read"] = dict(read)
    return {"name": name, "expectations": expectations, "meta": {"earshot": meta}}


def reading_of(suggestion: Suggestion) -> dict[str, Any]:
    """Arguments for `pandas.read_csv` under which a CSV's columns are what the suite takes them for."""
    texts = {c.name: "str" for c in suggestion.profile.columns if not c.filled or kind_of(c) == "text"}
    return {"keep_default_na": False, "na_values": [""], "dtype": texts}


def _expectation(finding: Finding, rule: str) -> dict[str, Any]:
    kwargs = {"column": finding.column, **finding.kwargs}
    if finding.mostly < 1:
        kwargs["mostly"] = finding.mostly
    return {
        "type": finding.type,
        "kwargs": kwargs,
        "meta": {
            "earshot": {
                "rule": rule,
                "action": "warn",
                "severity": "warning" if finding.confidence >= _SURE else "info",
                "owner": _OWNER,
                "suggested": {
                    "confidence": finding.confidence,
                    "support": finding.support,
                    "unexpected": len(finding.unexpected),
                    **finding.seen,
                },
            }
        },
        "description": finding.description,
    }
