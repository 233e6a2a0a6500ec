from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from earshot.core.partial_figures import added, values_of
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.validators.batches import BatchMeasures
from earshot.validators.compile import compile_suite
from earshot.validators.seen_columns import WATCHED, SeenColumns
from earshot.validators.source_columns import SourceColumns
from earshot.validators.suites import load_suite, read_suite
from earshot.validators.verdicts import GateVerdict

NOW = datetime(2026, 3, 30, tzinfo=UTC)
NUMBERS = {
    "played_ms",
    "duration_ms",
    "startup_ms",
    "rebuffer_count",
    "rebuffer_ms",
    "bitrate_kbps",
    "bitrate_switches",
}
FLAGS = {"skipped", "shuffle", "offline", "start_failed"}


def lines(file: str, rows: int = 100, *, source: str = "canonical", **columns: Any) -> pa.Table:
    """Lines of a file that has these columns."""

    def kind(name: str) -> pa.DataType:
        return pa.int64() if name in NUMBERS else pa.bool_() if name in FLAGS else pa.string()

    given = {"track_id": "trk:1", "played_ms": 5} | columns
    extra = given.pop("extra", None)
    table = {name: pa.array([given.get(name)] * rows, kind(name)) for name in WATCHED}
    table["source"] = pa.array([source] * rows, pa.string())
    table["source_file"] = pa.array([file] * rows, pa.string())
    table["extra"] = pa.array([extra] * rows, pa.map_(pa.string(), pa.string()))
    return pa.table(table)


def seen(*tables: pa.Table) -> dict[str, Any]:
    """What a pass over the files would have put into the commit."""
    value = SeenColumns.of(pa.concat_tables(tables)).value
    found: dict[str, Any] = json.loads(json.dumps(value))
    return found


@pytest.fixture
def small(tmp_path: Path) -> SmallTables:
    return SmallTables(str(tmp_path / "lake"))


@pytest.fixture
def columns(small: SmallTables) -> SourceColumns:
    return SourceColumns(small)


def test_columns_are_seen_by_source_and_counted_by_file() -> None:
    found = seen(
        lines("a", tier="free", extra=[("mood", "calm"), ("codec", "opus")]),
        lines("b", track_id="h:0123"),
        lines("c", 99, isrc="X"),
        lines("d", source="radio", played_ms=None),
    )
    assert found["canonical"] == {
        "rows": 299,
        "columns": {"track_id": 199, "played_ms": 299, "tier": 100, "isrc": 99, "extra.mood": 100, "extra.codec": 100},
        "files": 2,
        "files_with": {"track_id": 1, "played_ms": 2, "tier": 1, "extra.mood": 1, "extra.codec": 1},
        "named": ["a", "b"],
    }
    assert found["radio"]["columns"] == {"track_id": 100}


def test_a_file_that_several_tasks_read_is_one_file() -> None:
    parts = [{"seen": SeenColumns.of(lines("a", 60))}, {"seen": SeenColumns.of(lines("a", 60, tier="free"))}]
    assert values_of(added(parts))["seen"]["canonical"]["files_with"] == {"track_id": 1, "played_ms": 1, "tier": 1}
    assert SeenColumns.of(lines("a", 0)).value == {}


def test_what_every_file_had_is_known_after_some_files(columns: SourceColumns) -> None:
    columns.remember("b1", seen(lines("a", tier="free"), lines("b", tier="free", isrc="X")), ["2026-03-28"], NOW)
    assert columns.always(3) == {}
    columns.remember("b2", seen(lines("c", tier="free")), ["2026-03-29"], NOW)
    columns.remember("b2", seen(lines("c", tier="free")), ["2026-03-29"], NOW)
    assert columns.always(3) == {"canonical": ["played_ms", "tier", "track_id"]}
    assert columns.always(4) == {}, "a batch that is published again is counted once"
    columns.remember("b3", seen(lines("d")), ["2026-03-30"], NOW)
    assert columns.always(3) == {"canonical": ["played_ms", "track_id"]}


def test_a_column_that_came_later_is_new_and_was_not_always_there(columns: SourceColumns, small: SmallTables) -> None:
    for n in range(3):
        columns.remember(f"b{n}", seen(lines(f"f{n}")), ["2026-03-28"], NOW)
    columns.remember("b3", seen(lines("f3", extra=[("mood", "calm")], tier="free")), ["2026-03-29"], NOW)
    rows = {row["column"]: row for row in small.rows("ops.source_columns")}
    assert rows["extra.mood"]["is_new"]
    assert (rows["extra.mood"]["first_batch"], str(rows["extra.mood"]["first_day"])) == ("b3", "2026-03-29")
    assert not rows["played_ms"]["is_new"]
    assert "tier" not in columns.always(3)["canonical"]
    columns.remember("b4", seen(lines("r", source="radio", extra=[("station", "x")])), [], NOW)
    rows = {(row["source"], row["column"]): row for row in small.rows("ops.source_columns")}
    assert not rows["radio", "extra.station"]["is_new"], "a source's first files are how it is"


@pytest.fixture
def judged(settings: Settings, small: SmallTables, columns: SourceColumns) -> Any:
    """Judge what was seen, as the gate does, with the one expectation about columns."""
    suite = load_suite("silver_listens")
    only = [e for e in json.loads(suite.path.read_text())["expectations"] if e["type"] == "expect_no_lost_column"]
    content = {"name": "gate", "expectations": only, "meta": {"earshot": {"table": "silver.listens"}}}
    measures = BatchMeasures(
        compile_suite(read_suite(content, path=suite.path), settings), settings, small, clock=lambda: NOW
    )

    def judge(*tables: pa.Table) -> GateVerdict:
        figures = {"rows": 1, "seen_columns": seen(*tables)}
        return measures.judge(figures, batch_id="b9", files=[], examples={}, rows=lambda: pytest.fail("no scan"))

    for n in range(3):
        files = (
            lines(f"f{n}", tier="free", extra=[("mood", "calm")]),
            lines(f"s{n}", source="spotify", skipped=True),
            lines(f"p{n}", source="partner", isrc="X"),
        )
        columns.remember(f"b{n}", seen(*files), ["2026-03-28"], NOW)
    return judge


def test_a_lost_column_closes_the_gate_and_names_source_file_and_remedy(judged: Any) -> None:
    verdict = judged(lines("2026-03-29/a.jsonl"), lines("2026-03-29/b.jsonl"))
    assert verdict.closed
    told = str(verdict.refuse())
    assert "tier, which every earlier canonical file had, is nowhere in 2026-03-29/a.jsonl, 2026-03-29/b.jsonl" in told
    assert "conf/mappings" in told
    assert "earshot gate release b9" in told
    assert "tier" in verdict.reason


def test_a_column_that_some_file_still_has_is_not_lost(judged: Any) -> None:
    assert not judged(lines("a"), lines("b", tier="free")).closed


def test_few_lines_exports_of_persons_and_keys_of_extra_are_not_lost(judged: Any) -> None:
    assert not judged(lines("a", 99)).closed
    assert not judged(lines("s", source="spotify")).closed
    assert not judged(lines("a", tier="free")).closed
    assert not judged(lines("n", source="never seen before")).closed
    assert judged(lines("p", source="partner")).closed
