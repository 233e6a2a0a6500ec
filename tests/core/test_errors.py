"""What an error says on one line."""

from __future__ import annotations

import pytest

from earshot.core.errors import said


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            RuntimeError(
                "An error occurred while calling o79.jdbc.\n: java.sql.SQLException: No suitable driver\n\tat x"
            ),
            "java.sql.SQLException: No suitable driver",
        ),
        (ValueError("low >= high\nmore"), "low >= high"),
        (KeyError(), ""),
    ],
)
def test_one_line_says_what_happened_rather_than_which_call_it_was(error: Exception, line: str) -> None:
    assert said(error) == line
