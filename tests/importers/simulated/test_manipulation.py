from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import datetime

import numpy as np
import pytest

from earshot.importers.simulated.plays import FIRST_MANIPULATED, KINDS
from importers.simulated.judge import start_ms


@pytest.fixture(scope="module")
def by_kind(simulate):
    found = defaultdict(list)
    for event in simulate("manipulation", days=8, listeners=150, plays=20_000).events().values():
        found[event["_"]["kind"]].append(event)
    return found


def _grouped(events, key):
    found = defaultdict(list)
    for event in events:
        found[key(event)].append(event)
    return found


def test_every_kind_is_there_with_its_label(by_kind):
    assert set(by_kind) == {None, *KINDS[1:]}
    for kind, events in by_kind.items():
        manipulated = kind in KINDS[FIRST_MANIPULATED:]
        assert {event["_"]["label"] for event in events} == {"manipulated" if manipulated else "organic"}


def test_accounts_that_act_together_share_a_ring_and_others_have_none(by_kind):
    for kind, events in by_kind.items():
        rings = {event["_"]["ring"] for event in events}
        assert (None not in rings) == (kind in {"bot_farm", "coordinated", "hijacked"}), kind
    assert len({event["_"]["ring"] for event in by_kind["bot_farm"]}) == 2


def test_a_farm_has_many_accounts_on_few_devices_and_one_network(by_kind):
    for farm in _grouped(by_kind["bot_farm"], lambda e: e["_"]["ring"]).values():
        accounts, devices = {e["listener"] for e in farm}, {e["device_id"] for e in farm}
        assert len({e["ip"].rpartition(".")[0] for e in farm}) == 1
        assert len({e["track_id"] for e in farm}) <= 8
        assert len(devices) <= max(2, len(accounts) // 2)


def test_loops_last_just_over_half_a_minute(by_kind):
    played = [event["played_ms"] for event in by_kind["loop_31s"] if not event["start_failed"]]
    assert 31_000 <= min(played) <= max(played) < 33_000


def test_an_account_around_the_clock_plays_in_every_hour(by_kind):
    for events in _grouped(by_kind["round_the_clock"], lambda e: (e["listener"], e["started_at"][:10])).values():
        assert len({event["started_at"][11:13] for event in events}) == 24


def test_coordinated_listeners_play_the_same_track_within_minutes(by_kind):
    spread = [
        max(times) - min(times)
        for group in _grouped(by_kind["coordinated"], lambda e: (e["track_id"], start_ms(e) // 600_000)).values()
        if len(times := [start_ms(e) for e in group]) > 2
    ]
    assert spread and np.median(spread) < 125_000


def test_a_hijacked_account_plays_abroad_while_its_owner_stays_at_home(by_kind):
    home = {event["listener"]: event["country"] for event in by_kind[None]}
    for listener, events in _grouped(by_kind["hijacked"], lambda e: e["listener"]).items():
        assert {event["country"] for event in events} != {home[listener]}
        assert len({event["country"] for event in events}) == 1
        assert max(map(start_ms, events)) - min(map(start_ms, events)) <= 6 * 3_600_000


def test_sleepers_play_one_quiet_album_at_night(by_kind):
    for nights in _grouped(by_kind["sleep_music"], lambda e: e["listener"]).values():
        assert len({event["album_title"] for event in nights}) == 1
        assert Counter(e["track_id"] for e in nights).most_common(1)[0][1] > 10


def test_fans_play_one_new_album_on_one_day(by_kind):
    fans = by_kind["super_fan"]
    assert len({event["album_title"] for event in fans}) == 1
    assert all(len(plays) >= 20 for plays in _grouped(fans, lambda e: e["listener"]).values())


def test_a_shop_is_open_for_fourteen_hours_and_plays_many_tracks(by_kind):
    for day in _grouped(by_kind["shop"], lambda e: (e["listener"], e["started_at"][:10])).values():
        assert len({event["track_id"] for event in day}) >= 8
    assert max(Counter(e["started_at"][:10] for e in by_kind["shop"]).values()) > 100


def test_a_family_account_plays_two_things_at_once(by_kind):
    overlapping = 0
    for events in _grouped(by_kind["family_account"], lambda e: e["listener"]).values():
        times = sorted((start_ms(e), start_ms(e) + e["played_ms"]) for e in events)
        overlapping += sum(end > after for (_, end), (after, _) in itertools.pairwise(times))
    assert overlapping > 0


def test_everybody_else_of_the_organic_listeners_plays_one_thing_at_a_time(by_kind):
    organic = [e for kind in (None, "sleep_music", "super_fan", "shop") for e in by_kind[kind]]
    for events in _grouped(organic, lambda e: e["listener"]).values():
        times = sorted((start_ms(e), start_ms(e) + e["played_ms"]) for e in events)
        assert all(end <= after for (_, end), (after, _) in itertools.pairwise(times))


def test_names_of_accounts_do_not_tell_who_is_organic(by_kind):
    numbers = {kind: [int(e["listener"].rpartition("-")[2]) for e in events] for kind, events in by_kind.items()}
    organic = {n for kind in (None,) for n in numbers[kind]}
    bots = {n for kind in ("bot_farm", "coordinated", "loop_31s", "round_the_clock") for n in numbers[kind]}
    assert min(bots) < np.median(sorted(organic)) or max(organic) > max(bots)
    assert not organic & bots


def test_starts_have_a_zone_and_milliseconds(by_kind):
    for event in by_kind["bot_farm"][:50]:
        assert event["started_at"].endswith("Z") and event["started_at"][19] == "."
        assert datetime.fromisoformat(event["started_at"]).utcoffset() is not None
