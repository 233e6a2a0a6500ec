from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest
import zstandard

from earshot.importers.canonical import Canonical
from earshot.importers.shape import Limits
from earshot.importers.streams import ExpansionError, head_of, open_content
from logfiles import read, source_of, written

LINE = json.dumps(
    {"listener": "anna", "started_at": "2026-03-29T01:00:00Z", "played_ms": 1, "track_id": "tür"}, ensure_ascii=False
)
MANY = "\n".join(LINE.replace('"played_ms": 1', f'"played_ms": {n}') for n in range(5_000))


def played(path: Path, member: str | None = None) -> list[int]:
    return [row["played_ms"] for row in read(Canonical(), source_of(path, member))]


@pytest.mark.parametrize(
    "packed",
    [
        MANY.encode(),
        b"\xef\xbb\xbf" + MANY.replace("\n", "\r\n").encode(),
        MANY.encode("utf-16"),
        MANY.replace("\n", "\r\n").encode("utf-16-le"),
        MANY.encode("utf-16-be"),
        gzip.compress(MANY.encode()),
        gzip.compress(MANY[: len(MANY) // 2].encode()) + gzip.compress(MANY[len(MANY) // 2 :].encode()),
        zstandard.compress(MANY.encode()),
        zstandard.compress(MANY[:100].encode()) + zstandard.compress(MANY[100:].encode()),
        gzip.compress(MANY.encode("utf-16")),
    ],
    ids=["plain", "bom-crlf", "utf-16", "utf-16-le", "utf-16-be", "gz", "gz-members", "zst", "zst-frames", "gz-utf-16"],
)
def test_the_same_plays_come_out_of_every_packing(tmp_path: Path, packed: bytes) -> None:
    assert played(written(tmp_path, packed)) == list(range(5_000))


def test_a_member_may_be_packed_again(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/plays.gz", gzip.compress(MANY.encode()))
    assert played(tmp_path / "a.zip", "x/plays.gz") == list(range(5_000))


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gz", "zst"])
def test_a_truncated_file_keeps_what_can_be_read_and_ends_in_one_bad_line(tmp_path: Path, pack) -> None:
    whole = pack(
        "\n".join(json.dumps({**json.loads(LINE), "noise": str(hash(str(n)))}) for n in range(40_000)).encode()
    )
    rows = read(Canonical(), source_of(written(tmp_path, whole[: len(whole) // 2])))
    assert len(rows) > 10_000
    assert [row["source_line"] for row in rows] == list(range(1, len(rows) + 1))
    assert [bool(row["parse_faults"]) for row in rows[:-2]] == [False] * (len(rows) - 2)
    assert rows[-1]["cause"].startswith("the file is damaged here: ")


def test_a_gzip_whose_checksum_is_wrong_says_so(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(MANY.encode()))
    whole[-8] ^= 0xFF
    rows = read(Canonical(), source_of(written(tmp_path, bytes(whole))))
    assert len(rows) == 5_001
    assert "CRC" in rows[-1]["cause"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gz", "zst"])
def test_a_bomb_is_stopped_and_costs_no_memory(tmp_path: Path, pack) -> None:
    bomb = written(tmp_path, pack(b"\0" * 100_000_000))
    source = source_of(bomb)
    with pytest.raises(ExpansionError, match="max_expansion"), open_content(source) as stream:
        while stream.read(1_000_000):
            pass
    *_, row = read(Canonical(), source)
    assert "expands to more than" in row["cause"]


def test_a_line_that_is_too_long_spoils_only_itself(tmp_path: Path) -> None:
    small = Limits(1_000, 100, 8, 64)
    path = written(tmp_path, f"{LINE}\n{'x' * 20_000_000}\n{LINE}\n{'y' * 1_001}")
    rows = read(Canonical(), source_of(path, limits=small))
    assert [(row["source_line"], row["parse_faults"]) for row in rows] == [
        (1, None),
        (2, ["within_limits"]),
        (3, None),
        (4, ["within_limits"]),
    ]
    assert max(len(row["unreadable"] or "") for row in rows) == 1_000


def test_bytes_that_were_added_after_the_listing_are_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, LINE + "\n")
    size = path.stat().st_size
    with path.open("a") as stream:
        stream.write(LINE + "\n")
    assert len(read(Canonical(), source_of(path, size=size))) == 1


def test_half_of_a_surrogate_pair_in_utf16_spoils_only_its_line(tmp_path: Path) -> None:
    bad = LINE.replace("tür", "\ud83d").encode("utf-16-le", "surrogatepass")
    path = written(tmp_path, b"\xff\xfe" + bad + "\n".encode("utf-16-le") + LINE.encode("utf-16-le"))
    rows = read(Canonical(), source_of(path))
    assert [row["parse_faults"] for row in rows] == [["readable_line"], None]


def test_the_head_of_a_short_truncated_file_is_what_can_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(MANY.encode())[:-4])
    assert head_of(source_of(path)).startswith(b'{"listener"')
