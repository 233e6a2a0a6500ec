"""Addresses as they may be shown."""

from __future__ import annotations

import re

_SECRETS = re.compile(
    r"(://)[^@/\s'\"]*@|([?;&](?:user|username|password|pwd|passphrase)=)[^;&\s'\"]*", flags=re.IGNORECASE
)


def without_secrets(text: str) -> str:
    """The text with user and password of the addresses in it as `***`."""
    return _SECRETS.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)
