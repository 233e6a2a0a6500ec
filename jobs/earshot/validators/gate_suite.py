"""The suite before which every line of a batch stands, in the pass that writes bronze and ever after."""

from __future__ import annotations

from earshot.core.columns import FILTERED_REASON
from earshot.core.settings import Settings
from earshot.validators.compile import CompiledSuite, compile_suite
from earshot.validators.suites import GATE_SUITE, load_suite
from earshot.validators.terms import Terms, Value


def gate_suite(settings: Settings) -> CompiledSuite:
    """`expectations/silver_listens.json`, compiled; lines that are filtered on purpose are not judged."""
    return compile_suite(load_suite(GATE_SUITE), settings, exempt=is_filtered)


def is_filtered(terms: Terms) -> Value:
    """Whether a row was filtered on purpose."""
    return ~terms.is_null(terms.column(FILTERED_REASON))
