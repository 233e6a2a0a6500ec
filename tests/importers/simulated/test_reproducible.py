from __future__ import annotations

import hashlib
import os
import time
from datetime import date
from pathlib import Path

import pytest

from earshot.core.errors import ArgumentError
from earshot.importers.simulated import Generated, generate


def _make(out: Path, **changed: object) -> Generated:
    arguments = {
        "days": 3,
        "listeners": 60,
        "tracks": 200,
        "plays": 2_000,
        "start": date(2026, 3, 16),
        "seed": 5,
        "scenario": "faults",
    }
    return generate(out, **{**arguments, **changed})  # type: ignore[arg-type]


def _digests(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_the_same_arguments_write_the_same_bytes_at_another_time(tmp_path, monkeypatch):
    _make(tmp_path / "a")
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    _make(tmp_path / "b")
    monkeypatch.undo()
    time.tzset()
    first = _digests(tmp_path / "a")
    assert first == _digests(tmp_path / "b")
    assert {name.split("/")[0] for name in first} == {"landing", "truth", "catalogue"}
    assert any(name.endswith(".gz") for name in first)


def test_another_seed_writes_other_plays(tmp_path):
    _make(tmp_path / "a")
    _make(tmp_path / "b", seed=6)
    one, other = (set(_digests(tmp_path / name / "landing").values()) for name in "ab")
    assert one and other and not one & other


def test_writing_again_leaves_other_files_alone(tmp_path):
    _make(tmp_path)
    before = _digests(tmp_path)
    (tmp_path / "landing" / "mine.jsonl").write_text("{}\n")
    _make(tmp_path)
    after = _digests(tmp_path)
    assert after.pop("landing/mine.jsonl")
    assert after == before


@pytest.mark.parametrize("plays", [500, 3_001])
def test_the_number_of_organic_plays_is_exact_where_nothing_takes_them_away(tmp_path, plays):
    done = _make(tmp_path, plays=plays, scenario="clean")
    assert done.plays == done.lines == plays


def test_incidents_take_plays_but_the_number_stays_within_a_hundredth(tmp_path):
    done = _make(tmp_path, days=14, listeners=300, plays=40_000, scenario="default")
    assert done.plays == pytest.approx(40_000, rel=0.01)


def test_without_a_number_there_are_18_plays_a_listener_and_day(tmp_path):
    assert _make(tmp_path, days=2, listeners=20, plays=None, scenario="clean").plays == 2 * 20 * 18


@pytest.mark.parametrize(
    ("changed", "option"),
    [
        ({"days": 0}, "--days"),
        ({"listeners": 3}, "--listeners"),
        ({"tracks": 1}, "--tracks"),
        ({"plays": 0}, "--plays"),
    ],
)
def test_a_number_that_is_too_small_is_refused_by_name(tmp_path, changed, option):
    with pytest.raises(ArgumentError, match=option):
        _make(tmp_path, **changed)
    assert os.listdir(tmp_path) == []


def test_more_plays_than_people_have_time_for_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="have no time"):
        _make(tmp_path, plays=60 * 3 * 121)


@pytest.mark.parametrize("listeners", [10, 11])
def test_the_smallest_world_works(tmp_path, listeners):
    done = _make(tmp_path, days=1, listeners=listeners, tracks=20, plays=1, scenario="clean")
    assert done.lines == 1
