from __future__ import annotations

from collections.abc import Callable

import numpy as np

from earshot.recommenders.interactions import PlayCounts

MakeCounts = Callable[..., PlayCounts]


def test_the_order_of_the_rows_changes_nothing(counts_of: MakeCounts) -> None:
    rows = [("b", "t2", 0, 3, 2, 1), ("a", "t1", 0, 1, 1, 0), ("a", "t2", 1, 4, 4, 0)]
    one, other = counts_of(*rows).interactions(), counts_of(*reversed(rows)).interactions()
    assert one.listeners.tolist() == other.listeners.tolist() == ["a", "b"]
    np.testing.assert_array_equal(one.plays.toarray(), [[1, 4], [0, 3]])
    np.testing.assert_array_equal(other.plays.toarray(), one.plays.toarray())


def test_phases_of_the_same_pair_are_added(counts_of: MakeCounts) -> None:
    counts = counts_of(("a", "t1", 0, 2, 2, 0), ("a", "t1", 1, 3, 1, 1), ("a", "t1", 2, 9, 9, 0))
    early = counts.interactions(lambda phase: phase < 2)
    assert early.plays[0, 0] == 5
    assert early.likes[0, 0] == 3


def test_skips_take_likes_away_but_not_below_nothing(counts_of: MakeCounts) -> None:
    interactions = counts_of(("a", "t1", 0, 3, 2, 1), ("a", "t2", 0, 5, 1, 4)).interactions()
    preference = interactions.preference(skip_cost=1.0)
    assert preference[0, 0] == np.float32(np.log1p(1))
    assert preference.nnz == 1
    assert interactions.preference()[0, 1] == np.float32(np.log1p(1))


def test_other_tracks_keep_their_columns_and_unknown_ones_go(counts_of: MakeCounts) -> None:
    interactions = counts_of(("a", "t1", 0, 2, 2, 0), ("a", "t3", 0, 4, 4, 0)).interactions()
    moved = interactions.without_unknown(np.array(["t0", "t3", "t9"]))
    np.testing.assert_array_equal(moved.plays.toarray(), [[0, 4, 0]])


def test_only_listeners_of_the_late_phase_are_active(counts_of: MakeCounts) -> None:
    counts = counts_of(("a", "t1", 0, 2, 2, 0), ("b", "t2", 0, 1, 1, 0), ("b", "t3", 1, 1, 1, 0))
    histories = counts.histories_since(1)
    assert histories.listeners.tolist() == ["b"]
    assert histories.plays.nnz == 2


def test_no_rows_make_empty_matrices(counts_of: MakeCounts) -> None:
    interactions = counts_of().interactions()
    assert interactions.plays.shape == (0, 0)
    assert interactions.size == 0
