"""Simulated experiments: opt-in, reproducible, and true to the truth that stands beside them."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from earshot.importers.simulated import Generated, generate
from earshot.importers.simulated.offers import WHICH_PRICE, WHICH_TIER, converting, drawn
from earshot.importers.simulated.scenario import OfferTests


def _make(out: Path, scenario: str, days: int = 8) -> Generated:
    return generate(
        out, days=days, listeners=400, tracks=200, plays=3_000, start=date(2026, 3, 16), seed=5, scenario=scenario
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    return _make(tmp_path_factory.mktemp("offers"), "offers")


def test_experiments_change_no_byte_of_the_plays(made: Generated, tmp_path: Path) -> None:
    clean = _make(tmp_path, "clean")
    names = sorted(path.relative_to(clean.landing) for path in clean.landing.rglob("*.jsonl*"))
    assert names == sorted(path.relative_to(made.landing) for path in made.landing.rglob("*.jsonl*"))
    assert all((clean.landing / name).read_bytes() == (made.landing / name).read_bytes() for name in names)
    assert set(made.truth) - set(clean.truth) == {"offers"}
    assert not (tmp_path / "catalogue" / "offers").exists()


def test_the_same_seed_draws_the_same_experiment(made: Generated, tmp_path: Path) -> None:
    again = _make(tmp_path, "offers")
    for name in ("catalogue/offers/simulated.csv", "truth/offers.parquet"):
        assert (made.landing.parent / name).read_bytes() == (again.landing.parent / name).read_bytes()


def test_a_span_too_short_for_them_has_no_experiments(tmp_path: Path) -> None:
    assert "offers" not in _make(tmp_path, "offers", days=5).truth


def test_everybody_is_in_one_arm_of_one_experiment_and_the_truth_knows_every_arm(made: Generated) -> None:
    with (made.catalogue.parent / "offers" / "simulated.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["tier"] for row in rows} == {"free"}
    assert max(Counter(row["listener"] for row in rows).values()) == 1
    assert {row["assigned_at"][:10] for row in rows} == {"2026-03-22"}
    truth = pq.read_table(made.truth["offers"]).to_pylist()
    arms = {"which-tier": len(WHICH_TIER), "which-price": len(WHICH_PRICE)}
    assert len(truth) == sum(arms[row["experiment"]] for row in rows)
    assert all(0 < row["probability"] < 1 for row in truth)
    assert not [row for row in rows if row["arm"] == "control" and row["received"] == "yes"]


def test_what_comes_of_the_lottery_is_what_the_truth_says() -> None:
    rng = np.random.default_rng(0)
    people = np.arange(60_000), rng.lognormal(0, 0.85, 60_000), rng.integers(0, 11, 60_000)
    test = drawn("t", WHICH_TIER, people, OfferTests(), datetime(2026, 3, 22, tzinfo=UTC), rng)
    for place in range(len(WHICH_TIER)):
        inside = test.arm == place
        assert (test.converted_after[inside] >= 0).mean() == pytest.approx(test.probability[:, place].mean(), abs=0.01)
    assert test.received[test.arm > 0].mean() == pytest.approx(0.8, abs=0.01)
    assert test.converted_after.max() < 7 * 86_400


def test_heavy_listeners_take_premium_and_light_ones_the_cheap_tier() -> None:
    light, heavy = converting(WHICH_TIER, np.array([0.2, 5.0]), np.array([0, 0]))
    names = [arm.name for arm in WHICH_TIER]
    assert names[light.argmax()] == "student"
    assert names[heavy.argmax()] == "premium"
    assert (np.diff(converting(WHICH_PRICE, np.ones(1), np.zeros(1, int))[0][[2, 1, 0, 3, 4]]) < 0).all()
