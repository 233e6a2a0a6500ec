"""Ingest and publication that are killed, processes and all, and run again leave what an undisturbed run leaves.

Six deaths here, three of them by SIGKILL; `make kills` kills at fifty seeded moments and in every named write.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable

from exactly_once.homes import told, unbalanced
from exactly_once.trials import Trials, deaths


def test_an_undisturbed_run_publishes_every_fate_of_a_line(trials: Trials) -> None:
    rows = trials.expected.rows
    assert rows["silver.listens"].total() == 181
    assert {"a.jsonl", "notes.bin", "g.zip!2.jsonl", "empty.jsonl"} <= _named_in(rows["ops.ledger"])
    assert not rows["bronze.listens"]
    assert not rows["landing/"]
    assert not rows["problems of ops.audit"]


def test_a_run_that_was_killed_at_any_moment_and_repeated_changes_nothing(trials: Trials) -> None:
    for death in deaths(trials, moments=3, steps=(), seed=4):
        assert death.differences == [], f"{death.moment}, {death.phase}, {death.committed}"


def test_a_run_that_died_in_any_write_and_was_repeated_changes_nothing(trials: Trials) -> None:
    for moment in random.Random(11).sample(range(1, 2 * len(trials.writes) + 1), 3):  # noqa: S311 (seeded, not secret)
        death = trials.at_write_without_a_process(moment)
        assert death.differences == [], f"{death.moment}, {death.committed}"


def test_a_third_run_finds_nothing_to_do(trials: Trials) -> None:
    home = trials.folder / "undisturbed"
    trials.recover(home, ("ingest_listens", "publish_listens"))
    assert told(home).differences(trials.expected) == []
    assert unbalanced(home) == []


def _named_in(ledger: Iterable[str]) -> set[str]:
    return {json.loads(row)["source_file"].removeprefix("2026-03-30/") for row in ledger}
