"""What each play of a day is for gold.behaviour: completed, skipped, repeated, a discovery."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.heard_pairs import HeardPairs, PlayedPairs, heard_before
from earshot.analytics.plays import Flags, Integers
from earshot.core import columns as c
from earshot.core.arrow_columns import flags, is_in, micros, numbers, opens
from earshot.core.stream_rule import StreamRule

RATES: Final = (*("completion_rate", "skip_rate", "repeat_rate", "discovery_rate", "autoplay_rate", "counted_rate"),)
READ: Final = (
    *(c.LISTENER_ID, c.TRACK_ID, c.COUNTRY, c.TIER, c.CONTEXT, c.STARTED_AT, c.TIME_ZONE),
    *(c.PLAYED_MS, c.DURATION_MS, c.SKIPPED, c.REASON_START, c.REASON_END),
)
"""Columns of silver.listens from which gold.behaviour is made."""

Judged = tuple[Flags, Flags]
"""Of each play, whether it tells, and whether it is such a play; never such a play where it does not tell."""

_COMPLETED: Final = 0.9


def judged(
    plays: pa.Table,
    played: PlayedPairs,
    before: Iterable[HeardPairs],
    *,
    stream_rule: StreamRule,
    ids: Callable[[], pa.Table],
) -> dict[str, Judged]:
    """What the plays of a day are, by the names of `RATES`; the definitions are those of `behaviour.behaviour`.

    Args:
        plays: Columns `READ`, nulls included.
        played: Their listeners and tracks.
        before: The pairs of the days before that a discovery is held against.
        stream_rule: When a play is a counted stream.
        ids: Gives listen_id of the plays; asked only where a listener began a track twice at the same moment.
    """
    heard, duration = numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS])
    measured = np.isfinite(heard) & np.isfinite(duration)
    ended, began, skipped = plays[c.REASON_END], plays[c.REASON_START], plays[c.SKIPPED]
    own = played.keys
    first = _first(own, plays, ids)
    every = np.ones(plays.num_rows, np.bool_)
    is_first, is_new = np.zeros_like(every), np.zeros_like(every)
    is_first[first] = True
    is_new[first] = ~heard_before(own[first], played, before)
    completed = np.where(measured, heard >= _COMPLETED * duration, is_in(ended, ("trackdone",)))
    return {
        "completion_rate": (measured | _is_told(ended), completed),
        "skip_rate": (_is_told(skipped), flags(skipped)),
        "repeat_rate": (every, ~is_first),
        "discovery_rate": (every, is_new),
        "autoplay_rate": (_is_told(began), is_in(began, ("trackdone", "autoplay"))),
        "counted_rate": (every, stream_rule.counted(heard, duration)),
    }


def _first(pair: Integers, plays: pa.Table, ids: Callable[[], pa.Table]) -> Integers:
    """The first play of each pair that day, by started_at and listen_id.

    Pairs of one play come before the others; both by ascending pair, in which order they are looked up quickly.
    """
    order = np.argsort(pair)
    begins = opens(pair[order])
    is_alone = begins & np.append(begins[1:], True)
    rest = order[~is_alone]
    moments = micros(plays[c.STARTED_AT])
    rest = rest[np.lexsort((moments[rest], pair[rest]))]
    at, of = moments[rest], pair[rest]
    if np.any((np.diff(at) == 0) & (np.diff(of) == 0)):
        names = ids()[c.LISTEN_ID].combine_chunks().take(pa.array(rest))
        rest = rest[np.lexsort((pc.rank(names, tiebreaker="dense").to_numpy(), at, of))]
    return np.concatenate([order[is_alone], rest[opens(pair[rest])]])


def _is_told(column: pa.ChunkedArray) -> Flags:
    told: Flags = column.is_valid().to_numpy()
    return told
