"""What the past tells of a listener on a day, and whether they came back after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from earshot.analytics.audience.sources import SESSIONS, day_of
from earshot.core import columns as c
from earshot.core.small_tables import SmallTables

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FEATURES: Final = (
    "recency_days",
    "active_days_7",
    "active_days",
    "sessions_log",
    "minutes_7_log",
    "minutes_log",
    "recent_share",
    "skip_share",
    "mean_gap_days",
    "overdue",
    "tenure_days",
)
_MS_PER_MINUTE: Final = 60_000
_WEEK: Final = 7


@dataclass(frozen=True)
class ListenerDays:
    """What each listener did on each day with a session: columns of one length, by listener and day.

    Attributes:
        names: Listeners, sorted.
        listener: Place in `names`.
        day: Days since 1970.
        sessions: Sessions that began on the day.
        minutes: Minutes heard in them.
        listens: Plays.
        skips: Skipped plays.
    """

    names: pa.Array
    listener: Integers
    day: Integers
    sessions: Floats
    minutes: Floats
    listens: Floats
    skips: Floats

    @classmethod
    def read(cls, lake: SmallTables, first: int, last: int) -> ListenerDays:
        """From silver.sessions, of the days from `first` to `last`."""
        sums = {
            "sessions": (c.SESSION_ID, "count"),
            "ms": (c.PLAYED_MS, "sum"),
            "plays": (c.LISTENS, "sum"),
            "skipped": (c.SKIPS, "sum"),
        }
        where = [(c.SESSION_DATE, ">=", day_of(first)), (c.SESSION_DATE, "<=", day_of(last))]
        rows = lake.grouped(SESSIONS, [c.LISTENER_ID, c.SESSION_DATE], sums, where)
        rows = rows.sort_by([(c.LISTENER_ID, "ascending"), (c.SESSION_DATE, "ascending")]).combine_chunks()
        listeners = rows[c.LISTENER_ID].combine_chunks().dictionary_encode()
        days = rows[c.SESSION_DATE].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
        sessions, ms, plays, skipped = (
            np.nan_to_num(rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False)) for name in sums
        )
        codes = listeners.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(listeners.dictionary, codes, days, sessions, ms / _MS_PER_MINUTE, plays, skipped)


@dataclass(frozen=True)
class Snapshot:
    """Listeners with a session in the days up to one day, as they were at its end.

    Attributes:
        day: That day.
        listener: Places of the listeners.
        features: Listeners x `FEATURES`; from days up to `day` only.
        left: Whether no session follows in the horizon; meaningful where the days after are known.
    """

    day: int
    listener: Integers
    features: Floats
    left: NDArray[np.bool_]


def snapshot(days: ListenerDays, day: int, *, history: int, horizon: int) -> Snapshot:
    """Everybody with a session in the `history` days that end with `day`.

    The features: days since the last session; days with a session in the last 7 and in all; log(1 + x) of sessions and
    of minutes (also of the last 7 days); share of the minutes that lies in the later half; skipped plays by plays; mean
    days between active days (the history where there was one only); the recency by that gap; days since the first
    session of the history.

    Args:
        days: What is known; days after `day` are used for `left` alone.
        day: Days since 1970.
        history: Days that features look back.
        horizon: Who has no session on so many days after `day` has left.
    """
    inside = (days.day > day - history) & (days.day <= day)
    listener, place = np.unique(days.listener[inside], return_inverse=True)
    count, when = len(listener), days.day[inside]

    def total(values: Floats | NDArray[np.bool_]) -> Floats:
        sums: Floats = np.bincount(place, weights=values.astype(np.float64), minlength=count).astype(np.float64)
        return sums

    last, first = np.full(count, day - history), np.full(count, day)
    np.maximum.at(last, place, when)
    np.minimum.at(first, place, when)
    active = total(np.ones(len(when)))
    minutes = total(days.minutes[inside])
    late_minutes = total(days.minutes[inside] * (when > day - history // 2))
    recency = (day - last).astype(np.float64)
    gap = np.where(active > 1, (last - first) / np.maximum(active - 1, 1), history)
    week = when > day - _WEEK
    plays = total(days.listens[inside])
    features = np.column_stack([
        recency,
        total(week),
        active,
        np.log1p(total(days.sessions[inside])),
        np.log1p(total(days.minutes[inside] * week)),
        np.log1p(minutes),
        late_minutes / np.maximum(minutes, 1e-9),
        total(days.skips[inside]) / np.maximum(plays, 1.0),
        gap,
        recency / np.maximum(gap, 1.0),
        (day - first).astype(np.float64),
    ])  # fmt: skip
    after = days.listener[(days.day > day) & (days.day <= day + horizon)]
    return Snapshot(day, listener, features, ~np.isin(listener, after))


def listeners_at(days: ListenerDays, taken: Snapshot) -> pa.Array:
    """The pseudonyms of a snapshot's listeners, in its order."""
    return days.names.take(pa.array(taken.listener))


def horizon_text(day: int, horizon: int) -> str:
    """The days that a prediction speaks of, for people."""
    return f"{day_of(day) + timedelta(days=1)} to {day_of(day + horizon)}"
