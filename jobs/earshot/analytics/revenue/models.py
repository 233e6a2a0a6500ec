"""What a stream counts in each model of sharing a pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.analytics.plays import Flags, Integers
from earshot.core.revenue_settings import ArtistCentricSettings

PRO_RATA: Final = "pro_rata"
USER_CENTRIC: Final = "user_centric"
ARTIST_CENTRIC: Final = "artist_centric"


@dataclass(frozen=True)
class Streams:
    """Streams of listeners and artists, a row each; see `streams.FIELDS`.

    Attributes:
        streams: Counted streams.
        earning: Those whose track has streams enough.
        chosen: Those that the listener chose.
        of_listener: All streams of the listener in the pool.
        of_listener_month: All streams of the listener in the month.
        is_boosted: Whether the artist is boosted, see `boosted`.
    """

    streams: Integers
    earning: Integers
    chosen: Integers
    of_listener: Integers
    of_listener_month: Integers
    is_boosted: Flags

    def of(self, rows: Integers) -> Streams:
        """These rows of it."""
        return Streams(**{name: values[rows] for name, values in vars(self).items()})


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

    The streams of a listener above the cap are scaled down alike, before any boost. Terms and source: see
    `core.revenue_settings`.
    """
    points = streams.streams + (rules.active_factor - 1) * streams.chosen
    points = np.where(streams.is_boosted, rules.boost_factor * points, points)
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


def boosted(artist: Integers, streams: Integers, new_listener: Integers, rules: ArtistCentricSettings) -> Flags:
    """Of each row, whether its artist has streams and listeners enough in the month, over all pools."""
    size = int(artist.max(initial=-1)) + 1
    of_artist, listeners = np.zeros(size, np.int64), np.zeros(size, np.int64)
    np.add.at(of_artist, artist, streams)
    np.add.at(listeners, artist, new_listener)
    enough: Flags = (of_artist >= rules.boost_streams) & (listeners >= rules.boost_listeners)
    return enough[artist]
