"""`earshot report`: a day before the first play is no day to report on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from earshot.automation.cli import main
from earshot.core.small_tables import SmallTables


def test_a_day_before_the_first_play_leaves_the_page_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [{"activity_date": date(2026, 3, 16)}, {"activity_date": date(2026, 3, 17)}]
    SmallTables(str(tmp_path / "lake")).append("gold.activity", days)
    assert main(["--home", str(tmp_path), "report", "--date", "2020-01-01"]) == 2
    told = capsys.readouterr().err
    assert "no play until the end of 2020-01-01" in told
    assert "Use 2026-03-16 or a later day" in told
    assert not (tmp_path / "reports").exists()
