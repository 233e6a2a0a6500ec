from __future__ import annotations

import pytest

from earshot.automation.commands.recommenders import evaluate_recommenders
from earshot.core.settings import Settings


@pytest.mark.parametrize("seed", [1])
def test_als_is_at_least_half_again_as_good_as_popularity_on_simulated_listeners(settings: Settings, seed: int) -> None:
    figures = evaluate_recommenders(settings, seeds=[seed])
    assert figures["als_over_popularity"] >= 1.5
    rows = {row["algorithm"]: row for row in figures["simulated"]}
    assert set(rows) == {"popularity", "item_knn", "als", "ease"}
    assert rows["als"]["ndcg"] >= 1.5 * rows["popularity"]["ndcg"]
    assert {row["listeners"] for row in figures["simulated"]} == {rows["als"]["listeners"]}


def test_a_home_without_plays_says_so(settings: Settings) -> None:
    assert evaluate_recommenders(settings, seeds=[])["home"] == "no plays in silver.listens"
