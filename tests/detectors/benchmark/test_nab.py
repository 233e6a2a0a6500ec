"""NAB's scoring, against cases worked by hand from the paper's formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from earshot.detectors.benchmark import nab
from earshot.detectors.benchmark.nab import LOW_FALSE_NEGATIVES, LOW_FALSE_POSITIVES, STANDARD, Labelled

ROWS = 100
WINDOW = (40, 59)


def series(*detections: int, windows: tuple[tuple[int, int], ...] = (WINDOW,)) -> Labelled:
    scores = np.zeros(ROWS)
    scores[list(detections)] = 1.0
    return Labelled(scores, windows)


def total(one: Labelled, profile: nab.Profile = STANDARD) -> float:
    return nab.sweep([one], profile).at(1.0)


def sigmoid(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1


def test_the_first_row_of_a_window_is_worth_one() -> None:
    assert total(series(40)) == pytest.approx(1.0)


def test_the_last_row_of_a_window_is_worth_little() -> None:
    # It lies 1/20 of the window before its edge: (2 / (1 + e^-0.25) - 1) / (2 / (1 + e^-5) - 1).
    assert total(series(59)) == pytest.approx(0.124353 / 0.986614, abs=1e-5)


def test_only_the_earliest_detection_of_a_window_counts() -> None:
    assert total(series(45, 50, 55)) == pytest.approx(total(series(45)))


def test_a_missed_window_costs_what_the_profile_says() -> None:
    assert total(series()) == -1.0
    assert total(series(), LOW_FALSE_NEGATIVES) == -2.0


def test_a_false_alarm_before_any_window_costs_the_whole() -> None:
    assert total(series(20, 40)) == pytest.approx(1 - 0.11)
    assert total(series(20, 40), LOW_FALSE_POSITIVES) == pytest.approx(1 - 0.22)


def test_a_false_alarm_just_behind_a_window_costs_less() -> None:
    assert total(series(40, 61)) == pytest.approx(1 + 0.11 * sigmoid(2 / 19))
    assert total(series(40, 99)) == pytest.approx(1 + 0.11 * sigmoid(40 / 19))


def test_far_behind_a_window_a_false_alarm_costs_the_whole_again() -> None:
    one = Labelled(series(20, 99).scores, [(18, 22)])
    assert total(one) == pytest.approx(sigmoid(-3 / 5) / sigmoid(-1) - 0.11)


def test_the_first_fifteenth_part_is_not_judged() -> None:
    assert total(series(3, 14, 40)) == pytest.approx(1.0)
    assert total(series(15, 40)) == pytest.approx(0.89)


def test_probation_is_at_most_750_rows() -> None:
    assert nab.probation(4032) == 604
    assert nab.probation(20_000) == 750


def test_a_window_in_probation_can_be_neither_found_nor_missed() -> None:
    swept = nab.sweep([series(40, windows=((2, 6), WINDOW))], STANDARD)
    assert swept.at(1.0) == pytest.approx(1.0)
    assert swept.missed == -1.0
    # NAB still counts it among what a perfect detector would find.
    assert nab.normalised(1.0, swept, STANDARD) == pytest.approx(100 * 2 / 3)


@pytest.mark.parametrize("profile", nab.PROFILES, ids=lambda profile: profile.name)
def test_the_scale_runs_from_no_detection_to_perfection(profile: nab.Profile) -> None:
    nothing, perfect = nab.sweep([series()], profile), nab.sweep([series(40)], profile)
    assert nab.normalised(nothing.at(1.0), nothing, profile) == 0
    assert nab.normalised(perfect.at(1.0), perfect, profile) == pytest.approx(100)


def test_the_optimiser_finds_the_threshold_between_truth_and_false_alarms() -> None:
    scores = np.zeros(ROWS)
    scores[[40, 70, 80]] = [0.9, 0.6, 0.5]
    threshold, score = nab.optimised([Labelled(scores, [WINDOW])], STANDARD)
    assert threshold == 0.9
    assert score == pytest.approx(100)


def test_the_optimiser_may_prefer_silence() -> None:
    scores = np.where(np.arange(ROWS) == 50, 0.1, 0.9)
    threshold, score = nab.optimised([Labelled(scores, [WINDOW])], STANDARD)
    assert threshold > 1
    assert score == 0


def test_one_threshold_holds_for_all_series() -> None:
    low = Labelled(0.5 * series(40).scores, [WINDOW])
    loud = Labelled(0.8 * np.ones(ROWS), [])
    _, score = nab.optimised([low, loud], STANDARD)
    assert score == 0


def test_cross_validation_judges_a_fold_by_the_threshold_of_the_others() -> None:
    low, high = Labelled(0.4 * series(40).scores, [WINDOW]), series(40)
    assert nab.cross_validated([[low], [high]], STANDARD) == pytest.approx(50)
    assert nab.cross_validated([[high], [high]], STANDARD) == pytest.approx(100)
