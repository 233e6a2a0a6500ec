"""Accounts that play for money: farms, coordinated listeners, loops of 31 s, round the clock, hijacked accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated import plays as p
from earshot.importers.simulated.catalogue import Catalogue
from earshot.importers.simulated.geography import DAY_MS, ZONE_COUNTRY, ZONE_SHARES, ZONES
from earshot.importers.simulated.lookalikes import Span
from earshot.importers.simulated.population import (
    ANDROID,
    DESKTOP,
    FREE_TIER,
    PREMIUM,
    WEB,
    People,
    Registry,
)
from earshot.importers.simulated.scenario import Manipulation, day_number
from earshot.importers.simulated.sketches import HOUR_MS, Sketch, one_after_another

Ints = NDArray[np.int64]

_CLIENTS_A_BOT: Final = 4
_LOOP_MS: Final = 31_000
_RINGS: Final = frozenset({"bot_farm", "coordinated", "hijacked"})


@dataclass(frozen=True)
class Ring:
    """One manipulation as it is carried out.

    Attributes:
        number: Of the ring; 0 where each account acts alone.
        accounts: How many.
        tracks: What they push.
        days: On which days, counted from the first.
    """

    plan: Manipulation
    number: int
    accounts: int
    tracks: Ints
    days: range


def draw_manipulation(
    plans: tuple[Manipulation, ...],
    listeners: int,
    people: People,
    catalogue: Catalogue,
    span: Span,
    registry: Registry,
    rng: np.random.Generator,
) -> list[Sketch]:
    """The plays of all manipulators; their accounts and clients are registered."""
    found: list[Sketch] = []
    for number, plan in enumerate(plans, 1):
        first = max(0, day_number(plan.from_day, span.days))
        days = range(first, min(day_number(plan.to_day, span.days), span.days - 1) + 1)
        alone = plan.kind not in _RINGS
        accounts = max(1 if alone else 2, round(plan.accounts_per_thousand * listeners / 1000))
        obscure = np.flatnonzero(
            (catalogue.popularity <= np.median(catalogue.popularity)) & (catalogue.release_day < 0)
        )
        tracks = rng.permutation(obscure if obscure.size else np.arange(len(catalogue)))[: plan.tracks]
        if days:
            ring = Ring(plan, 0 if alone else number, accounts, tracks, days)
            found += _DRAW[plan.kind](ring, people, catalogue, span, registry, rng)
    return found


def _farm(
    ring: Ring, people: People, catalogue: Catalogue, span: Span, registry: Registry, rng: np.random.Generator
) -> list[Sketch]:
    """Many accounts on few devices and one network, which they swap from day to day."""
    clients = _pooled_clients(ring, registry, rng)
    found = []
    for day in ring.days:
        for account in range(ring.accounts):
            start, spacing = _spread(span, day, ring.plan.plays_per_day, rng)
            played = np.minimum(rng.integers(31_000, 48_000, start.size), int(spacing * 0.4))
            client = int(clients[account, rng.integers(0, _CLIENTS_A_BOT)])
            track = rng.choice(ring.tracks, start.size)
            found.append(Sketch("bot_farm", client, start, played, track, p.PLAYLIST, p.FWDBTN, ring.number))
    return found


def _coordinated(
    ring: Ring, people: People, catalogue: Catalogue, span: Span, registry: Registry, rng: np.random.Generator
) -> list[Sketch]:
    """Separate people, each with devices of their own, who play the same few tracks at the same time."""
    zone = _zones(ring.accounts, rng)
    accounts = registry.new_accounts(ring.accounts)
    tier = np.full(ring.accounts, FREE_TIER)
    clients = registry.add(accounts, zone, tier, rng.choice([ANDROID, WEB], ring.accounts))
    found = []
    for day in ring.days:
        meeting, spacing = _spread(span, day, ring.plan.plays_per_day, rng)
        order = rng.choice(ring.tracks, meeting.size)
        for account in range(ring.accounts):
            late = rng.integers(0, max(1, min(120_000, int(spacing * 0.1))), meeting.size)
            played = np.minimum(catalogue.duration_ms[order], int(spacing * 0.3))
            found.append(
                Sketch("coordinated", int(clients[account]), meeting + late, played, order, p.SEARCH, ring=ring.number)
            )
    return found


def _loop(
    ring: Ring, people: People, catalogue: Catalogue, span: Span, registry: Registry, rng: np.random.Generator
) -> list[Sketch]:
    """One track again and again, each time just long enough to count."""
    clients = _own_clients(ring, registry, rng, FREE_TIER)
    count = ring.plan.plays_per_day
    found = []
    for day in ring.days:
        midnight = span.first_midnight + day * DAY_MS
        for account in range(ring.accounts):
            played = rng.integers(_LOOP_MS, _LOOP_MS + 1_500, count)
            room = max(DAY_MS - count * 34_000, 1)
            begin = midnight + int(rng.integers(0, room))
            tracks = np.full(count, ring.tracks[account % ring.tracks.size])
            start, heard, track = one_after_another(begin, midnight + DAY_MS, tracks, played)
            found.append(Sketch("loop_31s", int(clients[account]), start, heard, track, p.LIBRARY, p.BACKBTN))
    return found


def _round_the_clock(
    ring: Ring, people: People, catalogue: Catalogue, span: Span, registry: Registry, rng: np.random.Generator
) -> list[Sketch]:
    """An account that never sleeps."""
    clients = _own_clients(ring, registry, rng, PREMIUM)
    found = []
    for day in ring.days:
        for account in range(ring.accounts):
            start, spacing = _spread(span, day, ring.plan.plays_per_day, rng)
            track = rng.choice(ring.tracks, start.size)
            played = np.minimum(catalogue.duration_ms[track], int(spacing * 0.38))
            found.append(Sketch("round_the_clock", int(clients[account]), start, played, track, p.PLAYLIST))
    return found


def _hijacked(
    ring: Ring, people: People, catalogue: Catalogue, span: Span, registry: Registry, rng: np.random.Generator
) -> list[Sketch]:
    """Ordinary listeners whose account plays abroad for six hours, while they go on at home."""
    persons = rng.permutation(np.flatnonzero(~people.shared & (people.activity > 0)))[: ring.accounts]
    country = people.country[persons]
    zone = _zones(persons.size, rng)
    zone = np.where(ZONE_COUNTRY[zone] == country, (zone + 5) % len(ZONES), zone)
    network = (int(rng.integers(0, 2**23)) << 8) + rng.integers(0, 256, persons.size)
    clients = registry.add(people.account[persons], zone, people.tier[persons], np.full(persons.size, WEB), network)
    found = []
    for index in range(persons.size):
        day = int(rng.choice(np.array(ring.days)))
        begin = span.first_midnight + day * DAY_MS + int(rng.integers(0, 17)) * HOUR_MS
        count = ring.plan.plays_per_day
        spacing = 6 * HOUR_MS / count
        start = begin + ((np.arange(count) + 0.4 * rng.random(count)) * spacing).astype(np.int64)
        played = np.minimum(rng.integers(31_000, 60_000, count), int(spacing * 0.5))
        track = rng.choice(ring.tracks, count)
        found.append(Sketch("hijacked", int(clients[index]), start, played, track, p.SEARCH, p.FWDBTN, ring.number))
    return found


def _spread(span: Span, day: int, count: int, rng: np.random.Generator) -> tuple[Ints, float]:
    """Starts over a whole UTC day, and the mean time between them, in ms; at least 0.4 of it lies between two."""
    spacing = DAY_MS / count
    start = (np.arange(count) + 0.6 * rng.random(count)) * spacing
    return span.first_midnight + day * DAY_MS + start.astype(np.int64), spacing


def _zones(count: int, rng: np.random.Generator) -> Ints:
    return np.asarray(rng.choice(len(ZONES), count, p=ZONE_SHARES / ZONE_SHARES.sum()), np.int64)


def _own_clients(ring: Ring, registry: Registry, rng: np.random.Generator, tier: int) -> Ints:
    accounts = registry.new_accounts(ring.accounts)
    devices = np.full(ring.accounts, DESKTOP)
    return registry.add(accounts, _zones(ring.accounts, rng), np.full(ring.accounts, tier), devices)


def _pooled_clients(ring: Ring, registry: Registry, rng: np.random.Generator) -> Ints:
    """Accounts x 4 clients on a pool of devices half as large as the farm, in one /24 network."""
    accounts = np.repeat(registry.new_accounts(ring.accounts), _CLIENTS_A_BOT)
    zone = np.repeat(_zones(1, rng), accounts.size)
    network = (int(rng.integers(0, 2**23)) << 8) + rng.integers(0, 256, accounts.size)
    pool = rng.integers(1, 2**62, max(2, ring.accounts // 2))
    tier, device = np.full(accounts.size, FREE_TIER), np.full(accounts.size, ANDROID)
    rows = registry.add(accounts, zone, tier, device, network)
    registry.share_devices(rows, pool[rng.integers(0, pool.size, accounts.size)])
    return rows.reshape(ring.accounts, _CLIENTS_A_BOT)


_Draw = Callable[[Ring, People, Catalogue, Span, Registry, np.random.Generator], list[Sketch]]
_DRAW: Final[dict[str, _Draw]] = {
    "bot_farm": _farm,
    "coordinated": _coordinated,
    "loop_31s": _loop,
    "round_the_clock": _round_the_clock,
    "hijacked": _hijacked,
}
