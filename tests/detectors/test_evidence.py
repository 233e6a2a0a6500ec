"""How far hours are from what they should be."""

from __future__ import annotations

import numpy as np
import pytest

from earshot.detectors import evidence
from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.evidence import Frame
from earshot.detectors.series import Kind

HOUR = SeasonalConfig(windows=(1,))


def frame(kind: Kind, seen: float, due: float, dispersion: float = 4.0) -> Frame:
    def one(figure: float) -> np.ndarray:
        return np.array([[figure]])

    return Frame(kind, one(seen), one(due), one(due), one(dispersion), np.ones(1), np.ones((1, 1), dtype=np.bool_))


def far(of: Frame) -> float:
    return float(evidence.deviations(of, HOUR)[0, 0, 0])


def test_a_rise_of_a_count_is_measured_by_the_noise_of_what_was_due() -> None:
    assert far(frame(Kind.COUNT, 1_400, 1_000)) == pytest.approx(400 / np.sqrt(4 * 1_000), rel=0.01)


def test_a_drop_is_measured_on_the_scale_of_square_roots() -> None:
    assert far(frame(Kind.COUNT, 600, 1_000)) == pytest.approx(2 * (np.sqrt(150) - np.sqrt(250)), rel=0.01)


def test_amounts_rise_on_the_scale_of_square_roots() -> None:
    assert far(frame(Kind.AMOUNT, 1_400, 1_000)) == pytest.approx(2 * (np.sqrt(350) - np.sqrt(250)), rel=0.01)


def test_a_few_plays_where_none_was_due_are_no_wonder() -> None:
    assert far(frame(Kind.COUNT, 8, 0)) < 4


def test_restless_days_are_told_on_the_scale_on_which_noise_is_the_same() -> None:
    surge = frame(Kind.COUNT, 1_400, 1_000)
    assert evidence.largest(surge, HOUR)[0, 0] < far(surge)
