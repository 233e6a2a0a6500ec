"""Agreement of plays with the catalogue: a figure of accuracy, not a rule."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core.columns import ARTIST_NAME, DURATION_MS, TRACK_ID

CHECKED = "catalogue_checked"
AGREEING = "catalogue_agreeing"
DURATION_TOLERANCE_MS = 2_000
_KNOWN_DURATION, _KNOWN_ARTIST = "known_duration_ms", "known_artist"


def with_catalogue(listens: DataFrame, tracks: DataFrame) -> DataFrame:
    """Plays with what the catalogue knows of their track, for `agreement`.

    Args:
        listens: Plays with track_id.
        tracks: silver.tracks.
    """
    known = tracks.select(
        F.col(TRACK_ID),
        F.col(DURATION_MS).alias(_KNOWN_DURATION),
        F.lower(F.trim(ARTIST_NAME)).alias(_KNOWN_ARTIST),
    )
    return listens.join(F.broadcast(known.dropDuplicates([TRACK_ID])), TRACK_ID, "left")


def agreement() -> list[Column]:
    """Aggregates over plays `with_catalogue`: values that the catalogue knows, and those of them that it confirms.

    Compared are duration_ms (within 2 s, which is what releases of one recording differ by) and artist_name
    (without case and outer blanks), where both sides have a value.

    Returns:
        `catalogue_checked: bigint`, `catalogue_agreeing: bigint`.
    """
    duration = F.abs(F.col(DURATION_MS) - F.col(_KNOWN_DURATION)) <= DURATION_TOLERANCE_MS
    artist = F.lower(F.trim(ARTIST_NAME)) == F.col(_KNOWN_ARTIST)
    return [
        (_count(duration.isNotNull()) + _count(artist.isNotNull())).alias(CHECKED),
        (_count(duration) + _count(artist)).alias(AGREEING),
    ]


def _count(condition: Column) -> Column:
    return F.count_if(F.coalesce(condition, F.lit(False)))
