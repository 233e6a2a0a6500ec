"""What a kept play remembers of the tellings that were merged into it: `sources` and `tellings` of silver.listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.core import columns as c

TYPE: Final = pa.list_(pa.struct([("started_at", pa.timestamp("us", "UTC")), ("client", pa.int64())]))

_Telling = tuple[int, int]
_Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Remembered:
    """Tellings that were merged into plays.

    Attributes:
        of: Place of the play.
        starts: Microseconds since 1970.
        clients: Hash of the client.
    """

    of: _Numbers
    starts: _Numbers
    clients: _Numbers

    @classmethod
    def by(cls, tellings: pa.ChunkedArray) -> Remembered:
        """From the column `tellings`."""
        listed = tellings.combine_chunks().cast(TYPE)
        flat = pc.list_flatten(listed)
        return cls(
            pc.list_parent_indices(listed).to_numpy().astype(np.int64),
            pc.struct_field(flat, "started_at").cast(pa.int64()).to_numpy(),
            pc.struct_field(flat, "client").to_numpy(),
        )


@dataclass(frozen=True)
class Merged:
    """Tellings in groups, of which each is one play.

    Attributes:
        group: Of each telling.
        own: Start and client of each.
        sources: What each names already.
        others: What each remembers already.
    """

    group: Sequence[int]
    own: Sequence[_Telling]
    sources: Sequence[Sequence[str]]
    others: Sequence[Sequence[_Telling]]

    @classmethod
    def of(
        cls, plays: pa.Table, group: NDArray[np.int64], starts: NDArray[np.int64], clients: NDArray[np.int64]
    ) -> Merged:
        """Of plays with `sources` and `tellings`."""
        known = Remembered.by(plays[c.TELLINGS])
        others: list[list[_Telling]] = [[] for _ in range(plays.num_rows)]
        for place, start, client in zip(known.of.tolist(), known.starts.tolist(), known.clients.tolist(), strict=True):
            others[place].append((start, client))
        own = list(zip(starts.tolist(), clients.tolist(), strict=True))
        sources = [sorted(names or ()) for names in plays[c.SOURCES].to_pylist()]
        return cls(group.tolist(), own, sources, [sorted(told) for told in others])

    def all_sources(self) -> list[list[str]]:
        """Of each telling, the sources that its group names."""
        found: dict[int, set[str]] = {}
        for number, names in zip(self.group, self.sources, strict=True):
            found.setdefault(number, set()).update(names)
        return [sorted(found[number]) for number in self.group]

    def all_others(self) -> list[list[_Telling]]:
        """Of each telling, the others of its group, and those that they remember."""
        found: dict[int, set[_Telling]] = {}
        for number, own, others in zip(self.group, self.own, self.others, strict=True):
            found.setdefault(number, set()).update((own, *others))
        return [sorted(found[number] - {own}) for number, own in zip(self.group, self.own, strict=True)]

    def differs(self, sources: Sequence[Sequence[str]], others: Sequence[Sequence[_Telling]]) -> NDArray[np.bool_]:
        """Which tellings do not name and remember just these already."""
        now, before = zip(sources, others, strict=True), zip(self.sources, self.others, strict=True)
        return np.array([is_now != was for is_now, was in zip(now, before, strict=True)], np.bool_)


def as_column(tellings: Sequence[Sequence[_Telling]]) -> pa.Array:
    """The column `tellings`; null where there are none."""
    listed = [[{"started_at": start, "client": client} for start, client in told] or None for told in tellings]
    return pa.array(listed, TYPE)
