"""The Last.fm 1K data set: tab-separated plays of 992 people, and their profiles.

http://ocelma.net/MusicRecommendationDataset/lastfm-1K.html (README): plays are
`userid, timestamp (ISO 8601, UTC), musicbrainz-artist-id, artist-name, musicbrainz-track-id, track-name`, profiles
`userid, gender, age, country, signup`. There is no header in the one and `#id ...` in the other, and no quoting.
Profiles give the plays of the same batch their country; nothing else of them is kept, and each counts as filtered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.country_names import country_named
from earshot.importers.drafts import Draft, clock
from earshot.importers.faults import unreadable
from earshot.importers.objects import UnreadableError
from earshot.importers.rows import Row, RowImporter, physical_lines, text_of_line
from earshot.importers.shape import READABLE_LINE, WITHIN_LIMITS, Part, Sample, Source

PROFILE = "profile of a listener"

_USER, _TIME, _ARTIST_MBID, _ARTIST, _TRACK_MBID, _TRACK = (
    "userid",
    "timestamp",
    "musicbrainz-artist-id",
    "artist-name",
    "musicbrainz-track-id",
    "track-name",
)
_FIELDS = (_USER, _TIME, _ARTIST_MBID, _ARTIST, _TRACK_MBID, _TRACK)
_PROFILE_FIELDS = 5
_PLAY = re.compile(r"^[^\t]+\t\d{4}-\d\d-\d\dT[\d:]{8}Z\t[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*$")
_PERSON = re.compile(r"^user_\d+\t[mf]?\t\d*\t[^\t]*\t[^\t]*$")
_UTC = ZoneInfo("UTC")


class Lastfm1K(RowImporter):
    """Plays of the data set."""

    name = "lastfm_1k"
    splits_at_lines = True

    def confidence(self, sample: Sample) -> float:
        """By the share of lines with six fields, the second a time."""
        return _share(sample, _PLAY)

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The lines."""
        countries = countries_by_user(source)
        for number, line in physical_lines(source, part):
            if line.strip():
                yield {c.SOURCE_LINE: number, **self._row(line, source, countries)}

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`."""
        if isinstance(item, str):
            return self._row(item.encode("utf-8", "surrogateescape"), source, {})
        return self._play(item, source, {})

    def _row(self, line: bytes, source: Source, countries: Mapping[str, str]) -> Row:
        try:
            return self._play(_item(line, source.limits.max_line_bytes), source, countries)
        except UnreadableError as error:
            return unreadable(line[: source.limits.max_line_bytes], error.fault, error.why)

    def _play(self, item: Mapping[str, str], source: Source, countries: Mapping[str, str]) -> Row:
        draft = Draft(item, source, hidden=(_USER,))
        draft.listener(item.get(_USER))
        draft.texts({c.ARTIST_NAME: _ARTIST, c.TRACK_TITLE: _TRACK, c.RECORDING_MBID: _TRACK_MBID})
        draft.moment(c.STARTED_AT, _TIME, lambda text: clock(text, _UTC), "ISO 8601 time")
        draft.keep({"artist_mbid": item.get(_ARTIST_MBID)})
        return draft.done() | {c.COUNTRY: countries.get(item.get(_USER, ""))}


class Lastfm1KProfiles(RowImporter):
    """Profiles of the data set: no plays, but where the plays of others in the batch were heard."""

    name = "lastfm_1k_profiles"

    @property
    def source(self) -> str:
        """The same service as the plays."""
        return Lastfm1K.name

    def confidence(self, sample: Sample) -> float:
        """By the header, or the share of lines of five fields."""
        return 1.0 if sample.text.startswith("#id\tgender\tage\tcountry\t") else _share(sample, _PERSON)

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The lines after the header, all filtered."""
        for number, line in physical_lines(source, part):
            if line.strip() and not line.startswith(b"#"):
                yield {c.SOURCE_LINE: number, c.FILTERED_REASON: PROFILE}


def countries_by_user(source: Source) -> dict[str, str]:
    """ISO codes by user, from the profiles of the batch."""
    found: dict[str, str] = {}
    for path, member in source.profiles:
        for _, line in physical_lines(Source(path, member, source.limits), Part(0)):
            fields = line.decode("utf-8", "replace").split("\t")
            if len(fields) == _PROFILE_FIELDS and (country := country_named(fields[3])):
                found[fields[0]] = country
    return found


def _item(line: bytes, most: int) -> dict[str, str]:
    if len(line) > most:
        raise UnreadableError(f"the line is longer than {most:,} bytes", WITHIN_LIMITS)
    fields = text_of_line(line).split("\t")
    if len(fields) != len(_FIELDS):
        raise UnreadableError(f"it has {len(fields)} fields, not {len(_FIELDS)}", READABLE_LINE)
    return dict(zip(_FIELDS, fields, strict=True))


def _share(sample: Sample, pattern: re.Pattern[str]) -> float:
    lines = [line.rstrip("\r") for line in sample.lines]
    return sum(bool(pattern.match(line)) for line in lines) / len(lines) if lines else 0.0
