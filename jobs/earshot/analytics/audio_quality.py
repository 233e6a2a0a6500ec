"""gold.audio_quality: how well sound was delivered, with the names of CTA-2066."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.play_days import Plays, each_day
from earshot.analytics.plays import (
    Flags,
    Floats,
    Integers,
    hours_of_day,
    mixed,
    numbered,
    percentiles_by_group,
    starts_of_hours,
    table_of,
)
from earshot.analytics.stall_leaving import stall_leaving
from earshot.core import columns as c
from earshot.core.arrow_columns import coded, numbers, opens
from earshot.core.arrow_rows import ArrowRows, ArrowTasks
from earshot.core.log_histogram import Sketches
from earshot.core.measures import UNKNOWN
from earshot.core.playback import EXPECTED_STARTUP_MS, SKETCHES, levels
from earshot.core.tables import spec_of

DIMENSIONS: Final = (c.COUNTRY, c.DEVICE, c.CDN, c.APP_VERSION)

_MEASURED: Final = (
    *(c.PLAYED_MS, c.STARTUP_MS, c.REBUFFER_COUNT, c.REBUFFER_MS, c.BITRATE_KBPS, c.BITRATE_SWITCHES, c.START_FAILED),
)
_EXACT: Final = {c.STARTUP_MS_P50: 0.5, c.STARTUP_MS_P95: 0.95, c.STARTUP_MS_P99: 0.99}
_SCHEMA: Final = spec_of("gold.audio_quality").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")


def audio_quality(listens: Plays, *, session_gap_minutes: int) -> ArrowRows | ArrowTasks:
    """Playback quality by hour, country, device, CDN and version.

    An exit before start is a play of 0 ms that did not fail. The rebuffer ratio is time stalled
    over time stalled and heard; see `core.playback` for it and what else follows from sums.
    Percentiles are exact, between neighbours by linear interpolation; those of more than a cell come
    from its sketches, within half a percent (`core.log_histogram`). A null dimension is `unknown`.

    The plays of a day go to one Arrow task, which sums whole numbers: what it says does not depend
    on the order of the plays.

    Args:
        listens: Rows of silver.listens.
        session_gap_minutes: A pause after which a listener has left; see `stall_leaving`.

    Returns:
        The columns of gold.audio_quality, a task a day.
    """

    def build(day: date, plays: pa.Table) -> pa.Table:
        return quality_of_day(plays, day=day, session_gap_minutes=session_gap_minutes)

    return each_day(listens, (c.STARTED_AT, c.LISTENER_ID, *DIMENSIONS, *_MEASURED), build, _SCHEMA)


def quality_of_day(plays: pa.Table, *, day: date, session_gap_minutes: int) -> pa.Table:
    """The rows of one day.

    Args:
        plays: Its plays: what `audio_quality` reads of them, nulls included.
        day: The UTC day.
        session_gap_minutes: See `audio_quality`.
    """
    names = [numbered(plays[name], missing=UNKNOWN) for name in DIMENSIONS]
    hours = hours_of_day(plays[c.STARTED_AT])
    all_keys = mixed([hours, *(name.codes for name in names)], [24, *(len(name) for name in names)], plays.num_rows)
    order = np.argsort(all_keys, kind="stable")
    first = np.flatnonzero(opens(all_keys[order]))
    keys, size = all_keys[order[first]], len(first)
    cells = np.empty(len(order), np.int64)
    cells[order] = np.repeat(np.arange(size), np.diff(first, append=len(order)))
    measured = {name: numbers(plays[name]) for name in _MEASURED}
    sums = _sums(measured, order, first)
    sketches = {name: Sketches.of(cells, measured[name], size=size) for name in SKETCHES}
    stalls, startups = sketches[c.REBUFFER_MS].totals, sketches[c.STARTUP_MS].totals
    switches = np.bincount(cells, weights=np.isfinite(measured[c.BITRATE_SWITCHES]), minlength=size)
    columns: dict[str, Any] = {c.QUALITY_DATE: pa.repeat(pa.scalar(day, pa.date32()), size)}
    for name, found in reversed(list(zip(DIMENSIONS, names, strict=True))):
        columns[name] = found.names.take(pa.array(keys % len(found)))
        keys = keys // len(found)
    midnight = np.datetime64(day, "us")
    columns[c.HOUR_START] = starts_of_hours(day, keys)
    exact = percentiles_by_group(cells, measured[c.STARTUP_MS], shares=tuple(_EXACT.values()), size=size)
    columns |= zip(_EXACT, exact, strict=True)
    columns |= levels(sums, startups=startups, stalls=stalls)
    columns |= sums
    untold = {c.REBUFFER_MS: stalls == 0, c.REBUFFER_COUNT: stalls == 0, c.BITRATE_SWITCHES: switches == 0}
    columns |= {name: pa.array(sums[name], mask=mask) for name, mask in untold.items()}
    columns |= {column: sketches[name].maps() for name, column in SKETCHES.items()}
    columns[c.STALL_LEAVING] = stall_leaving(
        cells,
        coded(plays[c.LISTENER_ID], missing=UNKNOWN)[0],
        _since(plays[c.STARTED_AT], midnight),
        measured,
        size=size,
        session_gap_ms=session_gap_minutes * 60_000,
    )
    return table_of(columns, _ARROW)


def _sums(measured: Mapping[str, Floats], order: Integers, first: Integers) -> dict[str, Integers]:
    """The columns of `core.playback.SUMS`, in whole numbers: no order of the plays changes them.

    Args:
        measured: By play.
        order: The plays in the order of their cells.
        first: The first of each cell in it.
    """
    heard, failed, bitrate = (measured[name] for name in (c.PLAYED_MS, c.START_FAILED, c.BITRATE_KBPS))

    def total(values: Floats | Flags) -> Integers:
        whole = np.nan_to_num(values).astype(np.int64)
        return np.add.reduceat(whole[order], first) if len(first) else np.zeros(0, np.int64)

    return {
        c.PLAYS: np.diff(first, append=len(order)),
        c.START_FAILURES: total(failed),
        c.EXITS_BEFORE_START: total((heard == 0) & ~(failed > 0)),
        c.PLAYED_MS: total(heard),
        c.LATE_STARTUP_MS: total(np.maximum(measured[c.STARTUP_MS] - EXPECTED_STARTUP_MS, 0)),
        c.REBUFFER_MS: total(measured[c.REBUFFER_MS]),
        c.REBUFFER_COUNT: total(measured[c.REBUFFER_COUNT]),
        c.AUDIO_BITS: total(bitrate * heard),
        c.BITRATE_PLAYED_MS: total(np.where(np.isfinite(bitrate), heard, 0)),
        c.BITRATE_SWITCHES: total(measured[c.BITRATE_SWITCHES]),
        c.SWITCHES_PLAYED_MS: total(np.where(np.isfinite(measured[c.BITRATE_SWITCHES]), heard, 0)),
    }


def _since(times: pa.ChunkedArray, midnight: np.datetime64) -> Integers:
    """Milliseconds from midnight."""
    micros = times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    since: Integers = (micros - midnight.astype(np.int64)) // 1_000
    return since
