"""Medians and quantiles with gaps, against NumPy's own."""

from __future__ import annotations

import numpy as np
import pytest

from earshot.detectors.medians import nanmedian, nanquantiles


def with_gaps(rows: int, columns: int, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    figures = chance.normal(size=(rows, columns))
    return np.where(chance.random(figures.shape) < chance.random((rows, 1)), np.nan, figures)


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("columns", [1, 2, 7, 36])
def test_they_are_those_of_numpy_whatever_is_missing(columns: int) -> None:
    figures = with_gaps(200, columns, seed=columns)
    figures[0] = np.nan
    np.testing.assert_array_equal(nanmedian(figures, axis=1), np.nanmedian(figures, axis=1))
    found = nanquantiles(figures, (0.0, 0.5, 0.9, 1.0))
    np.testing.assert_allclose(found, np.nanquantile(figures, (0.0, 0.5, 0.9, 1.0), axis=1), rtol=1e-13)


def test_a_median_over_two_axes_leaves_the_third() -> None:
    figures = with_gaps(6, 5 * 24, seed=1).reshape(6, 5, 24)
    np.testing.assert_array_equal(nanmedian(figures, axis=(1, 2)), np.nanmedian(figures, axis=(1, 2)))
