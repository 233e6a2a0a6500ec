"""An export is compared with its manifest, and every difference is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import ArgumentError, IntegrityError
from earshot.exporters.files import export_files
from earshot.exporters.folder import Folder
from earshot.exporters.verification import StoredFolder, verify_export
from exporters.export_worlds import AT, TEXTS, rows


@pytest.fixture
def out(tmp_path: Path) -> Path:
    export_files(rows(), Folder(tmp_path / "out"), format="parquet", at=AT)
    return tmp_path / "out"


def test_an_export_as_it_was_written_agrees(out: Path) -> None:
    assert verify_export(StoredFolder(out)).rows == len(TEXTS)
    assert verify_export(StoredFolder(out / "manifest.json")).rows == len(TEXTS)


def test_a_byte_that_changed_is_found(out: Path) -> None:
    content = bytearray((out / "gold_x.parquet").read_bytes())
    content[100] ^= 1
    (out / "gold_x.parquet").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"gold_x\.parquet has another checksum"):
        verify_export(StoredFolder(out))


def test_what_is_cut_missing_or_foreign_is_told_together(out: Path) -> None:
    (out / "gold_x.parquet").write_bytes(b"PAR1")
    (out / "more.csv").touch()
    with pytest.raises(IntegrityError, match=r"has 4 bytes where .* more\.csv is not in the manifest"):
        verify_export(StoredFolder(out))
    (out / "gold_x.parquet").unlink()
    with pytest.raises(IntegrityError, match=r"gold_x\.parquet is missing"):
        verify_export(StoredFolder(out))


def test_a_manifest_that_tells_other_rows_is_found(out: Path) -> None:
    told = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps(told | {"rows": 3}))
    with pytest.raises(IntegrityError, match=f"{len(TEXTS)} rows where 3 were told"):
        verify_export(StoredFolder(out))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"table": 1}', "\x00"])
def test_a_manifest_that_is_none_is_damage(out: Path, text: str) -> None:
    (out / "manifest.json").write_text(text)
    with pytest.raises(IntegrityError, match="manifest is damaged"):
        verify_export(StoredFolder(out))


def test_a_place_without_an_export_is_an_argument_that_cannot_be_used(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ArgumentError, match="holds no export"):
            verify_export(StoredFolder(place))
