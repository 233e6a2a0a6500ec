"""Texts of unknown origin in spreadsheets, on terminals and in log lines."""

from __future__ import annotations

import io
import json

import pytest

from earshot.automation.invocation import Invocation
from earshot.core.logs import StructuredLog
from earshot.core.text import guarded, json_line, one_line

OBEYED = [
    "\x1b[31mred",
    "a\nb",
    "\r",
    "\x07",
    "\x7f",
    "\x85",
    "\x9b31m",
    "\u2028",
    "\u202eevil",
    "\ud800",
    "\U000e0001",
]


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]
)
def test_a_text_that_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "plain", " =1", "'=1", "a=1", "5-3"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.parametrize("text", OBEYED)
def test_what_a_terminal_obeys_is_shown_and_can_be_read_again(text: str) -> None:
    assert one_line(text).isprintable()
    line = json_line({"value": text, text: 1})
    assert line.isprintable()
    assert json.loads(line) == {"value": text, text: 1}


@pytest.mark.parametrize("text", OBEYED)
def test_a_log_line_is_one_line_of_printable_characters(text: str) -> None:
    stream = io.StringIO()
    StructuredLog(stream, job=text).error(text, where=text)
    line = stream.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert json.loads(line)["where"] == text


def test_texts_are_no_markup_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Invocation().emit("a[/b].jsonl [red]x[/red]", {})
    assert capsys.readouterr().out == "a[/b].jsonl [red]x[/red]\n"


def test_a_text_is_cut_before_it_is_shown() -> None:
    assert one_line("x" * 10, 3) == "xxx"
