"""Agreement of plays with the catalogue: a figure of accuracy, not a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.columns import ARTIST_NAME, DURATION_MS, TRACK_ID
from earshot.core.partial_figures import Count, Partials
from earshot.core.small_tables import SmallTables

CHECKED: Final = "catalogue_checked"
AGREEING: Final = "catalogue_agreeing"
DURATION_TOLERANCE_MS: Final = 2_000
_COMPARED: Final = [TRACK_ID, DURATION_MS, ARTIST_NAME]


@dataclass(frozen=True)
class Catalogue:
    """What the catalogue knows of tracks. Can be sent to executors.

    Attributes:
        tracks: track_id (each once), duration_ms, artist_name.
    """

    tracks: pa.Table

    def agreement(self, listens: pa.Table) -> Partials:
        """Values that the catalogue knows, and those of them that it confirms.

        Compared are duration_ms (within 2 s, which is what releases of one recording differ by) and artist_name
        (without case and outer blanks), where both sides have a value.

        Args:
            listens: Plays with track_id, duration_ms and artist_name.

        Returns:
            `catalogue_checked` and `catalogue_agreeing`.
        """
        known = self.tracks.take(
            pc.index_in(listens[TRACK_ID].cast(pa.string()), value_set=self.tracks[TRACK_ID].combine_chunks())
        )
        apart = pc.abs(pc.subtract(listens[DURATION_MS], known[DURATION_MS]))
        duration = pc.less_equal(apart, DURATION_TOLERANCE_MS)
        artist = pc.equal(_plain(listens[ARTIST_NAME]), _plain(known[ARTIST_NAME]))
        return {
            CHECKED: Count.of(pc.is_valid(duration)) + Count.of(pc.is_valid(artist)),
            AGREEING: Count.of(duration) + Count.of(artist),
        }


def open_catalogue(small_tables: SmallTables) -> Catalogue:
    """What silver.tracks knows now; of a track that is there twice, what comes first by duration and artist."""
    tracks = small_tables.arrow("silver.tracks", columns=_COMPARED)
    order = [(name, "ascending") for name in _COMPARED]
    grouped = tracks.sort_by(order).group_by(TRACK_ID, use_threads=False)
    first = grouped.aggregate([(name, "first") for name in _COMPARED[1:]])
    return Catalogue(first.rename_columns([name.removesuffix("_first") for name in first.column_names]))


def _plain(names: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_lower(pc.utf8_trim(names.cast(pa.string()), characters=" "))
