"""The whole simulation: who lives, what is played each day, what goes wrong, and the files of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import ArgumentError
from earshot.importers.simulated.catalogue import Catalogue, make_catalogue, write_catalogue
from earshot.importers.simulated.deliveries import Deliveries, Tally
from earshot.importers.simulated.geography import BINS, COUNTRY_CODES, DAY_MS, rhythm, zone_offsets_ms
from earshot.importers.simulated.incidents import Happening, befall, schedule
from earshot.importers.simulated.lines import LineWriter
from earshot.importers.simulated.lookalikes import Span, draw_lookalikes, family_accounts
from earshot.importers.simulated.manipulation import draw_manipulation
from earshot.importers.simulated.offers import draw_offers, write_offers
from earshot.importers.simulated.plays import FIRST_MANIPULATED, Plays
from earshot.importers.simulated.population import (
    CLIENTS_A_PERSON,
    DEVICES,
    TIERS,
    Clients,
    People,
    Registry,
    account_names,
    make_people,
)
from earshot.importers.simulated.scenario import Drift, Scenario, day_number, load_scenario
from earshot.importers.simulated.sessions import Listening, capacity
from earshot.importers.simulated.sketches import Sketch, making_way, measured
from earshot.importers.simulated.tastes import make_tastes
from earshot.importers.simulated.truth import Truth

PLAYS_A_DAY: Final = 18
_SPARE: Final = 1.3
_LOST: Final = {"outage": 0.55, "tier_drop": 1.0}
_OTHER_DIMENSION_SHARE: Final = 0.3
_MINIMUM_TRACKS: Final = 20
_MOST_DAYS, _MOST_LISTENERS, _MOST_TRACKS = 1_100, 2_000_000, 5_000_000
_EARLIEST, _LATEST = date(2002, 10, 2), date(2098, 1, 1)


@dataclass(frozen=True)
class Generated:
    """What was written.

    Attributes:
        files: Files in landing/.
        lines: Lines in them.
        plays: Organic plays behind the lines; duplicates and manipulated plays are not counted.
        bytes: Size of the files in landing/.
        landing: OUT/landing.
        catalogue: OUT/catalogue/tracks.csv.
        truth: Path of each truth file by name: lines, duplicates, incidents, streams; offers where a scenario has
            them (and then there is OUT/catalogue/offers/simulated.csv).
        first_day: First UTC day of starts.
        last_day: Last UTC day of starts and of arrivals.
    """

    files: int
    lines: int
    plays: int
    bytes: int
    landing: Path
    catalogue: Path
    truth: dict[str, Path]
    first_day: date
    last_day: date


def generate(
    out: Path, *, days: int, listeners: int, tracks: int, plays: int | None, start: date, seed: int, scenario: str
) -> Generated:
    """Write simulated logs: OUT/landing, OUT/truth and OUT/catalogue. The same arguments write the same bytes.

    Files of the same name are overwritten, others left alone.

    Args:
        out: Folder to write to.
        days: UTC days of starts.
        listeners: Organic accounts; manipulators come on top.
        tracks: Size of the catalogue.
        plays: Organic plays before incidents take some of them; None means 18 a listener and day.
        start: First day.
        seed: Source of all chance.
        scenario: Name in conf/scenarios/, or path of a TOML file.

    Raises:
        ArgumentError: A number is too small or too large, the first day is out of reach, or people would have no
            time for so many plays.
        SettingsError: The scenario cannot be used.
    """
    wanted = days * listeners * PLAYS_A_DAY if plays is None else plays
    _check(days, listeners, tracks, wanted, start)
    rules = load_scenario(scenario)
    world = _World.made(rules, days, listeners, tracks, wanted, start, seed)
    truth = Truth(out / "truth")
    truth.write_incidents(world.happenings)
    writer = LineWriter(world.names, world.clients, world.catalogue, *_drift(rules.drift))
    deliveries = Deliveries(out / "landing", start, days, world.span.first_midnight, rules, writer, truth, seed)
    tracks_csv = out / "catalogue" / "tracks.csv"
    write_catalogue(world.catalogue, start, tracks_csv)
    truth.paths |= _offers(world, start, days, out)
    try:
        organic = _run(world, deliveries)
    finally:
        truth.close()
    tally: Tally = deliveries.tally
    last = start + timedelta(days=days - 1)
    return Generated(
        tally.files, tally.lines, organic, tally.bytes, out / "landing", tracks_csv, truth.paths, start, last
    )


@dataclass(frozen=True)
class _World:
    """Everything that is drawn before the first day."""

    scenario: Scenario
    seed: int
    wanted: int
    start: date
    span: Span
    listening: Listening
    special: Plays
    sketches: list[Sketch]
    happenings: list[Happening]
    names: list[str]

    @property
    def catalogue(self) -> Catalogue:
        return self.listening.catalogue

    @property
    def clients(self) -> Clients:
        return self.listening.clients

    @classmethod
    def made(
        cls, scenario: Scenario, days: int, listeners: int, tracks: int, wanted: int, start: date, seed: int
    ) -> _World:
        chance = [np.random.default_rng([seed, 1, part]) for part in range(6)]
        midnight = round(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() * 1000)
        span = Span(midnight, days, zone_offsets_ms(start))
        catalogue = make_catalogue(tracks, days, chance[0])
        registry = Registry(chance[1])
        people = make_people(listeners, family_accounts(scenario.lookalikes, listeners), registry, chance[1])
        tastes = make_tastes(people, catalogue, chance[2])
        sketches, people = draw_lookalikes(scenario.lookalikes, people, catalogue, span, wanted, chance[3])
        made = draw_manipulation(scenario.manipulation, listeners, people, catalogue, span, registry, chance[4])
        clients = registry.clients()
        special = measured([*sketches, *made], clients, span.offsets_ms, chance[5])
        special = special.take((special.start >= midnight) & (special.start < span.end)).in_order()
        listening = Listening(people, tastes, catalogue, clients, np.zeros(len(people), np.int64))
        happenings = schedule(scenario.incidents, midnight, days)
        names = account_names(registry.accounts, np.random.default_rng([seed, 2]))
        return cls(scenario, seed, wanted, start, span, listening, special, sketches, happenings, names)


def _run(world: _World, deliveries: Deliveries) -> int:
    """Draw and write every day, one being written while the next is drawn; returns the organic plays written."""
    organic = 0
    writing: Future[None] | None = None
    with ThreadPoolExecutor(1) as pool:
        for number, plays in _days(world):
            organic += int((plays.kind < FIRST_MANIPULATED).sum())
            if writing:
                writing.result()
            writing = pool.submit(deliveries.deliver, number, plays)
        if writing:
            writing.result()
    return organic


def _days(world: _World) -> Iterator[tuple[int, Plays]]:
    """The plays of each day, in order, after incidents.

    Sessions may run into the next day, so a day's budget is what is left, shared by the weight of the days;
    the evening before the first day is drawn too, and of the last day exactly as many plays are kept as are due.
    """
    span, midnight = world.span, world.span.first_midnight
    special = np.searchsorted(world.special.start, midnight + np.arange(span.days + 1) * DAY_MS)
    innocent = int((world.special.kind < FIRST_MANIPULATED).sum())
    due = round((world.wanted - innocent) / (1 - _lost_share(world)))
    weights = _day_weights(world)
    carried = _ordinary(world, -1, round(due * weights[0] / weights[1:].sum()))
    carried = carried.take(carried.start >= midnight)
    given = 0
    for number in range(span.days):
        end = midnight + (number + 1) * DAY_MS
        left = max(due - given - len(carried), 0)
        last = number == span.days - 1
        budget = round(left * _SPARE) + 50 if last else round(left * weights[number + 1] / weights[number + 1 :].sum())
        drawn = _ordinary(world, number, budget)
        pool = Plays.concatenated([carried, drawn])
        today = pool.take(pool.start < end)
        carried = pool.take(pool.start >= end)
        if last and len(today) > due - given:
            rng = np.random.default_rng([world.seed, 5, span.days])
            today = today.take(np.sort(rng.permutation(len(today))[: max(due - given, 0)]))
        given += len(today)
        own = world.special.take(slice(special[number], special[number + 1]))
        rng = np.random.default_rng([world.seed, 6, number])
        plays = befall(Plays.concatenated([today, own]).in_order(), world.happenings, world.clients, rng)
        yield number, plays


def _ordinary(world: _World, number: int, count: int) -> Plays:
    """Sessions that begin on a day, without what overlaps the special plays of the same person."""
    span = world.span
    rng = np.random.default_rng([world.seed, 7, number + 1])
    begin = span.first_midnight + number * DAY_MS
    plays = world.listening.day(world.start + timedelta(days=number), number, begin, count, rng)
    near = [s for s in world.sketches if s.start[0] < begin + 2 * DAY_MS and s.start[-1] >= begin - DAY_MS]
    return making_way(plays, plays.client // CLIENTS_A_PERSON, near)


def _day_weights(world: _World) -> NDArray[np.float64]:
    """How much is played on the day before the first, and on each day, relative."""
    rng = np.random.default_rng([world.seed, 8])
    days = range(-1, world.span.days)
    weights = np.array([world.listening.weight(world.start + timedelta(days=day)) for day in days])
    return weights * np.exp(world.scenario.noise * rng.standard_normal(weights.size))


def _lost_share(world: _World) -> float:
    """Which share of the plays incidents will take away, about."""
    people, lost, total = world.listening.people, 0.0, 0.0
    for number in range(world.span.days):
        by_row = rhythm(world.start + timedelta(days=number))
        total += float((people.activity[:, None] * by_row[people.row]).sum())
        begin = world.span.first_midnight + number * DAY_MS
        at = begin + np.arange(BINS) * (DAY_MS // BINS)
        for happening in world.happenings:
            inside = (at >= happening.begins) & (at < happening.ends)
            share = happening.incident.size * _LOST.get(happening.incident.kind, 0.0)
            if inside.any() and share:
                hit, other = _hit_people(people, happening)
                mass = float((people.activity[hit, None] * by_row[people.row[hit]][:, inside]).sum())
                lost += share * mass * _OTHER_DIMENSION_SHARE**other
    return min(lost / total, 0.5) if total else 0.0


def _hit_people(people: People, happening: Happening) -> tuple[NDArray[np.int64], int]:
    """The persons whom an incident concerns by country and tier, and how many other dimensions it has."""
    dimensions = dict(happening.incident.dimensions)
    hit = np.ones(len(people), bool)
    if country := dimensions.pop("country", None):
        hit &= people.country == COUNTRY_CODES.index(country)
    if tier := dimensions.pop("tier", None):
        hit &= people.tier == TIERS.index(tier)
    return np.flatnonzero(hit), len(dimensions)


def _offers(world: _World, start: date, days: int, out: Path) -> dict[str, Path]:
    rules = world.scenario.offers
    if rules is None or not 0 <= (day := day_number(rules.day, days)) < days:
        return {}
    begins = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(days=day)
    tests = draw_offers(rules, world.listening.people, begins, np.random.default_rng([world.seed, 9]))
    return write_offers(tests, world.names, out)


def _drift(drift: Drift | None) -> tuple[int, str]:
    return (DEVICES.index(drift.device), f'"{drift.key}":"opus"') if drift else (-1, "")


def _check(days: int, listeners: int, tracks: int, plays: int, start: date) -> None:
    for name, value, least, most in (
        ("--days", days, 1, _MOST_DAYS),
        ("--listeners", listeners, 10, _MOST_LISTENERS),
        ("--tracks", tracks, _MINIMUM_TRACKS, _MOST_TRACKS),
        ("--plays", plays, 1, capacity(days, listeners)),
    ):
        if value < least:
            raise ArgumentError(f"{name} is {value}.", where=f"option {name}", remedy=f"Use at least {least}.")
        if value > most:
            what = f"{listeners} listeners have no time for {plays} plays in {days} days."
            what = what if name == "--plays" else f"{name} is {value}."
            more = ", or more listeners" if name == "--plays" else ""
            raise ArgumentError(what, where=f"option {name}", remedy=f"Use at most {most}{more}.")
    if not _EARLIEST <= start <= _LATEST:
        raise ArgumentError(
            f"--start is {start}.", where="option --start", remedy=f"Use a day from {_EARLIEST} to {_LATEST}."
        )
