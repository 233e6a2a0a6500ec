"""Days judged one after the other, each knowing only what lies before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

from earshot.core.settings import AnomalySettings
from earshot.detectors.attribution import Event, explain
from earshot.detectors.daily_findings import verdict
from earshot.detectors.findings import JudgedDay, judge
from earshot.detectors.history import History
from earshot.detectors.interface import DayScores
from earshot.detectors.training import Model

_THREADS: Final = 2


def walk(model: Model, history: History, days: Sequence[date], settings: AnomalySettings) -> Iterator[JudgedDay]:
    """Judge days in order; the day before each is judged too, since its traces reach into the next.

    Args:
        model: What scores them.
        history: Everything up to the last day.
        days: The days that are wanted.
        settings: Minimum of history and of volume.
    """
    wanted = {history.position(day) for day in days}
    start = history.first_judged(settings.minimum_history_hours)
    earlier: Sequence[Event] = ()
    for day in sorted(wanted | {day - 1 for day in wanted if day > start}):
        scores = _scored(model, history, day)
        events = explain(scores, model.threshold, settings.minimum_volume, model.detector.config, earlier)
        earlier = events
        if day in wanted:
            by_day = verdict(history.daily, day, model.threshold, settings, (scores, events))
            yield JudgedDay(day, scores, tuple(judge(scores, events)), by_day)


def _scored(model: Model, history: History, day: int) -> tuple[DayScores, ...]:
    with ThreadPoolExecutor(_THREADS) as pool:  # NumPy lets go of the interpreter while it computes
        return tuple(pool.map(lambda matrix: model.detector.score(matrix, [day])[0], history.matrices))
