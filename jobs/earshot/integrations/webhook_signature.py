"""Signatures by which a receiver can tell that a message is ours: Standard Webhooks, version 1.

https://www.standardwebhooks.com
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from pydantic import SecretStr

from earshot.core.errors import SettingsError

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


class WebhookSigner:
    """Signs with HMAC-SHA-256 over `id.timestamp.body`.

    Args:
        secret: `whsec_` and the key in base64; while keys change hands, the new one and the old one with a space
            between them: the receiver takes either signature.

    Raises:
        SettingsError: A key has another form, or fewer than 24 or more than 64 bytes.
    """

    def __init__(self, secret: SecretStr) -> None:
        self._keys = [_key(word) for word in secret.get_secret_value().split() or [""]]

    def __repr__(self) -> str:
        """Without the keys."""
        return f"WebhookSigner({len(self._keys)} keys)"

    def headers(self, message_id: str, body: bytes, at: datetime) -> Mapping[str, str]:
        """The three headers: webhook-id, webhook-timestamp (epoch seconds), webhook-signature."""
        timestamp = str(int(at.timestamp()))
        signed = b".".join([message_id.encode(), timestamp.encode(), body])
        signatures = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in self._keys)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        }


def _key(word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not word.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise SettingsError(
            "alerts.webhook_secret is no key of Standard Webhooks.",
            where="key alerts.webhook_secret",
            remedy=f"Write {_PREFIX} and {_SHORTEST} to {_LONGEST} random bytes in base64.",
        )
    return key
