"""What the report shows of playback quality, added up from the hourly cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from earshot.core.measures import UNKNOWN
from earshot.core.playback_rollup import COLUMNS, roll_up
from earshot.core.small_tables import SmallTables

MOST_CDNS: Final = 8


@dataclass(frozen=True)
class PlaybackFigures:
    """What is shown of playback quality; rows are those of `core.playback_rollup.roll_up`.

    Attributes:
        whole: All plays; empty where nothing was measured.
        days: By day, ascending.
        cdns: By CDN, the most played first.
        stalls: Rebuffer ratio by device and CDN.
    """

    whole: Mapping[str, Any] = field(default_factory=dict)
    days: tuple[Mapping[str, Any], ...] = ()
    cdns: tuple[Mapping[str, Any], ...] = ()
    stalls: Mapping[tuple[str, str], float] = field(default_factory=dict)


def collect_playback(tables: SmallTables, since: date, day: date) -> PlaybackFigures:
    """Read the figures of the days since..day."""
    cells = tables.arrow("gold.audio_quality", [("quality_date", ">=", since), ("quality_date", "<=", day)], COLUMNS)
    whole = roll_up(cells).to_pylist()
    if not whole or whole[0]["quality_score"] is None:
        return PlaybackFigures()
    cdns = sorted(roll_up(cells, by=("cdn",)).to_pylist(), key=lambda row: (-row["plays"], row["cdn"]))
    both = roll_up(cells, by=("device", "cdn")).to_pylist()
    return PlaybackFigures(
        whole[0],
        tuple(roll_up(cells, period="day").to_pylist()),
        tuple(cdns[:MOST_CDNS]),
        {
            (row["device"], row["cdn"]): row["rebuffer_ratio"]
            for row in both
            if row["rebuffer_ratio"] is not None and row["cdn"] != UNKNOWN
        },
    )
