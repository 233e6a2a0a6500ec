"""Verdicts of the gate for tests: Great Expectations' own, on figures that a test makes up."""

from __future__ import annotations

from earshot.core.settings import Settings
from earshot.validators.compile import compile_suite
from earshot.validators.suites import load_suite
from earshot.validators.verdicts import GateVerdict

SCRIPT = "<script>document.title='owned'</script><img src=http://198.51.100.9/x onerror=alert(1)>"
FORMULA = '=cmd|" /C calc"!A0'


def gate_verdict(settings: Settings, batch_id: str, unexpected: int = 60) -> GateVerdict:
    """Of a batch of a thousand lines, so many of which have no known tier and are set aside."""
    suite = compile_suite(load_suite("silver_listens"), settings)
    figures = {"rows": 1_000, "failed": unexpected, "quarantined": unexpected}
    for expectation in suite.suite.expectations:
        for what, value in {
            "elements": 1_000,
            "filtered": 1_000,
            "present": 1_000,
            "nulls": 0,
            "unexpected": 0,
            "value": expectation.kwargs.get("min_value", 0),
        }.items():
            figures.setdefault(suite.rules.figure_name(expectation, what), value)
    figures["known_tier__unexpected"] = unexpected
    examples = {"known_tier": [f'x{SCRIPT}.csv:7: {{"tier": "{SCRIPT}"}}', f"a.csv:8: {FORMULA}"]}
    return suite.verdict(figures, batch_id=batch_id, examples=examples)
