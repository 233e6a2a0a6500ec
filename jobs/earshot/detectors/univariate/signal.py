"""One series as the detectors see it: rows in order of time, without gaps, with its season."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling

LARGEST: Final = 1e150
WARM_UP: Final = 24
_DAY_S: Final = 86_400.0
_PACE_ROWS: Final = 24
_TOLERANCE: Final = 24
_LEAST_ROWS: Final = 6
_MOST_ROWS: Final = 3_000
_FIRST_LOOK: Final = 128
_LEAST_CORRELATION: Final = 0.4
_REPEATS: Final = 3


@dataclass(frozen=True)
class Season:
    """A period that is believed from some row on, until the next one.

    Attributes:
        begin: First row that may use it; found in the rows before.
        rows: Rows in a period, 0 where there is none.
        seconds: The same in time.
    """

    begin: int
    rows: int
    seconds: float


@dataclass(frozen=True)
class Signal:
    """A series in order of time.

    Attributes:
        values: Finite, at most `LARGEST` in size.
        clock: Seconds, never falling.
    """

    values: Floats
    clock: Floats

    @cached_property
    def seasons(self) -> tuple[Season, ...]:
        """In order, the first begins at row 0; each is found in the rows before it."""
        return tuple(_seasons(self.tame, self.clock))

    @cached_property
    def period(self) -> Floats:
        """Rows in the period that is believed at each row, 0 where there is none."""
        return self.spliced(lambda season: np.full(len(self), float(season.rows)))

    @cached_property
    def tame(self) -> Floats:
        """The values, wild ones cut, so that sums of them stay exact."""
        return rolling.tamed(self.values)

    @cached_property
    def still(self) -> NDArray[np.bool_]:
        """Whether nothing has ever changed up to a row."""
        return np.asarray(np.logical_and.accumulate(self.values == self.values[0]))

    def __len__(self) -> int:
        """Rows."""
        return self.values.size

    def reversed(self) -> Signal:
        """The same series with time running backwards."""
        return Signal(self.values[::-1], -self.clock[::-1])

    def spliced(self, deviation: Callable[[Season], Floats]) -> Floats:
        """What a function of the season finds, from each season the rows in which it is believed."""
        found = np.full(len(self), np.nan)
        known: dict[int, Floats] = {}
        ends = [season.begin for season in self.seasons[1:]] + [len(self)]
        for season, end in zip(self.seasons, ends, strict=True):
            if season.rows not in known:
                known[season.rows] = deviation(season)
            found[season.begin : end] = known[season.rows][season.begin : end]
        return found

    def same_time(self, season: Season, periods: int) -> NDArray[np.intp]:
        """For each of so many periods back and each row the row at the same time, or -1 where there is none near."""
        if season not in self._same_time:
            self._same_time[season] = []
        known = self._same_time[season]
        known += [self._rows_before(season, period) for period in range(len(known) + 1, periods + 1)]
        return np.array(known[:periods])

    @cached_property
    def _step(self) -> float:
        """Seconds between any two neighbouring rows; 0 where they are not always the same."""
        pace = float(self.clock[1] - self.clock[0]) if len(self) > 1 else 0.0
        return pace if np.array_equal(self.clock, self.clock[0] + pace * np.arange(len(self))) else 0.0

    @cached_property
    def _same_time(self) -> dict[Season, list[NDArray[np.intp]]]:
        return {}

    def _rows_before(self, season: Season, periods: int) -> NDArray[np.intp]:
        if self._step > 0 and season.seconds == season.rows * self._step:
            rows = np.arange(len(self)) - season.rows * periods
            rows[(rows < 0) & (rows * _TOLERANCE >= -season.rows)] = 0
            rows[0] = -1
            return np.maximum(rows, -1)
        wanted = self.clock - season.seconds * periods
        if wanted[-1] < self.clock[0] - season.seconds:
            return np.full(len(self), -1)
        after = np.minimum(np.searchsorted(self.clock, wanted, side="left"), len(self) - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.abs(self.clock[before] - wanted) < np.abs(self.clock[after] - wanted)
        nearest = np.where(nearer, before, after)
        fits = np.abs(self.clock[nearest] - wanted) <= season.seconds / _TOLERANCE
        return np.where(fits & (nearest < np.arange(len(self))), nearest, -1)


def _seasons(values: Floats, clock: Floats) -> Iterator[Season]:
    """A day where rows have a steady pace that divides it well; else what the values repeat after."""
    pace = _pace(clock)
    day = round(_DAY_S / pace) if pace > 0 else 0
    if _LEAST_ROWS <= day <= _MOST_ROWS:
        yield Season(0, day, _DAY_S)
        return
    yield Season(0, 0, 0.0)
    look = _FIRST_LOOK
    while look < values.size:
        rows = _repetition(values[:look])
        yield Season(look, rows, rows * pace)
        look *= 2


def _pace(clock: Floats) -> float:
    """Seconds between rows at the beginning."""
    steps = np.diff(clock[: _PACE_ROWS + 1])
    steps = steps[steps > 0]
    return float(np.median(steps)) if steps.size >= _PACE_ROWS // 2 else 0.0


def _repetition(values: Floats) -> int:
    """The lag with the highest peak of autocorrelation, 0 where none is high."""
    low, high = np.quantile(values, [0.02, 0.98])
    centred = np.clip(values, low, high)
    centred = centred - centred.mean()
    size = 1 << (2 * centred.size - 1).bit_length()
    with np.errstate(all="ignore"):
        spectrum = np.abs(np.fft.rfft(centred / max(float(np.abs(centred).max()), 1e-300), size)) ** 2
    correlation = np.fft.irfft(spectrum, size)[: min(centred.size // _REPEATS, _MOST_ROWS)]
    if correlation.size <= _LEAST_ROWS or correlation[0] <= 0:
        return 0
    correlation = correlation / correlation[0]
    peak = (correlation[1:-1] > correlation[:-2]) & (correlation[1:-1] >= correlation[2:])
    lags = np.flatnonzero(peak) + 1
    lags = lags[(lags >= _LEAST_ROWS) & (correlation[lags] >= _LEAST_CORRELATION)]
    return int(lags[np.argmax(correlation[lags])]) if lags.size else 0
