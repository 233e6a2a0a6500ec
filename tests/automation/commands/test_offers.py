"""`earshot offers`, `earshot concentration` and `earshot evaluate offers`: what they show, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from earshot.automation.cli import main
from earshot.core.small_tables import SmallTables


def _figure(metric: str, value: float | None, reason: str | None = None, **dimensions: str) -> dict[str, Any]:
    bounds = (None, None) if value is None else (value - 0.01, value + 0.01)
    told = {"topic": "offers", "subject": "spring", "design": "randomised", "listeners": 4_000, "method": "m"}
    told |= {"metric": metric, "value": value, "lower": bounds[0], "upper": bounds[1], "reason": reason}
    return {**told, "dimensions": dimensions}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    payout = {"topic": "payouts", "subject": "2026-03", "design": "description"}
    where = {"country": "DE", "currency": "EUR", "model": "pro_rata"}
    rows = [
        _figure("conversion_rate", 0.1, arm="control"),
        _figure("effect", 0.05, arm="premium"),
        _figure("effect_of_group", 0.08, arm="premium", group="5"),
        _figure("elasticity", -1.4, country="DE", tier="premium"),
        _figure("best_price", 9.49, country="DE", tier="premium", currency="EUR"),
        _figure("elasticity", None, "only one price was asked", country="FR", tier="premium"),
        _figure("policy_gain", 0.3, against="best_arm", currency="EUR"),
        {**_figure("effect", 0.02, arm="b"), "subject": "autumn", "design": "association"},
        {**_figure("gini", 0.8, **where), **payout},
        {**_figure("gini_change", -0.05, **(where | {"model": "user_centric", "against": "pro_rata"})), **payout},
    ]
    SmallTables(str(tmp_path / "lake")).append("gold.optimisation", rows)
    return tmp_path


def _said(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["--home", str(home), *arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_offers_show_effects_groups_prices_and_what_to_try_next(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _said(home, capsys, "offers", "spring")
    assert "spring: randomised, 4,000 listeners; effects are caused by the offer" in text
    assert "0.05 (0.04 to 0.06)" in text
    assert "earshot whatif --price DE/premium=9.49EUR" in text
    assert "refused: elasticity of FR, premium: only one price was asked" in text
    assert "autumn" not in text
    assert "autumn: association, 4,000 listeners; no cause is claimed" in _said(home, capsys, "offers")


def test_the_json_holds_every_figure(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(_said(home, capsys, "offers", "spring", "--json"))
    assert len(told["figures"]) == 7
    assert told["figures"][0]["dimensions"] == {"arm": "control"}


def test_concentration_shows_models_and_what_they_move(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _said(home, capsys, "concentration")
    assert "EUR, DE, pro_rata gini 0.8 (0.79 to 0.81)" in text
    assert "EUR, DE, user_centric gini change -0.05 (-0.06 to -0.04)" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["offers", "sprig"], ("'sprig'", "nearest is spring")),
        (["concentration", "--month", "2026-04"], ("2026-04 was not measured", "--option month=")),
        (["evaluate", "offers"], ("no truth about offers", "--scenario offers")),
        (["evaluate", "offers", "--trials", "0"], ("--trials is 0",)),
        (["evaluate", "offers", "--seed", "1"], ("--trials 200",)),
        (["evaluate", "quality", "--trials", "5"], ("Trials are of offers",)),
    ],
)
def test_bad_input_ends_2_and_says_what_to_do(
    home: Path, arguments: list[str], said: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(home), *arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert all(words in error for words in said), error


def test_a_home_without_experiments_says_what_a_file_looks_like(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path), "offers"]) == 2
    assert "experiment,listener,arm,assigned_at,probability" in capsys.readouterr().err
    assert main(["--home", str(tmp_path), "concentration"]) == 2
    assert "No month was measured yet" in capsys.readouterr().err
