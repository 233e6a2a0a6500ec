"""MusicBrainz: recordings by MBID, by ISRC, by name; at most one call a second, with a name of one's own.

Shapes and manners: https://musicbrainz.org/doc/MusicBrainz_API, .../MusicBrainz_API/Search and
.../MusicBrainz_API/Rate_Limiting (503 where one is too fast).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, Field

from earshot.integrations.catalogue_entries import FoundTrack, WantedTrack, partial_date, same_name
from earshot.integrations.http import HttpClient, HttpError, Response

_NOT_FOUND = 404
_BAD_REQUEST = 400
_INCLUDED = "artists+releases+isrcs+genres"
_PAGE = 25
_SCORE = 80
_GENRES = 5
_MBID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_ISRC = re.compile(r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$")
_SPECIAL = re.compile(r'([+\-&|!(){}\[\]^"~*?:\\/])')


class _Artist(BaseModel):
    id: str | None = None
    name: str = ""


class _Credit(BaseModel):
    name: str = ""
    joinphrase: str = ""
    artist: _Artist = _Artist()


class _Release(BaseModel):
    title: str = ""
    date: str = ""


class _Genre(BaseModel):
    name: str
    count: int = 0


class _Recording(BaseModel):
    id: str
    title: str
    length: int | None = None
    score: int = 100
    credits: list[_Credit] = Field(validation_alias="artist-credit", default=[])
    first_release_date: str | None = Field(validation_alias="first-release-date", default=None)
    releases: list[_Release] = []
    isrcs: list[str] = []
    genres: list[_Genre] = []


class _OfIsrc(BaseModel):
    recordings: list[_Recording] = []


class _Search(BaseModel):
    count: int = 0
    offset: int = 0
    recordings: list[_Recording] = []


class MusicBrainzClient:
    """Asks MusicBrainz for recordings.

    Args:
        http: Whose rate limit, tries and User-Agent hold.
        api: Address of the web service.
    """

    name = "musicbrainz"

    def __init__(self, http: HttpClient, *, api: str) -> None:
        self._http = http
        self._api = api.rstrip("/")

    def prepare(self, wanted: list[WantedTrack]) -> None:
        """MusicBrainz has nothing in bulk."""

    def find(self, wanted: WantedTrack) -> FoundTrack | None:
        """By MBID, else by ISRC, else by title and artist, which must agree."""
        if wanted.recording_mbid and _MBID.match(wanted.recording_mbid):
            answer = self._get(f"/recording/{wanted.recording_mbid}", {"inc": _INCLUDED})
            if answer:
                return _entry(answer.parsed(_Recording))
        if wanted.isrc and _ISRC.match(wanted.isrc):
            answer = self._get(f"/isrc/{wanted.isrc}", {"inc": "artists+releases"})
            recordings = answer.parsed(_OfIsrc).recordings if answer else []
            if recordings:
                return _entry(recordings[0], wanted.isrc)
        return self._by_name(wanted)

    def search(self, query: str, *, pages: int = 2) -> Iterator[_Recording]:
        """Recordings that match a Lucene query, best first, page by page while the caller wants more."""
        for page in range(pages):
            params = {"query": query, "limit": str(_PAGE), "offset": str(page * _PAGE)}
            answer = self._get("/recording", params)
            if answer is None:
                return
            found = answer.parsed(_Search)
            yield from found.recordings
            if not found.recordings or (page + 1) * _PAGE >= found.count:
                return

    def _by_name(self, wanted: WantedTrack) -> FoundTrack | None:
        if not (wanted.title and wanted.artist_name):
            return None
        for recording in self.search(
            f'recording:"{_escaped(wanted.title)}" AND artist:"{_escaped(wanted.artist_name)}"'
        ):
            if recording.score < _SCORE:
                return None
            credited = [_credited(recording), *(credit.name for credit in recording.credits)]
            if same_name(recording.title, wanted.title) and any(same_name(n, wanted.artist_name) for n in credited):
                return _entry(recording)
        return None

    def _get(self, path: str, params: Mapping[str, str]) -> Response | None:
        try:
            return self._http.request("GET", f"{self._api}{path}", params={**params, "fmt": "json"})
        except HttpError as error:
            if error.status in {_NOT_FOUND, _BAD_REQUEST}:
                return None
            raise


def _entry(recording: _Recording, isrc: str | None = None) -> FoundTrack:
    dated = sorted((release for release in recording.releases if release.date), key=lambda release: release.date)
    first = next(iter(dated or recording.releases), _Release())
    genres = sorted(recording.genres, key=lambda genre: (-genre.count, genre.name))
    return FoundTrack(
        title=recording.title,
        artist_name=_credited(recording),
        source=MusicBrainzClient.name,
        artist_id=recording.credits[0].artist.id if recording.credits else None,
        album_title=first.title or None,
        isrc=isrc or next(iter(recording.isrcs), None),
        recording_mbid=recording.id,
        duration_ms=recording.length,
        released_on=partial_date(recording.first_release_date or first.date),
        genres=tuple(genre.name for genre in genres[:_GENRES]),
    )


def _credited(recording: _Recording) -> str:
    return "".join(f"{credit.name or credit.artist.name}{credit.joinphrase}" for credit in recording.credits)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text[:200])
