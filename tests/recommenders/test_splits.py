from __future__ import annotations

from collections.abc import Callable
from datetime import date

from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.splits import TEST, VALIDATION, TimeSplit, phase_starts

MakeCounts = Callable[..., PlayCounts]


def test_the_last_days_are_the_test_and_those_before_them_the_validation() -> None:
    assert phase_starts(date(2026, 3, 29), 2) == (date(2026, 3, 25), date(2026, 3, 27))


def test_a_track_that_was_played_before_is_no_truth(counts_of: MakeCounts) -> None:
    counts = counts_of(("a", "old", 0, 1, 1, 0), ("a", "old", 2, 1, 1, 0), ("a", "new", 2, 1, 1, 0))
    split = TimeSplit.at(counts, TEST)
    assert split.known.tracks[split.truth[0].indices].tolist() == ["new"]


def test_a_track_that_was_skipped_before_is_no_truth(counts_of: MakeCounts) -> None:
    counts = counts_of(("a", "liked", 0, 1, 1, 0), ("a", "skipped", 1, 1, 0, 1), ("a", "skipped", 2, 1, 1, 0))
    assert TimeSplit.at(counts, TEST).truth.nnz == 0


def test_a_play_that_was_not_liked_is_no_truth(counts_of: MakeCounts) -> None:
    counts = counts_of(("a", "t", 0, 1, 1, 0), ("a", "short", 2, 1, 0, 0), ("a", "skipped", 2, 1, 0, 1))
    assert len(TimeSplit.at(counts, TEST).judged) == 0


def test_the_validation_does_not_see_the_test(counts_of: MakeCounts) -> None:
    counts = counts_of(("a", "t1", 0, 1, 1, 0), ("a", "t2", 1, 1, 1, 0), ("a", "t3", 2, 1, 1, 0))
    split = TimeSplit.at(counts, VALIDATION)
    assert split.known.plays.sum() == 1
    assert split.known.tracks[split.truth.indices].tolist() == ["t2"]


def test_listeners_of_whom_nothing_was_known_are_counted_but_not_judged(counts_of: MakeCounts) -> None:
    counts = counts_of(("a", "t1", 0, 1, 1, 0), ("a", "t2", 2, 1, 1, 0), ("newcomer", "t1", 2, 1, 1, 0))
    split = TimeSplit.at(counts, TEST)
    assert split.known.listeners[split.judged].tolist() == ["a"]
    assert split.cold == 1
