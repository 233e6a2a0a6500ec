"""jobs/import_catalogue.py: files into silver.tracks, unknown tracks from the web, and no API in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earshot.automation.loading import load_job
from earshot.core.config import load_settings
from earshot.core.errors import SettingsError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.simulated.catalogue import make_catalogue, write_catalogue
from loopback import Answer, Seen, Server, free_port, http_server

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = catalogues
        yield running


def catalogues(seen: Seen) -> Answer:
    """Last.fm knows `Known`, MusicBrainz knows everything."""
    if seen.path == "/lastfm":
        if seen.query.get("track") != "Known":
            return Answer(200, {"error": 6, "message": "Track not found"})
        return Answer(200, {"track": {"name": "Known", "duration": "1000", "artist": {"name": "A"}}})
    credit = [{"name": "A", "artist": {"id": "mb-a", "name": "A"}}]
    title = seen.query["query"].split('"')[1]
    hit = {"id": f"mb-{title}", "title": title, "length": 2000, "score": 100, "artist-credit": credit}
    return Answer(200, {"count": 1, "offset": 0, "recordings": [hit]})


def with_sources(home: Path, url: str, *sources: str, **catalogue: Any) -> Settings:
    return load_settings(
        overrides={
            "home": str(home),
            "http": {"timeout_s": 0.5, "rate_per_s": 1000, "burst": 1000, "attempts": 1},
            "catalogue": {
                "sources": list(sources),
                "lastfm_api": f"{url}/lastfm",
                "lastfm_key": "key",
                "musicbrainz_api": url,
                **catalogue,
            },
        }
    )


def played(home: Path, *titles: str, artist: str = "A") -> None:
    SmallTables(str(home / "lake")).append(
        "silver.listens",
        [
            {
                "listen_id": f"{title}{n}",
                "track_id": f"id-{title}",
                "track_title": title,
                "artist_id": "art:own",
                "artist_name": artist,
                "listen_date": NOW.date(),
                "started_at": NOW,
            }
            for n, title in enumerate(titles)
        ],
    )


def tracks(home: Path) -> dict[str, dict[str, Any]]:
    return {row["track_id"]: row for row in SmallTables(str(home / "lake")).rows("silver.tracks")}


def run(make_job, settings: Settings, now: datetime = NOW):
    job = make_job("import_catalogue", now=now, settings=settings)
    load_job("import_catalogue")(job)
    return job.summary


def test_the_simulators_catalogue_is_imported_once(make_job, settings, home) -> None:
    write_catalogue(make_catalogue(300, 14, np.random.default_rng(1)), NOW.date(), home / "catalogue" / "tracks.csv")
    first = run(make_job, settings)
    assert (first.rows_in, first.rows_out, first.facts["skipped"], first.facts["emptied"]) == (300, 300, 0, 0)
    assert tracks(home)["trk:17"]["source"] == "simulated"
    again = run(make_job, settings)
    assert (again.rows_out, again.facts["unchanged"]) == (0, 1)


def test_tracks_that_are_played_and_unknown_are_looked_up_in_the_order_of_the_sources(make_job, home, server) -> None:
    played(home, "Known", "Other", "Other")
    summary = run(make_job, with_sources(home, server.url, "lastfm", "musicbrainz"))
    assert (summary.facts["looked_up"], summary.facts["found"], summary.rows_out) == (2, 2, 2)
    found = tracks(home)
    assert (found["id-Known"]["source"], found["id-Known"]["duration_ms"]) == ("lastfm", 1000)
    assert (found["id-Other"]["source"], found["id-Other"]["recording_mbid"]) == ("musicbrainz", "mb-Other")
    assert found["id-Other"]["artist_id"] == "art:own", "plays and catalogue keep one artist_id"
    calls = len(server.seen)
    assert run(make_job, with_sources(home, server.url, "lastfm", "musicbrainz")).facts["looked_up"] == 0
    assert len(server.seen) == calls


def test_what_no_catalogue_knows_is_asked_again_only_after_a_while(make_job, home, server) -> None:
    played(home, "Other")
    only = with_sources(home, server.url, "lastfm", ask_again_days=30)
    assert run(make_job, only).facts["found"] == 0
    calls = len(server.seen)
    assert run(make_job, only, NOW + timedelta(days=29)).facts["looked_up"] == 0
    assert len(server.seen) == calls
    assert run(make_job, only, NOW + timedelta(days=31)).facts["looked_up"] == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(503), Answer(429, headers={"Retry-After": "3600"}), Answer(200, b'{"tra'), Answer(401), Answer(drop=True)],
    ids=["503", "429", "broken JSON", "401", "reset"],
)
def test_a_catalogue_that_fails_is_counted_and_the_job_ends_done(make_job, home, server, answer) -> None:
    played(home, *(f"t{n}" for n in range(9)))
    server.answer = lambda seen: answer
    summary = run(make_job, with_sources(home, server.url, "lastfm"))
    assert summary.facts["failed"] == {"lastfm": 3}, "after three failures it is left alone"
    assert summary.facts["found"] == 0
    assert SmallTables(str(home / "lake")).arrow("silver.listens").num_rows == 9
    assert SmallTables(str(home / "lake")).rows("ops.catalogue_lookups") == [], "it is asked again next time"


def test_a_catalogue_that_fails_keeps_no_other_from_answering(make_job, home, server) -> None:
    played(home, "Other")
    settings = with_sources(home, server.url, "lastfm", "musicbrainz", lastfm_api=f"http://127.0.0.1:{free_port()}/")
    summary = run(make_job, settings)
    assert (summary.facts["found"], summary.facts["failed"]) == (1, {"lastfm": 1})


def test_a_run_asks_for_so_many_tracks_and_the_most_played_first(make_job, home, server) -> None:
    played(home, "a", "b", "b", "c")
    run(make_job, with_sources(home, server.url, "musicbrainz", lookups_per_run=1))
    assert list(tracks(home)) == ["id-b"]


def test_a_catalogue_without_its_key_is_exit_2_and_names_the_key(make_job, home, server) -> None:
    with pytest.raises(SettingsError, match=r"catalogue\.lastfm_key"):
        run(make_job, with_sources(home, server.url, "lastfm", lastfm_key=None))


def test_without_files_and_sources_there_is_nothing_to_do(make_job, settings) -> None:
    assert run(make_job, settings).rows_out == 0
