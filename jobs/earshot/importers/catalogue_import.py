"""Which catalogue files changed, what is in them, and which tracks are played and in none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core.columns import ARTIST_ID, ARTIST_NAME, ISRC, RECORDING_MBID, SOURCE, TRACK_ID, TRACK_TITLE
from earshot.core.errors import InputError
from earshot.importers.catalogue import CatalogueTable, catalogue_files, read_catalogue

ASKED_AT = "asked_at"


@dataclass
class CatalogueImport:
    """What an import of files did.

    Attributes:
        files: Files that were read: new ones and those whose content changed.
        unchanged: Files that were not read.
        tracks: Tracks that were read.
        written: Tracks that are new or differ.
        skipped: Lines that hold no track.
        emptied: Cells that were no duration or date.
        set_aside: By file name, why it could not be read; it is tried again at the next run.
    """

    files: int = 0
    unchanged: int = 0
    tracks: int = 0
    written: int = 0
    skipped: int = 0
    emptied: int = 0
    set_aside: dict[str, str] = field(default_factory=dict)


def import_files(folder: Path, table: CatalogueTable, *, now: datetime, max_text_chars: int) -> CatalogueImport:
    """Merge the files whose content is not in silver.tracks yet, in the order of their names.

    Args:
        folder: HOME/catalogue; it may be missing.
        table: silver.tracks.
        now: When the rows are written.
        max_text_chars: Lines with a longer text are skipped.
    """
    outcome = CatalogueImport()
    present = catalogue_files(folder)
    if not present:
        return outcome
    merged = table.merged()
    for file in present:
        if merged.get(file.path.name) == file.sha256:
            outcome.unchanged += 1
            continue
        try:
            read = read_catalogue(file.path, table.schema, updated_at=now, max_text_chars=max_text_chars)
        except InputError as error:
            outcome.set_aside[file.path.name] = error.what
            continue
        merged[file.path.name] = file.sha256
        outcome.written += table.merge(read.rows, files=merged)
        outcome.files += 1
        outcome.tracks += read.rows.num_rows
        outcome.skipped += read.skipped
        outcome.emptied += read.emptied
    return outcome


def unknown_tracks(listens: DataFrame, tracks: DataFrame, asked: DataFrame) -> DataFrame:
    """Tracks that are played and not in the catalogue, the most played first.

    Args:
        listens: silver.listens.
        tracks: silver.tracks.
        asked: `track_id: string` of tracks that were asked for lately.

    Returns:
        `track_id, track_title, artist_id, artist_name, isrc, recording_mbid: string, plays: bigint`; only tracks
        by which a catalogue can be asked.
    """
    named = (TRACK_TITLE, ARTIST_ID, ARTIST_NAME, ISRC, RECORDING_MBID)
    askable = (F.col(TRACK_TITLE).isNotNull() & F.col(ARTIST_NAME).isNotNull()) | F.coalesce(
        ISRC, RECORDING_MBID
    ).isNotNull()
    return (
        listens.select(TRACK_ID, *named)
        .join(tracks.select(TRACK_ID), TRACK_ID, "left_anti")
        .join(asked.select(TRACK_ID), TRACK_ID, "left_anti")
        .groupBy(TRACK_ID)
        .agg(*(F.min(name).alias(name) for name in named), F.count("*").alias("plays"))
        .where(askable)
        .orderBy(F.desc("plays"), TRACK_ID)
        .select(TRACK_ID, *named, "plays")
    )


def settled_tracks(lookups: DataFrame, sources: Sequence[str], since: datetime) -> DataFrame:
    """Tracks of which every catalogue has said lately whether it knows them.

    Args:
        lookups: ops.catalogue_lookups.
        sources: The catalogues that are asked now.
        since: Answers that are older do not count.

    Returns:
        `track_id: string`, each once.
    """
    lately = lookups.where((F.col(ASKED_AT) >= F.lit(since)) & F.col(SOURCE).isin(*sources))
    return (
        lately.groupBy(TRACK_ID)
        .agg(F.countDistinct(SOURCE).alias("answers"))
        .where(F.col("answers") >= len(sources))
        .select(TRACK_ID)
    )


def as_tracks(rows: Iterable[Mapping[str, object]], table: CatalogueTable, *, now: datetime) -> pa.Table:
    """Rows of silver.tracks from what a web catalogue found."""
    return pa.Table.from_pylist([{**row, "updated_at": now} for row in rows], schema=table.schema)
