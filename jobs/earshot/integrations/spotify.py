"""Spotify's Web API: tracks by id in bulk, by ISRC, by name; client credentials, renewed when they expire.

Shapes: https://developer.spotify.com/documentation/web-api/reference/get-several-tracks, .../search and
.../get-multiple-artists; token: https://developer.spotify.com/documentation/web-api/tutorials/client-credentials-flow.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import BaseModel

from earshot.integrations.catalogue_entries import FoundTrack, WantedTrack, partial_date, same_name
from earshot.integrations.http import HttpClient, HttpError, Response

_IN_BULK = 50
_PAGE = 20
_EARLY_S = 30.0
_UNAUTHORISED = 401
_ID = re.compile(r"^(?:spotify:track:)?([0-9A-Za-z]{22})$")


class _Artist(BaseModel):
    id: str | None = None
    name: str
    genres: list[str] = []


class _Album(BaseModel):
    name: str | None = None
    release_date: str | None = None


class _Track(BaseModel):
    id: str | None = None
    name: str
    artists: list[_Artist] = []
    album: _Album = _Album()
    duration_ms: int | None = None
    external_ids: dict[str, str] = {}


class _Tracks(BaseModel):
    tracks: list[_Track | None]


class _Artists(BaseModel):
    artists: list[_Artist | None]


class _Page(BaseModel):
    items: list[_Track | None] = []
    next: str | None = None


class _Search(BaseModel):
    tracks: _Page = _Page()


class _Token(BaseModel):
    access_token: str
    expires_in: float = 3600.0


class SpotifyClient:
    """Asks Spotify for tracks.

    Args:
        http: Whose rate limit and tries hold.
        api: Address of the Web API.
        accounts: Address that gives tokens.
        client_id: Of the application.
        client_secret: Of the application; never shown.
        clock: Seconds that never go back.
    """

    name = "spotify"

    def __init__(
        self,
        http: HttpClient,
        *,
        api: str,
        accounts: str,
        client_id: str,
        client_secret: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._api = api.rstrip("/")
        self._accounts = accounts
        self._basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._clock = clock
        self._token = ""
        self._expires_at = 0.0
        self._by_id: dict[str, _Track | None] = {}
        self._genres: dict[str, tuple[str, ...]] = {}

    def prepare(self, wanted: list[WantedTrack]) -> None:
        """Ask for every track that has a Spotify id, and for their artists' genres, 50 at a time."""
        ids = sorted({found[1] for track in wanted if (found := _ID.match(track.track_id))})
        self._by_id.update(self.tracks([one for one in ids if one not in self._by_id]))
        artists = {artist.id for track in self._by_id.values() if track for artist in track.artists[:1] if artist.id}
        self._learn_genres(sorted(artists))

    def find(self, wanted: WantedTrack) -> FoundTrack | None:
        """By id, else by ISRC, else by title and artist, which must agree."""
        identity = _ID.match(wanted.track_id)
        if identity:
            if identity[1] not in self._by_id:
                self._by_id.update(self.tracks([identity[1]]))
            track = self._by_id[identity[1]]
        elif wanted.isrc:
            track = next(self.search(f"isrc:{wanted.isrc}", pages=1), None)
        else:
            track = self._by_name(wanted)
        return self._entry(track) if track else None

    def tracks(self, ids: Sequence[str]) -> dict[str, _Track | None]:
        """Tracks by id; None for an id that Spotify does not know."""
        found: dict[str, _Track | None] = {}
        for chunk in _chunks(ids):
            answer = self._get("/tracks", {"ids": ",".join(chunk)}).parsed(_Tracks)
            found.update(dict.fromkeys(chunk))
            found.update({one: track for one, track in zip(chunk, answer.tracks, strict=False)})
        return found

    def search(self, query: str, *, pages: int = 2) -> Iterator[_Track]:
        """Tracks that Spotify finds, page by page while the caller wants more."""
        address, params = f"{self._api}/search", {"q": query, "type": "track", "limit": str(_PAGE)}
        for _ in range(pages):
            page = self._called(address, params).parsed(_Search).tracks
            yield from (track for track in page.items if track)
            # The next page's address is the server's word: it is followed only within the API.
            if not page.next or not page.next.startswith(f"{self._api}/"):
                return
            address, params = page.next, {}

    def _by_name(self, wanted: WantedTrack) -> _Track | None:
        if not (wanted.title and wanted.artist_name):
            return None
        query = f'track:"{_quoted(wanted.title)}" artist:"{_quoted(wanted.artist_name)}"'
        for track in self.search(query):
            names = [artist.name for artist in track.artists]
            if same_name(track.name, wanted.title) and any(same_name(name, wanted.artist_name) for name in names):
                return track
        return None

    def _entry(self, track: _Track) -> FoundTrack:
        first = track.artists[0] if track.artists else _Artist(name="")
        if first.id:
            self._learn_genres([first.id])
        return FoundTrack(
            title=track.name,
            artist_name=first.name,
            source=self.name,
            artist_id=first.id,
            album_title=track.album.name,
            isrc=track.external_ids.get("isrc"),
            duration_ms=track.duration_ms,
            released_on=partial_date(track.album.release_date),
            genres=self._genres.get(first.id or "", ()),
        )

    def _learn_genres(self, artists: Sequence[str]) -> None:
        for chunk in _chunks([artist for artist in artists if artist not in self._genres]):
            self._genres.update(dict.fromkeys(chunk, ()))
            answer = self._get("/artists", {"ids": ",".join(chunk)}).parsed(_Artists)
            self._genres.update({artist.id: tuple(artist.genres) for artist in answer.artists if artist and artist.id})

    def _get(self, path: str, params: Mapping[str, str]) -> Response:
        return self._called(f"{self._api}{path}", params)

    def _called(self, address: str, params: Mapping[str, str]) -> Response:
        """Call with a token; one that the server no longer takes is renewed once."""
        try:
            return self._http.request("GET", address, params=params or None, headers=self._authorised())
        except HttpError as error:
            if error.status != _UNAUTHORISED:
                raise
        self._token = ""
        return self._http.request("GET", address, params=params or None, headers=self._authorised())

    def _authorised(self) -> dict[str, str]:
        if not self._token or self._clock() >= self._expires_at:
            answer = self._http.request(
                "POST",
                self._accounts,
                form={"grant_type": "client_credentials"},
                headers={"Authorization": f"Basic {self._basic}"},
            ).parsed(_Token)
            self._token = answer.access_token
            self._expires_at = self._clock() + max(0.0, answer.expires_in - _EARLY_S)
        return {"Authorization": f"Bearer {self._token}"}


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[start : start + _IN_BULK] for start in range(0, len(items), _IN_BULK))


def _quoted(text: str) -> str:
    return text.replace('"', " ")[:100]
