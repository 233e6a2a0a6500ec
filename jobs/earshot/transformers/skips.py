"""Which plays look skipped where their source does not say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from earshot.core import columns as c


@dataclass(frozen=True)
class SkipRule:
    """How a skip is told from other ends; what a source says of `skipped` always stands.

    A skip is a play that the listener stopped before its end, however late (Paul Lamere, The Skip,
    2014, https://musicmachinery.com/2014/05/02/the-skip/). Where the source gives the reason of the
    end, the button decides, as in Spotify's sessions (Brost, Mehrotra and Jehan, The Music
    Streaming Sessions Dataset, WWW 2019, `hist_user_behavior_reason_end`). Where it does not, a play
    that was cut short is a skip only if the listener went straight on to another one: the last play
    of somebody who stops listening, or the one before a pause, is none.

    Attributes:
        share: A play heard for less than this part of its track is cut short.
        next_s: The next play begins at most so many seconds after its end.
        reasons: Values of reason_end that are skips.
    """

    share: float = 0.9
    next_s: float = 10.0
    reasons: tuple[str, ...] = ("fwdbtn", "backbtn")

    def inferred(self, *, end: Column, next_start: Column) -> Column:
        """Whether a play without `skipped` looks skipped; false where nothing tells, never null.

        Args:
            end: Its end.
            next_start: Start of the next play of its session; null if it is the last one.
        """
        reason = F.nullif(F.col(c.REASON_END), F.lit("unknown"))
        wait = F.unix_micros(next_start) - F.unix_micros(end)
        moved_on = wait <= F.lit(round(self.next_s * 1_000_000))
        cut_short = F.col(c.PLAYED_MS) < F.lit(self.share) * F.col(c.DURATION_MS)
        looks = F.coalesce(reason.isin(*self.reasons), cut_short & moved_on, F.lit(False))
        failed = F.coalesce(F.col(c.START_FAILED), F.lit(False))
        return F.col(c.SKIPPED).isNull() & ~failed & looks


BY_BUTTON_OR_NEXT: Final = SkipRule()
