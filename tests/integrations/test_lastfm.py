"""The Last.fm client against a server that answers in its documented shapes, and misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from earshot.core.settings import HttpSettings
from earshot.integrations.catalogue_entries import WantedTrack
from earshot.integrations.http import HttpClient, HttpError
from earshot.integrations.lastfm import LastfmClient
from loopback import Answer, Seen, Server, http_server

KEY = "l4stfm-k3y"
MBID = "32ca187e-ee25-4f18-b7d0-3b6713f24635"
WANTED = WantedTrack("x", "Believe", "Cher")


def info(**changed: Any) -> dict[str, Any]:
    track = {
        "name": "Believe",
        "mbid": MBID,
        "url": "https://www.last.fm/music/Cher/_/Believe",
        "duration": "240000",
        "streamable": {"#text": "0", "fulltrack": "0"},
        "listeners": "2000000",
        "artist": {"name": "Cher", "mbid": "bfcc6d75-a6a5-4bc6-8282-47aec8531818"},
        "album": {"artist": "Cher", "title": "Believe", "mbid": "", "image": [{"#text": "", "size": "small"}]},
        "toptags": {"tag": [{"name": "Pop", "url": "x"}, {"name": "dance", "url": "x"}]},
    }
    return {"track": {**track, **changed}}


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = lambda seen: Answer(200, info())
        yield running


@pytest.fixture
def client(server) -> Iterator[LastfmClient]:
    settings = HttpSettings(timeout_s=1.0, attempts=2, rate_per_s=1000, burst=1000)
    http = HttpClient(settings, sleep=lambda seconds: None)
    yield LastfmClient(http, api=f"{server.url}/2.0/", key=KEY)
    http.close()


def test_a_track_is_found_by_name_with_length_album_and_tags(client, server) -> None:
    found = client.find(WANTED)
    assert (found.title, found.artist_name, found.album_title) == ("Believe", "Cher", "Believe")
    assert (found.duration_ms, found.recording_mbid, found.genres) == (240_000, MBID, ("pop", "dance"))
    (seen,) = server.seen
    assert seen.query == {
        "method": "track.getInfo",
        "track": "Believe",
        "artist": "Cher",
        "autocorrect": "1",
        "api_key": KEY,
        "format": "json",
    }


def test_an_mbid_is_asked_for_first_and_the_name_where_it_is_unknown(client, server) -> None:
    server.script = [Answer(200, {"error": 6, "message": "Track not found", "links": []})]
    assert client.find(WantedTrack("x", "Believe", "Cher", recording_mbid=MBID)).title == "Believe"
    assert [seen.query.get("mbid") for seen in server.seen] == [MBID, None]


@pytest.mark.parametrize(
    "answer",
    [Answer(200, {"error": 6, "message": "Track not found"}), Answer(404), Answer(200, info(name="Another Song"))],
    ids=["error 6", "404", "corrected to another song"],
)
def test_a_track_that_last_fm_does_not_know_is_none_and_no_error(client, server, answer) -> None:
    server.answer = lambda seen: answer
    assert client.find(WANTED) is None


@pytest.mark.parametrize("code", [8, 10, 11, 16, 26, 29])
def test_an_error_that_comes_with_status_200_is_an_error(client, server, code) -> None:
    server.answer = lambda seen: Answer(200, {"error": code, "message": "..."})
    with pytest.raises(HttpError, match=f"error {code}") as caught:
        client.find(WANTED)
    assert KEY not in str(caught.value)


def test_shapes_that_last_fm_really_sends_are_read(client, server) -> None:
    for odd in (info(toptags=""), info(toptags={"tag": {"name": "Solo"}}), info(duration=""), info(duration=0)):
        server.answer = lambda seen, odd=odd: Answer(200, odd)
        assert client.find(WANTED).title == "Believe"


def page(seen: Seen) -> Answer:
    number = int(seen.query["page"])
    tracks = [{"name": f"Song {number}-{n}", "artist": {"name": "Cher", "mbid": ""}} for n in range(2)]
    position = {"artist": "Cher", "page": str(number), "perPage": "2", "totalPages": "3", "total": "6"}
    return Answer(200, {"toptracks": {"track": tracks, "@attr": position}})


def test_an_artists_tracks_come_page_by_page(client, server) -> None:
    server.answer = page
    assert [found.title for found in client.top_tracks("Cher")] == [f"Song {p}-{n}" for p in (1, 2, 3) for n in (0, 1)]
    assert len(server.seen) == 3


def test_no_more_pages_are_asked_for_than_are_wanted(client, server) -> None:
    server.answer = page
    assert next(client.top_tracks("Cher")).title == "Song 1-0"
    assert len(server.seen) == 1
    assert len(list(client.top_tracks("Cher", pages=2))) == 4


def test_a_page_with_a_single_track_and_an_unknown_artist_are_read(client, server) -> None:
    server.answer = lambda seen: Answer(200, {"toptracks": {"track": {"name": "Only"}, "@attr": {"totalPages": "1"}}})
    assert [found.title for found in client.top_tracks("Cher")] == ["Only"]
    server.answer = lambda seen: Answer(200, {"error": 6, "message": "The artist could not be found"})
    assert list(client.top_tracks("Nobody")) == []


def test_a_server_that_is_busy_is_asked_again(client, server) -> None:
    server.script = [Answer(429, headers={"Retry-After": "1"})]
    assert client.find(WANTED).title == "Believe"
    server.script = [Answer(503), Answer(503)]
    with pytest.raises(HttpError):
        client.find(WANTED)


@pytest.mark.parametrize("body", [b'{"track":', b"<html>", b'{"track": {"title": 1}}', b"[]"])
def test_an_answer_that_is_broken_or_of_another_shape_is_an_error(client, server, body) -> None:
    server.answer = lambda seen: Answer(200, body)
    with pytest.raises(HttpError) as caught:
        client.find(WANTED)
    assert KEY not in str(caught.value)
