"""Names of files and zip members as the tables have them: `/` between folders, nothing that cannot be printed."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from urllib.parse import unquote_to_bytes

_DRIVE = re.compile(r"^[A-Za-z]:")


def written(path: PurePath) -> str:
    """A path below landing/; control characters and bytes that are no UTF-8 as %XX."""
    return _printable(path.as_posix())


def landed(landing: Path, written_name: str) -> Path:
    """The file of a written name."""
    literal = landing / written_name
    if "%" in written_name and not literal.exists():
        return landing / os.fsdecode(unquote_to_bytes(os.fsencode(written_name)))
    return literal


def member_shown(name: str) -> str:
    """A member's name, Windows's separators as `/`."""
    return _printable(name.replace("\\", "/"))


def unsafe_member(name: str) -> str:
    """Why a member is not read: its name points out of the archive. Empty where it does not."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or _DRIVE.match(plain) or ".." in plain.split("/"):
        return "its name leads out of the zip (path traversal): it is not read"
    return ""


def _printable(name: str) -> str:
    if name.isprintable():
        return name
    return "".join(
        char if char.isprintable() else "".join(f"%{byte:02X}" for byte in os.fsencode(char)) for char in name
    )
