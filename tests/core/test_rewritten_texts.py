"""Files that delta-rs rewrote hold another kind of texts, by which Arrow cannot filter while it reads."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from earshot.core.commits import DeltaLog
from earshot.core.small_tables import SmallTables

TRACKS = "silver.tracks"


@pytest.fixture
def rewritten(tmp_path: Path) -> SmallTables:
    small, log = SmallTables(str(tmp_path)), DeltaLog(str(tmp_path), TRACKS)
    for titles in ({"a": "One", "b": "Two"}, {"a": "Three"}):
        rows = [{"track_id": track, "track_title": title} for track, title in titles.items()]
        log.merge(small.table(TRACKS, rows), stamps=("updated_at",), metadata={})
    with pytest.raises(pa.ArrowNotImplementedError):
        DeltaTable(small.path(TRACKS)).to_pyarrow_table(filters=[("track_id", "=", "b")])
    return small


@pytest.mark.parametrize("one", [("track_id", "=", "b"), ("track_id", "in", ["b", "c"])])
def test_rows_are_found_by_their_texts(rewritten: SmallTables, one: tuple[str, str, object]) -> None:
    assert rewritten.arrow(TRACKS, [one], ["track_title"]).to_pylist() == [{"track_title": "Two"}]


def test_batches_are_found_by_their_texts(rewritten: SmallTables) -> None:
    _, schema, batches = rewritten.scanned(TRACKS, pc.field("track_id") == "a", ["track_title"])
    assert pa.Table.from_batches(batches, schema).to_pylist() == [{"track_title": "Three"}]
