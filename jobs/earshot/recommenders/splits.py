"""Splits by time: what was known before a day, and what listeners liked for the first time after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from earshot.recommenders.interactions import Interactions, Matrix, PlayCounts

OLD, VALIDATION, TEST = 0, 1, 2


def phase_starts(day: date, holdout_days: int) -> tuple[date, date]:
    """First days of validation and of test, when days before `day` are known.

    The last `holdout_days` are the test, as many before them are for choosing parameters; the
    rest is phase 0.
    """
    return day - timedelta(days=2 * holdout_days), day - timedelta(days=holdout_days)


@dataclass(frozen=True)
class TimeSplit:
    """What is known, and what is to be foretold.

    Attributes:
        known: All phases before the one that is held out.
        truth: Tracks liked in the held-out phase and not played before (listeners x tracks, 0 or 1).
        judged: Rows with a truth and with something known: the listeners that metrics speak of.
        cold: How many listeners have a truth, but nothing known; popularity serves them, whatever the model.
    """

    known: Interactions
    truth: Matrix
    judged: NDArray[np.int64]
    cold: int

    @classmethod
    def at(cls, counts: PlayCounts, held_out: int) -> Self:
        """Hold out one phase; the phases after it are not looked at."""
        known = counts.interactions(lambda phase: phase < held_out)
        later = counts.interactions(lambda phase: phase == held_out)
        liked = (later.likes > 0).astype(np.float32)
        truth = sparse.csr_matrix(liked - liked.multiply(known.plays > 0))
        truth.eliminate_zeros()
        relevant = np.diff(truth.indptr) > 0
        warm = np.diff(known.likes.indptr) > 0
        return cls(known, truth, np.flatnonzero(relevant & warm), int((relevant & ~warm).sum()))

    def judged_histories(self) -> Interactions:
        """What is known of the listeners who are judged."""
        return self.known.of_listeners(self.judged)
