"""Lines of access logs as objects of named fields: combined log format, and W3C extended log format."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_plus

from earshot.importers.objects import UnreadableError

_COMBINED: Final = re.compile(
    r"(?P<host>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}|-) (?:\d+|-)(?: "(?:[^"\\]|\\.)*" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
_FIELDS: Final = "#Fields:"
_AGENT: Final = "cs(user-agent)"


class AccessLog:
    """Reads the lines of one log, one after the other; a `#Fields:` line names the columns of those after it."""

    def __init__(self) -> None:
        self._fields: list[str] = []

    def fields(self, text: str) -> dict[str, Any] | None:
        """The fields of a line; None for a line of the header.

        Raises:
            UnreadableError: It is no line of such a log.
        """
        if text.startswith("#"):
            if text.startswith(_FIELDS):
                self._fields = [name.lower() for name in text.removeprefix(_FIELDS).split()]
            return None
        return self._extended(text) if self._fields else _combined(text)

    def _extended(self, text: str) -> dict[str, Any]:
        values = text.split("\t") if "\t" in text else text.split(" ")
        if len(values) != len(self._fields):
            raise UnreadableError(f"it has {len(values)} fields, not {len(self._fields)}")
        item = {name: value for name, value in zip(self._fields, values, strict=True) if value != "-"}
        if "date" in item and "time" in item:
            item["timestamp"] = f"{item.pop('date')}T{item.pop('time')}Z"
        return item | ({_AGENT: unquote_plus(item[_AGENT])} if _AGENT in item else {})


def _combined(text: str) -> dict[str, Any]:
    found = _COMBINED.match(text)
    if found is None:
        raise UnreadableError("it is no line of an access log (combined, or W3C after its #Fields), and no JSON object")
    target = [*found["request"].split(" "), ""][1]
    return {
        "ip": found["host"],
        "user": found["user"],
        "time": found["time"],
        "query": target.partition("?")[2],
        "status": found["status"],
        "agent": found["agent"] or "",
    }
