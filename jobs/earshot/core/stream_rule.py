"""From when on a play is a counted stream: one rule for every table that counts streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StreamRule:
    """A play counts once it was heard long enough, in time or as a part of its track.

    A play whose time is not told counts: its source submits only completed listens. The defaults
    are Spotify's rule (a stream is counted "when someone listens for 30 seconds or more",
    https://support.spotify.com/artists/article/how-we-count-streams/). Last.fm's rule ("the track
    must be longer than 30 seconds" and "has been played for at least half its duration, or for 4
    minutes (whichever occurs earlier)", https://www.last.fm/api/scrobbling) is `LASTFM`.

    Attributes:
        least_ms: Heard for so many milliseconds, it counts.
        least_share: Heard for this part of its track, it counts, too; 0 = the part does not matter.
            It needs the track's length: where that is not told, only `least_ms` decides.
        least_track_ms: A track that is known to be shorter never counts.
    """

    least_ms: int = 30_000
    least_share: float = 0.0
    least_track_ms: int = 0

    @classmethod
    def of(cls, rule: StreamRule | int) -> StreamRule:
        """The rule, or that of so many milliseconds."""
        return rule if isinstance(rule, StreamRule) else cls(rule)

    def counts(self, played_ms: int | None, duration_ms: int | None = None) -> bool:
        """Whether a play counts."""
        if played_ms is None:
            return True
        if duration_ms is not None and duration_ms < self.least_track_ms:
            return False
        part = self.least_share > 0 and duration_ms is not None and played_ms >= self.least_share * duration_ms
        return played_ms >= self.least_ms or part

    def counted(self, played_ms: NDArray[np.float64], duration_ms: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which plays count, by milliseconds; nan where they are not told."""
        enough = played_ms >= self.least_ms
        if self.least_share > 0:
            enough |= played_ms >= self.least_share * duration_ms
        return np.isnan(played_ms) | (enough & ~(duration_ms < self.least_track_ms))


SPOTIFY: Final = StreamRule()
LASTFM: Final = StreamRule(240_000, 0.5, 30_001)
