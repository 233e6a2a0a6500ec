"""Marks the streams that look manipulated."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.analytics.plays import Flags, is_among
from earshot.core import columns as c
from earshot.core.arrow_columns import coded, distinct
from earshot.core.day_files import DayFiles

INCLUDED: Final = "included"
EXCLUDED: Final = "excluded"
FLAGGED: Final = "is_flagged"

_FLAGGING: Final = ("suspect", "confirmed")
_EVERY: Final = ""


def with_flags(listens: DataFrame, suspects: DataFrame) -> DataFrame:
    """The plays with `is_flagged`.

    A play is flagged when its (listener, track, day), or its (listener, day) for every track, has
    the verdict suspect or confirmed.

    Args:
        listens: listener_id, track_id, listen_date and what else is to be kept.
        suspects: Rows of gold.suspect_listens.
    """
    by_day = (
        suspects.where(F.col(c.VERDICT).isin(*_FLAGGING))
        .groupBy(c.LISTENER_ID, c.LISTEN_DATE)
        .agg(
            F.bool_or(F.col(c.TRACK_ID).isNull()).alias("every_track"),
            F.collect_set(c.TRACK_ID).alias("some_tracks"),
        )
    )
    is_flagged = F.col("every_track") | F.array_contains("some_tracks", F.col(c.TRACK_ID))
    return listens.join(F.broadcast(by_day), [c.LISTENER_ID, c.LISTEN_DATE], "left").select(
        *(listens[name] for name in listens.columns), F.coalesce(is_flagged, F.lit(False)).alias(FLAGGED)
    )


def flags_of(plays: pa.Table, suspects: DayFiles, day: date) -> Flags:
    """`is_flagged` of plays, as `with_flags` has it, in a task that reads the verdicts itself.

    Args:
        plays: listener_id and track_id of plays of one day.
        suspects: gold.suspect_listens.
        day: The day.
    """
    verdicts = suspects.read(day, (c.LISTENER_ID, c.TRACK_ID, c.VERDICT))
    flagging = pc.is_in(verdicts[c.VERDICT].cast(pa.string()), value_set=pa.array(_FLAGGING, pa.string()))
    named = verdicts.filter(flagging).drop_columns(c.VERDICT)
    if not named.num_rows:
        return np.zeros(plays.num_rows, np.bool_)
    both = pa.concat_tables([plays.select(named.column_names), named])
    (listener, _), (track, tracks) = (coded(both[name], missing=_EVERY) for name in (c.LISTENER_ID, c.TRACK_ID))
    pair, of_all = listener * (len(tracks) + 1) + track, named[c.TRACK_ID].is_null().to_numpy()
    own, theirs = slice(0, plays.num_rows), slice(plays.num_rows, None)
    some = is_among(pair[own], distinct(pair[theirs][~of_all])) & plays[c.TRACK_ID].is_valid().to_numpy()
    flagged: Flags = some | is_among(listener[own], distinct(listener[theirs][of_all]))
    return flagged
