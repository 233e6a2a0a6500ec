"""Files of a day read by whoever needs them, as Spark reads the same table."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from earshot.core.day_files import TEXT, DayFiles
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables
from factories import filed, listens_arrow

PLAYS = "silver.listens"
FIRST = date(2026, 3, 23)
NAMES = ("listen_id", "listener_id", "started_at", "album_title", "skipped", "bitrate_switches")


def in_order(rows: pa.Table) -> list[dict[str, object]]:
    return sorted(rows.select(NAMES).to_pylist(), key=lambda row: str(row["listen_id"]))


def test_a_day_has_the_rows_of_its_partition_whatever_files_they_lie_in(tables: Tables) -> None:
    files = filed(tables, PLAYS, listens_arrow(90, 1, first_day=FIRST), listens_arrow(60, 2, first_day=FIRST))
    assert files.days == set(SmallTables(tables.root).arrow(PLAYS)["listen_date"].to_pylist())
    for day in sorted(files.days):
        expected = SmallTables(tables.root).arrow(PLAYS, [("listen_date", "=", day)])
        assert in_order(files.read(day, NAMES)) == in_order(expected)
        assert in_order(files.read(day, NAMES, plain=True)) == in_order(expected)


def test_texts_are_numbers_unless_they_are_wanted_as_they_are(tables: Tables) -> None:
    files = filed(tables, PLAYS, listens_arrow(90, 1, first_day=FIRST))
    assert files.read(FIRST, ["album_title"]).schema.types == [TEXT]
    assert files.read(FIRST, ["album_title"], plain=True).schema.types == [pa.string()]


def test_what_files_lack_is_null_and_what_writers_of_other_kinds_wrote_is_the_same_text(tables: Tables) -> None:
    files = filed(tables, PLAYS, listens_arrow(90, 1, first_day=FIRST))
    (path,) = files.files[FIRST]
    rows = pq.read_table(path, partitioning=None)
    large = rows.set_column(rows.schema.get_field_index("cdn"), "cdn", rows["cdn"].cast(pa.large_string()))
    pq.write_table(large.drop_columns(["tier", "bitrate_kbps"]), path)
    found = files.read(FIRST, ["cdn", "tier", "bitrate_kbps"])
    assert found.schema.types == [TEXT, TEXT, pa.int32()]
    assert found["cdn"].cast(pa.string()).to_pylist() == rows["cdn"].cast(pa.string()).to_pylist()
    assert pc.all(pc.is_null(found["tier"])).as_py()
    assert found["bitrate_kbps"].null_count == found.num_rows == rows.num_rows


def test_a_day_without_files_and_a_table_that_was_never_written_have_no_rows(tables: Tables) -> None:
    assert DayFiles.now(tables.root, PLAYS).days == set()
    files = filed(tables, PLAYS, listens_arrow(90, 1, first_day=FIRST))
    nothing = files.of([FIRST]).read(date(2026, 1, 1), ["cdn", "played_ms"])
    assert (nothing.num_rows, nothing.column_names) == (0, ["cdn", "played_ms"])
    assert files.of([FIRST]).days == {FIRST}


def test_files_that_were_taken_out_of_the_table_are_not_read(tables: Tables) -> None:
    filed(tables, PLAYS, listens_arrow(90, 1, first_day=FIRST))
    SmallTables(tables.root).overwrite(PLAYS, [{"listen_id": "only", "listen_date": FIRST}])
    assert DayFiles.now(tables.root, PLAYS).read(FIRST, ["listen_id"])["listen_id"].to_pylist() == ["only"]
