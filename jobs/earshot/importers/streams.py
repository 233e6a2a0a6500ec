"""Bytes of landing files: gzip, zstd and zip undone within bounds, UTF-16 turned into UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

import zstandard

from earshot.importers.shape import Source

GZIP, ZSTD, ZIP, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"
HEAD_BYTES = 65_536
BLOCK_BYTES = 2 * 1024 * 1024
DAMAGED = (
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    UnicodeError,
    NotImplementedError,  # a zip's method or version that nobody knows
    RuntimeError,  # a zip with a password
)

_ZSTD_PIECE = 1024
_ALWAYS_ALLOWED = 64 * 1024 * 1024
_FEW = 64


class ByteStream(Protocol):
    """A buffered stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Bytes."""

    def read1(self, size: int = -1, /) -> bytes:
        """What one reading gives."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""

    def tell(self) -> int:
        """The place."""

    def seekable(self) -> bool:
        """Whether `seek` works."""

    def close(self) -> None:
        """Close it."""

    def __enter__(self) -> ByteStream:
        """Itself."""

    def __exit__(self, *error: object) -> None:
        """Close it."""


class ExpansionError(OSError):
    """Compressed content grows beyond what any log does."""


def is_compressed(head: bytes) -> bool:
    """Whether the content must be decompressed before lines can be found."""
    return head.startswith((GZIP, ZSTD))


def is_utf16(head: bytes) -> bool:
    """Whether the content must be transcoded before lines can be found."""
    return _utf16_of(head) is not None


def open_content(source: Source) -> ByteStream:
    """The decompressed content of a landing file, or of one member of a zip.

    Raises:
        OSError: The file is gone.
        zipfile.BadZipFile: The zip is damaged.
    """
    file = cast(ByteStream, Path(source.path).open("rb"))
    if source.size is not None and file.seek(0, io.SEEK_END) > source.size:
        file.seek(0)
        file = cast(ByteStream, io.BufferedReader(_Prefix(file, source.size)))
    file.seek(0)
    if source.member is None:
        opened = _decompressed(file)
        return opened if opened is file else _bounded(opened, source, source.size or Path(source.path).stat().st_size)
    archive = zipfile.ZipFile(file)
    member = _decompressed(cast(ByteStream, archive.open(source.member)))
    return _bounded(member, source, archive.getinfo(source.member).compress_size)


def open_text(source: Source) -> ByteStream:
    """The content as UTF-8."""
    return _as_utf8(open_content(source))


def head_of(source: Source) -> bytes:
    """The first 64 KiB of the decompressed content, as UTF-8; less where it is damaged before."""
    head = b""
    with open_text(source) as stream:
        try:
            while len(head) < HEAD_BYTES and (piece := stream.read1(HEAD_BYTES - len(head))):
                head += piece
        except DAMAGED:
            if not head:
                raise
    return head


def members_of(path: str) -> list[zipfile.ZipInfo]:
    """The files in a zip, sorted by name; system and hidden ones are left out.

    Raises:
        zipfile.BadZipFile: The zip is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if not all(info.filename for info in members):
        raise zipfile.BadZipFile("a member has no name")
    files = [info for info in members if not info.is_dir() and not _is_hidden(info.filename)]
    return sorted(files, key=lambda info: info.filename)


def blocks(source: Source, start: int, end: int | None) -> Iterator[bytes]:
    """Blocks of whole lines (the last one perhaps without line feed) of the content's bytes start..end.

    Of a line that is longer than the limit, as many bytes as the limit and one more are given.
    """
    most = source.limits.max_line_bytes + 1
    with open_text(source) as stream:
        if start:
            stream.seek(start)
        rest = b""
        coming = pieces(stream, None if end is None else end - start)
        while True:
            try:
                piece = next(coming, b"")
            except DAMAGED:
                if rest:
                    yield rest[:most]
                raise
            if not piece:
                break
            cut = piece.rfind(b"\n") + 1
            if not cut:
                rest = rest + piece if len(rest) < most else rest
                continue
            if len(rest) > most:
                piece, cut = rest[:most] + piece[piece.find(b"\n") :], cut + most - piece.find(b"\n")
                rest = b""
            yield rest + piece[:cut]
            rest = piece[cut:]
        if rest:
            yield rest[:most]


def pieces(stream: ByteStream, most: int | None = None) -> Iterator[bytes]:
    """The content in pieces of about 4 MiB; what comes before a damaged place is given before the error.

    Args:
        stream: From `open_text`.
        most: How many bytes; None = all.
    """
    left = sys.maxsize if most is None else most
    while left > 0:
        read: list[bytes] = []
        size, error = 0, None
        try:
            while size < min(BLOCK_BYTES, left) and (piece := stream.read1(min(BLOCK_BYTES, left) - size)):
                read.append(piece)
                size += len(piece)
        except DAMAGED as found:
            error = found
        if read:
            yield b"".join(read)
        if error:
            raise error
        if not read:
            return
        left -= size


def _decompressed(stream: ByteStream) -> ByteStream:
    head = stream.read(4)
    stream.seek(0)
    if head.startswith(GZIP):
        return cast(ByteStream, gzip.GzipFile(fileobj=stream))
    if head.startswith(ZSTD):
        return cast(ByteStream, io.BufferedReader(_Zstd(stream), HEAD_BYTES))
    return stream


def _bounded(stream: ByteStream, source: Source, compressed: int) -> ByteStream:
    limits = source.limits
    most = min(limits.max_file_bytes, max(_ALWAYS_ALLOWED, limits.max_expansion * compressed))
    return cast(ByteStream, io.BufferedReader(_Bounded(stream, most), HEAD_BYTES))


class _Layer(io.RawIOBase):
    """Something that is read through another stream, which it closes."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Prefix(_Layer):
    """The first bytes of a file that has grown since."""

    def __init__(self, stream: ByteStream, size: int) -> None:
        super().__init__(stream)
        self._size = size

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            return self._stream.seek(self._size + offset)
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        piece = self._stream.read(max(0, min(len(view), self._size - self._stream.tell())))
        view[: len(piece)] = piece
        return len(piece)


class _Bounded(_Layer):
    """Decompressed content up to a number of bytes."""

    def __init__(self, stream: ByteStream, most: int) -> None:
        super().__init__(stream)
        self._most, self._read = most, 0

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        piece = self._stream.read1(len(view))
        self._read += len(piece)
        if self._read > self._most:
            raise ExpansionError(f"it expands to more than {self._most:,} bytes (limits.max_expansion, max_file_bytes)")
        view[: len(piece)] = piece
        return len(piece)


class _Pieces(_Layer):
    """Content that comes in pieces of any size."""

    def __init__(self, stream: ByteStream) -> None:
        super().__init__(stream)
        self._rest = b""

    def piece(self) -> bytes | None:
        """The next piece, perhaps an empty one; None at the end."""
        raise NotImplementedError

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        while not self._rest:
            piece = self.piece()
            if piece is None:
                return 0
            self._rest = piece
        taken, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(taken)] = taken
        return len(taken)


class _Zstd(_Pieces):
    """Frames of zstd. A stream that ends within one is an error (zstandard's own reader says nothing then)."""

    def __init__(self, stream: ByteStream) -> None:
        super().__init__(stream)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._unused = b""

    def piece(self) -> bytes | None:
        compressed = self._unused or self._stream.read(_ZSTD_PIECE)
        self._unused = b""
        if not compressed:
            if self._frame is not None:
                raise EOFError("the zstd stream ends before its end")
            return None
        self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        content = self._frame.decompress(compressed)
        if self._frame.eof:
            self._unused, self._frame = self._frame.unused_data, None
        return content


class _Transcoded(_Pieces):
    """UTF-16 read as UTF-8; halves of a surrogate pair become bytes that are none, so that their line is unreadable."""

    def __init__(self, stream: ByteStream, encoding: str) -> None:
        super().__init__(stream)
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._ended = False

    def piece(self) -> bytes | None:
        if self._ended:
            return None
        encoded = self._stream.read1(HEAD_BYTES)
        self._ended = not encoded
        return self._decoder.decode(encoded, self._ended).encode("utf-8", "surrogatepass")


def _as_utf8(stream: ByteStream) -> ByteStream:
    buffered = (
        stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream), HEAD_BYTES)
    )
    encoding = _utf16_of(buffered.peek(_FEW)[:_FEW])
    if encoding:
        return cast(ByteStream, io.BufferedReader(_Transcoded(cast(ByteStream, buffered), encoding), HEAD_BYTES))
    return cast(ByteStream, buffered)


def _utf16_of(head: bytes) -> str | None:
    """By the byte order mark; without one, where every other of the first bytes is zero."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0:_FEW:2], head[1:_FEW:2]
    if len(odd) > 1 and not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if len(odd) > 1 and not any(even) and all(odd) else None


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) and part not in {".", ".."} for part in name.replace("\\", "/").split("/"))
