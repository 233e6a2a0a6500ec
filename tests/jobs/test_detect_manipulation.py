"""detect_manipulation on a lake: touched days only, verdicts of people, and the commands that give them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

import detect_manipulation
from earshot.automation.cli import main
from earshot.core.errors import JobSkippedError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables

DAY = date(2026, 3, 20)
LISTENS, SUSPECTS = "silver.listens", "gold.suspect_listens"


def loop(listener: str, day: date) -> list[dict[str, Any]]:
    begin = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    return [
        {
            "listen_id": f"{listener}-{day}-{n}",
            "listener_id": listener,
            "track_id": "t1",
            "started_at": begin + timedelta(seconds=35 * n),
            "listen_date": day,
            "played_ms": 31_200,
            "country": "DE",
        }
        for n in range(120)
    ]


@pytest.fixture
def lake(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


def verdicts(lake: SmallTables) -> dict[tuple[str, date], str]:
    return {(row["listener_id"], row["listen_date"]): row["verdict"] for row in lake.rows(SUSPECTS)}


def test_it_skips_before_the_first_play(make_job: Callable[..., Job]) -> None:
    with pytest.raises(JobSkippedError):
        detect_manipulation.run(make_job("detect_manipulation", DAY))


def test_new_plays_and_verdicts_change_their_days_and_no_other(
    make_job: Callable[..., Job],
    spark: SparkSession,
    tables: Tables,
    lake: SmallTables,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run() -> Job:
        job = make_job("detect_manipulation", DAY)
        detect_manipulation.run(job)
        return job

    def earshot(*words: str) -> tuple[int, str]:
        code = main(["--home", str(settings.home), "--json", *words])
        return code, capsys.readouterr().out

    later = DAY + timedelta(days=1)
    lake.append(LISTENS, loop("v1:aa", DAY) + loop("v1:bb", DAY))
    assert run().summary.rows_out == 2
    version = tables.version(SUSPECTS)
    assert run().summary.facts["touched_days"] == 0
    assert tables.version(SUSPECTS) == version

    lake.append(LISTENS, loop("v1:bb", later))
    assert run().summary.facts["touched_days"] == 1
    assert verdicts(lake) == {("v1:aa", DAY): "suspect", ("v1:bb", DAY): "suspect", ("v1:bb", later): "suspect"}

    code, said = earshot("suspects", "clear", "v1:bb", "--day", str(DAY), "--reason", "a label's office")
    assert code == 0
    assert json.loads(said)["rows"] == 1
    assert earshot("suspects", "clear", "v1:cc", "--reason", "x")[0] == 2
    assert earshot("suspects", "confirm", "v1:aa", "--reason", " ")[0] == 2
    assert run().summary.facts["touched_days"] == 1
    assert verdicts(lake) == {("v1:aa", DAY): "suspect", ("v1:bb", DAY): "cleared", ("v1:bb", later): "suspect"}
    assert run().summary.facts["touched_days"] == 0
    assert _told_by_the_last_commit(settings) == [str(DAY)], "the marts learn of the day from it"

    _, listed = earshot("suspects", "list", "--verdict", "cleared")
    assert [row["listener_id"] for row in json.loads(listed)["suspects"]] == ["v1:bb"]


def test_a_verdict_on_a_listener_touches_every_day_on_which_they_listened(
    make_job: Callable[..., Job], lake: SmallTables, settings: Settings
) -> None:
    quiet = DAY - timedelta(days=1)
    lake.append(LISTENS, loop("v1:aa", DAY) + loop("v1:aa", quiet)[:2])
    detect_manipulation.run(make_job("detect_manipulation", DAY))
    assert set(verdicts(lake)) == {("v1:aa", DAY)}
    said = {"subject_kind": "suspect", "subject": "v1:aa", "verdict": "confirmed", "author": "a", "reason": "b"}
    lake.append("ops.feedback", [said | {"at": datetime.now(UTC)}])
    detect_manipulation.run(make_job("detect_manipulation", DAY))
    assert verdicts(lake) == {("v1:aa", DAY): "confirmed", ("v1:aa", quiet): "confirmed"}
    assert _told_by_the_last_commit(settings) == [str(quiet), str(DAY)]


def _told_by_the_last_commit(settings: Settings) -> list[str]:
    told: list[str] = next(TableHistory(settings.lake_root, SUSPECTS).changes()).metadata["touched_days"]
    return told
