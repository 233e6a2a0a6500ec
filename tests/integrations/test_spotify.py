"""The Spotify client against a server that answers in its documented shapes, and misbehaves."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from earshot.core.settings import HttpSettings
from earshot.integrations.catalogue_entries import WantedTrack
from earshot.integrations.http import HttpClient, HttpError
from earshot.integrations.spotify import SpotifyClient
from loopback import Answer, Seen, Server, http_server

ID = "4uLU6hMCjMI75M1A2tKUQC"
OTHER = "7ouMYWpwJ422jRcDASZB7P"


def track(identity: str = ID, name: str = "Never Gonna Give You Up", artist: str = "Rick Astley") -> dict[str, Any]:
    return {
        "album": {
            "album_type": "album",
            "id": "6XzNqoE",
            "name": "Whenever You Need Somebody",
            "release_date": "1987-11-16",
            "release_date_precision": "day",
        },
        "artists": [{"id": "0gxyHStUsqpMadRV0Di1Qt", "name": artist, "type": "artist"}],
        "duration_ms": 213573,
        "explicit": False,
        "external_ids": {"isrc": "GBARL9300135"},
        "id": identity,
        "name": name,
        "type": "track",
        "uri": f"spotify:track:{identity}",
    }


class Spotify:
    """Gives tokens that it can revoke, and tracks."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.tokens = 0
        self.valid = ""
        self.pages: list[list[dict[str, Any] | None]] = [[]]
        self.known = {ID: track()}
        server.answer = self.answer

    def answer(self, seen: Seen) -> Answer:
        if seen.path == "/api/token":
            expected = base64.b64encode(b"me:secret").decode()
            if seen.headers.get("authorization") != f"Basic {expected}":
                return Answer(400, {"error": "invalid_client"})
            assert seen.body == b"grant_type=client_credentials"
            self.tokens += 1
            self.valid = f"token-{self.tokens}"
            return Answer(200, {"access_token": self.valid, "token_type": "Bearer", "expires_in": 3600})
        if seen.headers.get("authorization") != f"Bearer {self.valid}":
            return Answer(401, {"error": {"status": 401, "message": "The access token expired"}})
        if seen.path == "/v1/tracks":
            return Answer(200, {"tracks": [self.known.get(one) for one in seen.query["ids"].split(",")]})
        if seen.path == "/v1/artists":
            ids = seen.query["ids"].split(",")
            return Answer(200, {"artists": [{"id": one, "name": "x", "genres": ["dance pop"]} for one in ids]})
        offset = int(seen.query.get("offset", 0))
        more = f"{self.url}/v1/search?q=x&offset={offset + 1}" if offset + 1 < len(self.pages) else None
        return Answer(200, {"tracks": {"items": self.pages[offset], "next": more, "total": 9, "limit": 20}})


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


@pytest.fixture
def spotify(server) -> Spotify:
    return Spotify(server)


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def client(server, spotify, now) -> Iterator[SpotifyClient]:
    settings = HttpSettings(timeout_s=1.0, attempts=2, rate_per_s=1000, burst=1000)
    http = HttpClient(settings, sleep=lambda seconds: None)
    api, accounts = f"{server.url}/v1", f"{server.url}/api/token"
    yield SpotifyClient(http, api=api, accounts=accounts, client_id="me", client_secret="secret", clock=lambda: now[0])
    http.close()


def test_a_track_is_found_by_its_id_with_everything_that_is_known(client) -> None:
    found = client.find(WantedTrack(f"spotify:track:{ID}"))
    assert (found.title, found.artist_name, found.album_title) == (
        "Never Gonna Give You Up",
        "Rick Astley",
        "Whenever You Need Somebody",
    )
    assert (found.isrc, found.duration_ms, found.released_on) == ("GBARL9300135", 213573, date(1987, 11, 16))
    assert found.genres == ("dance pop",)


def test_many_tracks_are_asked_for_fifty_at_a_time(client, server, spotify) -> None:
    ids = [f"{number:022d}" for number in range(120)]
    spotify.known = {one: track(one) for one in ids[:110]}
    client.prepare([WantedTrack(one) for one in ids])
    assert [len(seen.query["ids"].split(",")) for seen in server.seen if seen.path == "/v1/tracks"] == [50, 50, 20]
    calls = len(server.seen)
    assert client.find(WantedTrack(ids[0])).title
    assert client.find(WantedTrack(ids[119])) is None
    assert len(server.seen) == calls, "what was prepared is not asked again"


def test_a_name_is_taken_only_where_title_and_artist_agree(client, spotify) -> None:
    cover = track(OTHER, artist="A Cover Band")
    remaster = track(ID, name="Never Gonna Give You Up - Remastered 2022")
    spotify.pages = [[cover, None], [remaster]]
    found = client.find(WantedTrack("x", "Never gonna give you up", "RICK ASTLEY"))
    assert found.title == "Never Gonna Give You Up - Remastered 2022"
    spotify.pages = [[cover]]
    assert client.find(WantedTrack("x", "Never gonna give you up", "Rick Astley")) is None


def test_the_search_follows_pages_only_as_far_as_it_needs_and_only_within_the_api(client, server, spotify) -> None:
    spotify.pages = [[track()], [track(OTHER)], [track(OTHER)]]
    assert len(list(client.search("x", pages=3))) == 3
    spotify.url = "http://evil.example"
    assert len(list(client.search("x", pages=3))) == 1


def test_an_isrc_is_asked_for_before_a_name(client, server, spotify) -> None:
    spotify.pages = [[track()]]
    assert client.find(WantedTrack("x", "t", "a", isrc="GBARL9300135")).isrc == "GBARL9300135"
    assert next(seen.query["q"] for seen in server.seen if seen.path == "/v1/search") == "isrc:GBARL9300135"


def test_a_token_is_kept_until_shortly_before_it_expires(client, spotify, now) -> None:
    client.tracks([ID])
    now[0] = 3000.0
    client.tracks([ID])
    assert spotify.tokens == 1
    now[0] = 3580.0
    client.tracks([ID])
    assert spotify.tokens == 2


def test_a_token_that_was_revoked_is_renewed_once(client, spotify) -> None:
    client.tracks([ID])
    spotify.valid = "revoked"
    assert client.tracks([ID])[ID].name == "Never Gonna Give You Up"
    assert spotify.tokens == 2


def test_a_server_that_never_takes_a_token_is_an_error_and_no_loop(client, server) -> None:
    tokens = {"access_token": "t", "expires_in": 3600}
    server.answer = lambda seen: Answer(200, tokens) if seen.path == "/api/token" else Answer(401)
    with pytest.raises(HttpError) as caught:
        client.tracks([ID])
    assert caught.value.status == 401
    assert len(server.seen) == 4


def test_a_wrong_secret_is_an_error_that_does_not_tell_it(server, spotify) -> None:
    http = HttpClient(HttpSettings(attempts=1, rate_per_s=1000, burst=9))
    api, accounts = f"{server.url}/v1", f"{server.url}/api/token"
    wrong = SpotifyClient(http, api=api, accounts=accounts, client_id="me", client_secret="wr0ng-secret")
    with pytest.raises(HttpError) as caught:
        wrong.tracks([ID])
    http.close()
    assert "wr0ng-secret" not in f"{caught.value} {caught.value!r} {wrong!r}"


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_asked_again(client, server, spotify, status) -> None:
    client.tracks([ID])
    server.script = [Answer(status, headers={"Retry-After": "1"})]
    assert client.tracks([ID])[ID].id == ID


@pytest.mark.parametrize(
    "body", [b'{"tracks": [', b'{"songs": []}', b'{"tracks": [{"id": 7}]}', b"[]", b"null", b"\xff\xfe"]
)
def test_an_answer_that_is_broken_or_of_another_shape_is_an_error(client, server, body) -> None:
    client.tracks([ID])
    server.script = [Answer(200, body)]
    with pytest.raises(HttpError):
        client.tracks([ID])
