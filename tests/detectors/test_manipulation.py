"""Plain rules of stream manipulation, on listeners made up for each rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from earshot.core.settings import ManipulationSettings
from earshot.detectors import stream_truth
from earshot.detectors.manipulation import suspects_among
from earshot.detectors.signals import WEIGHTS
from earshot.detectors.strange_days import ListenerDay, strange_days
from earshot.detectors.verdicts import days_to_judge_again, subject_of, verdicts_of, with_verdicts

DAY = date(2026, 3, 20)
START = datetime(2026, 3, 20, tzinfo=UTC)
NOW = datetime(2026, 3, 22, 9, tzinfo=UTC)
SETTINGS = ManipulationSettings()
FIELDS = pa.schema(
    [
        ("listener_id", pa.string()),
        ("track_id", pa.string()),
        ("listen_date", pa.date32()),
        ("started_at", pa.timestamp("us", tz="UTC")),
        ("played_ms", pa.int64()),
        ("country", pa.string()),
        ("network_token", pa.string()),
        ("device_token", pa.string()),
    ]
)


def play(listener: str, minute: float, track: str, played: int | None = 200_000, **other: str | None) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    row = {"listener_id": listener, "track_id": track, "listen_date": at.date(), "started_at": at, "played_ms": played}
    return {"country": "DE", "network_token": f"net-{listener}", "device_token": f"dev-{listener}", **row, **other}


def spread(listener: str, plays: int, tracks: int, played: int = 200_000, **other: str | None) -> list[dict[str, Any]]:
    return [play(listener, n * 1439 / plays, f"t{n % tracks}", played, **other) for n in range(plays)]


def loop() -> list[dict[str, Any]]:
    return [play("loop", 300 + n * 0.6, "t1", 31_400) for n in range(200)]


def hijacked() -> list[dict[str, Any]]:
    own = [play("victim", 400 + n * 4, f"own{n}") for n in range(15)]
    away = {"country": "BR", "network_token": "net-far", "device_token": "dev-far"}
    return own + [play("victim", 600 + n * 5, f"push{n % 2}", 40_000, **away) for n in range(60)]


def in_step() -> list[dict[str, Any]]:
    """Five people with devices of their own, who start the same tracks within two minutes of each other."""
    return [
        play(f"step{who}", 240 + n * 70 + who * 0.4, f"s{n * 7 % 3}", 150_000) for who in range(5) for n in range(15)
    ]


def innocents() -> list[dict[str, Any]]:
    sleep = [play("sleeper", n * 3.6, f"s{n % 10}") for n in range(130)]
    fan = [play("fan", 600 + n * 4, f"album{n % 10}", 230_000) for n in range(60)]
    fan += [play(f"fan{k}", 600 + k + n * 4, f"album{n % 10}", 230_000) for k in range(1, 5) for n in range(60)]
    shop = [play("shop", 480 + n * 3.5, f"p{n % 25}") for n in range(235)]
    family = [
        play("family", 330 + n * 7, f"f{n}", device_token=f"dev-{n % 4}", network_token=f"n{n % 3}") for n in range(150)
    ]
    skipper = [play("skipper", 900 + n * 0.5, f"k{n}", 9_000) for n in range(80)]
    radio = [play("station", n * 4, f"r{n}", None, network_token=None, device_token=None) for n in range(350)]
    return sleep + fan + shop + family + skipper + radio


LookedAt = Mapping[str, ListenerDay]


@pytest.fixture(scope="module")
def strange() -> LookedAt:
    farm = [row for n in range(4) for row in spread(f"bot{n}", 90, 4, 40_000, network_token="farm")]
    ring = spread("ring", 24, 3)
    listens = [*farm, *ring, *in_step(), *loop(), *hijacked(), *innocents(), *spread("sleepless", 300, 25)]
    plays = pa.Table.from_pylist(listens, schema=FIELDS)
    return strange_days(plays.select, settings=SETTINGS, known_listeners=["fan"])


def named(rows: list[dict[str, Any]]) -> set[tuple[str, str | None]]:
    return {(row["listener_id"], row["track_id"]) for row in rows if row["verdict"] != "cleared"}


def said(verdict: str, subject: str, at: datetime = NOW) -> dict[str, Any]:
    return {"subject_kind": "suspect", "subject": subject, "verdict": verdict, "author": "a", "reason": "b", "at": at}


def test_manipulators_are_named_and_innocents_are_not(strange: LookedAt) -> None:
    found = named(with_verdicts(suspects_among(DAY, strange, SETTINGS), []))
    names = ("bot0", "bot1", "bot2", "bot3", "ring", "loop", "sleepless", *(f"step{who}" for who in range(5)))
    whole = {(name, None) for name in names}
    assert found == whole | {("victim", "push0"), ("victim", "push1")}


def test_signals_say_why(strange: LookedAt) -> None:
    rows = {row["listener_id"]: row for row in suspects_among(DAY, strange, SETTINGS)}
    why = {name: {signal["name"] for signal in rows[name]["signals"]} for name in ("bot0", "loop", "sleepless")}
    assert {"round_the_clock", "few_tracks", "short_plays", "crowded_network"} <= why["bot0"]
    assert {"loops", "few_tracks", "velocity"} <= why["loop"]
    assert why["sleepless"] == {"round_the_clock", "few_tracks", "even_hours"}
    for row in rows.values():
        assert row["score"] == pytest.approx(min(sum(signal["weight"] for signal in row["signals"]), 1.0))


def test_those_who_act_in_step_are_told_with_how_many_others(strange: LookedAt) -> None:
    rows = {row["listener_id"]: row for row in suspects_among(DAY, strange, SETTINGS)}
    told = {name: {one["name"]: one["value"] for one in row["signals"]} for name, row in rows.items()}
    assert {told[f"step{who}"]["coordinated"] for who in range(5)} == {4}
    assert {name[:4] for name in told if "coordinated" in told[name]} == {"step", "bot0", "bot1", "bot2", "bot3"}
    assert {"fan", "fan1", "fan4"} <= set(told), "fans of an album are looked at"


def test_a_track_again_and_again_is_uneven_and_all_day_is_even(strange: LookedAt) -> None:
    rows = {
        row["listener_id"]: {one["name"] for one in row["signals"]} for row in suspects_among(DAY, strange, SETTINGS)
    }
    assert "repeated_tracks" in rows["loop"]
    assert "repeated_tracks" not in rows["sleepless"]
    assert "even_hours" not in rows["loop"]


def test_every_signal_has_a_weight_and_they_add_up(strange: LookedAt) -> None:
    for row in suspects_among(DAY, strange, SETTINGS):
        assert {signal["name"] for signal in row["signals"]} <= set(WEIGHTS)
        assert all(0 < signal["weight"] <= WEIGHTS[signal["name"]] for signal in row["signals"])


def test_streams_are_those_of_the_row(strange: LookedAt) -> None:
    rows = {(row["listener_id"], row["track_id"]): row for row in suspects_among(DAY, strange, SETTINGS)}
    assert rows["loop", None]["streams"] == 200
    assert rows["victim", "push0"]["streams"] == 30


def test_a_cleared_listener_is_no_suspect_and_stays_listed(strange: LookedAt) -> None:
    verdicts = verdicts_of([said("cleared", "sleepless")])
    rows = with_verdicts(suspects_among(DAY, strange, SETTINGS), verdicts)
    assert ("sleepless", None) not in named(rows)
    assert [row["verdict"] for row in rows if row["listener_id"] == "sleepless"] == ["cleared"]


def test_a_confirmed_listener_is_named_whatever_the_score(strange: LookedAt) -> None:
    rows = with_verdicts(suspects_among(DAY, strange, SETTINGS), verdicts_of([said("confirmed", "fan")]))
    assert [(row["verdict"], row["track_id"]) for row in rows if row["listener_id"] == "fan"] == [("confirmed", None)]


def test_a_verdict_may_speak_of_one_track_of_one_day(strange: LookedAt) -> None:
    verdicts = verdicts_of([said("confirmed", subject_of("fan", "album3", DAY))])
    rows = with_verdicts(suspects_among(DAY, strange, SETTINGS), verdicts)
    assert [row["track_id"] for row in rows if row["listener_id"] == "fan"] == ["album3"]


def test_a_day_that_is_given_because_people_spoke_of_the_listener_is_suspect_to_no_rule(
    strange: LookedAt,
) -> None:
    spoken_of = {**strange, "bot0": replace(strange["bot0"], is_strange=False)}
    assert ("bot0", None) not in named(with_verdicts(suspects_among(DAY, spoken_of, SETTINGS), []))
    without = {name: day for name, day in strange.items() if name != "bot0"}
    others = [row for row in suspects_among(DAY, spoken_of, SETTINGS) if row["listener_id"] != "bot0"]
    assert others == suspects_among(DAY, without, SETTINGS), "nor is it anybody's company"


def test_the_last_word_counts(strange: LookedAt) -> None:
    verdicts = verdicts_of([said("cleared", "ring", NOW + timedelta(hours=1)), said("confirmed", "ring")])
    rows = with_verdicts(suspects_among(DAY, strange, SETTINGS), verdicts)
    assert [row["verdict"] for row in rows if row["listener_id"] == "ring"] == ["cleared"]


def test_a_changed_verdict_touches_its_days_once(strange: LookedAt) -> None:
    found = suspects_among(DAY, strange, SETTINGS)
    before = with_verdicts(found, [])
    verdicts = verdicts_of([said("cleared", "loop")])
    assert days_to_judge_again([], before) == set()
    assert days_to_judge_again(verdicts, before) == {DAY}
    assert days_to_judge_again(verdicts, with_verdicts(found, verdicts)) == set()


def test_flags_cover_the_day_or_the_track_alone() -> None:
    listens = pa.table(
        {
            "listener_id": ["a", "a", "b", "b", "c"],
            "track_id": ["x", "y", "x", "y", "x"],
            "listen_date": [DAY] * 5,
            "source_file": ["f"] * 5,
            "source_line": [1, 2, 3, 4, 5],
        }
    )
    suspects = pa.table(
        {
            "listener_id": ["a", "b", "c"],
            "track_id": pa.array([None, "y", None], pa.string()),
            "listen_date": [DAY] * 3,
            "verdict": ["suspect", "confirmed", "cleared"],
        }
    )
    assert stream_truth.flagged(listens, suspects).to_pylist() == [True, True, False, True, False]
    truth = pa.table(
        {
            "source_file": ["f"] * 5,
            "source_line": [1, 2, 3, 4, 5],
            "label": ["manipulated", "organic", "organic", "manipulated", "manipulated"],
            "kind": ["bot_farm", None, "shop", "hijacked", "loop_31s"],
        }
    )
    figures = stream_truth.compare(truth, listens, suspects)
    assert figures["precision"] == pytest.approx(2 / 3)
    assert figures["recall"] == pytest.approx(2 / 3)
    assert [row["flagged"] for row in figures["by_kind"]] == [1, 1, 0, 0, 1]
