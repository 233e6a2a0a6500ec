"""The suite before which every line of a batch stands, in the pass that writes bronze and ever after."""

from __future__ import annotations

import pyarrow as pa

from earshot.core.columns import FILTERED_REASON, LISTENER_ID, STARTED_AT, TRACK_ID
from earshot.core.errors import SettingsError
from earshot.core.settings import Settings
from earshot.validators.compile import CompiledSuite, compile_suite
from earshot.validators.line_judge import LineJudge
from earshot.validators.suites import load_gate_suite
from earshot.validators.terms import Terms, Value
from earshot.validators.verdicts import to_great_expectations

_NEEDED = frozenset({LISTENER_ID, TRACK_ID, STARTED_AT})


def gate_suite(settings: Settings) -> CompiledSuite:
    """`silver_listens.json` and `bronze_listens.json`, compiled; lines that are filtered on purpose are not judged."""
    return compile_suite(load_gate_suite(), settings, exempt=is_filtered)


def line_judge(settings: Settings, lines: pa.Schema) -> LineJudge:
    """The same for lines in Arrow tasks; what the suite asks of them is known to be possible.

    Args:
        settings: Gives the suite parameters.
        lines: The columns that lines have.

    Raises:
        SettingsError: The suite asks for something that cannot be judged there, or would let plays pass that cannot
            be told from each other.
    """
    rules = gate_suite(settings).rules
    if missing := sorted(_NEEDED - set(rules.required.values())):
        raise SettingsError(
            f"No rule sets plays without {missing[0]} aside: they cannot be told from each other.",
            where=str(rules.suite.path),
            remedy="Give the rules listener_present, time_present and track_present the action quarantine again.",
        )
    judge = LineJudge(rules)
    judge.check(lines)
    if rules.suite.scanned:
        to_great_expectations(rules)
    return judge


def is_filtered(terms: Terms) -> Value:
    """Whether a row was filtered on purpose."""
    return ~terms.is_null(terms.column(FILTERED_REASON))
