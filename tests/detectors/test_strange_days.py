"""Whose day is looked at, against the definition in plain Python; what is read of the files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from earshot.core.settings import ManipulationSettings
from earshot.detectors.signals import PART_OF_PLAYS, PLAYS_A_TRACK, PLAYS_AN_HOUR
from earshot.detectors.strange_days import READ, strange_days

START = datetime(2026, 3, 20, tzinfo=UTC)
SETTINGS = ManipulationSettings()
TEXT = pa.dictionary(pa.int32(), pa.string())
FIELDS = pa.schema(
    [
        ("listener_id", TEXT),
        ("network_token", TEXT),
        ("track_id", TEXT),
        ("country", TEXT),
        ("started_at", pa.timestamp("us", tz="UTC")),
        ("played_ms", pa.int64()),
        ("device_token", TEXT),
    ]
)


def day_of(plays: Sequence[dict[str, Any]], files: int = 1) -> pa.Table:
    """The plays as they come from so many files, each with dictionaries of its own."""
    parts = [list(plays[first::files]) for first in range(files)]
    return pa.concat_tables([pa.Table.from_pylist(part, schema=FIELDS) for part in parts if part])


def play(listener: str, minute: float, track: str | None = "t", **other: Any) -> dict[str, Any]:
    usual = {"network_token": "n", "country": "DE", "device_token": "d", "played_ms": 200_000}
    at = START + timedelta(minutes=minute)
    return {**usual, "listener_id": listener, "track_id": track, "started_at": at, **other}


def calm(listener: str, plays: int = 20, **other: Any) -> list[dict[str, Any]]:
    return [play(listener, 400 + n * 30 % 900, f"{listener}-{n}", **other) for n in range(plays)]


def looked_at(plays: Sequence[dict[str, Any]], known: Sequence[str] = (), files: int = 1) -> dict[str, bool]:
    found = strange_days(day_of(plays, files).select, settings=SETTINGS, known_listeners=known)
    return {name: one.is_strange for name, one in found.items()}


def is_strange(plays: Sequence[dict[str, Any]]) -> bool:
    """The definition, of one listener."""
    by_network = defaultdict(list)
    for one in plays:
        by_network[one["network_token"] or ""].append(one)
    countries = {one["country"] for one in plays if one["country"]}
    return len(plays) >= SETTINGS.minimum_streams and (
        any(is_odd(unit) for unit in by_network.values())
        or len({one["started_at"].hour for one in plays}) >= SETTINGS.round_the_clock_hours
        or len(plays) >= PLAYS_A_TRACK[0] * len({one["track_id"] or "" for one in plays})
        or len(plays) >= 192
        or len(countries) > 1
    )


def is_odd(unit: Sequence[dict[str, Any]]) -> bool:
    heard = [one["played_ms"] or 0 for one in unit]
    half = PART_OF_PLAYS[0] * max(sum(ms > 0 for ms in heard), 1)
    loops = sum(SETTINGS.loop_ms_low <= ms <= SETTINGS.loop_ms_high for ms in heard)
    short = sum(SETTINGS.loop_ms_low <= ms <= 60_000 for ms in heard)
    haste = len(unit) >= PLAYS_AN_HOUR[0] * len({one["started_at"].hour for one in unit})
    return len(unit) >= SETTINGS.minimum_streams and (loops > half or short > half or haste)


def chance_listener(name: str, chance: np.random.Generator) -> list[dict[str, Any]]:
    """Plays whose habits are drawn near the thresholds."""
    plays = int(chance.choice([6, 11, 12, 15, 40, 191, 192, 230]))
    tracks = max(int(plays / chance.choice([1.0, 2.9, 3.0, 6.0])), 1)
    hours = int(chance.choice([1, 4, 19, 20, 24]))
    networks = int(chance.choice([0, 1, 2, 4]))
    briefly = chance.choice([0.1, 0.5, 0.9])
    countries = ["DE", None] if chance.random() < 0.9 else ["DE", "FR", None]
    return [
        play(
            name,
            int(chance.integers(0, hours)) * 60 + float(chance.random() * 59),
            f"t{int(chance.integers(0, tracks))}" if chance.random() > 0.03 else None,
            network_token=f"n{int(chance.integers(0, networks))}" if networks else None,
            country=countries[int(chance.integers(0, len(countries)))],
            played_ms=int(chance.choice([31_000, 50_000])) if chance.random() < briefly else [None, 0, 250_000][n % 3],
        )
        for n in range(plays)
    ]


@pytest.mark.parametrize(("seed", "files"), [(1, 1), (2, 3), (3, 7)])
def test_whose_day_is_looked_at_is_the_definition_whatever_files_it_lies_in(seed: int, files: int) -> None:
    chance = np.random.default_rng(seed)
    by_listener = {f"l{n:03}": chance_listener(f"l{n:03}", chance) for n in range(250)}
    plays = [one for day in by_listener.values() for one in day]
    chance.shuffle(plays)
    expected = {name for name, day in by_listener.items() if is_strange(day)}
    assert 50 < len(expected) < 200
    assert looked_at(plays, files=files) == dict.fromkeys(sorted(expected), True)


def test_units_are_the_plays_of_a_network_and_the_unknown_one_is_a_network() -> None:
    far = {"network_token": "far", "device_token": "e", "country": "BR"}
    nowhere = {"network_token": None, "device_token": None, "country": None, "played_ms": None}
    plays = [*calm("a"), *(play("a", 100 + n, "pushed", **far) for n in range(5)), play("a", 50, None, **nowhere)]
    (unknown, distant, home) = strange_days(day_of(plays, 2).select, settings=SETTINGS)["a"].units
    by_network = {unit.network: unit for unit in (unknown, distant, home)}
    assert {name: unit.streams for name, unit in by_network.items()} == {"": 1, "far": 5, "n": 20}
    assert by_network["far"].tracks == {"pushed": 5}
    assert (by_network["far"].devices, by_network["far"].countries) == ({"e"}, {"BR"})
    assert by_network[""].plays == ((int(START.timestamp()) + 3_000, 0, ""),)
    assert (by_network[""].devices, by_network[""].heard) == (frozenset(), 0)
    assert (by_network["n"].heard, by_network["n"].loops, by_network["n"].short) == (20, 0, 0)


def test_whom_people_spoke_of_is_given_whatever_they_played_and_is_not_strange_for_it() -> None:
    plays = [*calm("quiet", 3), *calm("other"), *(play("loop", n, "t") for n in range(40))]
    assert looked_at(plays, known=["quiet", "loop", "absent"]) == {"loop": True, "quiet": False}


def test_a_day_without_anything_strange_has_nobody_and_devices_are_not_read() -> None:
    asked: list[str] = []
    day = day_of(calm("a") + calm("b"))

    def read(columns: Sequence[str]) -> pa.Table:
        asked.extend(columns)
        return day.select(columns)

    assert strange_days(read, settings=SETTINGS) == {}
    assert sorted(asked) == sorted(set(READ) - {"device_token"}), "each column once"


def test_a_day_without_plays_has_nobody() -> None:
    assert strange_days(FIELDS.empty_table().select, settings=SETTINGS, known_listeners=["a"]) == {}
