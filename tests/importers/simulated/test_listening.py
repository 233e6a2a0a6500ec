from __future__ import annotations

import csv
import itertools
import re
from collections import Counter, defaultdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from earshot.core.schemas import TABLES
from earshot.importers.simulated.geography import BINS, COUNTRIES, ZONES, moments, rhythm, zone_offsets_ms
from importers.simulated.judge import start_ms


@pytest.fixture(scope="module")
def events(simulate):
    return list(simulate("clean", days=4, listeners=150, plays=15_000).events().values())


def test_no_play_of_a_listener_begins_before_the_one_before_it_ended(events):
    by_listener = defaultdict(list)
    for event in events:
        by_listener[event["listener"]].append((start_ms(event), event["played_ms"]))
    overlaps = 0
    for plays in by_listener.values():
        plays.sort()
        overlaps += sum(start + played > after for (start, played), (after, _) in itertools.pairwise(plays))
    assert overlaps == 0


def test_activity_has_a_long_tail(events):
    counts = np.sort(list(Counter(event["listener"] for event in events).values()))[::-1]
    assert counts[: len(counts) // 10].sum() > 0.25 * counts.sum()


def test_people_sleep_at_night_in_their_own_zone(events):
    local = Counter(
        datetime.fromisoformat(event["started_at"]).astimezone(ZoneInfo(event["time_zone"])).hour for event in events
    )
    assert sum(local[hour] for hour in (2, 3, 4)) < 0.4 * sum(local[hour] for hour in (17, 18, 19))


def test_a_listener_lives_in_one_zone_of_a_country_and_pays_for_one_tier(events):
    for keys in (("country", "time_zone"), ("tier",)):
        seen = defaultdict(set)
        for event in events:
            seen[event["listener"]].add(tuple(event[key] for key in keys))
        assert all(len(values) == 1 for values in seen.values())
    countries = {zone: country.code for country in COUNTRIES for zone, _ in country.zones}
    assert all(countries[event["time_zone"]] == event["country"] for event in events)


def test_one_play_ends_for_the_reason_that_the_next_one_begins(events):
    by_listener = defaultdict(list)
    for event in events:
        by_listener[event["listener"]].append((start_ms(event), event))
    after_skip = [
        later["reason_start"]
        for plays in by_listener.values()
        for (_, earlier), (_, later) in zip(
            sorted(plays, key=lambda p: p[0]), sorted(plays, key=lambda p: p[0])[1:], strict=False
        )
        if earlier["reason_end"] == "fwdbtn" and later["reason_start"] not in {"clickrow", "playbtn"}
    ]
    assert after_skip and Counter(after_skip)["fwdbtn"] > 0.95 * len(after_skip)


def test_skipped_plays_are_shorter_than_their_track_and_finished_ones_are_not(events):
    for event in events:
        if event["reason_end"] == "trackdone":
            assert event["played_ms"] == event["duration_ms"] and not event["skipped"]
        if event["skipped"]:
            assert event["played_ms"] < event["duration_ms"]
    assert 0.1 < np.mean([event["skipped"] for event in events]) < 0.35


def test_a_play_whose_sound_never_came_has_neither_startup_nor_stalls(events):
    failed = [event for event in events if event["start_failed"]]
    assert 0 < len(failed) < 0.03 * len(events)
    for event in failed:
        assert "startup_ms" not in event
        assert event["played_ms"] == event["rebuffer_ms"] == event["rebuffer_count"] == 0


def test_plays_from_the_device_use_no_network(events):
    offline = [event for event in events if event["offline"]]
    assert offline
    assert all("cdn" not in event and event["rebuffer_count"] == 0 for event in offline)
    assert all("cdn" in event for event in events if not event["offline"])


def test_quality_depends_on_device_and_network(events):
    def startup(**wanted: str) -> float:
        return float(
            np.median(
                [e["startup_ms"] for e in events if "startup_ms" in e and all(e.get(k) == v for k, v in wanted.items())]
            )
        )

    assert startup(device="android") > 1.15 * startup(device="ios")
    assert startup(cdn="gamma") > startup(cdn="alpha")


def test_people_come_back_to_tracks_and_keep_to_their_scenes(events, simulate):
    with simulate("clean", days=4, listeners=150, plays=15_000).done.catalogue.open(encoding="utf-8") as file:
        genre = {row["track_id"]: row["genres"].split(";")[0] for row in csv.DictReader(file)}
    overall = Counter(genre[event["track_id"]] for event in events)
    by_listener = defaultdict(list)
    for event in events:
        by_listener[event["listener"]].append(event["track_id"])
    busy = [tracks for tracks in by_listener.values() if len(tracks) > 60]
    own = [Counter(genre[track] for track in tracks).most_common(1)[0][1] / len(tracks) for tracks in busy]
    assert np.mean(own) > 2 * overall.most_common(1)[0][1] / len(events)
    assert np.mean([len(set(tracks)) / len(tracks) for tracks in busy]) < 0.8


def test_the_catalogue_has_the_columns_of_silver_tracks_and_fits_the_plays(events, simulate):
    with simulate("clean", days=4, listeners=150, plays=15_000).done.catalogue.open(encoding="utf-8") as file:
        tracks = {row["track_id"]: row for row in csv.DictReader(file)}
    columns = [name for name in TABLES["silver.tracks"].column_names if name != "updated_at"]
    assert list(next(iter(tracks.values()))) == columns
    assert len(tracks) == 400
    assert all(re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", row["isrc"]) for row in tracks.values())
    assert (
        len({row["isrc"] for row in tracks.values()}) == len({row["recording_mbid"] for row in tracks.values()}) == 400
    )
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", row["recording_mbid"])
        for row in tracks.values()
    )
    for event in events:
        row = tracks[event["track_id"]]
        assert row["track_title"] == event["track_title"]
        assert int(row["duration_ms"]) == event["duration_ms"]
        assert row["released_on"] <= event["started_at"][:10]


def test_zones_follow_the_calendar():
    berlin = ZONES.index("Europe/Berlin")
    assert zone_offsets_ms(date(2026, 3, 28))[berlin] == 3_600_000
    assert zone_offsets_ms(date(2026, 3, 29))[berlin] == 7_200_000


def test_moments_follow_the_rhythm():
    weights = rhythm(date(2026, 3, 18))
    rng = np.random.default_rng(0)
    row = np.full(40_000, 5)
    drawn = np.bincount(moments(weights, row, rng.random(row.size)) // 1_800_000, minlength=BINS) / row.size
    assert drawn == pytest.approx(weights[5] / weights[5].sum(), abs=0.01)
