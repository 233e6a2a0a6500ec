"""What is left of an erased listener: enough to turn their plays away, not enough to name them.

A tombstone is `t:` and the first 32 hex digits of HMAC-SHA-256 over the pseudonym, under a key
derived from the master key. The lake holds no pseudonym of an erased listener, and the audit trail
none at all.
"""

from __future__ import annotations

import hmac
import re

import pyarrow as pa

from earshot.core.columns import LISTENER_ID
from earshot.core.small_tables import SmallTables
from earshot.security.keys import derive

TOMBSTONES = "ops.tombstones"

_DIGITS = 32
_PSEUDONYM = re.compile(r"v[1-9][0-9]*:[0-9a-f]{32}")


class Buried:
    """Names listeners beyond their erasure. Its `repr` hides the key.

    Args:
        master_key: The key that tombstones are derived from.
    """

    def __init__(self, master_key: bytes) -> None:
        self._key = derive(master_key, b"earshot tombstones")

    def __repr__(self) -> str:
        """Nothing of the key."""
        return f"{type(self).__name__}()"

    def token(self, pseudonym: str) -> str:
        """The tombstone of a pseudonym."""
        return f"t:{hmac.digest(self._key, pseudonym.encode(), 'sha256').hex()[:_DIGITS]}"

    def without_pseudonyms(self, text: str) -> str:
        """The text with each pseudonym in it replaced by its tombstone."""
        return _PSEUDONYM.sub(lambda found: self.token(found[0]), text)


class Tombstones(Buried):
    """The listeners that were erased. Can be sent to Spark executors.

    Args:
        master_key: The key that tombstones are derived from.
        tokens: The rows of ops.tombstones.
    """

    def __init__(self, master_key: bytes, tokens: frozenset[str]) -> None:
        super().__init__(master_key)
        self.tokens = tokens

    @classmethod
    def load(cls, small_tables: SmallTables, master_key: bytes) -> Tombstones:
        """The tombstones of the lake."""
        column = small_tables.arrow(TOMBSTONES, columns=[LISTENER_ID]).column(LISTENER_ID)
        return cls(master_key, frozenset(column.to_pylist()))

    def __bool__(self) -> bool:
        """Whether anybody was erased."""
        return bool(self.tokens)

    def __contains__(self, pseudonym: object) -> bool:
        """Whether the listener with this pseudonym was erased."""
        return isinstance(pseudonym, str) and bool(self.tokens) and self.token(pseudonym) in self.tokens

    def mask(self, pseudonyms: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Which of the listeners were erased; null is none of them.

        Args:
            pseudonyms: Strings, n long.

        Returns:
            Booleans without null, n long. Each distinct pseudonym is hashed once.
        """
        whole = pa.concat_arrays(pseudonyms.chunks) if isinstance(pseudonyms, pa.ChunkedArray) else pseudonyms
        if not self.tokens:
            return pa.array([False] * len(whole), pa.bool_())
        encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
        erased = pa.array([pseudonym in self for pseudonym in encoded.dictionary.to_pylist()], pa.bool_())
        return erased.take(encoded.indices).fill_null(False)
