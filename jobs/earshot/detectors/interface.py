"""What every detector of KPI series can do: learn from history, and score the days that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.evidence import Frame
from earshot.detectors.series import Floats, SeriesMatrix


@dataclass(frozen=True)
class DayScores:
    """One judged day of all series of one metric; every array is S x 24 unless it says otherwise.

    Attributes:
        matrix: The series, with their history.
        day: Position of the day in the matrix.
        observed: The metric; nan where nothing was seen.
        expected: The metric as it should be.
        lower: Lower bound of the hour.
        upper: Upper bound of the hour.
        score: 0 to 1, higher is more abnormal.
        deviation: Signed, in standard deviations, of the window that deviates most.
        recent: The same over the last three hours only.
        persistence: Least relative effect of its last 3, 6, 12 hours over that of the window: whether it goes on.
        window: Which window deviates most, in hours.
        support: Plays (or people) that were due over that window.
        effect: (seen - expected) / expected of the hour's own numerator.
        frame: What the scores were computed from (S x H, the last 24 columns are the day).
        judged: Whether the hour of the series can be judged at all.
    """

    matrix: SeriesMatrix
    day: int
    observed: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    score: Floats
    deviation: Floats
    recent: Floats
    persistence: Floats
    window: NDArray[np.intp]
    support: Floats
    effect: Floats
    frame: Frame
    judged: NDArray[np.bool_]


def joined(matrix: SeriesMatrix, parts: Sequence[DayScores]) -> DayScores:
    """The scores of one day of all series of a matrix, from those of series that follow one another."""
    figures = {
        one.name: np.concatenate([getattr(part, one.name) for part in parts])
        for one in fields(DayScores)
        if one.name not in {"matrix", "day", "frame"}
    }
    frames = [part.frame for part in parts]
    frame = {
        one.name: np.concatenate([getattr(part, one.name) for part in frames])
        for one in fields(Frame)
        if one.name != "kind"
    }
    return DayScores(matrix=matrix, day=parts[0].day, frame=Frame(kind=frames[0].kind, **frame), **figures)


class FittedDetector(Protocol):
    """A detector that has learnt; its parameters are arrays and can be stored without pickle."""

    @property
    def name(self) -> str:
        """Name in the registry of detectors."""

    @property
    def config(self) -> SeasonalConfig:
        """What it was set to."""

    def parameters(self) -> Mapping[str, Floats]:
        """What it has learnt."""

    def score(self, matrix: SeriesMatrix, days: Sequence[int], rows: Sequence[int] | None = None) -> list[DayScores]:
        """Score days of a matrix; each with what lies before it, and nothing else.

        Args:
            matrix: History and judged days.
            days: Positions of the judged days, each at least 1.
            rows: The series whose scores are wanted, which all of them tell about; None = every one.
        """


class Detector(Protocol):
    """A detector that can learn."""

    @property
    def name(self) -> str:
        """Name in the registry of detectors."""

    def fit(self, history: Sequence[SeriesMatrix]) -> FittedDetector:
        """Learn from whole days of history, one matrix a metric."""

    def restore(self, parameters: Mapping[str, Floats]) -> FittedDetector:
        """The fitted detector whose `parameters` these are."""
