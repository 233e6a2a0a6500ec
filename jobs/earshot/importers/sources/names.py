"""Under which path below landing/ something from a stranger may lie."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

# What Windows refuses, the mark of zip members, and the escape of `importers.names`.
_HOSTILE = re.compile(r'[<>:"|?*\\!%\x00-\x1f\x7f-\x9f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_LONGEST, _DIGITS = 180, 8


def is_hidden(key: str) -> bool:
    """Whether a part of the key begins with `.` or `_` (`.` and `..` do not count): no data, as in landing/ itself."""
    return any(part.startswith((".", "_")) and part not in {".", ".."} for part in key.split("/"))


def safe_path(key: str) -> str:
    """A relative path that stays below its folder, on Windows, too: hostile characters and dots become `-`."""
    return "/".join(_safe(part) for part in key.split("/") if part) or "-"


class Landed:
    """The paths that a source has used, so that no file takes the place of another.

    Args:
        paths: Relative to the folder of the source.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        for path in paths:
            self._take(path)

    def place(self, key: str, fingerprint: str) -> str:
        """A path for a key: the same with a mark of its content before the suffix, where another file has had it."""
        path = safe_path(key)
        if not self._is_free(path):
            path = _marked(path, hashlib.sha256(f"{key}\n{fingerprint}".encode()).hexdigest()[:_DIGITS])
            path = path if self._is_free(path) else path.rpartition("/")[2]  # a file has the name of its folder
        self._take(path)
        return path

    def _is_free(self, path: str) -> bool:
        name = path.casefold()
        return name not in self._files and name not in self._folders and not self._files.intersection(_above(name))

    def _take(self, path: str) -> None:
        name = path.casefold()
        self._files.add(name)
        self._folders.update(_above(name))


def _safe(part: str) -> str:
    shown = "".join(char if char.isprintable() else "-" for char in _HOSTILE.sub("-", part))
    if shown.strip(". ") != shown:
        shown = re.sub(r"^[. ]+|[. ]+$", lambda found: "-" * len(found[0]), shown)
    if _DEVICE.fullmatch(shown):
        shown = f"-{shown}"
    if len(shown.encode()) > _LONGEST:
        digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        shown = f"{shown.encode()[:_LONGEST].decode(errors='ignore')}~{digest}"
    return shown


def _marked(path: str, mark: str) -> str:
    folder, slash, name = path.rpartition("/")
    stem, dot, suffix = name.partition(".")
    marked = f"{stem}~{mark}{dot}{suffix}"
    return f"{folder}{slash}{marked}"


def _above(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
