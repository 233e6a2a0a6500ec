"""Logs of requests that carry Common Media Client Data (CTA-5004): a play is what one session asked of one track.

The first request of a play is its line; the others are filtered, as requests of a play that is told. A session that
asks for the same track again after half an hour plays it again. A play is put together from the lines of one file: the
log of one session belongs into one file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from earshot.core import columns as c
from earshot.importers.cmcd_plays import play_of
from earshot.importers.cmcd_requests import Request, RequestLines, is_bare
from earshot.importers.faults import damaged, unreadable
from earshot.importers.objects import UnreadableError
from earshot.importers.rows import Row, RowImporter, physical_lines
from earshot.importers.shape import READABLE_LINE, Limits, Part, Sample, Source
from earshot.importers.streams import DAMAGED

OF_A_PLAY: Final = "a request of a play that another line tells"
PAUSE_MS: Final = 1_800_000

_SWEEP_LINES: Final = 50_000
_MARK: Final = re.compile(
    r'[?&]CMCD=|"cmcd"|"(?:http[-_])?cmcd[-_](?:object|request|session|status)"|(?:\t| )CMCD=', re.I
)
_ARGUMENT: Final = "cmcd"

Key = tuple[str, str]


class Cmcd(RowImporter):
    """Requests for media, as servers, CDNs and players log them."""

    name = "cmcd"

    def confidence(self, sample: Sample) -> float:
        """By the share of the first lines with a payload; lines of other requests may be among them."""
        if _ARGUMENT in sample.text.lower():
            lines = [line for line in sample.lines if not line.startswith("#")]
            marked = sum(bool(_MARK.search(line)) for line in lines)
            return 0.6 + 0.3 * marked / len(lines) if marked else 0.0
        bare = sum(map(is_bare, sample.objects))
        return 0.9 * bare / len(sample.objects) if bare else 0.0

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """A row a line: plays, and the requests that belong to them. What follows a damaged place is one line."""
        lines, sessions = RequestLines(source.limits), _Sessions(source.limits)
        number = part.first_line - 1
        try:
            for number, line in physical_lines(source, part):
                found = _found(lines, number, line, source.limits)
                if isinstance(found, Request):
                    yield from sessions.take(found)
                elif found is not None:
                    yield {c.SOURCE_LINE: number, **found}
        except FileNotFoundError:
            raise
        except DAMAGED as error:
            yield {c.SOURCE_LINE: number + 1, **damaged(error)}
        yield from sessions.rest()

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`; a request by itself makes no play."""
        try:
            lines = RequestLines(source.limits)
            if isinstance(item, str):
                found = lines.request(0, item.encode("utf-8", "surrogateescape"))
            else:
                found = lines.of_object(0, item)
        except UnreadableError as error:
            return unreadable(str(item)[: source.limits.max_line_bytes], error.fault, error.why)
        if found is None or isinstance(found, Request):
            return unreadable(str(item), READABLE_LINE, "the play of this request was put together without it")
        return found


class _Sessions:
    """Requests that wait for the others of their play.

    A play is told when none of the last `_SWEEP_LINES` requests is less than `PAUSE_MS` behind it, so that no more wait
    than are going on.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._plays: dict[Key, list[Request]] = {}
        self._newest: dict[Key, int] = {}
        self._seen, self._earliest = 0, 0

    def take(self, request: Request) -> Iterator[Row]:
        key = (request.payload["sid"], request.payload["cid"])
        self._plays.setdefault(key, []).append(request)
        self._newest[key] = max(self._newest.get(key, request.at_ms), request.at_ms)
        self._earliest = min(self._earliest, request.at_ms) if self._seen else request.at_ms
        self._seen += 1
        if self._seen >= _SWEEP_LINES:
            self._seen = 0
            for over in [key for key, at_ms in self._newest.items() if at_ms < self._earliest - PAUSE_MS]:
                yield from self._told(over)

    def rest(self) -> Iterator[Row]:
        for key in list(self._plays):
            yield from self._told(key)

    def _told(self, key: Key) -> Iterator[Row]:
        del self._newest[key]
        for requests in _apart(self._plays.pop(key)):
            play = play_of(requests, self._limits)
            yield play
            told = play[c.SOURCE_LINE]
            yield from ({c.SOURCE_LINE: r.line, c.FILTERED_REASON: OF_A_PLAY} for r in requests if r.line != told)


def _apart(requests: list[Request]) -> Iterator[list[Request]]:
    """Requests between which no pause lies."""
    asked = sorted(requests, key=lambda request: request.place)
    begin = 0
    for n in range(1, len(asked) + 1):
        if n == len(asked) or asked[n].at_ms - asked[n - 1].at_ms > PAUSE_MS:
            yield asked[begin:n]
            begin = n


def _found(lines: RequestLines, number: int, line: bytes, limits: Limits) -> Request | Row | None:
    try:
        return lines.request(number, line)
    except UnreadableError as error:
        return unreadable(line[: limits.max_line_bytes], error.fault, error.why)
