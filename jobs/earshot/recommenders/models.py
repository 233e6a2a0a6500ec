"""What an algorithm makes: a model of the tracks alone, and how tracks are ranked with it.

A model holds no listener. The history of a listener is given when tracks are recommended, so
that an erased listener is in no model, and a new play counts without training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earshot.recommenders.interactions import Interactions, Names

Scores = NDArray[np.float32]
Arrays = Mapping[str, NDArray[np.generic]]

# Listeners that are scored at once; bounds the memory to about CHUNK x tracks x 4 bytes.
CHUNK = 2_048


class TrackModel(Protocol):
    """A fitted model over a fixed list of tracks."""

    def scores(self, histories: Interactions) -> Scores:
        """Score all tracks for every listener (listeners x tracks, finite); higher is better.

        A listener of whom the model knows nothing has a row of zeros.
        """

    def arrays(self) -> Arrays:
        """What the model consists of, as plain arrays."""


@dataclass(frozen=True)
class Recipe:
    """An algorithm with its parameters: what competes, and what is fitted again on more days."""

    algorithm: str
    parameters: Mapping[str, float]

    def __str__(self) -> str:
        """The algorithm and its parameters on one line."""
        values = ", ".join(f"{key}={value:g}" for key, value in sorted(self.parameters.items()))
        return f"{self.algorithm}({values})"


@dataclass(frozen=True)
class Algorithm:
    """How to fit an algorithm and how to open what it saved.

    Attributes:
        fit: Makes a model of interactions, parameters by name.
        restore: Makes the same model of its arrays and parameters.
    """

    fit: Callable[[Interactions, Mapping[str, float]], TrackModel]
    restore: Callable[[Arrays, Mapping[str, float]], TrackModel]


@dataclass(frozen=True)
class FittedModel:
    """A model with the names of its tracks and the popularity that serves listeners it does not know.

    Attributes:
        recipe: What it was made of.
        tracks: Sorted names of the columns.
        model: Scores tracks.
        popularity: How many listeners liked each track.
    """

    recipe: Recipe
    tracks: Names
    model: TrackModel
    popularity: Scores

    def rank(self, histories: Interactions, n: int) -> tuple[NDArray[np.int64], Scores, NDArray[np.bool_]]:
        """Recommend up to `n` tracks that the listener has not played.

        Args:
            histories: Any set of listeners and tracks; tracks that the model does not know are ignored.
            n: How many.

        Returns:
            tracks: Columns of `self.tracks`, best first, -1 where there are no more (listeners x n).
            scores: The algorithm's own scores, descending; 0 where there is no track.
            cold: Whether popularity stood in, because the model knows nothing of the listener.
        """
        known = histories.without_unknown(self.tracks)
        n = min(n, len(self.tracks))
        rows = len(known.listeners)
        best = np.full((rows, n), -1, np.int64)
        values = np.zeros((rows, n), np.float32)
        cold = np.ones(rows, bool)
        for part, chunk in _chunks(known):
            scores = np.array(self.model.scores(chunk), dtype=np.float32)
            cold[part] = ~scores.any(axis=1)
            scores[cold[part]] = self.popularity
            scores[chunk.plays.nonzero()] = -np.inf
            best[part], values[part] = _best(scores, self.popularity, n)
        return best, values, cold


def _chunks(histories: Interactions) -> Iterator[tuple[slice, Interactions]]:
    for start in range(0, len(histories.listeners), CHUNK):
        part = slice(start, start + CHUNK)
        yield part, histories.of_listeners(part)


def _best(scores: Scores, popularity: Scores, n: int) -> tuple[NDArray[np.int64], Scores]:
    """The n best columns of each row; equal scores by popularity, then by column."""
    if n == 0:
        empty = np.zeros((len(scores), 0))
        return empty.astype(np.int64), empty.astype(np.float32)
    threshold = np.partition(scores, -n, axis=1)[:, -n]
    best = np.empty((len(scores), n), np.int64)
    for row, limit in enumerate(threshold):
        candidates = np.flatnonzero(scores[row] >= limit)
        order = np.lexsort((candidates, -popularity[candidates], -scores[row, candidates]))
        best[row] = candidates[order[:n]]
    values = np.take_along_axis(scores, best, axis=1)
    none = ~np.isfinite(values)
    return np.where(none, -1, best), np.where(none, 0, values).astype(np.float32)
