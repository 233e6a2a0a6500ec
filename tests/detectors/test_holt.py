"""The detector that follows level and trend."""

from __future__ import annotations

import numpy as np
import pytest

import kpi_series
from earshot.core.settings import AnomalySettings
from earshot.detectors import training
from earshot.detectors.attribution import detected
from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.holt import Holt
from earshot.detectors.interface import DayScores
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import SeriesMatrix

LAST = 20
BOTH = tuple(training.DETECTORS)


def growing(a_day: float) -> SeriesMatrix:
    """Three weeks of plays that grow by so much a day."""

    def grown(cell: dict[str, str], hour: int, due: float) -> float:
        return float(due * (1 + a_day) ** (hour / 24))

    history = kpi_series.history(LAST + 1, size=30.0, change=grown)
    return next(matrix for matrix in history if matrix.metric == "listens")


@pytest.fixture(scope="module")
def rising() -> SeriesMatrix:
    return growing(0.05)


def scored(name: str, matrix: SeriesMatrix, day: int = LAST) -> DayScores:
    return training.DETECTORS[name](SeasonalConfig()).fit([matrix]).score(matrix, [day])[0]


def missed(name: str, matrix: SeriesMatrix) -> float:
    """Part by which the total of the last day was not foreseen."""
    scores = scored(name, matrix)
    total = matrix.row_by_dimensions()[()]
    return float(scores.expected[total].sum() / scores.observed[total].sum() - 1)


def test_growth_is_foreseen_where_a_profile_alone_lags_behind(rising: SeriesMatrix) -> None:
    assert missed("seasonal", rising) < -0.2
    assert abs(missed("holt-winters", rising)) < 0.1


def test_without_growth_both_expect_the_same() -> None:
    steady = growing(0.0)
    assert abs(missed("holt-winters", steady) - missed("seasonal", steady)) < 0.05


def test_an_outage_is_found_and_teaches_little(rising: SeriesMatrix) -> None:
    values = rising.values.copy()
    values[:, (LAST - 1) * 24 + 10 : (LAST - 1) * 24 + 16] *= 0.2
    spoilt = rising.with_values(values, rising.volume)
    assert detected(scored("holt-winters", spoilt, LAST - 1), 0.5, 30).any()
    assert abs(missed("holt-winters", spoilt) - missed("holt-winters", rising)) < 0.12


@pytest.mark.parametrize("name", BOTH)
def test_a_score_uses_only_the_past(name: str, rising: SeriesMatrix) -> None:
    later = rising.values.copy()
    later[:, 15 * 24 + 12 :] *= 7
    detector = training.DETECTORS[name](SeasonalConfig()).fit([rising])
    matrices = (rising, rising.with_values(later, rising.volume))
    for day in (14, 15):
        before, after = (detector.score(matrix, [day])[0] for matrix in matrices)
        np.testing.assert_array_equal(before.score[:, :12], after.score[:, :12])
        np.testing.assert_array_equal(before.expected, after.expected)


@pytest.mark.parametrize("name", BOTH)
def test_hours_of_known_incidents_are_not_learnt_from(name: str, rising: SeriesMatrix) -> None:
    excluded, changed = rising.excluded.copy(), rising.values.copy()
    excluded[:, 18 * 24 + 10 : 18 * 24 + 14] = True
    changed[:, 18 * 24 + 10 : 18 * 24 + 14] = 1e6
    known = SeriesMatrix(
        "listens", rising.dimensions, rising.start, rising.values, rising.volume, rising.began, excluded
    )
    one, other = (scored(name, matrix) for matrix in (known, known.with_values(changed, known.volume)))
    np.testing.assert_array_equal(one.expected, other.expected)


def test_the_better_of_the_detectors_is_trained_and_both_are_told_of(rising: SeriesMatrix) -> None:
    trained = training.train([rising], AnomalySettings(backtest_incidents=14))
    assert set(trained.rivals) == set(BOTH)
    assert trained.f_half == max(trained.rivals.values())
    assert trained.metrics()["f_half_holt-winters"] == trained.rivals["holt-winters"]
    assert trained.detector.name in BOTH
    alone = training.train([rising], AnomalySettings(backtest_incidents=14, detectors=("holt-winters",)))
    assert alone.detector.name == "holt-winters"


def test_its_artefacts_restore_it(rising: SeriesMatrix) -> None:
    fitted = SeasonalDetector(SeasonalConfig(), Holt()).fit([rising])
    again = training.DETECTORS[fitted.name](fitted.config).restore(fitted.parameters())
    np.testing.assert_array_equal(again.score(rising, [LAST])[0].score, fitted.score(rising, [LAST])[0].score)
