"""The MusicBrainz client against a server that answers in its documented shapes, and misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from earshot.core.settings import HttpSettings
from earshot.integrations.catalogue_entries import WantedTrack, partial_date, same_name
from earshot.integrations.http import HttpClient, HttpError
from earshot.integrations.musicbrainz import MusicBrainzClient
from earshot.security.rate_limit import TokenBucket
from loopback import Answer, Seen, Server, http_server

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
ARTIST = "5b11f4ce-a62d-471e-81fc-a69a8278c7da"


def recording(**changed: Any) -> dict[str, Any]:
    return {
        "id": MBID,
        "title": "Under Pressure",
        "length": 248_000,
        "disambiguation": "",
        "video": False,
        "first-release-date": "1981-10-26",
        "artist-credit": [
            {"name": "Queen", "joinphrase": " & ", "artist": {"id": ARTIST, "name": "Queen", "sort-name": "Queen"}},
            {"name": "David Bowie", "joinphrase": "", "artist": {"id": "x", "name": "David Bowie"}},
        ],
        "releases": [
            {"id": "r2", "title": "Greatest Hits", "date": "1991", "status": "Official"},
            {"id": "r1", "title": "Hot Space", "date": "1982-05-21", "status": "Official"},
        ],
        "isrcs": ["GBCEE8100001"],
        "genres": [{"name": "rock", "count": 3}, {"name": "art rock", "count": 7}],
        **changed,
    }


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = lambda seen: Answer(200, recording())
        yield running


@pytest.fixture
def client(server) -> Iterator[MusicBrainzClient]:
    settings = HttpSettings(timeout_s=1.0, attempts=2, rate_per_s=1000, burst=1000)
    http = HttpClient(settings, sleep=lambda seconds: None, user_agent="earshot-test/1 (a@example.org)")
    yield MusicBrainzClient(http, api=f"{server.url}/ws/2")
    http.close()


def test_a_recording_is_found_by_its_mbid_with_everything_that_is_known(client, server) -> None:
    found = client.find(WantedTrack("x", recording_mbid=MBID))
    assert (found.title, found.artist_name, found.artist_id) == ("Under Pressure", "Queen & David Bowie", ARTIST)
    assert (found.album_title, found.released_on, found.duration_ms) == ("Hot Space", date(1981, 10, 26), 248_000)
    assert (found.isrc, found.genres) == ("GBCEE8100001", ("art rock", "rock"))
    (seen,) = server.seen
    assert seen.path == f"/ws/2/recording/{MBID}"
    assert seen.query["fmt"] == "json"
    assert seen.headers["user-agent"] == "earshot-test/1 (a@example.org)"


def test_a_recording_is_found_by_its_isrc(client, server) -> None:
    server.answer = lambda seen: Answer(200, {"isrc": "GBCEE8100001", "recordings": [recording(isrcs=[])]})
    assert client.find(WantedTrack("x", isrc="GBCEE8100001")).isrc == "GBCEE8100001"
    assert server.seen[0].path == "/ws/2/isrc/GBCEE8100001"


def test_an_identity_that_is_unknown_or_none_falls_back_to_the_name(client, server) -> None:
    found = {"count": 1, "offset": 0, "recordings": [recording(score=100)]}
    server.answer = lambda seen: Answer(200, found) if seen.path == "/ws/2/recording" else Answer(404)
    wanted = WantedTrack("x", "Under Pressure", "Queen", isrc="GBCEE8100001", recording_mbid="no mbid/../..")
    assert client.find(wanted).recording_mbid == MBID
    assert [seen.path for seen in server.seen] == ["/ws/2/isrc/GBCEE8100001", "/ws/2/recording"]


def test_a_name_is_taken_only_where_title_and_artist_agree_and_the_score_is_high(client, server) -> None:
    hits = [recording(title="Under Pressure (live)", score=99, **{"artist-credit": [{"name": "Another Band"}]})]
    server.answer = lambda seen: Answer(200, {"count": len(hits), "offset": 0, "recordings": hits})
    assert client.find(WantedTrack("x", "Under Pressure", "Queen")) is None
    hits.append(recording(score=40))
    assert client.find(WantedTrack("x", "Under Pressure", "Queen")) is None
    hits[1] = recording(score=95)
    assert client.find(WantedTrack("x", "under pressure", "David Bowie")).title == "Under Pressure"


def test_the_search_goes_page_by_page_as_far_as_there_is_something(client, server) -> None:
    def page(seen: Seen) -> Answer:
        offset = int(seen.query["offset"])
        hits = [recording(title=f"t{offset + n}") for n in range(min(25, 60 - offset))]
        return Answer(200, {"count": 60, "offset": offset, "recordings": hits})

    server.answer = page
    assert len(list(client.search("x", pages=9))) == 60
    assert [seen.query["offset"] for seen in server.seen] == ["0", "25", "50"]


def test_lucenes_signs_in_a_name_are_escaped(client, server) -> None:
    server.answer = lambda seen: Answer(200, {"count": 0, "offset": 0, "recordings": []})
    assert client.find(WantedTrack("x", 'What? (Is "this": a/b)', "AC/DC OR artist:*")) is None
    expected = r'recording:"What\? \(Is \"this\"\: a\/b\)" AND artist:"AC\/DC OR artist\:\*"'
    assert server.seen[0].query["query"] == expected


def test_nothing_is_asked_where_there_is_nothing_to_ask_by(client, server) -> None:
    assert client.find(WantedTrack("x", "a title without artist")) is None
    assert server.seen == []


def test_calls_keep_to_one_a_second(server) -> None:
    waits: list[float] = []
    http = HttpClient(HttpSettings(), bucket=TokenBucket(1.0, 1, clock=lambda: 0.0, sleep=waits.append))
    client = MusicBrainzClient(http, api=f"{server.url}/ws/2")
    for _ in range(3):
        client.find(WantedTrack("x", recording_mbid=MBID))
    http.close()
    assert waits == [1.0, 2.0]


def test_a_server_that_says_slow_down_is_asked_again_and_then_an_error(client, server) -> None:
    busy = Answer(503, {"error": "Your requests are exceeding the allowable rate limit."}, {"Retry-After": "2"})
    server.script = [busy]
    assert client.find(WantedTrack("x", recording_mbid=MBID)).title == "Under Pressure"
    server.script = [busy, busy]
    with pytest.raises(HttpError) as caught:
        client.find(WantedTrack("x", recording_mbid=MBID))
    assert caught.value.retry_after_s == 2.0


@pytest.mark.parametrize("body", [b'{"id":', b'{"title": "no id"}', b'"text"', b""])
def test_an_answer_that_is_broken_or_of_another_shape_is_an_error(client, server, body) -> None:
    server.answer = lambda seen: Answer(200, body)
    with pytest.raises(HttpError):
        client.find(WantedTrack("x", recording_mbid=MBID))


def test_a_recording_of_which_little_is_known_is_read(client, server) -> None:
    server.answer = lambda seen: Answer(200, {"id": MBID, "title": "t", "length": None, "releases": [{"title": "a"}]})
    found = client.find(WantedTrack("x", recording_mbid=MBID))
    assert (found.album_title, found.duration_ms, found.released_on, found.artist_name) == ("a", None, None, "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Déjà Vu", "deja vu", True),
        ("Song (feat. Somebody)", "Song", True),
        ("Song feat. Somebody", "song", True),
        ("Song - Remastered 2011", "Song", True),
        ("Song - Part 2", "Song", False),
        ("(What's the Story)", "(what's the story)", True),
        ("東京", "東京", True),
        ("!!!", "???", False),
        (None, "x", False),
        ("", "", False),
    ],
)
def test_names_mean_the_same_without_case_accents_editions_and_guests(one, other, same) -> None:
    assert same_name(one, other) is same


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1999", date(1999, 1, 1)),
        ("1999-07", date(1999, 7, 1)),
        ("1999-07-31", date(1999, 7, 31)),
        ("1999-02-30", None),
        ("0000", None),
        ("", None),
        (None, None),
        ("1999-07-31-01", None),
        ("soon", None),
    ],
)
def test_partial_dates_mean_their_first_day(text, day) -> None:
    assert partial_date(text) == day
