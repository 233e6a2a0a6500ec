"""Shares of charts and suspects by day: what part of the streams goes to few artists, and what part is flagged.

Revenue itself is a figure of months. What it is made of by day is in the cube: counted streams by country and tier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.daily_metrics import SUSPECT_SHARE, TOP_ARTISTS_SHARE
from earshot.core.small_tables import SmallTables
from earshot.detectors.series import Dimensions, sorted_dimensions

FIRST_RANKS: Final = 10
"""So many artists are at the top of a day's chart."""

Told = tuple[str, Dimensions, date, float, int]
"""Metric, dimensions, day, value (0 to 1) and the streams behind it."""

_ALL: Final = "ALL"
_FLAGGED: Final = ("suspect", "confirmed")
_Streams = dict[tuple[Dimensions, date], int]


def read(lake: SmallTables, cube: pa.Table, first: date, last: date) -> Iterator[Told]:
    """The shares by day, from the first day to the last.

    Args:
        lake: gold.charts and gold.suspect_listens.
        cube: Rows of gold.activity_cube of these days: what the shares are of.
        first: First UTC day.
        last: Last UTC day.
    """
    counted, plays = (_by_day(cube, metric) for metric in ("counted_listens", "listens"))
    top = _of_top_artists(lake, first, last)
    for (slice_, day), streams in sorted(top.items()):
        if whole := counted.get((slice_, day)):
            yield TOP_ARTISTS_SHARE, slice_, day, min(streams / whole, 1.0), whole
    flagged = _flagged(lake, first, last)
    if flagged is not None:
        for (slice_, day), whole in sorted(plays.items()):
            if not slice_ and whole:
                yield SUSPECT_SHARE, slice_, day, min(flagged.get(day, 0) / whole, 1.0), whole


def _by_day(cube: pa.Table, metric: str) -> _Streams:
    rows = cube.filter(pc.and_(pc.equal(cube["metric"], metric), pc.equal(cube["grain"], "day")))
    columns = (rows[name].to_pylist() for name in ("dimensions", "window_start", "value"))
    return {
        (sorted_dimensions(dimensions or ()), start.astimezone(UTC).date()): int(value)
        for dimensions, start, value in zip(*columns, strict=True)
    }


def _of_top_artists(lake: SmallTables, first: date, last: date) -> _Streams:
    wanted = [("period", "=", "day"), ("period_start", ">=", first), ("period_start", "<=", last)]
    wanted += [("entity", "=", "artist"), ("suspects", "=", "included"), ("rank", "<=", FIRST_RANKS)]
    rows = lake.arrow("gold.charts", wanted, ("period_start", "country", "tier", "streams"))
    found: _Streams = defaultdict(int)
    for row in rows.to_pylist():
        slice_ = sorted_dimensions({name: row[name] for name in ("country", "tier") if row[name] != _ALL})
        found[slice_, row["period_start"]] += int(row["streams"])
    return found


def _flagged(lake: SmallTables, first: date, last: date) -> dict[date, int] | None:
    """Plays that are flagged by day; None where nobody ever was. Who is flagged as a whole is counted once."""
    if lake.open("gold.suspect_listens") is None:
        return None
    wanted = [("listen_date", ">=", first), ("listen_date", "<=", last)]
    columns = ("listener_id", "track_id", "listen_date", "verdict", "streams")
    rows = [
        row for row in lake.arrow("gold.suspect_listens", wanted, columns).to_pylist() if row["verdict"] in _FLAGGED
    ]
    whole = {(row["listener_id"], row["listen_date"]) for row in rows if row["track_id"] is None}
    found: dict[date, int] = defaultdict(int)
    for row in rows:
        if row["track_id"] is None or (row["listener_id"], row["listen_date"]) not in whole:
            found[row["listen_date"]] += int(row["streams"] or 0)
    return found
