"""`earshot report`: a day before the first play is no day to report on."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from earshot.automation.cli import main
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser


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


@pytest.fixture
def listened(tmp_path: Path) -> str:
    """A lake in which anna@example.org played one track; gives her pseudonym."""
    keys = load_keys(load_settings(overrides={"home": str(tmp_path)}))
    pseudonym = Pseudonymiser(keys.pseudonym_key, keys.key_version).token("anna@example.org")
    lake = SmallTables(str(tmp_path / "lake"))
    at = datetime(2026, 3, 16, 20, tzinfo=UTC)
    play = {"listen_id": "1", "listener_id": pseudonym, "started_at": at, "listen_date": at.date()}
    lake.append("silver.listens", [play | {"track_id": "trk:1", "track_title": "Undertow", "played_ms": 60_000}])
    lake.append("gold.activity", [{"activity_date": at.date()}])
    return pseudonym


@pytest.mark.parametrize("named_by", ["identity", "pseudonym"])
def test_the_year_of_a_listener_is_a_page_and_with_json_its_plain_data_beside_it(
    tmp_path: Path, listened: str, named_by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    who = "anna@example.org" if named_by == "identity" else listened
    assert main(["--home", str(tmp_path), "report", "--listener", who, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    page, data = Path(told["report"]), Path(told["data"])
    assert (page.suffix, data.suffix, page.parent) == (".html", ".json", data.parent)
    assert "Undertow" in page.read_text(encoding="utf-8")
    assert "anna@example.org" not in page.read_text(encoding="utf-8") + data.read_text(encoding="utf-8")
    assert json.loads(data.read_text(encoding="utf-8")) == told["review"]
    assert (told["review"]["minutes"], told["review"]["year"]) == (1.0, 2026)
    data.unlink()
    assert main(["--home", str(tmp_path), "report", "--listener", who]) == 0
    assert not data.exists()
    assert str(page) in capsys.readouterr().out.replace("\n", "")


def test_a_listener_or_a_year_without_plays_is_told_and_nothing_is_written(
    tmp_path: Path, listened: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path), "report", "--listener", listened, "--year", "2025"]) == 2
    assert "Use --year 2026" in capsys.readouterr().err
    assert main(["--home", str(tmp_path), "report", "--listener", "nobody"]) == 2
    assert "no play of this listener" in capsys.readouterr().err
    assert main(["--home", str(tmp_path), "report", "--year", "2026"]) == 2
    assert "--listener" in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()
