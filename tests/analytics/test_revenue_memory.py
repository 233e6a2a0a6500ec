"""A further day is added to what is remembered of its month, and pays what all its plays pay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from analytics.revenue_worlds import MONTH, terms
from earshot.analytics.revenue.filed_streams import FiledStreams
from earshot.analytics.revenue.mart import revenue_of_files
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import MemoFiles
from earshot.core.schemas import TABLES
from earshot.core.stream_rule import SPOTIFY, StreamRule
from earshot.core.tables import Tables
from factories import filed, listens_arrow
from listening_days import days_read

SUSPECTS, RIGHTS = TABLES["gold.suspect_listens"].schema, TABLES["silver.rights"].schema
PRICES = [("*", tier, "EUR", "9.99") for tier in ("premium", "family", "student", "free")]
RULES = {"boost_streams": 6, "boost_listeners": 3, "listener_cap": 10, "active_contexts": ["album"]}

Paid = Callable[..., list[str]]


@pytest.fixture
def memos(tables: Tables) -> MemoFiles:
    return MemoFiles.of(tables.root, "gold.revenue")


@pytest.fixture
def plays(tables: Tables) -> DayFiles:
    told = [
        listens_arrow(120, seed=seed, days=1, first_day=date(2026, 3, seed), listeners=5 + 4 * seed, tracks=9 * seed)
        for seed in range(1, 9)
    ]
    return filed(tables, "silver.listens", *told).of(march(*range(1, 9)))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> set[date]:
    return days_read(monkeypatch)


@pytest.fixture
def paid(tables: Tables, memos: MemoFiles) -> Paid:
    def pay(
        plays: DayFiles,
        suspects: DayFiles | None = None,
        *,
        remembering: bool = True,
        rights: DataFrame | None = None,
        rule: StreamRule = SPOTIFY,
        **told: Any,
    ) -> list[str]:
        of = terms(*PRICES, share=0.7, artist_centric={**RULES, **told.pop("artist_centric", {})}, **told)
        streams = FiledStreams(plays, suspects or DayFiles("gold.suspect_listens"), rule)
        kept = memos if remembering else None
        tasks = revenue_of_files(tables.spark, streams, rights, terms=of, months=[MONTH], memos=kept)
        return sorted(repr(row) for rows in tasks.build(MONTH) for row in rows.to_pylist())

    return pay


def march(*days: int) -> set[date]:
    return {date(2026, 3, day) for day in days}


def kept(memos: MemoFiles) -> list[str]:
    return sorted(path.name[:10] for path in Path(memos.folder).iterdir())


def rights_of(tables: Tables, *tracks: str) -> DataFrame:
    holders = [("label", Decimal("0.6")), ("writer", Decimal("0.4"))]
    rows = [(track, name, None, share, None, None, None) for track in tracks for name, share in holders]
    return tables.spark.createDataFrame(rows, RIGHTS)


@pytest.mark.parametrize("is_split", [False, True], ids=["artists", "rights holders"])
def test_a_further_day_is_all_that_is_read(
    tables: Tables, plays: DayFiles, paid: Paid, reads: set[date], memos: MemoFiles, is_split: bool
) -> None:
    tracks = sorted(set(plays.read(date(2026, 3, 2), ["track_id"], plain=True)["track_id"].drop_null().to_pylist()))
    rights = rights_of(tables, *tracks[::3]) if is_split else None
    for last in range(1, 9):
        so_far = plays.of(march(*range(1, last + 1)))
        reads.clear()
        found = paid(so_far, rights=rights)
        assert reads == march(last)
        assert found
        assert found == paid(so_far, remembering=False, rights=rights)
    assert kept(memos) == [f"2026-03-0{day}" for day in (5, 6, 7, 8)]


def test_a_day_that_is_a_day_late_leaves_one_to_begin_from(plays: DayFiles, paid: Paid, reads: set[date]) -> None:
    paid(plays.of(march(1, 2, 3, 4, 6)))
    both = plays.of(march(1, 2, 3, 4, 5, 6))
    reads.clear()
    found = paid(both)
    assert reads == march(5, 6)
    assert found == paid(both, remembering=False)


def test_a_day_that_is_gone_leaves_what_is_remembered_of_those_before(
    plays: DayFiles, paid: Paid, reads: set[date]
) -> None:
    paid(plays)
    left = plays.of(march(1, 2, 3, 4, 5, 6, 8))
    reads.clear()
    found = paid(left)
    assert reads == march(8)
    assert found == paid(left, remembering=False)


def test_verdicts_are_heeded_and_concern_the_days_since(
    tables: Tables, plays: DayFiles, paid: Paid, reads: set[date]
) -> None:
    paid(plays)
    people = plays.read(date(2026, 3, 7), ["listener_id"], plain=True)["listener_id"].to_pylist()[::9]
    verdicts = [{"listener_id": one, "listen_date": date(2026, 3, 7), "verdict": "suspect"} for one in people]
    schema = to_arrow_schema(SUSPECTS, timezone="UTC")
    suspects = filed(tables, "gold.suspect_listens", pa.Table.from_pylist(verdicts, schema=schema))
    reads.clear()
    found = paid(plays, suspects)
    assert reads == march(7, 8)
    assert found == paid(plays, suspects, remembering=False)
    assert found != paid(plays)


def test_nothing_is_remembered_of_other_rules(tables: Tables, plays: DayFiles, paid: Paid, reads: set[date]) -> None:
    track = plays.read(date(2026, 3, 2), ["track_id"], plain=True)["track_id"].drop_null()[0].as_py()
    others: list[dict[str, Any]] = [
        {"rule": StreamRule(60_000, 0.0, 0)},
        {"artist_centric": {"active_contexts": ["playlist"]}},
        {"rights": rights_of(tables, track)},
        {"pro_rata": {"minimum_streams": 20}},
    ]
    for other in others:
        paid(plays)
        reads.clear()
        found = paid(plays, **other)
        assert reads == march(*range(1, 9))
        assert found == paid(plays, remembering=False, **other)


def test_prices_and_boosts_change_and_the_streams_stay_remembered(
    plays: DayFiles, paid: Paid, reads: set[date]
) -> None:
    paid(plays)
    reads.clear()
    found = paid(plays, artist_centric={"boost_streams": 3, "listener_cap": 5})
    assert reads == set()
    assert found == paid(plays, remembering=False, artist_centric={"boost_streams": 3, "listener_cap": 5})


def test_a_memo_that_is_damaged_is_made_anew(plays: DayFiles, paid: Paid, reads: set[date], memos: MemoFiles) -> None:
    found = paid(plays)
    for path in Path(memos.folder).iterdir():
        path.write_bytes(b"ARROW1")
    reads.clear()
    assert paid(plays) == found
    assert reads == march(*range(1, 9))
    assert paid(plays) == found
