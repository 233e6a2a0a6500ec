"""Innocent listeners who look strange: sleep music all night, fans on release day, a shop that plays all day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated import plays as p
from earshot.importers.simulated.catalogue import SCENES, Catalogue
from earshot.importers.simulated.geography import DAY_MS
from earshot.importers.simulated.population import CLIENTS_A_PERSON, People
from earshot.importers.simulated.scenario import LookAlike
from earshot.importers.simulated.sketches import HOUR_MS, Sketch, one_after_another

Ints = NDArray[np.int64]

_SMALLEST_ALBUM: Final = 8
_NIGHT = (22.5, 8.0)
_OPEN = (8.0, 14.0)
_MOST = 0.25


@dataclass(frozen=True)
class Span:
    """The simulated days.

    Attributes:
        first_midnight: Epoch ms.
        offsets_ms: Local time minus UTC by zone.
    """

    first_midnight: int
    days: int
    offsets_ms: Ints

    def local(self, day: int, hour: float, zone: int) -> int:
        """Epoch ms of a local time of day."""
        return self.first_midnight + day * DAY_MS + round(hour * HOUR_MS) - int(self.offsets_ms[zone])

    @property
    def end(self) -> int:
        """Epoch ms after the last day."""
        return self.first_midnight + self.days * DAY_MS


def family_accounts(lookalikes: tuple[LookAlike, ...], listeners: int) -> int:
    """How many accounts several persons share."""
    return sum(_count(each, listeners) for each in lookalikes if each.kind == "family_account")


def draw_lookalikes(
    lookalikes: tuple[LookAlike, ...],
    people: People,
    catalogue: Catalogue,
    span: Span,
    plays: int,
    rng: np.random.Generator,
) -> tuple[list[Sketch], People]:
    """The special plays of look-alikes, and the people, of whom shops no longer listen in the ordinary way.

    Args:
        lookalikes: Of the scenario; shared accounts are made with the people.
        people: Everybody.
        catalogue: The tracks.
        span: The simulated days.
        plays: Organic plays in all; look-alikes make up at most a quarter of them.
        rng: Source of chance.
    """
    found: list[Sketch] = []
    activity = people.activity.copy()
    alone = rng.permutation(np.flatnonzero(~people.shared)).tolist()
    left = int(plays * _MOST)
    for each in lookalikes:
        draw = _DRAW.get(each.kind)
        for _ in range(_count(each, int(people.account.max()) + 1) if draw else 0):
            if not draw or not alone:
                break
            person = alone.pop()
            sketches = _inside(draw(person, people, catalogue, span, rng), span)
            size = sum(len(sketch) for sketch in sketches)
            if size > left:
                continue
            left -= size
            found += sketches
            activity[person] = 0.0 if each.kind == "shop" else activity[person]
    return found, replace(people, activity=activity)


def _count(lookalike: LookAlike, listeners: int) -> int:
    return min(max(1, round(lookalike.per_thousand * listeners / 1000)), max(1, listeners // 10))


def _inside(sketches: list[Sketch], span: Span) -> list[Sketch]:
    """What begins within the span."""
    found = []
    for sketch in sketches:
        kept = (sketch.start >= span.first_midnight) & (sketch.start < span.end)
        if kept.any():
            found.append(
                replace(sketch, start=sketch.start[kept], played=sketch.played[kept], track=sketch.track[kept])
            )
    return found


def _album(catalogue: Catalogue, candidates: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """The tracks of one album among the candidates, or of any where there is none."""
    long = catalogue.album_size >= min(_SMALLEST_ALBUM, int(catalogue.album_size.max()))
    tracks = np.flatnonzero(long & candidates)
    if not tracks.size:
        tracks = np.flatnonzero(long & (catalogue.release_day < 0))
    if not tracks.size:
        tracks = np.arange(len(catalogue))
    track = int(rng.choice(tracks))
    first = int(catalogue.album_first[track])
    return np.arange(first, first + int(catalogue.album_size[track]))


def _sleep(person: int, people: People, catalogue: Catalogue, span: Span, rng: np.random.Generator) -> list[Sketch]:
    quiet = np.array([genre == "ambient" for genre, _ in SCENES])[catalogue.scene]
    album = _album(catalogue, quiet & (catalogue.release_day < 0), rng)
    zone = int(people.zone[person])
    found = []
    for day in range(-1, span.days):
        begin = span.local(day, _NIGHT[0] + rng.normal(0, 0.3), zone)
        tracks = np.tile(album, 2000 // len(album))
        if rng.random() < 0.85:  # noqa: PLR2004 (some nights without)
            end = begin + round((_NIGHT[1] + rng.normal(0, 0.4)) * HOUR_MS)
            start, played, heard = one_after_another(begin, end, tracks, catalogue.duration_ms[tracks])
            client = person * CLIENTS_A_PERSON
            found.append(Sketch("sleep_music", client, start, played, heard, p.ALBUM, person=person))
    return found


def _super_fan(person: int, people: People, catalogue: Catalogue, span: Span, rng: np.random.Generator) -> list[Sketch]:
    fresh = (catalogue.release_day >= min(1, span.days - 1)) & (catalogue.release_day < span.days)
    album = _album(catalogue, fresh, np.random.default_rng(int(catalogue.artist_size.sum())))
    day = int(np.clip(catalogue.release_day[album[0]], 0, span.days - 1))
    zone = int(people.zone[person])
    # A release is out at midnight UTC; fans sit down at some hour of that day.
    begin = span.first_midnight + day * DAY_MS + round(rng.uniform(4, 15) * HOUR_MS)
    tracks = np.tile(album, 1 + int(rng.integers(40, 70)) // len(album))
    end = min(begin + 8 * HOUR_MS, span.local(day + 1, 2, zone), span.end)
    start, played, heard = one_after_another(begin, end, tracks, catalogue.duration_ms[tracks])
    return [Sketch("super_fan", person * CLIENTS_A_PERSON, start, played, heard, p.ALBUM, person=person)]


def _shop(person: int, people: People, catalogue: Catalogue, span: Span, rng: np.random.Generator) -> list[Sketch]:
    zone = int(people.zone[person])
    scene = int(rng.integers(0, catalogue.scenes))
    pool = np.flatnonzero((catalogue.scene == scene) & (catalogue.release_day < 0))
    pool = pool if pool.size >= _SMALLEST_ALBUM else np.flatnonzero(catalogue.release_day < 0)
    found = []
    for day in range(-1, span.days + 1):
        begin = span.local(day, _OPEN[0] + rng.normal(0, 0.1), zone)
        tracks = np.concatenate([rng.permutation(pool) for _ in range(-(-600 // pool.size))])
        end = begin + round(_OPEN[1] * HOUR_MS)
        start, played, heard = one_after_another(begin, end, tracks, catalogue.duration_ms[tracks])
        found.append(Sketch("shop", person * CLIENTS_A_PERSON + 2, start, played, heard, p.PLAYLIST, person=person))
    return found


_Draw = Callable[[int, People, Catalogue, Span, np.random.Generator], list[Sketch]]
_DRAW: Final[dict[str, _Draw]] = {"sleep_music": _sleep, "super_fan": _super_fan, "shop": _shop}
