"""Containers whose bytes were changed anywhere: what can be read is read, the rest has a cause, nothing is raised."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from earshot.core.settings import Settings
from earshot.importers.formats import importer_named, known_importers
from earshot.importers.landing import Known, new_files
from logfiles import ARRIVED, read, read_as_detected, source_of, written

EVENT = {"listener": "anna", "started_at": "2026-03-29T01:00:00Z", "played_ms": 1, "track_id": "t"}
TEXT = "\n".join(json.dumps({**EVENT, "played_ms": n}) for n in range(200)).encode()


def _zip(method: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("x/a.jsonl", TEXT)
        archive.writestr("b.jsonl", TEXT[:999])
    return packed.getvalue()


PACKED = {
    "zip": _zip(zipfile.ZIP_DEFLATED),
    "zip-bzip2": _zip(zipfile.ZIP_BZIP2),
    "zip-lzma": _zip(zipfile.ZIP_LZMA),
    "gz": gzip.compress(TEXT),
    "zst": zstandard.compress(TEXT),
    "plain": TEXT,
}


def _damaged(packed: bytes, chance: random.Random) -> bytes:
    changed = bytearray(packed)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        at, kind = chance.randrange(len(changed)), chance.random()
        if kind < 0.6:
            changed[at] = chance.randrange(256)
        elif kind < 0.75:
            del changed[max(at, 1) :]
        elif kind < 0.9:
            changed[at:at] = chance.randbytes(chance.randrange(1, 9))
        else:
            changed[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
    return bytes(changed)


@pytest.mark.parametrize("name", PACKED)
def test_no_change_of_bytes_stops_a_batch(settings: Settings, name: str) -> None:
    chance = random.Random(name)  # noqa: S311 (seeded, not secret)
    settings.landing.mkdir(parents=True)
    importers = known_importers()
    for _ in range(150):
        path = written(settings.landing, _damaged(PACKED[name], chance))
        for file in new_files(settings, date(2026, 3, 29), Known()):
            assert bool(file.format) != bool(file.reason)
            assert file.reason.isprintable()
            if file.format:
                importer = importer_named(file.format, importers)
                assert importer is not None
                rows = read(importer, source_of(path, file.member), file.parts)
                assert all(bool(row["parse_faults"]) == bool(row["cause"]) for row in rows)
                assert all(row["cause"] is None or row["cause"].isprintable() for row in rows)


def test_a_zip_that_lies_about_its_size_ends_in_one_bad_line(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", TEXT + b"\n" + b"\0" * 300_000_000)
    lying = bytearray(packed.getvalue())
    central = lying.rindex(b"PK\x01\x02")
    lying[central + 24 : central + 28] = len(TEXT).to_bytes(4, "little")
    path = written(tmp_path, bytes(lying))
    importer = importer_named("canonical", known_importers())
    assert importer is not None
    rows = read(importer, source_of(path, "a.jsonl"))
    assert [row["parse_faults"] for row in rows[:-1]] == [None] * (len(rows) - 1)
    assert "damaged" in rows[-1]["cause"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"ab\xff", "ab\\xff"),
        (Decimal("1.10"), "1.10"),
        (date(2020, 1, 1), "2020-01-01"),
        (time(1, 2), "01:02:00"),
        ([b"x", date(2020, 1, 1)][:1], '["x"]'),
        ({"a": b"z", "b": date(2020, 1, 1)}, '{"a": "z", "b": "2020-01-01"}'),
        (float("nan"), "NaN"),
    ],
)
def test_parquet_columns_of_any_type_are_kept_as_texts(tmp_path: Path, value: object, kept: str) -> None:
    columns = {"listener": ["a"], "started_at": [datetime(2026, 3, 29, tzinfo=UTC)], "played_ms": [9]}
    pq.write_table(pa.table({**columns, "track_id": ["t"], "more": pa.array([value])}), tmp_path / "log")
    (row,) = read_as_detected(tmp_path / "log", arrived_at=ARRIVED)
    assert row["parse_faults"] is None
    assert row["extra"] == [("more", kept)]


def test_texts_that_a_parquet_file_does_not_call_texts_are_read(tmp_path: Path) -> None:
    columns = {"listener": [b"a"], "started_at": [datetime(2026, 3, 29, tzinfo=UTC)], "played_ms": [9]}
    pq.write_table(pa.table({**columns, "track_id": [b"t"], "track_title": ["tür".encode()]}), tmp_path / "log")
    (row,) = read_as_detected(tmp_path / "log")
    assert (row["listener"], row["track_title"], row["parse_faults"]) == ("a", "tür", None)
