"""The strings that break programs, in every text field of every format: each is read as it is, or named with its rule.

Line ends within a quoted field of a CSV file are read as line feeds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from logfiles import read_as_detected
from naughty import FORMATS, naughty_file, naughty_strings

_OWN = {"source_line": 0, "started_at": None, "ended_at": None}
_OWNED = {"listenbrainz", "spotify"}
"""Exports of one person: a play that names nobody is the owner's."""


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, made in FORMATS.items() for field in made[4]])
def test_each_is_read_as_it_is_or_named_and_no_other_record_changes(tmp_path: Path, name: str, field: str) -> None:
    strings = naughty_strings()
    assert naughty_file(tmp_path / "log", name, strings, [field]) == 2 * len(strings)
    rows = read_as_detected(tmp_path / "log")
    assert len(rows) == 2 * len(strings)
    assert len({str({**row, **_OWN}) for row in rows[::2]}) == 1
    assert rows[0]["parse_faults"] is None
    for text, row in zip(strings, rows[1::2], strict=True):
        if row["parse_faults"]:
            assert row["cause"]
            assert row["cause"].isprintable()
        else:
            written = text.replace("\r\n", "\n") if name in {"canonical_csv", "lastfm"} else text
            if not text and field == "listener" and name in _OWNED:
                written = "owner"
            assert (row[field] or "").strip() == written.strip()
    named = sum(bool(row["parse_faults"]) for row in rows)
    assert named <= 40, "most of them are texts like others"
