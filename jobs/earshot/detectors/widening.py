"""Whether a slice that stands out is only the plainest part of a wider one.

What happens to a slice is rarely even within it: chance, or the mix of people, makes a part of it stand out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.detectors import evidence
from earshot.detectors.baseline import TINY, SeasonalConfig
from earshot.detectors.evidence import Frame
from earshot.detectors.series import Dimensions, Flags, Floats, Kind, within

# Part of a slice's relative effect from which another is like it, and standard deviations from which that is clear.
_ALIKE: Final = 0.5
_CLEAR: Final = 3.0
# Part of a slice's neighbours that must be like it.
_MOSTLY: Final = 0.5


@dataclass(frozen=True)
class Surroundings:
    """The slices of a metric over some hours.

    Attributes:
        places: Row of each slice.
        kind: The noise of the metric.
        seen: S, what was seen.
        due: S, what was due.
        exposed: S.
        dispersion: S, over a window of about as many hours.
    """

    places: Mapping[Dimensions, int]
    kind: Kind
    seen: Floats
    due: Floats
    exposed: Floats
    dispersion: Floats

    @classmethod
    def of(
        cls, places: Mapping[Dimensions, int], frame: Frame, numerator: Floats, hours: Flags, config: SeasonalConfig
    ) -> Surroundings:
        """Sum a frame over hours, with these numerators."""
        length = max(at for at, window in enumerate(config.windows) if window <= max(int(hours.sum()), 1))
        seen, due, exposed = (of[:, hours].sum(axis=1) for of in (numerator, frame.expected, frame.exposure))
        return cls(places, frame.kind, seen, due, exposed, frame.dispersion[:, length])

    def widened(self, slice_: Dimensions, among: Collection[Dimensions]) -> Dimensions:
        """The widest slice of `among` around this one in which, step by step, the rest deviates alike."""
        wider = self._around(slice_, among)
        while wider is not None:
            slice_, wider = wider, self._around(wider, among)
        return slice_

    @property
    def _size(self) -> Floats:
        return self.exposed if self.kind in (Kind.SHARE, Kind.LEVEL) else self.due

    def _around(self, slice_: Dimensions, among: Collection[Dimensions]) -> Dimensions | None:
        own, effect = self.places[slice_], self._effect()
        found = []
        for left_out in slice_ if effect[own] else ():
            wider = tuple(pair for pair in slice_ if pair is not left_out)
            if wider in among and wider in self.places and self._is_general(own, wider, left_out, effect):
                found.append((self._likeness(own, self.places[wider], effect), wider))
        likest = max(found, default=(0.0, None), key=lambda one: one[0])
        return likest[1] if likest[0] >= _ALIKE else None

    def _effect(self) -> Floats:
        size = self._size
        return np.asarray((self.seen - self.due) / np.where(size > TINY, size, np.inf))

    def _likeness(self, own: int, wide: int, effect: Floats) -> float:
        """The relative effect of the rest, over that of the slice; 0 where it is not clear."""
        seen, due, exposed, size = (float(of[wide] - of[own]) for of in (self.seen, self.due, self.exposed, self._size))
        noise = float(evidence.unit_variance(np.array(due), np.array(exposed), self.kind)) * self.dispersion[wide]
        is_clear = abs(seen - due) >= _CLEAR * np.sqrt(max(noise, TINY))
        return float((seen - due) / size / effect[own]) if is_clear and size > TINY else 0.0

    def _is_general(self, own: int, wider: Dimensions, left_out: tuple[str, str], effect: Floats) -> bool:
        """Whether most of the slices that differ from it in one value only deviate like it."""
        siblings = [
            row
            for dimensions, row in self.places.items()
            if len(dimensions) == len(wider) + 1
            and left_out not in dimensions
            and left_out[0] in dict(dimensions)
            and within(dimensions, wider)
        ]
        alike = [row for row in siblings if effect[row] / effect[own] >= _ALIKE]
        return bool(self._size[alike].sum() >= _MOSTLY * self._size[siblings].sum())
