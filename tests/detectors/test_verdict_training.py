"""What people say of suspects, learnt in the order of time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earshot.core.errors import IntegrityError
from earshot.core.settings import ManipulationSettings
from earshot.detectors import verdict_training as training
from earshot.detectors.signals import WEIGHTS
from earshot.detectors.verdict_model import RULES, SIGNALS, VerdictModel, confirmed

FIRST = date(2026, 3, 1)
SETTINGS = ManipulationSettings()
Say = Callable[[np.random.Generator, dict[str, float]], bool]


def row(day: int, who: int, strengths: dict[str, float], verdict: str) -> dict[str, Any]:
    signals = [{"name": n, "value": 1.0, "weight": s * WEIGHTS[n]} for n, s in strengths.items() if s > 0]
    score = min(sum(one["weight"] for one in signals), 1.0)
    told = {"listener_id": f"v1:{who:03}", "track_id": None, "listen_date": FIRST + timedelta(days=day)}
    return {**told, "signals": signals, "score": score, "streams": 60, "verdict": verdict, "by_rule": score >= 0.6}


def by_chance(chance: np.random.Generator, strengths: dict[str, float]) -> bool:
    """Loops are nearly always manipulation, round the clock is a radio in a shop half of the time."""
    return bool(chance.random() < 0.03 + 0.92 * strengths["loops"])


def spoken(say: Say, days: int = 30, a_day: int = 12) -> list[dict[str, Any]]:
    chance = np.random.default_rng(4)
    rows = []
    for day in range(days):
        for who in range(a_day):
            strengths = {name: float(chance.random() < 0.4) for name in ("loops", "round_the_clock", "few_tracks")}
            verdict = "confirmed" if say(chance, strengths) else "cleared"
            rows.append(row(day, day * a_day + who, strengths, verdict))
    return rows


def learn(rows: list[dict[str, Any]]) -> training.Training:
    labelled = training.labelled(rows, FIRST + timedelta(days=60))
    assert training.shortage(labelled, SETTINGS) == ""
    return training.train(labelled)


def test_weights_are_learnt_where_people_disagree_with_the_rules() -> None:
    found = learn(spoken(by_chance))
    assert found.model.recipe == SIGNALS
    assert found.judged[SIGNALS].brier < 0.5 * found.judged[RULES].brier
    weights = dict(zip(WEIGHTS, found.model.weights, strict=True))
    assert weights["loops"] > 2
    assert abs(weights["few_tracks"]) < 0.7


def test_probabilities_are_calibrated_on_days_that_were_not_learnt() -> None:
    found = learn(spoken(by_chance, days=60, a_day=30))
    assert found.judged[SIGNALS].ece < 0.05
    assert found.judged[SIGNALS].precision > 0.85
    assert all(abs(said - seen) < 0.15 for said, seen, _ in found.judged[SIGNALS].bins)


def test_days_are_not_divided_and_time_runs_from_learnt_to_judged() -> None:
    rows = training.labelled(spoken(by_chance, days=9, a_day=7), FIRST + timedelta(days=60))
    found = training.train(rows)
    assert sum(found.verdicts) == 63
    assert all(part % 7 == 0 for part in found.verdicts)
    assert found.judged_from == rows[-found.verdicts[2]]["listen_date"]


def test_later_days_and_rows_without_a_verdict_are_not_learnt_from() -> None:
    rows = [*spoken(by_chance), row(3, 999, {"loops": 1.0}, "suspect")]
    before = FIRST + timedelta(days=10)
    found = training.labelled(rows, before)
    assert {one["verdict"] for one in found} == {"confirmed", "cleared"}
    assert max(one["listen_date"] for one in found) < before


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (spoken(by_chance, days=2, a_day=5), "10 rows were confirmed or cleared, 40 are needed"),
        (spoken(lambda chance, strengths: True), "all or none were confirmed"),
    ],
    ids=["few", "alike"],
)
def test_too_few_verdicts_say_what_is_missing(rows: list[dict[str, Any]], wanted: str) -> None:
    assert wanted in training.shortage(training.labelled(rows, FIRST + timedelta(days=60)), SETTINGS)


def test_a_model_that_is_sure_decides_and_one_that_is_not_leaves_it_to_the_rules() -> None:
    model = VerdictModel(SIGNALS, tuple(8.0 * (name == "loops") for name in WEIGHTS), -4.0, 1.0, 0.0)
    guilty, innocent = row(0, 1, {"loops": 1.0}, ""), row(0, 2, {"round_the_clock": 1.0, "few_tracks": 1.0}, "")
    half = row(0, 3, {"loops": 0.5, "round_the_clock": 1.0}, "")
    track = innocent | {"track_id": "t1"}
    assert [guilty["by_rule"], innocent["by_rule"], half["by_rule"]] == [False, True, True]
    told = training.with_probability([guilty, innocent, half, track], model, SETTINGS)
    assert [one["by_rule"] for one in told] == [True, False, True, True]
    assert told[0]["probability"] == pytest.approx(1 / (1 + np.exp(-4)))
    assert [one["probability"] for one in training.with_probability([guilty], None, SETTINGS)] == [None]


def test_the_artefacts_are_plain_json_and_come_back(tmp_path: Path) -> None:
    rows = spoken(by_chance)
    model = learn(rows).model
    model.save(tmp_path)
    assert json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))["recipe"] == SIGNALS
    np.testing.assert_array_equal(VerdictModel.load(tmp_path).probability(rows), model.probability(rows))
    assert np.mean((model.probability(rows) > 0.5) == confirmed(rows)) > 0.9


@pytest.mark.parametrize("content", ["{}", "no json", '{"recipe": "signals", "weights": [1.0]}'])
def test_artefacts_that_cannot_be_read_say_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "verdicts.json").write_text(content, encoding="utf-8")
    with pytest.raises(IntegrityError, match="train_manipulation_detector"):
        VerdictModel.load(tmp_path)
