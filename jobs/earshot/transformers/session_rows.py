"""Plays in their order to sessions, in one Arrow task: pauses are found, and what lies between them is summed up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.core.arrow_columns import TIME, Flags, Integers, coded, distinct, flags, is_in, micros
from earshot.core.local_time import local_dates, names_a_zone
from earshot.transformers.skips import SkipRule

IS_COUNTED: Final = "is_counted"

_OPENS: Final = "opens"
_AT_ONCE: Final = 65_536
_MICROS: Final = 1_000_000
_ID_LETTERS: Final = 32
_NEVER: Final = np.iinfo(np.int64).min // 2

ROWS: Final = pa.schema(
    [
        (c.SESSION_ID, pa.string()),
        (c.LISTENER_ID, pa.string()),
        (c.STARTED_AT, TIME),
        (c.ENDED_AT, TIME),
        *((name, pa.int64()) for name in (c.LISTENS, c.COUNTED_LISTENS, c.SKIPS, c.PLAYED_MS)),
        *((name, pa.int64()) for name in (c.DISTINCT_TRACKS, c.DISTINCT_ARTISTS)),
        (c.DEVICE, pa.string()),
        (c.COUNTRY, pa.string()),
        (c.SESSION_DATE, pa.date32()),
        *((name, pa.int64()) for name in (c.INFERRED_SKIPS, c.CHOSEN_LISTENS, c.AUTOPLAYED_LISTENS)),
        (c.TIME_ZONE, pa.string()),
        (c.LOCAL_START_DATE, pa.date32()),
        (c.LOCAL_END_DATE, pa.date32()),
    ]
)
"""The columns of silver.sessions."""


@dataclass(frozen=True)
class SessionBuilder:
    """Builds sessions while their plays go by. Sent to executors.

    Attributes:
        gap_us: The longest pause within a session, in microseconds.
        skip: When a play looks skipped where its source does not say.
        chosen: Values of reason_start with which the listener chose the play.
        autoplayed: Values of reason_start with which it began by itself.
    """

    gap_us: int
    skip: SkipRule
    chosen: tuple[str, ...]
    autoplayed: tuple[str, ...]

    def sessions(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The sessions of a partition.

        Holds the plays of the session that is still open, and 65,536 more, never all plays of a listener.

        Args:
            batches: Plays by listener_id, started_at and listen_id; ended_at is not before started_at, none
                of the four is null.

        Yields:
            Rows of `ROWS`.
        """
        held: list[pa.Table] = []
        pauses = _Pauses(self.gap_us)
        for plays in _gathered(batches):
            opens = pauses.opens(plays)
            marked = plays.append_column(_OPENS, pa.array(opens))
            last = int(np.flatnonzero(opens)[-1]) if opens.any() else None
            if last is not None:
                if held or last:
                    yield from self._built(pa.concat_tables([*held, marked.slice(0, last)])).to_batches()
                held, marked = [], marked.slice(last)
            held.append(marked)
        if held:
            yield from self._built(pa.concat_tables(held)).to_batches()

    def _built(self, plays: pa.Table) -> pa.Table:
        """The sessions of plays, the first of which opens one, and the last of which ends one."""
        plays = plays.combine_chunks()
        opens = flags(plays[_OPENS])
        first, number = np.flatnonzero(opens), np.cumsum(opens) - 1
        start, end = micros(plays[c.STARTED_AT]), micros(plays[c.ENDED_AT])
        wait = np.append(start[1:] - end[:-1], 0)
        goes_on = np.append(~opens[1:], False)
        marks = {
            c.LISTENS: np.ones(len(opens), np.bool_),
            c.COUNTED_LISTENS: flags(plays[IS_COUNTED]),
            c.SKIPS: flags(plays[c.SKIPPED]),
            c.INFERRED_SKIPS: self.skip.inferred(plays, wait_us=wait, goes_on=goes_on),
            c.CHOSEN_LISTENS: is_in(plays[c.REASON_START], self.chosen),
            c.AUTOPLAYED_LISTENS: is_in(plays[c.REASON_START], self.autoplayed),
        }
        heard = pc.fill_null(plays[c.PLAYED_MS], 0).to_numpy()
        zone = plays[c.TIME_ZONE]
        placed = np.flatnonzero(names_a_zone(zone))
        sessions, at = np.unique(number[placed], return_index=True)
        place = np.zeros(len(first), np.int64)
        place[sessions] = placed[at]
        is_nowhere = ~np.isin(np.arange(len(first)), sessions)
        zones = zone.take(pa.array(place, mask=is_nowhere))
        of_first = plays.select([c.LISTENER_ID, c.STARTED_AT, c.DEVICE, c.COUNTRY]).take(pa.array(first))
        started, ended = start[first], np.maximum.reduceat(end, first)
        columns: dict[str, Any] = {
            **{name: of_first[name] for name in of_first.column_names},
            c.SESSION_ID: _session_ids(of_first[c.LISTENER_ID], started),
            **{name: np.add.reduceat(flag.astype(np.int64), first) for name, flag in marks.items()},
            c.ENDED_AT: pa.array(ended).cast(TIME),
            c.SESSION_DATE: of_first[c.STARTED_AT].cast(pa.date32()),
            c.PLAYED_MS: np.add.reduceat(heard, first),
            c.DISTINCT_TRACKS: _distinct(number, plays[c.TRACK_ID], len(first)),
            c.DISTINCT_ARTISTS: _distinct(number, plays[c.ARTIST_ID], len(first)),
            c.TIME_ZONE: zones,
            c.LOCAL_START_DATE: local_dates(zones, started // _MICROS),
            c.LOCAL_END_DATE: local_dates(zones, ended // _MICROS),
        }
        return pa.table([columns[name] for name in ROWS.names], schema=ROWS)


class _Pauses:
    """Finds the plays that open a session, from one part of the plays to the next.

    Args:
        gap_us: The longest pause within a session.
    """

    def __init__(self, gap_us: int) -> None:
        self._gap_us = gap_us
        self._listener: str | None = None
        self._latest_end = _NEVER

    def opens(self, plays: pa.Table) -> Flags:
        """Which plays start more than a pause after all plays of their listener that came before them have ended."""
        listeners = plays[c.LISTENER_ID].combine_chunks()
        start, end = micros(plays[c.STARTED_AT]), micros(plays[c.ENDED_AT])
        is_other = np.ones(len(start), np.bool_)
        is_other[1:] = pc.not_equal(listeners[1:], listeners[:-1]).to_numpy(zero_copy_only=False)
        turn = np.cumsum(is_other)
        latest = pd.Series(end).groupby(turn).cummax().to_numpy()
        before = np.where(is_other, _NEVER, np.append(_NEVER, latest[:-1]))
        if listeners[0].as_py() == self._listener:
            same = turn == 1
            before[same] = np.maximum(before[same], self._latest_end)
            latest[same] = np.maximum(latest[same], self._latest_end)
        self._listener, self._latest_end = listeners[-1].as_py(), int(latest[-1])
        return start - before > self._gap_us


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches in tables of so many rows that a table costs little more than its rows."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            waiting.append(batch)
        if sum(map(len, waiting)) >= _AT_ONCE:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _session_ids(listeners: pa.ChunkedArray, started: Integers) -> pa.Array:
    """The first letters of SHA-256 of listener and start: the same session has the same one in every rebuild."""
    texts = (f"{who}|{at}".encode() for who, at in zip(listeners.to_pylist(), started.tolist(), strict=True))
    return pa.array([hashlib.sha256(text).hexdigest()[:_ID_LETTERS] for text in texts], pa.string())


def _distinct(number: Integers, column: pa.ChunkedArray, sessions: int) -> Integers:
    """How many different values each session has; null is none."""
    there = column.is_valid().to_numpy()
    code, names = coded(column, missing="")
    size = max(len(names), 1)
    pairs = distinct(number[there] * size + code[there])
    return np.bincount(pairs // size, minlength=sessions)
