"""Bytes of landing files: gzip, zstd and zip undone, UTF-16 turned into UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

GZIP, ZSTD, ZIP, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"
HEAD_BYTES = 65_536
BLOCK_BYTES = 4 * 1024 * 1024
DAMAGED = (EOFError, OSError, zlib.error, zstandard.ZstdError, zipfile.BadZipFile, UnicodeError)


def is_compressed(head: bytes) -> bool:
    """Whether the content must be decompressed before lines can be found."""
    return head.startswith((GZIP, ZSTD))


def open_content(path: str, member: str | None = None) -> BinaryIO:
    """The decompressed content of a landing file, or of one member of a zip.

    Raises:
        OSError: The file is gone.
        zipfile.BadZipFile: The zip is damaged.
    """
    if member is None:
        return _decompressed(cast(BinaryIO, Path(path).open("rb")))
    archive = zipfile.ZipFile(path)
    return _decompressed(cast(BinaryIO, archive.open(member)))


def head_of(path: str, member: str | None = None) -> bytes:
    """The first 64 KiB of the decompressed content, as UTF-8."""
    with open_content(path, member) as stream:
        return _as_utf8(stream).read(HEAD_BYTES)


def members_of(path: str) -> list[zipfile.ZipInfo]:
    """The files in a zip, sorted by name; system and hidden ones are left out."""
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    return sorted(members, key=lambda info: info.filename)


def blocks(path: str, member: str | None, start: int, end: int | None) -> Iterator[bytes]:
    """Blocks of whole lines (the last one perhaps without line feed) of the content's bytes start..end."""
    with open_content(path, member) as raw:
        stream = _as_utf8(raw)
        if start:
            stream.seek(start)
        left = None if end is None else end - start
        rest = b""
        while piece := stream.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left)):
            left = None if left is None else left - len(piece)
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield rest + piece[:cut]
                rest = piece[cut:]
            else:
                rest += piece
        if rest:
            yield rest


def _decompressed(stream: BinaryIO) -> BinaryIO:
    head = stream.read(4)
    stream.seek(0)
    if head.startswith(GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    if head.startswith(ZSTD):
        return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True))
    return stream


class _Transcoded(io.RawIOBase):
    """UTF-16 read as UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        while not self._rest and (piece := self._stream.read(BLOCK_BYTES)):
            self._rest = self._decoder.decode(piece).encode()
        taken, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(taken)] = taken
        return len(taken)


def _as_utf8(stream: BinaryIO) -> BinaryIO:
    buffered = io.BufferedReader(cast(io.RawIOBase, stream), HEAD_BYTES)
    if buffered.peek(2)[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return io.BufferedReader(_Transcoded(buffered), BLOCK_BYTES)
    return buffered


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.replace("\\", "/").split("/"))
