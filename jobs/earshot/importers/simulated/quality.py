"""Playback quality: startup, stalls, bitrate and failures by device, delivery network, country and hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated.geography import CDN_SHARES, CDNS, NETWORK, congestion
from earshot.importers.simulated.plays import NEVER_STARTED, NO_CDN, Plays
from earshot.importers.simulated.population import FREE_TIER, Clients

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

MAX_STARTUP_MS: Final = 30_000
MAX_REBUFFER_MS: Final = 120_000
MAX_REBUFFERS: Final = 40
_STARTUP_MS: Final = np.array([380.0, 520.0, 640.0, 430.0, 900.0, 620.0, 760.0])
_STALLS: Final = np.array([0.020, 0.030, 0.035, 0.018, 0.040, 0.025, 0.080])
_CDN_STARTUP: Final = np.array([1.0, 1.1, 1.25, 0.08])
_CDN_STALLS: Final = np.array([1.0, 1.15, 1.5, 0.0])
_FAILURES: Final = 0.006
_BITRATES: Final = np.array([96, 160, 256, 320])
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True)
class Quality:
    """What the player measured of each play; the names of `plays.Plays`."""

    cdn: Ints
    failed: Flags
    startup: Ints
    rebuffers: Ints
    rebuffer_ms: Ints
    bitrate: Ints


def measure(
    clients: Clients, client: Ints, start: Ints, offline: Flags, offsets_ms: Ints, rng: np.random.Generator
) -> Quality:
    """Measure plays that nothing else disturbs.

    Args:
        clients: All clients.
        client: Of each play.
        start: Of each play, epoch ms.
        offline: Whether it came from the device's store.
        offsets_ms: Local time minus UTC, by zone.
        rng: Source of chance.
    """
    count = len(client)
    country, device = clients.country[client], clients.device[client]
    local_hour = (start + offsets_ms[clients.zone[client]]) // _HOUR_MS % 24
    shares = np.cumsum(CDN_SHARES, axis=1)[country]
    cdn = np.minimum((rng.random(count)[:, None] > shares).sum(axis=1), len(CDNS) - 1)
    cdn = np.where(offline, NO_CDN, cdn)
    busy = congestion(local_hour) * NETWORK[country]
    slowness = _STARTUP_MS[device] * _CDN_STARTUP[cdn] * NETWORK[country] * (1 + 0.3 * busy)
    startup = slowness * np.exp(rng.standard_normal(count) * 0.42)
    rate = _STALLS[device] * _CDN_STALLS[cdn] * NETWORK[country] * (0.6 + 0.8 * busy)
    luck = rng.random(count)
    rebuffers = (luck < rate).astype(np.int64) + (luck < rate * 0.25) + (luck < rate * 0.06)
    stalled = np.flatnonzero(rebuffers)
    rebuffer_ms = np.zeros(count, np.int64)
    rebuffer_ms[stalled] = rebuffers[stalled] * np.exp(7.2 + 0.6 * rng.standard_normal(stalled.size))
    failed = ~offline & (rng.random(count) < _FAILURES * NETWORK[country] * (0.7 + 0.6 * busy))
    best = np.where(clients.tier[client] == FREE_TIER, 1, 3)
    steps = (rng.random(count) < 0.08 + 0.25 * busy).astype(np.int64) + (luck < rate)
    quality = Quality(
        cdn,
        failed,
        np.clip(startup, 20, MAX_STARTUP_MS).astype(np.int64),
        rebuffers,
        np.minimum(rebuffer_ms, MAX_REBUFFER_MS),
        _BITRATES[np.maximum(best - steps, 0)],
    )
    silence(quality, failed)
    return quality


def silence(quality: Quality | Plays, failed: Flags) -> None:
    """Plays whose sound never came have no startup and no stalls."""
    quality.startup[failed] = NEVER_STARTED
    quality.rebuffers[failed] = 0
    quality.rebuffer_ms[failed] = 0
