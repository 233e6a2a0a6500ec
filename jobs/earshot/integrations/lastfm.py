"""Last.fm's API: a track's length, album and tags by name or MBID; an artist's tracks, page by page.

Shapes: https://www.last.fm/api/show/track.getInfo and https://www.last.fm/api/show/artist.getTopTracks; errors come
as `{"error": 29, "message": ...}`, often with status 200: https://www.last.fm/api/errorcodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import AliasChoices, BaseModel, Field, field_validator

from earshot.integrations.catalogue_entries import FoundTrack, WantedTrack, same_name
from earshot.integrations.http import HttpClient, HttpError, Response

_UNKNOWN = 6
_NOT_FOUND = 404
_TAGS = 5
_PAGE = 200


class _Named(BaseModel):
    name: str = Field(validation_alias=AliasChoices("name", "title", "#text"), default="")
    mbid: str = ""


class _Tags(BaseModel):
    tag: list[_Named] = []

    @field_validator("tag", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value


class _Track(BaseModel):
    name: str
    mbid: str = ""
    duration: int = 0
    artist: _Named = _Named()
    album: _Named = _Named()
    toptags: _Tags = _Tags()

    @field_validator("duration", mode="before")
    @classmethod
    def _empty_is_unknown(cls, value: object) -> object:
        return value or 0

    @field_validator("toptags", mode="before")
    @classmethod
    def _no_tags_is_text(cls, value: object) -> object:
        return value if isinstance(value, dict) else {}


class _Answer(BaseModel):
    error: int | None = None
    track: _Track | None = None


class _Position(BaseModel):
    page: int = 1
    pages: int = Field(validation_alias="totalPages", default=1)


class _TopTracks(BaseModel):
    track: list[_Track] = []
    position: _Position = Field(validation_alias="@attr", default=_Position())

    @field_validator("track", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value


class _TopAnswer(BaseModel):
    error: int | None = None
    toptracks: _TopTracks = _TopTracks()


class LastfmClient:
    """Asks Last.fm for tracks.

    Args:
        http: Whose rate limit and tries hold.
        api: Address of the API.
        key: API key; never shown.
    """

    name = "lastfm"

    def __init__(self, http: HttpClient, *, api: str, key: str) -> None:
        self._http = http
        self._api = api
        self._key = key

    def prepare(self, wanted: list[WantedTrack]) -> None:
        """Last.fm has nothing in bulk."""

    def find(self, wanted: WantedTrack) -> FoundTrack | None:
        """By MBID, else by title and artist, which must agree."""
        if wanted.recording_mbid:
            found = self._info({"mbid": wanted.recording_mbid})
            if found:
                return _entry(found)
        if not (wanted.title and wanted.artist_name):
            return None
        track = self._info({"track": wanted.title, "artist": wanted.artist_name, "autocorrect": "1"})
        if track and same_name(track.name, wanted.title) and same_name(track.artist.name, wanted.artist_name):
            return _entry(track)
        return None

    def top_tracks(self, artist: str, *, pages: int = 5) -> Iterator[FoundTrack]:
        """The tracks of an artist by listeners, page by page while the caller wants more."""
        for page in range(1, pages + 1):
            params = {"method": "artist.getTopTracks", "artist": artist, "page": str(page), "limit": str(_PAGE)}
            answer = self._called(params)
            top = answer.parsed(_TopAnswer)
            if self._unknown(top.error, answer):
                return
            yield from (_entry(track) for track in top.toptracks.track)
            if page >= top.toptracks.position.pages:
                return

    def _info(self, params: Mapping[str, str]) -> _Track | None:
        try:
            answer = self._called({"method": "track.getInfo", **params})
        except HttpError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        parsed = answer.parsed(_Answer)
        return None if self._unknown(parsed.error, answer) else parsed.track

    def _unknown(self, code: int | None, answer: Response) -> bool:
        if code is not None and code != _UNKNOWN:
            raise HttpError(
                f"Last.fm answered error {code}.",
                where=answer.address,
                remedy="Codes stand on last.fm/api/errorcodes; 10 and 26 mean the key.",
                status=answer.status,
            )
        return code == _UNKNOWN

    def _called(self, params: Mapping[str, str]) -> Response:
        return self._http.request("GET", self._api, params={**params, "api_key": self._key, "format": "json"})


def _entry(track: _Track) -> FoundTrack:
    return FoundTrack(
        title=track.name,
        artist_name=track.artist.name,
        source=LastfmClient.name,
        album_title=track.album.name or None,
        recording_mbid=track.mbid or None,
        duration_ms=track.duration or None,
        genres=tuple(tag.name.lower() for tag in track.toptags.tag[:_TAGS] if tag.name),
    )
