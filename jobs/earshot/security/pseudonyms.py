"""Keyed pseudonyms of listeners, devices and networks.

A pseudonym is `vN:` and the first 32 hex digits of HMAC-SHA-256(key N, kind NUL identity): the same
identity always has the same one, and nobody without the key can test a guess.
"""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from typing import Literal

import pyarrow as pa

Kind = Literal["listener", "device", "network", "tombstone"]

_DIGITS = 32
_REMEMBERED = 1 << 17
_SHAPE = re.compile(rf"v[1-9][0-9]*:[0-9a-f]{{{_DIGITS}}}")


class Pseudonymiser:
    """Turns identities into pseudonyms. Can be sent to Spark executors; its `repr` hides the key.

    Args:
        key: The secret.
        version: Version of the key.
    """

    def __init__(self, key: bytes, version: int) -> None:
        self._key = key
        self.version = version
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._token)

    def __reduce__(self) -> tuple[type[Pseudonymiser], tuple[bytes, int]]:
        """What was remembered stays here."""
        return Pseudonymiser, (self._key, self.version)

    def __repr__(self) -> str:
        """The version, never the key."""
        return f"Pseudonymiser(version={self.version})"

    def token(self, identity: str, *, kind: Kind = "listener") -> str:
        """The pseudonym of one identity, for example `v1:` and 32 hex digits."""
        return self._remembered(identity, kind)

    def _token(self, identity: str, kind: Kind) -> str:
        message = kind.encode() + b"\0" + identity.encode("utf-8", "surrogatepass")
        return f"v{self.version}:{hmac.digest(self._key, message, 'sha256').hex()[:_DIGITS]}"

    def arrow(self, values: pa.Array | pa.ChunkedArray, *, kind: Kind = "listener") -> pa.Array:
        """The pseudonyms of a column of strings; null and empty stay null.

        Each distinct identity is hashed once.

        Args:
            values: Strings, n long; chunks are combined.
            kind: What they are identities of.

        Returns:
            Strings, n long.
        """
        whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        if isinstance(whole, pa.ChunkedArray):
            whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.string())
        encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
        tokens = pa.array(
            [self._remembered(text, kind) if text else None for text in encoded.dictionary.to_pylist()],
            pa.string(),
        )
        return tokens.take(encoded.indices)


def is_pseudonym(text: str) -> bool:
    """Whether the text has the shape of a pseudonym."""
    return _SHAPE.fullmatch(text) is not None
