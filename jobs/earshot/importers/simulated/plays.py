"""Plays as columns: what a day of simulated listening is made of until it becomes lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

CONTEXTS: Final = ("playlist", "album", "artist", "radio", "search", "library", "unknown")
REASONS: Final = ("trackdone", "fwdbtn", "backbtn", "clickrow", "playbtn", "endplay", "trackerror", "logout")
PLAYLIST, ALBUM, ARTIST, RADIO, SEARCH, LIBRARY, UNKNOWN = range(7)
TRACKDONE, FWDBTN, BACKBTN, CLICKROW, PLAYBTN, ENDPLAY, TRACKERROR, LOGOUT = range(8)
NO_CDN: Final = 3
NEVER_STARTED: Final = -1

# What the truth says of a play; the first is an ordinary one.
KINDS: Final = (
    "",
    "sleep_music",
    "super_fan",
    "family_account",
    "shop",
    "bot_farm",
    "coordinated",
    "loop_31s",
    "round_the_clock",
    "hijacked",
)
FIRST_MANIPULATED: Final = KINDS.index("bot_farm")


@dataclass(frozen=True)
class Plays:
    """Columns of the same length.

    Attributes:
        client: Row of `population.Clients`, which knows account, place and device.
        start: Epoch ms.
        played: Ms heard.
        startup: Ms from request to sound; NEVER_STARTED where sound never came.
        cdn: Index into geography.CDNS; NO_CDN for plays from the device's store.
        kind: Index into KINDS.
        ring: Number of the ring of accounts that acts together; 0 is none.
    """

    client: Ints
    start: Ints
    played: Ints
    track: Ints
    context: Ints
    reason_start: Ints
    reason_end: Ints
    skipped: Flags
    shuffle: Flags
    offline: Flags
    failed: Flags
    cdn: Ints
    startup: Ints
    rebuffers: Ints
    rebuffer_ms: Ints
    bitrate: Ints
    kind: Ints
    ring: Ints

    def __len__(self) -> int:
        """How many plays."""
        return len(self.start)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Self:
        """Some of the plays, by index, mask or slice."""
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    @classmethod
    def concatenated(cls, parts: Sequence[Self]) -> Self:
        """The plays of all parts, in their order."""
        names = [field.name for field in fields(cls)]
        if len(parts) == 1:
            return parts[0]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    @classmethod
    def none(cls) -> Self:
        """No plays."""
        empty, no_flags = np.zeros(0, np.int64), np.zeros(0, bool)
        columns: dict[str, Any] = {field.name: empty for field in fields(cls)}
        return cls(**columns | dict.fromkeys(("skipped", "shuffle", "offline", "failed"), no_flags))

    def in_order(self) -> Self:
        """By start; ties by client and track, so that order never depends on how plays were made."""
        return self.take(np.lexsort((self.track, self.client, self.start)))
