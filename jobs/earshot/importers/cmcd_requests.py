"""Lines of a log of HTTP requests that carry CMCD: combined access logs, W3C extended logs, JSON lines.

- Combined log format (Apache, nginx, most CDNs): host, ident, user, [time], "METHOD target PROTOCOL", status, bytes,
  "referer", "agent"; the payload is the CMCD argument of the target.
- W3C extended log format (CloudFront, IIS): a `#Fields:` line names the columns; the payload is in cs-uri-query.
- JSON: an object a request; the payload is an object or text under `cmcd`, in the headers CMCD-Object, -Request,
  -Session and -Status (in `headers` or beside it, however their names are cased), in the query of a URL, or the object
  itself. What it tells under the names of silver.listens (country, device, track_title, ...) is taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from earshot.core import columns as c
from earshot.importers.access_logs import AccessLog
from earshot.importers.cmcd_kept import STATUSES, TAKEN, TIMES, kept_of, plain_name
from earshot.importers.cmcd_payload import HEADERS, KEYS, payload_of_query, read_object, read_payload
from earshot.importers.drafts import number_of
from earshot.importers.events import FIRST_MS, text_of, time_of
from earshot.importers.faults import Faults, masked_json
from earshot.importers.objects import UnreadableError, object_of
from earshot.importers.rows import Row, text_of_line
from earshot.importers.shape import (
    IP,
    LISTENER,
    READABLE_LINE,
    TIME_PRESENT,
    TIME_READABLE,
    TRACK_PRESENT,
    TYPED_FIELDS,
    WITHIN_LIMITS,
    Limits,
)
from earshot.importers.user_agents import device_of

NO_CMCD: Final = "a request without CMCD"

_CLOCK: Final = "%d/%b/%Y:%H:%M:%S %z"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_ERROR: Final = 400
_EPOCH_MS_FROM: Final = 100_000_000_000
_LATEST: Final = 10**15

_URLS: Final = ("url", "uri", "request-uri", "request", "path", "cs-uri")
_QUERIES: Final = ("query", "query-string", "args", "cs-uri-query")
_ADDRESSES: Final = ("ip", "client-ip", "remote-addr", "c-ip")
_AGENTS: Final = ("user-agent", "http-user-agent", "agent", "cs(user-agent)")
_LISTENERS: Final = ("listener", "user-id", "user", "remote-user", "cs-username")
_FROM_HEADER: Final = ("http-", "request-header-")


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client for an object of a play.

    Attributes:
        line: Physical line.
        at_ms: When it was made, epoch ms.
        payload: What the client told, typed (`cmcd_payload`).
        failed: Whether the answer was an error; None where the log does not say.
        about: Who and what asked, columns of `shape.PARSED`.
    """

    line: int
    at_ms: int
    payload: Mapping[str, Any]
    failed: bool | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> tuple[int, bool, str, int]:
        """By which requests are put in order: time; of the same time, urgent ones first; then what they say."""
        told = (sorted(self.payload.items()), self.failed, sorted(self.about.items()))
        return self.at_ms, "su" not in self.payload, repr(told), self.line


class RequestLines:
    """Reads the lines of one log, one after the other.

    Args:
        limits: What a line may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._log = AccessLog()

    def request(self, number: int, line: bytes) -> Request | Row | None:
        """The request in a line; or the row that tells why there is none; or nothing, for a blank or a header line.

        Raises:
            UnreadableError: It is no line of such a log.
        """
        if len(line) > self._limits.max_line_bytes:
            raise UnreadableError(f"the line is longer than {self._limits.max_line_bytes:,} bytes", WITHIN_LIMITS)
        start = line.lstrip()[:1]
        if not start:
            return None
        if start == b"{":
            return self.of_object(number, object_of(line, self._limits))
        item = self._log.fields(text_of_line(line))
        return None if item is None else self.of_object(number, item)

    def of_object(self, number: int, item: Mapping[str, Any]) -> Request | Row:
        """The request in an object of a log's fields."""
        faults = Faults()
        named = {plain_name(key): value for key, value in item.items()}
        payload = _payload(item, named, faults)
        if not payload and not faults:
            return {c.FILTERED_REASON: NO_CMCD}
        at_ms = _time(named, faults)
        if payload and "sid" not in payload and not faults:
            faults.note(READABLE_LINE, "sid is missing: a request that names no session belongs to no play")
        if payload and "cid" not in payload and not faults:
            faults.note(TRACK_PRESENT, "cid is missing: the request does not say what is played")
        about = self._about(named, faults)
        if faults or at_ms is None:
            return faults.marks() | {c.RAW: masked_json(kept_of(item, _query(named)))}
        return Request(number, at_ms, payload, _failed(_first(named, STATUSES)), about)

    def _about(self, named: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
        """Who and what asked; a value of the wrong type is a fault."""
        found = {name: named[plain_name(name)] for name in TAKEN if named.get(plain_name(name)) not in (None, "")}
        listener = _first(named, _LISTENERS)
        found |= {LISTENER: str(listener) if isinstance(listener, int) else listener, IP: _first(named, _ADDRESSES)}
        about = {
            name: text_of(name, value, self._limits, faults)
            for name, value in found.items()
            if value not in (None, "", "-")
        }
        device = device_of(_first(named, _AGENTS))
        return {c.DEVICE: device, **about} if device else about


def _payload(item: Mapping[str, Any], named: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """What the client told, however it came; a key that came twice and does not agree is a fault."""
    parts: list[dict[str, Any]] = []
    given = named.get("cmcd")
    if isinstance(given, Mapping):
        parts.append(read_object(given, faults))
    elif isinstance(given, str) and given:
        parts.append(read_payload(given, faults))
    elif given not in (None, ""):
        faults.field(TYPED_FIELDS, "cmcd", given, "is neither an object nor a text")
    headers = named.get("headers") or named.get("request-headers")
    inside = {plain_name(key): value for key, value in headers.items()} if isinstance(headers, Mapping) else {}
    for where in (inside, named):
        for name in HEADERS:
            value = next((where[k] for p in ("", *_FROM_HEADER) if (k := p + name) in where), None)
            if isinstance(value, str) and value not in ("", "-"):
                parts.append(read_payload(value, faults))
            elif value not in (None, "", "-"):
                faults.field(TYPED_FIELDS, name, value, "is no text")
    if query := _query(named):
        text = payload_of_query(query, faults)
        parts += [read_payload(text, faults)] if text else []
    if not parts and is_bare(item):
        parts.append(read_object({key: value for key, value in item.items() if key in KEYS or "-" in key}, faults))
    merged: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if merged.setdefault(key, value) != value:
                faults.note(READABLE_LINE, f"CMCD: {key} came twice, and does not agree")
    return merged


def is_bare(item: Mapping[str, Any]) -> bool:
    """Whether an object is itself a payload: it has sid, and further keys of CMCD."""
    return "sid" in item and len(KEYS & item.keys()) > 2  # noqa: PLR2004 (sid, and two more)


def _query(named: Mapping[str, Any]) -> str:
    for name in _QUERIES:
        if isinstance(query := named.get(name), str) and query not in ("", "-"):
            return query.removeprefix("?")
    for name in _URLS:
        if isinstance(url := named.get(name), str) and "?" in url:
            target = next((word for word in url.split(" ") if "?" in word), "")
            return target.partition("?")[2].partition("#")[0]
    return ""


def _time(named: Mapping[str, Any], faults: Faults) -> int | None:
    name = next((name for name in TIMES if named.get(name) not in (None, "")), None)
    if name is None:
        faults.note(TIME_PRESENT, "the time of the request is missing")
        return None
    at_ms = _epoch_ms(named[name]) if isinstance(named[name], str | int | float) else None
    if at_ms is None:
        faults.field(TIME_READABLE, name, named[name], "is no time of a request with zone")
    return at_ms


@lru_cache(maxsize=10_000, typed=True)
def _epoch_ms(value: str | float) -> int | None:
    """Epoch seconds or milliseconds, ISO 8601 with zone, or the clock of a combined log; epoch ms."""
    number = number_of(value)
    if number is not None and abs(number) > _LATEST:
        return None
    if number is not None:
        found = time_of(round(number if abs(number) >= _EPOCH_MS_FROM else number * 1_000))
    else:
        found = time_of(value) or _on_the_clock(str(value))
    if found is None:
        return None
    at_ms = round((found - _EPOCH).total_seconds() * 1_000)
    return at_ms if at_ms >= FIRST_MS else None


def _on_the_clock(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _CLOCK).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _failed(status: Any) -> bool | None:
    number = number_of(status)
    return None if number is None else number >= _FIRST_ERROR


def _first(named: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((named[name] for name in names if named.get(name) not in (None, "", "-")), None)
