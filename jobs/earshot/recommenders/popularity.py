"""Popularity: what most listeners liked. The baseline that everything else must beat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earshot.recommenders.interactions import Interactions
from earshot.recommenders.models import Algorithm, Arrays, Scores


def listeners_by_track(interactions: Interactions) -> Scores:
    """How many listeners liked each track."""
    return np.bincount(interactions.likes.indices, minlength=len(interactions.tracks)).astype(np.float32)


class Popularity:
    """The same ranking for everybody.

    Args:
        popularity: How many listeners liked each track.
    """

    def __init__(self, popularity: Scores) -> None:
        self._popularity = popularity

    def scores(self, histories: Interactions) -> Scores:
        """Number of listeners, for every listener alike."""
        return np.tile(self._popularity, (len(histories.listeners), 1))

    def arrays(self) -> Arrays:
        """One number a track."""
        return {"popularity": self._popularity}


def _fit(interactions: Interactions, parameters: Mapping[str, float]) -> Popularity:
    return Popularity(listeners_by_track(interactions))


def _restore(arrays: Arrays, parameters: Mapping[str, float]) -> Popularity:
    return Popularity(np.asarray(arrays["popularity"], np.float32))


POPULARITY = Algorithm(_fit, _restore)
