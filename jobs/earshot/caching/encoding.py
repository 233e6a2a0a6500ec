"""Values as bytes: MessagePack or JSON, compressed where it pays.

The first byte says how the rest was written, so that readers and writers may be configured
differently. Nothing that is read can run code.
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgpack
import zstandard

from earshot.core.errors import IntegrityError

Serialization = Literal["msgpack", "json"]

COMPRESS_FROM_BYTES = 512
LARGEST_BYTES = 256 * 1024 * 1024

_JSON, _ZSTD, _ZLIB, _VERSION = 0x01, 0x02, 0x04, 0x10
_DATE, _DECIMAL = 1, 2


class Encoding:
    """How values are written; whatever was written can be read.

    Args:
        serialization: `msgpack` keeps dates, times and decimals; `json` makes texts of them.
        compression: `zstd`, `zlib`, or none (False); True is zstd.
    """

    def __init__(
        self, serialization: Serialization = "msgpack", compression: bool | Literal["zstd", "zlib"] = True
    ) -> None:
        self._json = serialization == "json"
        self._compression = {True: _ZSTD, False: 0, "zstd": _ZSTD, "zlib": _ZLIB}[compression]

    def encode(self, value: object) -> bytes:
        """The value as bytes; compressed from 512 bytes on.

        Raises:
            TypeError: It holds something that is neither plain data, a date, a time nor a decimal.
        """
        body = _to_json(value) if self._json else msgpack.packb(value, default=_extension, datetime=True)
        how = _VERSION | (_JSON if self._json else 0)
        if self._compression and len(body) >= COMPRESS_FROM_BYTES:
            how |= self._compression
            body = zlib.compress(body) if self._compression == _ZLIB else zstandard.compress(body)
        return bytes([how]) + body

    @staticmethod
    def decode(content: bytes) -> Any:
        """The value that `encode` was given; tuples are lists, times are UTC.

        Raises:
            IntegrityError: The bytes are not what `encode` makes.
        """
        how, body = content[:1], content[1:]
        if not how or not how[0] & _VERSION:
            raise IntegrityError("A cached value has an unknown form.", remedy="Publish the cache again.")
        try:
            if how[0] & _ZSTD:
                body = zstandard.ZstdDecompressor().decompress(body, max_output_size=LARGEST_BYTES)
            elif how[0] & _ZLIB:
                body = zlib.decompressobj().decompress(body, LARGEST_BYTES)
            if how[0] & _JSON:
                return json.loads(body)
            return msgpack.unpackb(body, ext_hook=_extended, timestamp=3, strict_map_key=False)
        except (ValueError, zlib.error, zstandard.ZstdError, msgpack.UnpackException, ArithmeticError):
            raise IntegrityError("A cached value is damaged.", remedy="Publish the cache again.") from None


def _to_json(value: object) -> bytes:
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":")).encode()


def _extension(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return msgpack.ExtType(_DATE, value.isoformat().encode())
    if isinstance(value, Decimal):
        return msgpack.ExtType(_DECIMAL, str(value).encode())
    raise TypeError(f"{type(value).__name__} cannot be cached")


def _extended(code: int, content: bytes) -> object:
    if code == _DATE:
        return date.fromisoformat(content.decode())
    if code == _DECIMAL:
        return Decimal(content.decode())
    raise ValueError(f"unknown extension {code}")
