from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from earshot.recommenders.ranking_metrics import average_precision, ndcg, precision, recall

# Hits at ranks 1 and 3 of 4, three relevant tracks in all.
HITS = np.array([[True, False, True, False]])
RELEVANT = np.array([3])


def test_values_computed_by_hand() -> None:
    assert precision(HITS, RELEVANT)[0] == pytest.approx(2 / 4)
    assert recall(HITS, RELEVANT)[0] == pytest.approx(2 / 3)
    assert average_precision(HITS, RELEVANT)[0] == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert ndcg(HITS, RELEVANT)[0] == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3) + 1 / 2))


@pytest.mark.parametrize("metric", [recall, average_precision, ndcg])
def test_a_perfect_ranking_has_one(metric: object) -> None:
    hits = np.array([[True, True, False, False], [True, True, True, True]])
    np.testing.assert_allclose(metric(hits, np.array([2, 4])), [1, 1])  # type: ignore[operator]


@pytest.mark.parametrize("metric", [average_precision, ndcg])
def test_more_relevant_tracks_than_ranks_do_not_forbid_one(metric: object) -> None:
    assert metric(np.array([[True, True]]), np.array([9]))[0] == pytest.approx(1)  # type: ignore[operator]


@given(st.lists(st.booleans(), min_size=4, max_size=12), st.integers(1, 4))
def test_ndcg_agrees_with_scikit_learn(relevance: list[bool], k: int) -> None:
    if not any(relevance):
        return
    scores = -np.arange(len(relevance), dtype=float)
    expected = ndcg_score([relevance], [scores], k=k)
    hits, relevant = np.array([relevance[:k]]), np.array([sum(relevance)])
    assert ndcg(hits, relevant)[0] == pytest.approx(expected)


@given(st.lists(st.booleans(), min_size=2, max_size=12), st.integers(0, 20))
def test_a_hit_that_moves_up_never_lowers_a_metric(hits: list[bool], others: int) -> None:
    row = np.array([hits])
    for place in range(1, len(hits)):
        if hits[place] and not hits[place - 1]:
            better = row.copy()
            better[0, [place - 1, place]] = better[0, [place, place - 1]]
            relevant = np.array([max(sum(hits), 1) + others])
            for metric in (precision, recall, average_precision, ndcg):
                assert metric(better, relevant)[0] >= metric(row, relevant)[0]
