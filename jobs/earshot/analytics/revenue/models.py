"""What a stream counts in each model of sharing a pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.analytics.plays import Integers
from earshot.core.revenue_settings import ArtistCentricSettings

PRO_RATA: Final = "pro_rata"
USER_CENTRIC: Final = "user_centric"
ARTIST_CENTRIC: Final = "artist_centric"


@dataclass(frozen=True)
class Streams:
    """Streams of listeners and artists, a row each.

    Attributes:
        streams: Counted streams.
        earning: Those whose track has streams enough (see `ProRataSettings`).
        chosen: Those that the listener chose.
        of_listener: All streams of the listener in the pool.
        of_listener_month: All streams of the listener in the month, over all pools.
    """

    streams: Integers
    earning: Integers
    chosen: Integers
    of_listener: Integers
    of_listener_month: Integers


Fractions = tuple[Integers, Integers]
"""Of each row, numerator and denominator of what it counts."""


def pro_rata(streams: Streams, rules: ArtistCentricSettings) -> Fractions:
    """Every stream that earns counts one: an artist has the share of the pool that they have of its streams."""
    return streams.earning, np.ones_like(streams.earning)


def user_centric(streams: Streams, rules: ArtistCentricSettings) -> Fractions:
    """Every listener counts one, divided among the artists by the listener's own streams in the pool.

    A listener without a stream that may earn leaves what they paid to the pool as a whole.
    """
    return streams.streams, np.maximum(streams.of_listener, 1)


def artist_centric(streams: Streams, rules: ArtistCentricSettings) -> Fractions:
    """Every stream counts one; chosen ones and those of boosted artists more; no listener more than the cap.

    The streams of a listener above the cap are scaled down alike, before any boost; that of the artist is
    multiplied in later, because it depends on all listeners (see `streams`). Terms and source: see
    `core.revenue_settings`.
    """
    points = streams.streams + (rules.active_factor - 1) * streams.chosen
    is_capped = (streams.of_listener_month > rules.listener_cap) & (rules.listener_cap > 0)
    return (
        np.where(is_capped, points * max(rules.listener_cap, 1), points),
        np.where(is_capped, streams.of_listener_month, 1),
    )


MODELS: Final[Mapping[str, Callable[[Streams, ArtistCentricSettings], Fractions]]] = {
    PRO_RATA: pro_rata,
    USER_CENTRIC: user_centric,
    ARTIST_CENTRIC: artist_centric,
}
