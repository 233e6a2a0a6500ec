"""Splits of tracks: what a file may say, and what an error names."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from earshot.core.errors import InputError
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory
from earshot.importers.rights import import_rights

NOW = datetime(2026, 3, 29, tzinfo=UTC)
HEADER = "track_id,rights_holder_id,rights_holder_name,share\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "catalogue" / "rights"
    made.mkdir(parents=True)
    return made


def test_splits_are_read_once_and_files_that_are_gone_take_theirs_with_them(folder: Path, tmp_path: Path) -> None:
    root = str(tmp_path / "lake")
    assert not import_rights(folder / "missing", root, now=NOW).written
    (folder / "label.csv").write_text(HEADER + 't1,ipi:1,Blue Records,0.75\nt1,ipi:2,"Doe, Jane",0.25\n')
    (folder / "other.csv").write_text("share,track_id,rights_holder_id\n1,t2,ipi:3\n")
    assert import_rights(folder, root, now=NOW).rows == 3
    assert not import_rights(folder, root, now=NOW).written
    (row,) = SmallTables(root).rows("silver.rights", [("rights_holder_id", "=", "ipi:2")])
    assert (row["rights_holder_name"], row["share"], row["source_line"]) == ("Doe, Jane", Decimal("0.250000"), 3)

    (folder / "other.csv").unlink()
    assert import_rights(folder, root, now=NOW).rows == 2
    assert SmallTables(root).arrow("silver.rights").num_rows == 2


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (HEADER + "t1,a,,0.6\nt2,a,,1\nt1,b,,0.5\n", "110.0 %, over 100 %", 4),
        (HEADER + "t1,a,,0.6\nt1,a,,0.1\n", "a has a share in t1 twice", 3),
        (HEADER + "t1,a,,-0.1\n", "'-0.1' is no part of 1", 2),
        (HEADER + "t1,a,,0\n", "'0' is no part of 1", 2),
        (HEADER + "t1,a,,half\n", "'half' is no part of 1", 2),
        (HEADER + "t1,a,,0.1234567\n", "no part of 1", 2),
        (HEADER + "t1,,,0.1\n", "no rights_holder_id", 2),
        ("track,rights_holder_id,share\n", "no column track_id", 1),
        ("track_id,rights_holder_id,rights_holder_nam,share\n", "unknown column 'rights_holder_nam'", 1),
        (HEADER + "t1,a,,0.1,more\n", "more cells than the header", 2),
    ],
)
def test_a_row_that_cannot_be_is_named_with_file_and_line_and_nothing_is_written(
    folder: Path, tmp_path: Path, text: str, what: str, line: int
) -> None:
    root = str(tmp_path / "lake")
    (folder / "good.csv").write_text(HEADER + "t9,z,,1\n")
    import_rights(folder, root, now=NOW)
    (folder / "splits.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        import_rights(folder, root, now=NOW)
    assert caught.value.exit_code == 2
    assert what in caught.value.what
    assert f"splits.csv, line {line}" in caught.value.where
    assert TableHistory(root, "silver.rights").version == 0


def test_a_column_of_the_labels_own_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (folder / "splits.csv").write_text("track_id,rights_holder_id,share,territory\nt1,a,0.5,EU\n")
    assert import_rights(folder, str(tmp_path / "lake"), now=NOW).rows == 1


def test_shares_over_1_are_found_across_files(folder: Path, tmp_path: Path) -> None:
    (folder / "a.csv").write_text(HEADER + "t1,a,,0.7\n")
    (folder / "b.csv").write_text(HEADER + "t1,b,,0.7\n")
    with pytest.raises(InputError, match="over 100 %"):
        import_rights(folder, str(tmp_path / "lake"), now=NOW)
