"""A service's hourly figures by slice, made up in NumPy, with incidents of which the cause is known.

Plays come in sessions (a Poisson number of sessions, a geometric number of plays each), with the rhythm of a day
that follows the country's clock, and weekends. Failures are binomial in the plays, stalls gamma.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.detectors.series import HOURS_OF_DAY, Dimensions, Flags, Floats, SeriesMatrix, sorted_dimensions

VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "country": ("US", "DE", "BR", "GB", "JP", "FR", "SE", "IN"),
    "device": ("ios", "android", "web", "desktop", "speaker"),
    "tier": ("free", "premium", "family", "student"),
    "app_version": ("9.3.0", "9.2.1", "9.1.0", "8.8.4"),
    "cdn": ("alpha", "beta", "gamma"),
}
METRICS: Final = ("listens", "start_failures", "rebuffer_ms")
KINDS: Final = ("drop", "surge", "failures", "stalls", "outage")
SIZES: Final = {"hard": 0.5, "medium": 0.75, "easy": 0.95}
FIRST: Final = np.datetime64("2026-03-02", "D")  # a Monday

_ZONES: Final = (-6, 1, -3, 0, 9, 1, 1, 5)
_PLAYS_A_SESSION: Final = 3.0
# Variance over mean of plays that come in such sessions.
_CLUMPS: Final = 5.0
_FAILURE: Final = 0.008
_STALLS_A_PLAY: Final = 0.15
_STALL_SHAPE: Final = 2.0
_STALL_MS: Final = 750.0
_WEEKEND: Final = 1.2
# Standard deviation of a country's day.
_DAY_NOISE: Final = 0.03
# A leaf of the cause suffers between these parts of the size.
_UNEVEN: Final = (0.6, 1.0)
_VANISH: Final = 0.55

DUE_A_PLAY: Final = {
    "listens": 1.0,
    "start_failures": _FAILURE,
    "rebuffer_ms": _STALLS_A_PLAY * _STALL_SHAPE * _STALL_MS,
}
"""What a play adds to each metric on an ordinary day."""

Figures = dict[str, Floats]


@dataclass(frozen=True)
class Struck:
    """An incident whose cause is known.

    Attributes:
        cause: The slice in which it happened.
        kind: One of KINDS.
        size: A key of SIZES.
        begins: First hour of the judged day.
        hours: How many.
    """

    cause: Dimensions
    kind: str
    size: str
    begins: int
    hours: int


@dataclass(frozen=True)
class World:
    """A service with its history.

    Attributes:
        rate: Leaves x T, expected plays; the last day is the one that is judged.
        history: By metric, leaves x (T - 24), what was seen before that day.
        shape: Values of each dimension.
    """

    rate: Floats
    history: Figures
    shape: tuple[int, ...]

    @property
    def judged_day(self) -> int:
        """Position of the judged day."""
        return int(self.rate.shape[1]) // HOURS_OF_DAY - 1


def make_world(plays_a_day: float, days: int, chance: np.random.Generator) -> World:
    """A service of this size with `days` days of history before the judged one."""
    shares = [chance.dirichlet(8.0 * np.arange(len(values), 0, -1)) for values in VALUES.values()]
    share = shares[0]
    for other in shares[1:]:
        share = np.multiply.outer(share, other)
    shape = share.shape
    hours = np.arange((days + 1) * HOURS_OF_DAY)
    local = (hours[None, :] + np.array(_ZONES)[:, None]) % HOURS_OF_DAY
    rhythm = 1 + 0.75 * np.sin((local - 10) / HOURS_OF_DAY * 2 * np.pi)
    weekend = np.where((hours // HOURS_OF_DAY) % 7 >= 5, _WEEKEND, 1.0)  # noqa: PLR2004 (Saturday)
    noise = np.exp(_DAY_NOISE * chance.standard_normal((shape[0], days + 1)))[:, hours // HOURS_OF_DAY]
    by_country = share.reshape(shape[0], -1)[:, :, None] * (rhythm * weekend * noise)[:, None, :]
    rate = (plays_a_day / HOURS_OF_DAY * by_country).reshape(-1, hours.size)
    return World(rate, _drawn(rate[:, :-HOURS_OF_DAY], chance), shape)


def draw_incident(world: World, depth: int, least: float, chance: np.random.Generator) -> Struck | None:
    """A random incident whose cause fixes `depth` dimensions; every slice that is large enough is as likely.

    Args:
        world: The service.
        depth: 1, 2 or 3.
        least: How many standard deviations of the slice's plays over these hours the change of its size would be:
            what nobody can see has no cause to be told.
        chance: Source of chance.

    Returns:
        None where no slice is so large.
    """
    hours = int(chance.integers(3, 9))
    begins = int(chance.integers(0, HOURS_OF_DAY - hours + 1))
    kind, size = str(chance.choice(KINDS)), str(chance.choice(list(SIZES)))
    first = world.rate.shape[1] - HOURS_OF_DAY + begins
    plays = world.rate[:, first : first + hours].sum(axis=1).reshape(world.shape)
    causes: list[Dimensions] = []
    for fixed in combinations(VALUES, depth):
        due = plays.sum(axis=tuple(at for at, name in enumerate(VALUES) if name not in fixed)).reshape(-1)
        seen = SIZES[size] * np.sqrt(due / _CLUMPS) >= least
        causes += [one for one, is_seen in zip(slices_of(fixed), seen, strict=True) if is_seen]
    return Struck(causes[int(chance.integers(len(causes)))], kind, size, begins, hours) if causes else None


def judged_day(world: World, incident: Struck | None, chance: np.random.Generator) -> Figures:
    """What is seen on the judged day, by metric, leaves x 24."""
    rate = world.rate[:, -HOURS_OF_DAY:]
    fewer, failing, stalling = np.ones_like(rate), np.full_like(rate, _FAILURE), np.ones_like(rate)
    if incident is not None:
        hours = np.arange(incident.begins, incident.begins + incident.hours)
        leaves = leaves_of(incident.cause, world.shape)
        at = np.ix_(leaves, hours)
        size = SIZES[incident.size] * chance.uniform(*_UNEVEN, (leaves.size, 1))
        if incident.kind == "drop":
            fewer[at] = 1 - size
        elif incident.kind == "surge":
            fewer[at] = 1 + size
        elif incident.kind == "failures":
            failing[at] = 0.5 * size
        elif incident.kind == "stalls":
            stalling[at] = 1 + 8 * size
        else:
            fewer[at] = 1 - _VANISH * size
            failing[at] = (1 - _VANISH) * size / (1 - _VANISH * size)
    return _drawn(rate * fewer, chance, failing, stalling)


def matrices(world: World, today: Figures, floors: Mapping[tuple[str, ...], int]) -> list[SeriesMatrix]:
    """The series that a cube keeps, one matrix a metric.

    Args:
        world: The service, with its history.
        today: The judged day.
        floors: Dimensions that are fixed together, and the plays that a series of them must have had on one day; those
            that the world does not know are left out.
    """
    leaves = {metric: np.concatenate([world.history[metric], today[metric]], axis=1) for metric in METRICS}
    names: list[Dimensions] = []
    sums: dict[str, list[Floats]] = {metric: [] for metric in METRICS}
    least: list[int] = []
    for fixed in (fixed for fixed in floors if set(fixed) <= set(VALUES)):
        gone = tuple(at for at, name in enumerate(VALUES) if name not in fixed)
        for metric in METRICS:
            folded = leaves[metric].reshape(*world.shape, -1).sum(axis=gone)
            sums[metric].append(folded.reshape(-1, folded.shape[-1]))
        named = slices_of(fixed)
        names += named
        least += [floors[fixed]] * len(named)
    volume = np.concatenate(sums["listens"])
    enough = volume.reshape(len(names), -1, HOURS_OF_DAY).sum(axis=2).max(axis=1) >= np.array(least)
    rows = np.flatnonzero(enough)
    there = np.ones((rows.size, volume.shape[1]), dtype=np.bool_)
    dimensions = tuple(names[row] for row in rows)
    return [
        SeriesMatrix(metric, dimensions, FIRST, np.concatenate(sums[metric])[rows], volume[rows], there, ~there)
        for metric in METRICS
    ]


def slices_of(fixed: Sequence[str]) -> list[Dimensions]:
    """Every slice that fixes these dimensions, in the order of the world's leaves."""
    order = [name for name in VALUES if name in fixed]
    each = product(*(VALUES[name] for name in order))
    return [sorted_dimensions(dict(zip(order, values, strict=True))) for values in each]


def leaves_of(slice_: Dimensions, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """The leaves of the world that lie within a slice."""
    mask: Flags = np.ones(shape, dtype=np.bool_)
    for axis, (name, values) in enumerate(VALUES.items()):
        wanted = dict(slice_).get(name)
        if wanted is not None:
            along = np.array([value == wanted for value in values])
            mask &= along.reshape([-1 if at == axis else 1 for at in range(len(shape))])
    return np.flatnonzero(mask.reshape(-1))


def _drawn(
    rate: Floats, chance: np.random.Generator, failing: Floats | float = _FAILURE, stalling: Floats | float = 1.0
) -> Figures:
    sessions = chance.poisson(rate / _PLAYS_A_SESSION)
    listens = sessions + chance.negative_binomial(np.maximum(sessions, 1), 1 / _PLAYS_A_SESSION) * (sessions > 0)
    failures = chance.binomial(listens, failing)
    stalls = chance.poisson(_STALLS_A_PLAY * listens * stalling)
    stalled = chance.gamma(np.maximum(_STALL_SHAPE * stalls, 1e-9)) * _STALL_MS
    return {
        "listens": listens.astype(np.float64),
        "start_failures": failures.astype(np.float64),
        "rebuffer_ms": np.where(stalls > 0, stalled, 0.0),
    }
