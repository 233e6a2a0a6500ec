"""Simulating logs against the least that any generator must do: `json.dumps` of every line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from earshot.importers.simulated import generate
from stopwatch import ROUNDS, Stopwatch

pytestmark = pytest.mark.benchmark

PLAYS = 1_000_000
GOAL_PLAYS_A_SECOND = 200_000


def test_simulating_a_line_costs_less_than_dumping_it_from_a_dict(
    tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    for turn in range(ROUNDS):
        out = tmp_path / f"out-{turn}"
        with stopwatch.measure("earshot"):
            made = generate(
                out,
                days=14,
                listeners=4_000,
                tracks=20_000,
                plays=PLAYS,
                start=date(2026, 3, 2),
                seed=turn,
                scenario="clean",
            )
        events = list(itertools.islice(_events(out / "landing"), 200_000))
        with stopwatch.measure("json.dumps"), (out / "copy.jsonl").open("w", encoding="utf-8") as file:
            for _ in range(PLAYS // len(events)):
                file.writelines(json.dumps(event) + "\n" for event in events)
    ratio = stopwatch.ratio("earshot", "json.dumps")
    rate = PLAYS / stopwatch.median("earshot")
    show(f"{made.lines:,} lines simulated: {rate:,.0f} plays/s (goal {GOAL_PLAYS_A_SECOND:,}), {ratio:.2f}x json.dumps")
    assert rate >= GOAL_PLAYS_A_SECOND


def _events(landing: Path) -> itertools.chain[dict[str, object]]:
    files = sorted(landing.rglob("*.jsonl"))
    return itertools.chain.from_iterable(map(json.loads, file.open(encoding="utf-8")) for file in files)
