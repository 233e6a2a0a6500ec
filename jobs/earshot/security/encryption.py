"""Texts that only the holder of the master key can read: AES-256-GCM, base64.

Lines that could not be parsed may hold anything; they are kept under a key of their batch.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from earshot.core.errors import IntegrityError
from earshot.security.keys import derive

NONCE_BYTES = 12
_MARK = "enc1:"


def seal(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    """Nonce and ciphertext of AES-256-GCM under a random nonce; `bound_to` is authenticated with it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What `seal` was given.

    Raises:
        IntegrityError: The key is another one, or a byte was changed.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise IntegrityError(
            "An encrypted value does not open.", remedy="Check that the master key is the one it was made with."
        ) from None


def is_encrypted(text: str) -> bool:
    """Whether the text is one that `BatchCipher.encrypt` made."""
    return text.startswith(_MARK)


class BatchCipher:
    """Encrypts the texts of one batch. Can be sent to Spark executors; its `repr` hides the key.

    The nonce is an HMAC of the text, so that a batch which is read again gives the same table. Two
    equal lines of a batch are therefore seen to be equal, and nothing else is.

    Args:
        master_key: 32 bytes; the batch's keys are derived from it.
        batch_id: The batch.
    """

    def __init__(self, master_key: bytes, batch_id: str) -> None:
        self.batch_id = batch_id
        self._key = derive(master_key, b"earshot batch " + batch_id.encode())
        self._nonce_key = derive(master_key, b"earshot batch nonce " + batch_id.encode())

    def __repr__(self) -> str:
        """The batch, never the key."""
        return f"BatchCipher(batch_id={self.batch_id!r})"

    def __getstate__(self) -> dict[str, object]:
        """Everything but the cipher, which does not pickle."""
        return {name: value for name, value in self.__dict__.items() if name != "_cipher"}

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self._key)

    def encrypt(self, text: str) -> str:
        """`enc1:` and the base64 of nonce and ciphertext."""
        content = text.encode("utf-8", "surrogatepass")
        nonce = hmac.digest(self._nonce_key, content, "sha256")[:NONCE_BYTES]
        return _MARK + base64.b64encode(nonce + self._cipher.encrypt(nonce, content, None)).decode()

    def decrypt(self, token: str) -> str:
        """The text that `encrypt` was given.

        Raises:
            IntegrityError: It is no such token, or it belongs to another batch or key.
        """
        try:
            sealed = base64.b64decode(token.removeprefix(_MARK), validate=True)
            content = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except (InvalidTag, ValueError, binascii.Error):
            raise IntegrityError(
                "An encrypted line does not open.",
                where=f"batch {self.batch_id}",
                remedy="Check that the master key is the one it was made with.",
            ) from None
        return content.decode("utf-8", "surrogatepass")
