"""What playback quality means: the figures of gold.audio_quality from sums that add up over cells, days and countries.

The names are those of CTA-2066 (Streaming Quality of Experience Events, Properties and Metrics). A mart's cell, a day,
a week and a country have the same figures from the same sums; percentiles of more than a cell come from its sketches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.core import columns as c

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

EXPECTED_STARTUP_MS: Final = 2_000
LOSS_BY_STARTUP_SECOND: Final = 0.058
LOSS_BY_REBUFFER_RATIO: Final = 5.0
MS_PER_HOUR: Final = 3_600_000

SUMS: Final = (
    *(c.PLAYS, c.START_FAILURES, c.EXITS_BEFORE_START, c.PLAYED_MS, c.LATE_STARTUP_MS, c.REBUFFER_MS),
    *(c.REBUFFER_COUNT, c.AUDIO_BITS, c.BITRATE_PLAYED_MS, c.BITRATE_SWITCHES, c.SWITCHES_PLAYED_MS),
)
"""Columns of gold.audio_quality that add up."""

SKETCHES: Final = {
    c.STARTUP_MS: c.STARTUP_MS_SKETCH,
    c.REBUFFER_MS: c.REBUFFER_MS_SKETCH,
    c.BITRATE_KBPS: c.BITRATE_KBPS_SKETCH,
}
"""What is measured of a play, and the column of gold.audio_quality that holds its sketch."""

LEVELS: Final = (
    *(c.REBUFFER_RATIO, c.REBUFFER_PER_HOUR, c.BITRATE_KBPS_MEAN, c.BITRATE_SWITCHES_PER_HOUR, c.QUALITY_SCORE),
)
"""Columns of gold.audio_quality that follow from sums."""


def levels(sums: Mapping[str, Integers], *, startups: Integers, stalls: Integers) -> dict[str, Floats]:
    """The figures of `LEVELS`, each over groups of plays; nan where nothing was measured.

    Args:
        sums: The columns of `SUMS` by group.
        startups: How many plays of each group tell how long they took to start.
        stalls: How many tell how long they stalled.
    """
    heard, stalled = sums[c.PLAYED_MS], sums[c.REBUFFER_MS]
    told = stalls > 0
    stall_ratio = np.where(told, quotient(stalled, stalled + heard), np.nan)
    late_s = quotient(sums[c.LATE_STARTUP_MS], startups) / 1000
    return {
        c.REBUFFER_RATIO: stall_ratio,
        c.REBUFFER_PER_HOUR: np.where(told, quotient(sums[c.REBUFFER_COUNT], heard) * MS_PER_HOUR, np.nan),
        c.BITRATE_KBPS_MEAN: quotient(sums[c.AUDIO_BITS], sums[c.BITRATE_PLAYED_MS]),
        c.BITRATE_SWITCHES_PER_HOUR: quotient(sums[c.BITRATE_SWITCHES], sums[c.SWITCHES_PLAYED_MS]) * MS_PER_HOUR,
        c.QUALITY_SCORE: quality_score(quotient(sums[c.START_FAILURES], sums[c.PLAYS]), late_s, stall_ratio),
    }


def quality_score(failed: Floats, late_s: Floats, stall_ratio: Floats) -> Floats:
    """The share of listening that delivery left, 0 to 100.

    100 x (1 - start failures / plays) x (1 - 0.058 x mean seconds of startup beyond 2 s)
    x (1 - 5 x rebuffer ratio), no factor below 0; nan where neither startup nor stalls are known.

    Sources: Krishnan and Sitaraman, "Video Stream Quality Impacts Viewer Behavior", IMC 2012: people
    begin to leave when startup takes more than 2 s, 5.8 % more for every further second, and a
    rebuffer delay of 1 % of the duration costs 5 % of the time played. That the three losses
    multiply, that what holds for video holds for sound, and that time stalled over time stalled and heard
    stands for their delay over duration, is our assumption. Exits before start are left out: why
    somebody changed their mind is not known, and who leaves for slowness is in the second factor.

    Args:
        failed: Start failures as a share of the plays.
        late_s: Mean seconds of startup beyond 2 s, of plays that tell; nan where none does.
        stall_ratio: Time stalled over time stalled and heard; nan where no play tells.
    """
    by_startup = np.maximum(1 - LOSS_BY_STARTUP_SECOND * np.nan_to_num(late_s), 0)
    by_stalls = np.maximum(1 - LOSS_BY_REBUFFER_RATIO * np.nan_to_num(stall_ratio), 0)
    score = 100 * (1 - failed) * by_startup * by_stalls
    return np.where(np.isnan(late_s) & np.isnan(stall_ratio), np.nan, score)


def quotient(part: Integers | Floats, whole: Integers | Floats) -> Floats:
    """Divide; nan where the whole is nothing."""
    parts = part.astype(np.float64)
    divided: Floats = np.divide(parts, whole, out=np.full(len(parts), np.nan), where=whole > 0)
    return divided
