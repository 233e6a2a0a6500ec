"""Listeners and their clients: who pays how, lives where, owns which devices, and how much they listen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated.geography import (
    CHRONOTYPE_SHARES,
    FREE,
    ZONE_COUNTRY,
    ZONE_SHARES,
    ZONES,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TIERS: Final = ("free", "premium", "family", "student")
FREE_TIER, PREMIUM, FAMILY, STUDENT = range(4)
DEVICES: Final = ("ios", "android", "web", "desktop", "tv", "speaker", "car")
IOS, ANDROID, WEB, DESKTOP, TV, SPEAKER, CAR = range(7)
PLATFORMS: Final = (
    ("ios", "ipados"),
    ("android", "android-go"),
    ("chrome", "firefox", "safari"),
    ("windows", "macos", "linux"),
    ("tizen", "webos", "android-tv"),
    ("sonos", "echo"),
    ("carplay", "android-auto"),
)
PLATFORM_NAMES: Final = tuple(name for names in PLATFORMS for name in names)
_PLATFORM_START: Final = np.cumsum([0, *(len(names) for names in PLATFORMS)])[:-1]
APP_VERSIONS: Final = ("9.1.0", "9.2.1", "9.3.0")
_VERSION_SHARES: Final = (0.12, 0.26, 0.62)
_FIRST_DEVICE: Final = (0.45, 0.42, 0.04, 0.09, 0.0, 0.0, 0.0)
_OTHER_DEVICE: Final = (0.08, 0.07, 0.22, 0.22, 0.13, 0.16, 0.12)
CLIENTS_A_PERSON: Final = 3  # first device at home, first device elsewhere, second device at home
_MOST_ACTIVE: Final = 7.0


@dataclass(frozen=True)
class Clients:
    """One row a device of an account in a network.

    Attributes:
        account: Number of the account.
        zone: Index into geography.ZONES.
        country: Index into geography.COUNTRIES.
        device_number: Number that becomes the device id.
        network: Number that becomes the IP address.
    """

    account: Ints
    zone: Ints
    country: Ints
    tier: Ints
    device: Ints
    platform: Ints
    version: Ints
    device_number: Ints
    network: Ints

    def __len__(self) -> int:
        """How many clients."""
        return len(self.account)


@dataclass(frozen=True)
class People:
    """Persons who listen; a family account has several, every other account one.

    Attributes:
        account: Of each person.
        row: Row of geography.rhythm: zone * 3 + chronotype.
        activity: How much they listen, relative.
        shared: Whether they share an account.
    """

    account: Ints
    zone: Ints
    row: Ints
    tier: Ints
    activity: Floats
    shared: NDArray[np.bool_]

    def __len__(self) -> int:
        """How many persons."""
        return len(self.account)

    @property
    def country(self) -> Ints:
        """Index into geography.COUNTRIES."""
        return np.asarray(ZONE_COUNTRY[self.zone])


class Registry:
    """Hands out clients: those of the people first, then those of special accounts.

    Args:
        rng: Source of chance.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._parts: list[Clients] = []
        self._count = 0
        self.accounts = 0

    def new_accounts(self, count: int) -> Ints:
        """Numbers for accounts that did not exist before."""
        self.accounts += count
        return np.arange(self.accounts - count, self.accounts)

    def add(self, account: Ints, zone: Ints, tier: Ints, device: Ints, networks: Ints | None = None) -> Ints:
        """Register clients; returns their rows. Devices get a platform, a version and an id of their own."""
        count = len(account)
        options = np.array([len(names) for names in PLATFORMS])[device]
        platform = _PLATFORM_START[device] + (self._rng.random(count) ** 2 * options).astype(np.int64)
        part = Clients(
            account.astype(np.int64),
            zone.astype(np.int64),
            ZONE_COUNTRY[zone],
            tier.astype(np.int64),
            device.astype(np.int64),
            platform,
            self._rng.choice(len(APP_VERSIONS), count, p=_VERSION_SHARES),
            self._rng.integers(1, 2**62, count),
            self._rng.integers(0, 2**31, count) if networks is None else networks,
        )
        return self.append(part)

    def append(self, part: Clients) -> Ints:
        """Register clients as they are; returns their rows."""
        self._parts.append(part)
        self._count += len(part)
        return np.arange(self._count - len(part), self._count)

    def share_devices(self, rows: Ints, device_number: Ints) -> None:
        """Give the clients that were registered last these device ids."""
        self._parts[-1].device_number[rows - (self._count - len(self._parts[-1]))] = device_number

    def clients(self) -> Clients:
        """All clients so far."""
        return _joined(self._parts)


def make_people(listeners: int, family_accounts: int, registry: Registry, rng: np.random.Generator) -> People:
    """Invent `listeners` accounts and register their clients, `CLIENTS_A_PERSON` rows a person.

    Args:
        listeners: How many accounts.
        family_accounts: How many of them several persons share.
        registry: Where clients are registered; it must be empty.
        rng: Source of chance.
    """
    accounts = registry.new_accounts(listeners)
    zone = np.sort(rng.choice(len(ZONES), listeners, p=ZONE_SHARES / ZONE_SHARES.sum()))
    free = np.clip(0.42 * FREE[ZONE_COUNTRY[zone]], 0.1, 0.8)
    paying = np.array([0.0, 0.66, 0.2, 0.14])
    tier = np.where(rng.random(listeners) < free, FREE_TIER, rng.choice(4, listeners, p=paying))
    families = rng.permutation(np.flatnonzero(tier == FAMILY))[:family_accounts]
    persons = np.ones(listeners, np.int64)
    persons[families] = rng.integers(3, 5, families.size)
    who = np.repeat(accounts, persons)
    count = len(who)
    activity = np.minimum(rng.lognormal(0.0, 0.85, count), _MOST_ACTIVE) * np.where(tier[who] == FREE_TIER, 0.85, 1.1)
    order = np.lexsort((tier[who], zone[who]))
    chronotype = rng.choice(len(CHRONOTYPE_SHARES), count, p=CHRONOTYPE_SHARES)
    people = People(
        account=who[order],
        zone=zone[who][order],
        row=zone[who][order] * len(CHRONOTYPE_SHARES) + chronotype,
        tier=tier[who][order],
        activity=activity,
        shared=(persons > 1)[who][order],
    )
    _register(people, registry, rng)
    return people


def _register(people: People, registry: Registry, rng: np.random.Generator) -> None:
    count = len(people)
    first = rng.choice(len(DEVICES), count, p=_FIRST_DEVICE)
    other = rng.choice(len(DEVICES), count, p=_OTHER_DEVICE)
    account = np.repeat(people.account, CLIENTS_A_PERSON)
    zone, tier = np.repeat(people.zone, CLIENTS_A_PERSON), np.repeat(people.tier, CLIENTS_A_PERSON)
    registry.add(account, zone, tier, np.stack([first, first, other], axis=1).ravel())
    clients = registry.clients()
    number = clients.device_number.reshape(-1, CLIENTS_A_PERSON)
    number[:, 1] = number[:, 0]
    for column in (clients.platform, clients.version):
        column.reshape(-1, CLIENTS_A_PERSON)[:, 1] = column.reshape(-1, CLIENTS_A_PERSON)[:, 0]
    networks = clients.network.reshape(-1, CLIENTS_A_PERSON)
    networks[:, 2] = networks[:, 0]


def _joined(parts: Sequence[Clients]) -> Clients:
    if len(parts) == 1:
        return parts[0]
    names = Clients.__dataclass_fields__
    return Clients(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def account_names(accounts: int, rng: np.random.Generator) -> list[str]:
    """Raw identities; the order says nothing about who is organic."""
    return [f"listener-{number:06d}" for number in rng.permutation(accounts)]
