"""Latent tastes: each person loves a few scenes, each scene its tracks; what is loved is played again.

P(track | person) is a sum over scenes, so the matrix of persons and tracks has the rank of the number of scenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated.catalogue import SCENES_PER_GENRE, Catalogue
from earshot.importers.simulated.plays import ALBUM, ARTIST, LIBRARY, PLAYLIST, RADIO, SEARCH, UNKNOWN
from earshot.importers.simulated.population import People

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SCENES_A_PERSON: Final = 4
_FAVOURITES: Final = 30
_OWN_SCENE: Final = 0.78
_GENRE_LOVE: Final = 2.2
_LOCAL_LOVE: Final = 0.8
_NEW_RELEASE_BOOST: Final = 5.0
_NEW_RELEASE_DAYS: Final = 3.0
# By context: share of plays that are favourites, and that come from outside the person's taste.
_FAVOURITE_SHARE: Final = {
    PLAYLIST: 0.25,
    ALBUM: 0.0,
    ARTIST: 0.1,
    RADIO: 0.05,
    SEARCH: 0.3,
    LIBRARY: 0.8,
    UNKNOWN: 0.2,
}
_OUTSIDE_SHARE: Final = {PLAYLIST: 0.2, ALBUM: 0.0, ARTIST: 0.0, RADIO: 0.4, SEARCH: 0.2, LIBRARY: 0.0, UNKNOWN: 0.2}
FAVOURITE_SHARE: Final = np.array([_FAVOURITE_SHARE[context] for context in range(7)])
OUTSIDE_SHARE: Final = np.array([_OUTSIDE_SHARE[context] for context in range(7)])


@dataclass(frozen=True)
class Tastes:
    """What each person loves.

    Attributes:
        scenes: Persons x 4, the loved scenes.
        cumulative: Persons x 4, how much, summed up to 1.
        favourites: Persons x 30, tracks, the dearest first.
    """

    scenes: Ints
    cumulative: Floats
    favourites: Ints


@dataclass(frozen=True)
class Shelf:
    """What scenes play on one day: tracks that are out, new ones more."""

    tracks: Ints
    cumulative: Floats
    starts: Floats
    ends: Floats
    everything: Floats

    @classmethod
    def of(cls, catalogue: Catalogue, day: int) -> Shelf:
        """The shelf of a day, counted from the first simulated one."""
        age = day - catalogue.release_day
        boost = 1.0 + _NEW_RELEASE_BOOST * np.exp(-np.maximum(age, 0) / _NEW_RELEASE_DAYS)
        weight = np.where(age >= 0, catalogue.popularity * boost, 0.0)
        tracks = np.tile(np.arange(len(catalogue)), 2)
        scene = np.concatenate([catalogue.scene, catalogue.second_scene])
        weights = np.concatenate([weight, weight * 0.15])
        order = np.argsort(scene, kind="stable")
        cumulative = np.cumsum(weights[order])
        bounds = np.searchsorted(scene[order], np.arange(catalogue.scenes + 1))
        edges = np.append(0.0, cumulative)[bounds]
        return cls(tracks[order], cumulative, edges[:-1], edges[1:], np.cumsum(weight))

    def draw(self, scene: Ints, uniform: Floats) -> Ints:
        """A track of each scene."""
        low, high = self.starts[scene], self.ends[scene]
        at = np.searchsorted(self.cumulative, low + uniform * (high - low), side="right")
        return np.asarray(self.tracks[np.minimum(at, len(self.tracks) - 1)], np.int64)

    def draw_any(self, uniform: Floats) -> Ints:
        """Tracks by popularity alone."""
        at = np.searchsorted(self.everything, uniform * self.everything[-1], side="right")
        return np.asarray(np.minimum(at, len(self.everything) - 1), np.int64)


def make_tastes(people: People, catalogue: Catalogue, rng: np.random.Generator) -> Tastes:
    """Invent tastes: a genre or two, a few scenes in them, some local colour, favourites among their tracks."""
    count, scenes = len(people), catalogue.scenes
    genres = -(-scenes // SCENES_PER_GENRE)
    genre_of = np.arange(scenes) // SCENES_PER_GENRE
    favourite_scenes, cumulative = [], []
    for rows in np.array_split(np.arange(count), max(1, count // 20_000)):
        love = rng.gumbel(size=(rows.size, scenes))
        love += _GENRE_LOVE * (rng.integers(0, genres, rows.size)[:, None] == genre_of[None, :])
        love += _LOCAL_LOVE * ((people.country[rows][:, None] * 3 + np.arange(scenes)[None, :]) % 11 == 0)
        best = np.argsort(-love, axis=1, kind="stable")[:, : min(_SCENES_A_PERSON, scenes)]
        weights = np.exp(np.take_along_axis(love, best, axis=1) * 0.6)
        summed = np.cumsum(weights, axis=1)
        favourite_scenes.append(best)
        cumulative.append(summed / summed[:, -1:])
    tastes = Tastes(np.concatenate(favourite_scenes), np.concatenate(cumulative), np.zeros((0, 0), np.int64))
    shelf = Shelf.of(catalogue, -1)
    who = np.repeat(np.arange(count), _FAVOURITES)
    picked = shelf.draw(draw_scenes(tastes, who, rng.random(who.size)), rng.random(who.size))
    return Tastes(tastes.scenes, tastes.cumulative, picked.reshape(count, _FAVOURITES))


def draw_scenes(tastes: Tastes, persons: Ints, uniform: Floats) -> Ints:
    """A loved scene of each person."""
    at = (uniform[:, None] > tastes.cumulative[persons]).sum(axis=1)
    return np.asarray(tastes.scenes[persons, np.minimum(at, tastes.scenes.shape[1] - 1)])


def draw_tracks(
    tastes: Tastes,
    shelf: Shelf,
    catalogue: Catalogue,
    day: int,
    sessions: tuple[Ints, Ints],
    place: tuple[Ints, Ints],
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """The tracks of plays.

    Args:
        tastes: Of all persons.
        shelf: Of the day.
        catalogue: Which tracks stand beside which.
        day: Counted from the first simulated one.
        sessions: Person and context of each session.
        place: Of each play, the number of its session and its position in it.
        rng: Source of chance.

    Returns:
        Of each play its track, and how it was chosen: 0 by scene, 1 as a favourite, 2 outside the taste.
    """
    person, context = sessions
    session, position = place
    mood = draw_scenes(tastes, person, rng.random(person.size))
    anchor = shelf.draw(mood, rng.random(person.size))
    who, where, count = person[session], context[session], session.size
    scene = np.where(rng.random(count) < _OWN_SCENE, mood[session], draw_scenes(tastes, who, rng.random(count)))
    track = shelf.draw(scene, rng.random(count))
    chance = rng.random(count)
    favourite = chance < FAVOURITE_SHARE[where]
    rank = (rng.random(count) ** 1.8 * tastes.favourites.shape[1]).astype(np.int64)
    track = np.where(favourite, tastes.favourites[who, rank], track)
    outside = chance > 1.0 - OUTSIDE_SHARE[where]
    track[outside] = shelf.draw_any(rng.random(int(outside.sum())))
    first = anchor[session]
    album = (
        catalogue.album_first[first] + (first - catalogue.album_first[first] + position) % catalogue.album_size[first]
    )
    track = np.where(where == ALBUM, album, track)
    of_artist = (where == ARTIST) & ~favourite
    among = catalogue.artist_first[first] + (rng.random(count) ** 1.3 * catalogue.artist_size[first]).astype(np.int64)
    track = np.where(of_artist, among, track)
    unreleased = catalogue.release_day[track] > day
    older = catalogue.artist_first[track] + track % catalogue.first_album_size[track]
    return np.where(unreleased, older, track), np.where(favourite, 1, np.where(outside, 2, 0))
