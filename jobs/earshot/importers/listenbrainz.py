"""ListenBrainz as JSON: listens of dumps and of a user's export, one a line, and payloads of its API.

https://listenbrainz.readthedocs.io/en/latest/users/json.html and .../listenbrainz-dumps.html: `listened_at`
(`timestamp` in dumps) is when the listen began, in epoch seconds. How long it was heard is not told (the server takes
completed listens only). What the server would refuse, `listenbrainz_rules` refuses in its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from earshot.core import columns as c
from earshot.importers.drafts import Draft
from earshot.importers.elements import Text, elements
from earshot.importers.faults import unreadable
from earshot.importers.listenbrainz_rules import MAX_LISTEN_BYTES, Refusals, judge, judge_time
from earshot.importers.objects import UnreadableError, as_object, value_of
from earshot.importers.rows import JsonLinesImporter, Row, RowImporter
from earshot.importers.shape import READABLE_LINE, Part, Sample, Source

SOURCE = "listenbrainz"
PLAYING_NOW = "playing now"

_TIMES = ("listened_at", "timestamp")
_WHOSE = ("user_name", "user_id")
_HIDDEN = frozenset(_WHOSE)
_INFO_TEXTS = {c.ISRC: "isrc", c.RECORDING_MBID: "recording_mbid"}
_KEPT = ("recording_msid", "release_mbid", "music_service", "submission_client", "media_player", "spotify_id")
_LONGEST_EXPORTED = 1_048_576
_LISTENS = re.compile(r'"(payload|listens)"[ \t\r\n]*:[ \t\r\n]*\[')
_SUBMISSION = re.compile(r'"listen_type"[ \t\r\n]*:[ \t\r\n]*"(single|import|playing_now)"')
_OWNER = re.compile(r'"user_id"[ \t\r\n]*:[ \t\r\n]*"([^"\\]{1,256})"')
_SECOND_MS = 1000
_AROUND = 4096


class ListenBrainzLines(JsonLinesImporter):
    """Lines of a dump or of a user's export."""

    name = SOURCE

    def confidence(self, sample: Sample) -> float:
        """By the keys of the first objects."""
        objects = sample.objects
        good = [item for item in objects if "track_metadata" in item and any(key in item for key in _TIMES)]
        return len(good) / len(objects) if objects else 0.0

    def play(self, item: Mapping[str, Any], source: Source) -> Row:
        """One listen."""
        return listen_of(item, source, submitted=False)


class ListenBrainzPayload(RowImporter):
    """Documents of the API: submissions (`payload`) and answers (`payload.listens`). Listens count from 1 over all."""

    name = "listenbrainz_payload"

    @property
    def source(self) -> str:
        """The same service as the lines."""
        return SOURCE

    def confidence(self, sample: Sample) -> float:
        """By an object whose payload holds listens."""
        text = sample.text.lstrip()
        if not text.startswith("{") or not _LISTENS.search(text):
            return 0.0
        return 1.0 if '"track_metadata"' in text else 0.3

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The listens of each document."""
        text, ordinal = Text(source), 0
        while text.search(_LISTENS):
            around = text.window[max(0, text.at - _AROUND) : text.at]
            submitted = [found[1] for found in _SUBMISSION.finditer(around)]
            owners = [found[1] for found in _OWNER.finditer(around)]
            longest = MAX_LISTEN_BYTES * 4 if submitted else _LONGEST_EXPORTED
            for value, error, told in elements(text, source.limits, longest):
                ordinal += 1
                if submitted and submitted[-1] == "playing_now":
                    yield {c.SOURCE_LINE: ordinal, c.FILTERED_REASON: PLAYING_NOW}
                    continue
                whose = {"user_name": owners[-1]} if owners and not submitted else {}
                yield {c.SOURCE_LINE: ordinal, **_row(value, error, told, source, whose, submitted=bool(submitted))}
        if not ordinal and text.window.strip():
            yield {c.SOURCE_LINE: 1, **unreadable(text.window, READABLE_LINE, "no listens were found in it")}

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`."""
        try:
            listen = as_object(value_of(item)) if isinstance(item, str) else item
        except UnreadableError as error:
            return unreadable(str(item), error.fault, error.why)
        return listen_of(listen, source, submitted=set(listen) <= {"listened_at", "track_metadata"})


def _row(
    value: Any, error: UnreadableError | None, told: str, source: Source, whose: Mapping[str, str], *, submitted: bool
) -> Row:
    try:
        if error:
            raise error
        listen = as_object(value)
    except UnreadableError as found:
        return unreadable(told or str(value), found.fault, found.why)
    return listen_of({**whose, **listen} if whose else listen, source, submitted=submitted)


def listen_of(item: Mapping[str, Any], source: Source, *, submitted: bool) -> Row:
    """The play in a listen; faults are what the server would refuse it for, and what has no place here.

    Args:
        item: The listen as the service writes it.
        source: Limits and defaults.
        submitted: Whether somebody sent it to the server; else the server wrote it.
    """
    if item.get("playing_now") is True:
        return {c.FILTERED_REASON: PLAYING_NOW}
    refusals = Refusals()
    judge(item, refusals, submitted=submitted)
    key = next((key for key in _TIMES if key in item), _TIMES[0])
    listened_at = judge_time(item, key, source.arrived_at, refusals)
    metadata = item.get("track_metadata")
    fields: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    told = fields.get("additional_info")
    info: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    mapped = fields.get("mbid_mapping")
    mapping: Mapping[str, Any] = mapped if isinstance(mapped, Mapping) else {}
    flat = {**info, "recording_mbid": info.get("recording_mbid") or mapping.get("recording_mbid")}
    flat |= {name: fields.get(name) for name in ("track_name", "artist_name", "release_name")}
    draft = Draft(flat, source)
    draft.faults = refusals
    draft.texts({c.TRACK_TITLE: "track_name", c.ARTIST_NAME: "artist_name", c.ALBUM_TITLE: "release_name"})
    draft.texts({column: name for column, name in _INFO_TEXTS.items() if isinstance(flat.get(name), str)})
    draft.listener(next((item[key] for key in _WHOSE if item.get(key)), source.export_listener))
    if listened_at:
        draft.play[c.STARTED_AT] = listened_at
    unit = ("duration_ms", 1) if "duration_ms" in flat else ("duration", _SECOND_MS)
    draft.milliseconds(c.DURATION_MS, *unit)
    draft.keep({name: flat.get(name, item.get(name)) for name in _KEPT})
    return draft.kept_as(item, _HIDDEN).done()
