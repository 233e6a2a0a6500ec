"""The streams of one pool and whom they pay, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.plays import Flags, Integers, numbered
from earshot.analytics.revenue.cells import KINDS
from earshot.analytics.revenue.models import MODELS
from earshot.analytics.revenue.packing import unpacked
from earshot.analytics.revenue.rounding import Weights
from earshot.analytics.revenue.splits import MILLIONTHS, PARTS
from earshot.core import columns as c
from earshot.core.arrow_columns import flags

ARTIST: Final = "artist"
RIGHTS_HOLDER: Final = "rights_holder"
SUSPENSE: Final = "suspense"
PAYEE_TYPES: Final = (ARTIST, RIGHTS_HOLDER, SUSPENSE)


@dataclass(frozen=True)
class Shares:
    """A row for each payee of each row of streams.

    Attributes:
        row: Row of the streams, ascending.
        payee: Place in `names`.
        millionths: The payee's part of it.
        names: payee_id of each payee, ascending; a name stands twice where it is of two types.
        types: Of each payee, the place in `PAYEE_TYPES`.
    """

    row: Integers
    payee: Integers
    millionths: Integers
    names: pa.Array
    types: Integers

    @classmethod
    def of_artists(cls, names: pa.Array) -> Self:
        """The shares of rows that are an artist's each, in the order of their names."""
        rows = np.arange(len(names))
        return cls(rows, rows, np.full(len(names), MILLIONTHS), names, np.zeros_like(rows))

    @classmethod
    def of_rows(cls, rows: pa.Table) -> Self:
        """Those of artists where a row has no parts (see `splits`), of rights holders where it has."""
        number = pa.array(np.arange(rows.num_rows))
        is_split = pc.is_valid(rows[PARTS]).combine_chunks()
        alone = rows[c.ARTIST_ID].filter(pc.invert(is_split))
        parts = rows[PARTS].filter(is_split).combine_chunks()
        part = parts.flatten()
        row = pa.concat_arrays(
            [number.filter(pc.invert(is_split)), number.filter(is_split).take(pc.list_parent_indices(parts))]
        ).to_numpy()
        holders = numbered(pa.chunked_array([*alone.chunks, part.field(c.PAYEE_ID)], pa.string()))
        is_holder = np.arange(len(row)) >= len(alone)
        millionths = np.where(is_holder, 0, MILLIONTHS)
        millionths[is_holder] = part.field("millionths").to_numpy(zero_copy_only=False)
        order = np.argsort(row, kind="stable")
        keys, payee = np.unique(holders.codes * 2 + is_holder, return_inverse=True)
        return cls(row[order], payee[order], millionths[order], holders.names.take(pa.array(keys // 2)), keys % 2)


@dataclass(frozen=True)
class StreamsOfKind:
    """All streams of the rows, or those that are not flagged.

    Attributes:
        streams: Of each row.
        is_boosted: Whether the artist of the row is.
        weights: By model, what they count.
    """

    streams: Integers
    is_boosted: Flags
    weights: Mapping[str, Weights]

    def equals(self, other: StreamsOfKind) -> bool:
        """Whether every figure is the same."""
        return (
            np.array_equal(self.streams, other.streams)
            and np.array_equal(self.is_boosted, other.is_boosted)
            and all(_equal(weights, other.weights[model]) for model, weights in self.weights.items())
        )


@dataclass(frozen=True)
class PoolStreams:
    """What a pool is divided by.

    Attributes:
        shares: Whom the rows pay.
        kinds: The streams of the rows, by the names of `cells.KINDS`.
    """

    shares: Shares
    kinds: Mapping[str, StreamsOfKind]

    @classmethod
    def of_rows(cls, rows: pa.Table) -> Self:
        """Rows as `streams.streams_of_pools` has them, of one pool."""
        return cls(
            Shares.of_rows(rows),
            {
                kind: StreamsOfKind(
                    rows[f"streams_{kind}"].to_numpy(),
                    flags(rows[f"is_boosted_{kind}"]),
                    {model: unpacked(rows[f"{model}_{kind}"].combine_chunks()) for model in MODELS},
                )
                for kind in KINDS
            },
        )


def _equal(left: Weights, right: Weights) -> bool:
    return all(
        np.array_equal(*sides)
        for sides in (
            (left.part, right.part),
            (left.numerator, right.numerator),
            (left.denominator, right.denominator),
        )
    )
