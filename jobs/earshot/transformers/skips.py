"""Which plays look skipped where their source does not say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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

    def inferred(self, plays: pa.Table, *, wait_us: NDArray[np.int64], goes_on: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which plays without `skipped` look skipped; false where nothing tells.

        Args:
            plays: skipped, start_failed, reason_end, played_ms, duration_ms.
            wait_us: Microseconds from the end of a play to the start of the next one.
            goes_on: Whether there is a next one in its session.
        """
        reason = plays[c.REASON_END]
        says = pc.and_(pc.is_valid(reason), pc.not_equal(reason, "unknown"))
        by_button = pc.is_in(reason, value_set=pa.array(self.reasons, pa.string()))
        whole = pc.multiply(plays[c.DURATION_MS].cast(pa.float64()), self.share)
        cut_short = pc.less(plays[c.PLAYED_MS].cast(pa.float64()), whole)
        moved_on = pa.chunked_array([goes_on & (wait_us <= round(self.next_s * 1_000_000))])
        looks = pc.if_else(pc.fill_null(says, False), by_button, pc.and_(cut_short, moved_on))
        is_open = pc.and_not(pc.is_null(plays[c.SKIPPED]), pc.fill_null(plays[c.START_FAILED], False))
        found: NDArray[np.bool_] = pc.and_(is_open, pc.fill_null(looks, False)).to_numpy()
        return found


BY_BUTTON_OR_NEXT: Final = SkipRule()
