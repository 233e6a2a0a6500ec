"""TOML files of settings: read, and the line on which a key stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earshot.core.errors import SettingsError

Location = Sequence[str | int]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a file.

    Raises:
        SettingsError: It cannot be read, or is no TOML; the parser's line is in the message.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        found = re.search(r"line (\d+)", str(error))
        where = f"{path}, line {found[1]}" if found else str(path)
        raise SettingsError(f"{path.name} cannot be read: {reason}.", where=where, remedy="Mend the file.") from None


def line_of(path: Path, location: Location) -> int | None:
    """The 1-based line of a key, or of the nearest table above it; None where neither is found.

    Args:
        path: The file.
        location: Keys from the root; a number is the place in an array of tables, `[[...]]` or a line `{...}` each.
    """
    wanted = tuple(location)
    best: tuple[int, int] | None = None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for number, here in _places(lines):
        depth = _shared(here, wanted)
        if depth == len(here) and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def dotted(location: Location) -> str:
    """A location as a reader writes it: `incidents[0].size`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _places(lines: Sequence[str]) -> list[tuple[int, tuple[str | int, ...]]]:
    places: list[tuple[int, tuple[str | int, ...]]] = []
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    array: tuple[str | int, ...] | None = None
    entries = 0
    for number, line in enumerate(lines, start=1):
        if array is not None:
            if line.lstrip().startswith("]"):
                array = None
            elif line.lstrip().startswith("{"):
                places += [(number, (*array, entries + n)) for n in range(line.count("{"))]
                entries += line.count("{")
        elif header := _HEADER.match(line):
            table = tuple(_parts(header[2]))
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
            table = (*table, counts[table]) if table in counts else table
            places.append((number, table))
        elif key := _KEY.match(line):
            places.append((number, (*table, *_parts(key[1]))))
            if line[key.end() :].partition("#")[0].strip() == "[":
                array, entries = (*table, *_parts(key[1])), 0
    return places


def _parts(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in text.split(".")]


def _shared(here: Sequence[str | int], wanted: Sequence[str | int]) -> int:
    count = 0
    for one, other in zip(here, wanted, strict=False):
        if one != other:
            break
        count += 1
    return count
