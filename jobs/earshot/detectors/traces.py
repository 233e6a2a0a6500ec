"""What a deviation in one slice leaves in others: measured where the cube crosses both, else guessed from shares."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from earshot.detectors import evidence
from earshot.detectors.baseline import TINY, SeasonalConfig
from earshot.detectors.evidence import Frame
from earshot.detectors.series import Dimensions, Flags, Floats, Kind, contradict, sorted_dimensions, within

# What is guessed to lie in a slice may be wrong by this part of it (one standard deviation): incidents are uneven.
_UNEVEN: Final = 0.5


@dataclass(frozen=True)
class Left:
    """What is left of the series of a metric once roots have been taken out.

    Attributes:
        frame: As it was.
        places: Row of each slice.
        numerator: S x H.
        guessed: S x H, how much was taken out that no series of the cube tells.
    """

    frame: Frame
    places: Mapping[Dimensions, int]
    numerator: Floats
    guessed: Floats

    @classmethod
    def whole(cls, frame: Frame, places: Mapping[Dimensions, int]) -> Left:
        """Nothing has been taken out yet."""
        return cls(frame, places, frame.numerator, np.zeros_like(frame.numerator))

    def without(self, root: Dimensions, hours: Flags, slices: Collection[Dimensions]) -> Left:
        """The same without the deviation of a root in those slices that it explains.

        Args:
            root: The slice that is taken out; nothing happens where the metric does not have it.
            hours: H, when it deviates.
            slices: Those from which it is taken.
        """
        at = self.places.get(root)
        if at is None:
            return self
        frame, size = self.frame, self._size
        gap = np.where(hours, self.numerator[at] - frame.expected[at], 0.0)
        relative = gap / np.maximum(np.abs(size[at]), TINY) * (np.abs(size[at]) > TINY)
        out, guessed = self.numerator.copy(), self.guessed.copy()
        for dimensions in slices & self.places.keys():
            row = self.places[dimensions]
            if within(dimensions, root):
                out[row] -= size[row] * relative
            elif contradict(dimensions, root):
                continue
            elif frame.kind is Kind.LEVEL:
                out[row] -= _inherited(frame, row, relative)
            elif within(root, dimensions):
                out[row] -= gap
            else:
                told, guess = self._shared(dimensions, root, hours)
                out[row] -= told + guess
                guessed[row] += np.abs(guess)
        if frame.kind is not Kind.LEVEL:
            out = np.maximum(out, 0.0)
        return Left(frame, self.places, out, guessed)

    def tells(self, slice_: Dimensions, root: Dimensions) -> bool:
        """Whether the cube tells, or lets guess, how much of a root's deviation lies in a slice around or across it."""
        if root not in self.places:
            return False
        is_measured = within(root, slice_) or sorted_dimensions((*slice_, *root)) in self.places
        return is_measured or self.frame.kind is not Kind.LEVEL

    def could_hold(self, slice_: Dimensions, root: Dimensions, hours: Flags) -> bool:
        """Whether a root may hold all that deviates in a slice that crosses it, as far as the cube tells.

        The cell that both share may be unknown; the narrowest wider cells of the root hold at least as much.

        Args:
            slice_: The slice.
            root: The root.
            hours: H, when both deviate.
        """
        gap = np.where(hours, self.frame.numerator - self.frame.expected, 0.0).sum(axis=1)
        own = gap[self.places[slice_]]
        known: dict[int, list[float]] = {}
        for cell, _, is_whole in _cells(slice_, root):
            row = self.places.get(cell)
            if row is not None and (self._is_told[row] | ~hours).all():
                if is_whole:
                    return False
                known.setdefault(len(cell), []).append(float(gap[row] * np.sign(own)))
        narrowest = known[max(known)] if known else [0.0]
        return bool(min(narrowest) >= abs(own))

    def deviations(self, rows: list[int], config: SeasonalConfig) -> Floats:
        """R x H x W: standard deviations of what is left of some series, less sure where much of it was guessed."""
        frame = self.frame.rows(rows, self.numerator[rows])
        found = evidence.deviations(frame, config)
        guessed = self.guessed[rows]
        if not guessed.any():
            return found
        exposed = np.where(frame.usable, frame.exposure, 0.0)
        sums = (evidence.trailing_each(of, config.windows) for of in (frame.expected, exposed, guessed))
        for at, (due, exposure, guess) in enumerate(zip(*sums, strict=True)):
            chance = evidence.unit_variance(due, exposure, frame.kind)
            dispersion = frame.dispersion[:, at : at + 1]
            own = np.maximum(chance * dispersion, TINY)
            found[:, :, at] *= np.sqrt(own / (own + guess * dispersion + np.square(_UNEVEN * guess)))
        return found

    @property
    def _size(self) -> Floats:
        """S x H: the plays over which a deviation is spread."""
        return self.frame.expected if self.frame.kind is Kind.COUNT else self.frame.exposure

    @property
    def _is_told(self) -> Flags:
        """S x H: whether there is a figure; of a part of which every play failed there may be none of its quality."""
        return self.frame.usable & (self.frame.exposure > 0)

    def _shared(self, slice_: Dimensions, root: Dimensions, hours: Flags) -> tuple[Floats, Floats]:
        """H each: what of the root's deviation lies in a slice that crosses it, as the cube tells and as is guessed.

        The cell that both share tells it. Where the cube has none, a wider cell of the root is spread as the plays are.
        """
        told, guess = np.zeros(hours.size), np.zeros(hours.size)
        size, open_hours = self._size, hours.copy()
        for cell, around, is_whole in _cells(slice_, root):
            row, base = self.places.get(cell), self.places.get(around)
            if row is None or base is None or not open_hours.any():
                continue
            known = open_hours & (self._is_told[row] | (cell == root))
            gap = np.where(known, self.numerator[row] - self.frame.expected[row], 0.0)
            if is_whole:
                told += gap
            else:
                guess += gap * size[self.places[slice_]] / np.maximum(np.abs(size[base]), TINY)
            open_hours &= ~known
        return told, guess


def _cells(slice_: Dimensions, root: Dimensions) -> Iterator[tuple[Dimensions, Dimensions, bool]]:
    """Cells of the root that hold what it shares with a slice, the narrowest first.

    Each with the part of the service over which it is spread, and whether it is exactly what both share.
    """
    own = tuple(pair for pair in slice_ if pair not in root)
    both = tuple(pair for pair in slice_ if pair in root)
    for count in range(len(own), -1, -1):
        for part in combinations(own, count):
            yield sorted_dimensions((*root, *part)), sorted_dimensions((*both, *part)), count == len(own)


def _inherited(frame: Frame, row: int, relative: Floats) -> Floats:
    """What a percentile of a slice may owe to a part of it: it may lie in the part, and move as far as the part's."""
    own = frame.numerator[row] - frame.expected[row]
    most = np.maximum(frame.exposure[row] * relative * np.sign(own), 0.0)
    return np.asarray(np.sign(own) * np.minimum(np.abs(own), most))
