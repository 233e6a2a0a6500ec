"""Incidents made up in a copy of history, so that detectors can be compared where the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.detectors.series import HOURS_OF_DAY, Floats, Kind, SeriesMatrix, hourly_need, is_complement, worse

KINDS: Final = ("spike", "drop", "level", "ramp", "variance", "missing", "phase")
SIZES: Final = {"hard": 0.4, "medium": 0.7, "easy": 0.95}
_OF_COUNTS: Final = frozenset({"missing", "phase"})
_DURATION: Final = {"spike": 2, "drop": 4, "level": 18, "ramp": 24, "variance": 12, "missing": 4, "phase": 24}
_LATE_HOURS: Final = 6


@dataclass(frozen=True)
class Injected:
    """One made-up incident.

    Attributes:
        metric: Its metric.
        row: Its series in the metric's matrix.
        kind: One of KINDS; a phase shift is a day whose rhythm comes late, by 2, 4 or 6 hours.
        size: A key of SIZES.
        start: First hour, as a column of the matrix.
        stop: The hour after the last.
    """

    metric: str
    row: int
    kind: str
    size: str
    start: int
    stop: int


def inject(
    history: Sequence[SeriesMatrix], incidents: int, judged_days: int, minimum_volume: float, seed: int
) -> tuple[list[SeriesMatrix], list[Injected]]:
    """A copy of history with incidents in its last days, at most one a series.

    Args:
        history: One matrix a metric; never changed.
        incidents: How many are wanted; fewer where there are fewer series.
        judged_days: They begin within so many days of the end.
        minimum_volume: Mean plays in six hours that a series must have; more where `hourly_need` asks for more.
        seed: Of every choice.
    """
    chance = np.random.default_rng(seed)
    eligible, size_of = [], []
    for index, matrix in enumerate(history):
        busy = _busy(matrix)
        need = minimum_volume * max(hourly_need(matrix.metric), 1 / 6)
        for row in np.flatnonzero(busy >= need).tolist():
            eligible.append((index, row))
            size_of.append(busy[row])
    # Weighted by size without putting back (Efraimidis and Spirakis, 2006): what matters is what many hear.
    draws = chance.random(len(eligible)) ** (1 / np.maximum(np.array(size_of, dtype=np.float64), 1e-9))
    order = np.argsort(-draws, kind="stable")[:incidents]
    values = [matrix.values.copy() for matrix in history]
    volumes = [matrix.volume.copy() for matrix in history]
    made: list[Injected] = []
    turns = {True: 0, False: 0}
    for position in order.tolist():
        index, row = eligible[position]
        matrix = history[index]
        kind, size = _in_turn(matrix.kind, turns)
        length = _DURATION[kind]
        end = matrix.values.shape[1]
        earliest = max(end - judged_days * HOURS_OF_DAY, 0)
        start = int(chance.integers(earliest, max(end - length, earliest + 1)))
        made.append(Injected(matrix.metric, row, kind, size, start, min(start + length, end)))
        hours = slice(start, min(start + length, end))
        values[index][row, hours], volumes[index][row, hours] = _disturbed(
            matrix, row, hours, kind, SIZES[size], chance
        )
    return [m.with_values(v, n) for m, v, n in zip(history, values, volumes, strict=True)], made


def _in_turn(noise: Kind, turns: dict[bool, int]) -> tuple[str, str]:
    """Kinds and sizes in turn, counts and other figures each for itself: only counts can be missing or come late."""
    counted = noise is Kind.COUNT
    kinds = [kind for kind in KINDS if counted or kind not in _OF_COUNTS]
    turn, place = divmod(turns[counted], len(kinds))
    turns[counted] += 1
    return kinds[place], tuple(SIZES)[(place + turn) % len(SIZES)]


def _busy(matrix: SeriesMatrix) -> Floats:
    counts = matrix.numerator() if matrix.kind is Kind.COUNT else matrix.volume
    return np.asarray(np.where(matrix.usable, counts, 0.0).sum(axis=1) / np.maximum(matrix.usable.sum(axis=1), 1))


def _disturbed(
    matrix: SeriesMatrix, row: int, hours: slice, kind: str, size: float, chance: np.random.Generator
) -> tuple[Floats, Floats]:
    value, volume = matrix.values[row, hours].copy(), matrix.volume[row, hours].copy()
    steps = np.arange(value.size)
    if kind == "missing":
        return np.zeros_like(value), volume * 0
    if kind == "phase":
        earlier = slice(hours.start - round(_LATE_HOURS * size), hours.stop - round(_LATE_HOURS * size))
        return matrix.values[row, earlier].copy(), matrix.volume[row, earlier].copy()
    if matrix.kind is not Kind.COUNT and worse(matrix.metric) > 0:
        return _worsened(matrix, value, volume, kind, size, chance), volume
    factor = {
        "spike": np.full(value.size, 1 + 2 * size),
        "drop": np.full(value.size, 1 - size),
        "level": np.full(value.size, 1 + size * chance.choice((-0.8, 0.8))),
        "ramp": 1 - size * (steps + 1) / value.size,
        "variance": np.where(chance.random(value.size) < 0.5, 1 - size, 1 + size),  # noqa: PLR2004 - a coin
    }[kind]
    moved = value * factor
    if matrix.kind is Kind.COUNT:
        return np.round(moved), np.round(volume * factor)
    return (np.minimum(moved, volume) if matrix.kind is Kind.SHARE else moved), volume


def _worsened(
    matrix: SeriesMatrix, value: Floats, volume: Floats, kind: str, size: float, chance: np.random.Generator
) -> Floats:
    """A figure of quality as it would be with `size` of what went well gone, in the shape of the kind."""
    steps = (np.arange(value.size) + 1) / value.size
    shape = {"ramp": steps, "variance": (chance.random(value.size) < 0.5).astype(float)}.get(  # noqa: PLR2004 - a coin
        kind, np.ones(value.size)
    )
    if is_complement(matrix.metric):
        return np.asarray(value * (1 - 0.5 * size * shape))
    if matrix.kind is Kind.SHARE:
        return np.asarray(np.round(value + (volume - value) * 0.5 * size * shape))
    return np.asarray(value * (1 + 4 * size * shape))
