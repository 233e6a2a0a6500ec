"""What is wrong with a line: the rules it fails at the parser, and the cause in words.

A cause names the field, its value (cut, control characters as escapes) and what is wrong with it. Values that tell
who or where somebody is are never shown; of a text that is no event nothing is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from earshot.core import columns as c
from earshot.importers.extras import is_private
from earshot.importers.shape import IDENTITIES, PARSE_FAULTS, READABLE_LINE, UNREADABLE

_SHOWN_CHARS = 40
_CAUSE_CHARS = 400


class Faults(dict[str, str]):
    """The faults of one line, each with the first cause that was found."""

    def note(self, fault: str, cause: str) -> None:
        """Add a fault."""
        self.setdefault(fault, cause)

    def field(self, fault: str, key: str, value: object, why: str) -> None:
        """Add a fault of a field."""
        told = type(value).__name__ if key in IDENTITIES or is_private(key) else shown(value)
        self.note(fault, f"{shown(key, quoted=False)}: {told} {why}")

    def marks(self) -> dict[str, Any]:
        """The columns of a play that tell of them."""
        causes = dict.fromkeys(self[fault] for fault in sorted(self))
        return {PARSE_FAULTS: sorted(self), c.CAUSE: "; ".join(causes)[:_CAUSE_CHARS]}


def unreadable(text: str | bytes, fault: str, why: str) -> dict[str, Any]:
    """A line that is no event; what it says is encrypted before Spark sees it."""
    line = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    return {PARSE_FAULTS: [fault], c.CAUSE: why[:_CAUSE_CHARS], UNREADABLE: line}


def damaged(error: BaseException) -> dict[str, Any]:
    """The line at which a damaged file ends; those before it were read."""
    why = f"the file is damaged here: {str(error) or type(error).__name__}"
    return unreadable(why, READABLE_LINE, why)


def shown(value: object, *, quoted: bool = True) -> str:
    """A value in one line of printable characters, cut."""
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…"
        plain = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)
        return f'"{plain}"' if quoted else plain
    if isinstance(value, Mapping):
        return f"an object of {len(value)} keys"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)[:_SHOWN_CHARS]


def masked_json(item: Mapping[str, Any], hidden: Collection[str] = IDENTITIES) -> str:
    """An item as JSON without what tells who or where somebody is; the pseudonyms are added later.

    Args:
        item: Its nesting is bounded.
        hidden: Keys of identities; addresses and user agents are left out at every depth.
    """
    return json.dumps(_masked(item, hidden), ensure_ascii=False, sort_keys=True, default=str)


def _masked(value: Any, hidden: Collection[str]) -> Any:
    """Also with numbers that JSON cannot hold (1e999) as texts."""
    if isinstance(value, Mapping):
        kept = {str(key): inner for key, inner in value.items() if key not in hidden and not is_private(str(key))}
        return {key: _masked(inner, hidden) for key, inner in kept.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, hidden) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
