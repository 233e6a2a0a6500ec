"""The two secrets: where they are found, and how the first ones are made.

A key is a text of any length; a file that is made here holds 64 hex digits and has mode 0600.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from earshot.core.errors import SettingsError
from earshot.core.settings import Settings

PSEUDONYM_VARIABLE = "EARSHOT_PSEUDONYM_KEY"
MASTER_VARIABLE = "EARSHOT_MASTER_KEY"
SHORTEST_IN_PRODUCTION = 32
_KEY_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """What is secret. Neither `repr` nor a log line shows it.

    Attributes:
        pseudonym_key: Key of the pseudonyms in use.
        key_version: Its version; it stands in front of every pseudonym.
        master_key: 32 bytes that wrap data keys and seal the audit chain.
        earlier: Keys of earlier versions that still lie in HOME/keys, by version.
    """

    pseudonym_key: bytes = field(repr=False)
    key_version: int
    master_key: bytes = field(repr=False)
    earlier: Mapping[int, bytes] = field(default_factory=dict, repr=False)


def load_keys(settings: Settings) -> Keys:
    """The keys: from the environment, from the configured file, or made in HOME/keys.

    Raises:
        SettingsError: A key file cannot be read or is empty; in production, a key is missing or
            shorter than 32 characters.
    """
    privacy = settings.privacy
    version = privacy.key_version
    pseudonym = _key_text(
        settings, PSEUDONYM_VARIABLE, "pseudonym_key_file", settings.keys / f"pseudonym-v{version}.key"
    )
    master = _key_text(settings, MASTER_VARIABLE, "master_key_file", settings.keys / "master.key")
    return Keys(pseudonym, version, derive(master, b"earshot master key"), _earlier(settings.keys, version))


def derive(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes for one purpose out of a secret (HKDF-SHA-256, RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(secret)


def _key_text(settings: Settings, variable: str, setting: str, made: Path) -> bytes:
    given = os.environ.get(variable, "")
    configured: str = getattr(settings.privacy, setting)
    where = f"environment variable {variable}" if given else f"setting privacy.{setting}"
    if not given and configured:
        given = _read(Path(configured), where)
    if not given and settings.production:
        raise SettingsError(
            f"privacy.{setting} is missing, and production needs it.",
            where=where,
            remedy=f"Set {variable}, or name a file that holds the key.",
        )
    if not given:
        given = _read(_made(made), str(made))
    if settings.production and len(given) < SHORTEST_IN_PRODUCTION:
        raise SettingsError(
            f"The key has fewer than {SHORTEST_IN_PRODUCTION} characters.",
            where=where,
            remedy="Use a longer one, for example 64 random hex digits.",
        )
    return given.encode()


def _read(path: Path, where: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(
            f"The key file {path} cannot be read: {reason}.", where=where, remedy="Name a readable text file."
        ) from None
    if not text:
        raise SettingsError(f"The key file {path} is empty.", where=where, remedy="Write a key into it.")
    return text


def _made(path: Path) -> Path:
    """Make the key unless it is there; of two processes that try, both use the same one."""
    if path.exists():
        return path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path


def _earlier(folder: Path, current: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for path in sorted(folder.glob("pseudonym-v*.key")):
        version = path.stem.removeprefix("pseudonym-v")
        if version.isdecimal() and int(version) != current:
            found[int(version)] = _read(path, str(path)).encode()
    return found
