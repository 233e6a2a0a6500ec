"""Incidents: what they do to plays, and what the truth says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated.geography import CDNS, COUNTRY_CODES, DAY_MS
from earshot.importers.simulated.plays import TRACKERROR, Plays
from earshot.importers.simulated.population import APP_VERSIONS, DEVICES, PLATFORM_NAMES, TIERS, Clients
from earshot.importers.simulated.quality import MAX_REBUFFER_MS, MAX_REBUFFERS, MAX_STARTUP_MS, silence
from earshot.importers.simulated.scenario import Incident, day_number

Flags = NDArray[np.bool_]

_VOLUME: Final = ("listens", "counted_listens", "listeners", "played_ms", "skips", "plays")
METRICS: Final = {
    "outage": (*_VOLUME, "start_failures", "rebuffer_ms", "exits_before_start", "quality_score"),
    "tier_drop": (*_VOLUME, "start_failures", "rebuffer_ms", "exits_before_start"),
    "cdn_stall": ("rebuffer_ms", "rebuffer_ratio", "rebuffer_per_hour", "bitrate_kbps_mean", "quality_score"),
    "slow_ramp": ("startup_ms_p50", "startup_ms_p95", "startup_ms_p99", "quality_score"),
}
_VANISH_IN_OUTAGE: Final = 0.55
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True)
class Happening:
    """An incident with its times.

    Attributes:
        incident_id: Number and kind.
        begins: Epoch ms; `ends` is exclusive.
    """

    incident_id: str
    incident: Incident
    begins: int
    ends: int

    def hits(self, plays: Plays, clients: Clients) -> Flags:
        """Which plays it concerns."""
        found: Flags = (plays.start >= self.begins) & (plays.start < self.ends)
        columns = {
            "country": (clients.country, COUNTRY_CODES),
            "tier": (clients.tier, TIERS),
            "device": (clients.device, DEVICES),
            "platform": (clients.platform, PLATFORM_NAMES),
            "app_version": (clients.version, APP_VERSIONS),
        }
        for name, value in self.incident.dimensions.items():
            if name == "cdn":
                found &= plays.cdn == CDNS.index(value)
            else:
                codes, names = columns[name]
                found &= codes[plays.client] == names.index(value)
        return found


def schedule(incidents: Sequence[Incident], first_midnight: int, days: int) -> list[Happening]:
    """The incidents that the span has room for, in the order of their beginning."""
    found = []
    for incident in incidents:
        day = day_number(incident.day, days)
        if not 0 <= day < days:
            continue
        begins = first_midnight + day * DAY_MS + incident.hour * _HOUR_MS
        ends = min(begins + incident.hours * _HOUR_MS, first_midnight + days * DAY_MS)
        found.append((begins, ends, incident))
    found.sort(key=lambda entry: entry[:2])
    return [Happening(f"{n + 1}-{i.kind}", i, begins, ends) for n, (begins, ends, i) in enumerate(found)]


def befall(plays: Plays, happenings: Sequence[Happening], clients: Clients, rng: np.random.Generator) -> Plays:
    """The plays of a day as the incidents leave them; some are gone."""
    for happening in happenings:
        hit = np.flatnonzero(happening.hits(plays, clients))
        if hit.size:
            plays = _EFFECTS[happening.incident.kind](plays, hit, happening, rng)
    return plays


def _outage(plays: Plays, hit: NDArray[np.int64], happening: Happening, rng: np.random.Generator) -> Plays:
    """Some requests never reach us; of the others, the sound never comes."""
    hit = hit[~plays.offline[hit]]
    struck = hit[rng.random(hit.size) < happening.incident.size]
    vanish = rng.random(struck.size) < _VANISH_IN_OUTAGE
    failed = plays.failed.copy()
    failed[struck[~vanish]] = True
    changed = replace(
        plays,
        failed=failed,
        played=np.where(failed, 0, plays.played),
        skipped=plays.skipped & ~failed,
        reason_end=np.where(failed, TRACKERROR, plays.reason_end),
        startup=plays.startup.copy(),
        rebuffers=plays.rebuffers.copy(),
        rebuffer_ms=plays.rebuffer_ms.copy(),
    )
    silence(changed, failed)
    return _without(changed, struck[vanish])


def _tier_drop(plays: Plays, hit: NDArray[np.int64], happening: Happening, rng: np.random.Generator) -> Plays:
    return _without(plays, hit[rng.random(hit.size) < happening.incident.size])


def _cdn_stall(plays: Plays, hit: NDArray[np.int64], happening: Happening, rng: np.random.Generator) -> Plays:
    hit = hit[(plays.startup[hit] >= 0) & (plays.played[hit] > 0)]
    struck = hit[rng.random(hit.size) < happening.incident.size]
    rebuffers, rebuffer_ms, bitrate = plays.rebuffers.copy(), plays.rebuffer_ms.copy(), plays.bitrate.copy()
    more = 2 + rng.poisson(3, struck.size)
    rebuffers[struck] = np.minimum(rebuffers[struck] + more, MAX_REBUFFERS)
    stalled = (more * np.exp(8.0 + 0.5 * rng.standard_normal(struck.size))).astype(np.int64)
    rebuffer_ms[struck] = np.minimum(rebuffer_ms[struck] + stalled, MAX_REBUFFER_MS)
    bitrate[struck] = 96
    return replace(plays, rebuffers=rebuffers, rebuffer_ms=rebuffer_ms, bitrate=bitrate)


def _slow_ramp(plays: Plays, hit: NDArray[np.int64], happening: Happening, rng: np.random.Generator) -> Plays:
    progress = (plays.start[hit] - happening.begins) / (happening.ends - happening.begins)
    startup = plays.startup.copy()
    slower = (startup[hit] * (1 + happening.incident.size * progress)).astype(np.int64)
    startup[hit] = np.where(startup[hit] < 0, startup[hit], np.minimum(slower, MAX_STARTUP_MS))
    return replace(plays, startup=startup)


def _without(plays: Plays, gone: NDArray[np.int64]) -> Plays:
    kept = np.ones(len(plays), bool)
    kept[gone] = False
    return plays.take(kept)


_EFFECTS: Final = {"outage": _outage, "tier_drop": _tier_drop, "cdn_stall": _cdn_stall, "slow_ramp": _slow_ramp}
