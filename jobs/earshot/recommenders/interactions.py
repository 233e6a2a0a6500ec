"""Rows of plays as sparse matrices of listeners and tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

Names = NDArray[np.str_]
Matrix = Any  # scipy.sparse.csr_matrix of float32; scipy brings no types


@dataclass(frozen=True)
class Interactions:
    """What listeners did with tracks.

    Attributes:
        listeners: Names of the rows, sorted.
        tracks: Names of the columns, sorted.
        plays: Every play, liked or not (listeners x tracks, counts).
        likes: Counted, unskipped, organic plays.
        skips: Plays that the listener stopped.
    """

    listeners: Names
    tracks: Names
    plays: Matrix
    likes: Matrix
    skips: Matrix

    @property
    def size(self) -> int:
        """How many pairs of listener and track have a like."""
        return int(self.likes.nnz)

    def preference(self, *, skip_cost: float = 0.0) -> Matrix:
        """log(1 + likes - skip_cost * skips), zero where skips outweigh likes.

        The logarithm is the confidence of Hu, Koren and Volinsky (2008), section 4, without its scale.
        """
        weights = self.likes.copy().astype(np.float32)
        if skip_cost:
            weights = sparse.csr_matrix(weights - self.skips.multiply(weights > 0) * np.float32(skip_cost))
        weights.data = np.log1p(np.maximum(weights.data, 0, dtype=np.float32))
        weights.eliminate_zeros()
        return weights

    def of_listeners(self, rows: NDArray[np.int64] | slice) -> Interactions:
        """The same tracks for some of the listeners."""
        return Interactions(self.listeners[rows], self.tracks, self.plays[rows], self.likes[rows], self.skips[rows])

    def without_unknown(self, tracks: Names) -> Interactions:
        """The same listeners over another set of tracks: unknown columns go, missing ones are empty."""
        columns, places = _matching(self.tracks, tracks)
        pick = sparse.csr_matrix(
            (np.ones(len(columns), np.float32), (columns, places)), shape=(len(self.tracks), len(tracks))
        )
        return Interactions(
            self.listeners, tracks, *(sparse.csr_matrix(m @ pick) for m in (self.plays, self.likes, self.skips))
        )


@dataclass(frozen=True)
class PlayCounts:
    """Rows of `histories.play_counts`, with listeners and tracks as numbers.

    Attributes:
        listeners: Sorted names; `rows` point into them.
        tracks: Sorted names; `columns` point into them.
        phase: 0 = oldest; see `splits`.
    """

    listeners: Names
    tracks: Names
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    phase: NDArray[np.int64]
    plays: NDArray[np.float32]
    likes: NDArray[np.float32]
    skips: NDArray[np.float32]

    @classmethod
    def of(cls, table: pa.Table) -> PlayCounts:
        """Read a table with listener_id, track_id, phase, plays, likes and skips; order does not matter."""
        listeners, rows = _numbered(table["listener_id"])
        tracks, columns = _numbered(table["track_id"])
        counts = (table[name].to_numpy().astype(np.float32) for name in ("plays", "likes", "skips"))
        return cls(listeners, tracks, rows, columns, table["phase"].to_numpy().astype(np.int64), *counts)

    def interactions(self, phases: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None = None) -> Interactions:
        """The matrices of the phases for which `phases` holds (all of them without it).

        Tracks and listeners that these phases do not hold stay as empty columns and rows.
        """
        kept = np.ones(len(self.rows), bool) if phases is None else phases(self.phase)
        shape = (len(self.listeners), len(self.tracks))
        matrices = (
            _matrix(values[kept], self.rows[kept], self.columns[kept], shape)
            for values in (self.plays, self.likes, self.skips)
        )
        return Interactions(self.listeners, self.tracks, *matrices)

    def histories_since(self, phase: int) -> Interactions:
        """All phases of the listeners who played something in `phase` or later."""
        active = np.unique(self.rows[self.phase >= phase])
        return self.interactions().of_listeners(active)


def _matrix(
    values: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]
) -> Matrix:
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=shape, dtype=np.float32)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _numbered(values: pa.ChunkedArray) -> tuple[Names, NDArray[np.int64]]:
    encoded = pc.dictionary_encode(values.cast(pa.string())).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string()).dictionary_encode()
    names = np.array(encoded.dictionary.to_pylist(), dtype=np.str_)
    order = np.argsort(names, kind="stable")
    places = np.empty(len(names), np.int64)
    places[order] = np.arange(len(names))
    return names[order], places[encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)]


def _matching(names: Names, wanted: Names) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the common names in `names` and in `wanted` (which is sorted)."""
    places = np.searchsorted(wanted, names)
    found = np.flatnonzero(places < len(wanted))
    found = found[wanted[places[found]] == names[found]]
    return found, places[found]
