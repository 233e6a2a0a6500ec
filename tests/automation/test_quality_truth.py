from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.automation.commands.quality import evaluate_quality
from earshot.core.errors import ArgumentError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

AT = datetime(2026, 3, 29, 12, tzinfo=UTC)
FILE = "2026-03-29/a.jsonl"
LINES: list[tuple[int, str | None, str]] = [
    (1, None, "accepted"),
    (2, "readable_line", "quarantined"),
    (3, "known_tier", "quarantined"),
    (4, None, "duplicate"),
    (5, None, "accepted"),
    (6, None, "filtered"),
]


@pytest.fixture
def small_tables(settings: Settings) -> SmallTables:
    truth = settings.home / "truth"
    truth.mkdir()
    rows = [
        {"source_file": FILE, "source_line": n, "fault": rule, "rule": rule, "expected": fate}
        for n, rule, fate in LINES
    ]
    pq.write_table(pa.Table.from_pylist(rows), truth / "lines.parquet")
    pairs = [{"source_file": FILE, "source_line": 4, "of_file": FILE, "of_line": 1, "exact": True}]
    pq.write_table(pa.Table.from_pylist(pairs), truth / "duplicates.parquet")
    return SmallTables(settings.lake_root)


def publish(small_tables: SmallTables, aside_by_line: dict[int, list[str]], silver: list[int], **counts: int) -> None:
    given = {"read": 6, "accepted": 2, "duplicate": 1, "quarantined": 2, "filtered": 1} | counts
    row: dict[str, Any] = {"batch_id": "b", "source_file": FILE, "content_sha256": "x", "status": "committed", **given}
    small_tables.append("ops.ledger", [row])
    aside = [
        {"batch_id": "b", "source_file": FILE, "source_line": line, "failed_rules": rules}
        for line, rules in aside_by_line.items()
    ]
    small_tables.append("silver.quarantine", aside)
    listens = [
        {"listen_id": str(n), "source_file": FILE, "source_line": n, "started_at": AT, "listen_date": AT.date()}
        for n in silver
    ]
    small_tables.append("silver.listens", listens)


def test_a_perfect_publication_has_no_problem(settings: Settings, small_tables: SmallTables) -> None:
    publish(small_tables, {2: ["readable_line"], 3: ["known_tier", "isrc_well_formed"]}, [1, 5])
    told = evaluate_quality(settings)
    assert (told["recall"], told["precision"], told["balanced"]) == (1.0, 1.0, True)
    assert (told["duplicates"], told["duplicate_recall"], told["duplicate_precision"]) == (1, 1.0, 1.0)
    assert told["problems"] == told["lost"] == told["by_file"] == []
    assert {"rule": "known_tier", "lines": 1, "quarantined": 1, "under_the_rule": 1} in told["by_rule"]


def test_whichever_of_two_equal_plays_stays_is_right(settings: Settings, small_tables: SmallTables) -> None:
    publish(small_tables, {2: ["readable_line"], 3: ["known_tier"]}, [4, 5])
    told = evaluate_quality(settings)
    assert (told["duplicate_recall"], told["duplicate_precision"]) == (1.0, 1.0)


def test_every_kind_of_mistake_is_named(settings: Settings, small_tables: SmallTables) -> None:
    publish(small_tables, {3: ["known_country"], 5: ["known_country"]}, [1, 4], quarantined=3)
    told = evaluate_quality(settings)
    assert told["recall"] == 0.0
    assert told["precision"] == 0.5
    assert told["duplicate_recall"] == 0.0
    assert not told["balanced"]
    assert told["by_file"][0]["quarantined"] == "3 (truth 2)"
    assert {(p["line"], p["found"]) for p in told["problems"]} == {
        (f"{FILE}:2", "was not quarantined"),
        (f"{FILE}:3", "failed known_country"),
        (f"{FILE}:5", "quarantined by known_country"),
    }


def test_a_play_that_is_lost_is_named(settings: Settings, small_tables: SmallTables) -> None:
    publish(small_tables, {2: ["readable_line"], 3: ["known_tier"]}, [1])
    told = evaluate_quality(settings)
    assert told["lost"] == [{"line": f"{FILE}:5"}]
    assert told["duplicate_precision"] == 0.5


def test_without_truth_or_tables_there_is_nothing_to_compare(settings: Settings) -> None:
    with pytest.raises(ArgumentError, match="no truth"):
        evaluate_quality(settings)
    (settings.home / "truth").mkdir()
    (settings.home / "truth" / "lines.parquet").write_bytes(b"")
    with pytest.raises(ArgumentError, match="Nothing was published"):
        evaluate_quality(settings)
