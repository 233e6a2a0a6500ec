"""Leaving after a stall: an effect that is there is found, none is invented, and what cannot be known is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from earshot.analytics.stall_leaving import stall_leaving
from earshot.core.stall_effect import TERMS, StallEffect, stall_effect

GAP_MS = 1_800_000
MINUTE = 60_000


def sums(plays: list[tuple[int, int, int, int, bool]], size: int = 1) -> list[dict[str, float] | None]:
    """Of plays (cell, listener, minute of start, seconds heard, stalled) of one day."""
    cell, listener, start, heard, stalled = (np.array(column) for column in zip(*plays, strict=True))
    measured = {
        "played_ms": heard * 1_000.0,
        "rebuffer_count": stalled.astype(float),
        "rebuffer_ms": np.full(len(plays), np.nan),
    }
    found = stall_leaving(cell, listener, start * MINUTE, measured, size=size, session_gap_ms=GAP_MS)
    return [dict(row) if row is not None else None for row in found.to_pylist()]


def test_a_listener_who_left_after_the_stall_counts_against_those_plays_that_did_not_stall() -> None:
    (found,) = sums([(0, 7, 0, 200, False), (0, 7, 4, 200, False), (0, 7, 8, 200, True)])
    assert found is not None
    assert found["after"] == pytest.approx(1 * 2 / 3)  # one left of those that stalled, two of three did not
    assert found["without"] == 0
    assert (found["stalled"], found["plays"], found["clusters"]) == (1, 3, 1)


@pytest.mark.parametrize(
    "plays",
    [
        pytest.param([(0, 7, 0, 200, False), (0, 7, 4, 200, False)], id="no stall"),
        pytest.param([(0, 7, 0, 200, True), (0, 7, 4, 200, True)], id="nothing but stalls"),
        pytest.param([(0, 7, 0, 200, True), (0, 8, 4, 200, False)], id="another listener"),
        pytest.param([(0, 7, 0, 200, True), (1, 7, 4, 200, False)], id="another cell"),
        pytest.param([(0, 7, 0, 200, True), (0, 7, 4, 20, False)], id="heard for much less"),
        pytest.param([(0, 7, 1_415, 200, False), (0, 7, 1_430, 200, True)], id="who may go on after midnight"),
        pytest.param([(0, 7, 0, 200, False), (0, 7, 4, 0, True)], id="never heard"),
    ],
)
def test_what_cannot_be_compared_is_left_out(plays: list[tuple[int, int, int, int, bool]]) -> None:
    assert sums(plays, size=2) == [None, None]


def test_a_pause_longer_than_the_gap_is_leaving_and_a_shorter_one_is_not() -> None:
    for following, left in ((33, False), (34, True)):  # the first play ends in the minute 3
        (found,) = sums([(0, 7, 0, 180, True), (0, 7, following, 180, False), (0, 7, following + 5, 180, False)])
        assert found is not None
        assert (found["after"] > 0) is left


def test_a_source_that_tells_no_stalls_is_not_one_without_stalls() -> None:
    measured = {name: np.full(3, np.nan) for name in ("rebuffer_count", "rebuffer_ms")} | {"played_ms": np.full(3, 9e4)}
    nothing = np.zeros(3, np.int64)
    found = stall_leaving(nothing, nothing, np.arange(3) * 300_000, measured, size=1, session_gap_ms=GAP_MS)
    assert found.to_pylist() == [None]


def simulated(effect: float, *, seed: int, listeners: int = 700) -> StallEffect | None:
    """Listeners who leave at rates of their own, longer plays that stall more often, and a stall that makes them leave.

    The rate of leaving also rises with the time heard, which would look like an effect of stalls if it were not
    adjusted for.
    """
    rng = np.random.default_rng(seed)
    plays: list[tuple[int, int, int, int, bool]] = []
    for listener in range(listeners):
        leaving = rng.uniform(0.05, 0.3)
        for cell in range(6):
            minute = cell * 180
            for _ in range(30):
                heard = int(rng.integers(20, 300))
                stalled = rng.random() < 0.35 * heard / 300
                plays.append((cell, listener, minute, heard, bool(stalled)))
                odds = leaving * (0.5 + heard / 300) * (effect if stalled else 1)
                if rng.random() < odds / (1 + odds):
                    break
                minute += heard // 60 + 2
    found = sums(plays, size=6)
    total = {term: sum(row[term] for row in found if row) for term in TERMS}
    return stall_effect(total)


@pytest.mark.parametrize("effect", [1.0, 1.5, 2.5])
def test_an_effect_is_found_as_large_as_it_is(effect: float) -> None:
    found = simulated(effect, seed=11)
    assert found is not None
    assert found.lower < effect < found.upper
    assert found.upper / found.lower < 1.6


def test_the_interval_holds_no_effect_about_as_often_as_it_says() -> None:
    estimates = [simulated(1.0, seed=seed, listeners=150) for seed in range(40)]
    held = sum(one is not None and one.lower <= 1 <= one.upper for one in estimates)
    assert held >= 34


def test_too_little_is_no_estimate() -> None:
    few: dict[str, Any] = dict.fromkeys(TERMS, 1.0)
    assert stall_effect(few) is None
    assert stall_effect(few | {"clusters": 40, "after": 0.0}) is None
    assert stall_effect(few | {"clusters": 40}) is not None
