"""Listeners who act in step, and those who only seem to."""

from __future__ import annotations

import numpy as np

from earshot.detectors.coordination import Start, companies, shingles

ALBUM = tuple(f"a{n}" for n in range(10))
TRACK_S = 220


def at_meetings(seed: int, meetings: int = 20, late: int = 120) -> list[Start]:
    """Plays every 70 minutes of one of three tracks, each listener up to two minutes late."""
    order, own = np.random.default_rng(1), np.random.default_rng(seed)
    return [(n * 4_200 + int(own.integers(0, late)), 200_000, f"t{int(order.integers(0, 3))}") for n in range(meetings)]


def album_from(begin: int, times: int = 8) -> list[Start]:
    """An album from end to end, again and again, without a pause."""
    return [(begin + n * TRACK_S, TRACK_S * 1_000, ALBUM[n % 10]) for n in range(times * 10)]


def test_those_who_start_the_same_tracks_together_are_a_company() -> None:
    starts = {f"c{seed}": shingles(at_meetings(seed)) for seed in range(2, 7)}
    assert companies(starts) == {name: 4 for name in starts}


def test_playing_without_a_pause_is_one_start() -> None:
    assert len(shingles(album_from(1_000))) == 2
    assert len(shingles([(0, 60_000, "t"), (600, 60_000, "t")])) == 4


def test_fans_of_an_album_in_step_by_chance_are_no_company() -> None:
    assert companies({f"f{n}": shingles(album_from(5_000 + n * 30)) for n in range(20)}) == {}


def test_people_who_play_what_they_like_are_no_company() -> None:
    chance = np.random.default_rng(3)
    starts = {
        f"p{n}": shingles(
            [(int(at), 200_000, f"t{int(chance.integers(0, 5))}") for at in np.sort(chance.integers(0, 86_400, 40))]
        )
        for n in range(30)
    }
    assert companies(starts) == {}


def test_two_companies_are_kept_apart() -> None:
    one = {f"c{seed}": shingles(at_meetings(seed)) for seed in (2, 3, 4)}
    shifted = [[(at + 2_000, heard, f"o{track}") for at, heard, track in at_meetings(seed)] for seed in (5, 6)]
    other = {f"d{number}": shingles(plays) for number, plays in enumerate(shifted)}
    assert companies({**one, **other}) == {"c2": 2, "c3": 2, "c4": 2, "d0": 1, "d1": 1}


def test_a_large_company_is_found_whole() -> None:
    starts = {f"c{seed:03}": shingles(at_meetings(seed)) for seed in range(2, 302)}
    found = companies(starts)
    assert len(found) == 300
    assert set(found.values()) == {299}


def test_the_order_of_the_listeners_changes_nothing() -> None:
    starts = {f"c{seed}": shingles(at_meetings(seed)) for seed in range(2, 9)}
    assert companies(starts) == companies(dict(reversed(starts.items())))
