"""The catalogue: artists with their scene, albums, tracks with a long tail of popularity."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_GENRES: Final = (
    ("rock", ("indie rock", "garage", "post-punk", "shoegaze")),
    ("electronic", ("house", "techno", "drum and bass", "synthwave")),
    ("hip hop", ("boom bap", "trap", "grime", "jazz rap")),
    ("pop", ("synth-pop", "dance pop", "bedroom pop", "art pop")),
    ("jazz", ("bebop", "fusion", "swing", "free jazz")),
    ("classical", ("baroque", "romantic", "piano", "opera")),
    ("metal", ("doom", "black metal", "thrash", "metalcore")),
    ("folk", ("singer-songwriter", "americana", "celtic", "freak folk")),
    ("latin", ("reggaeton", "samba", "cumbia", "bossa nova")),
    ("soul", ("neo soul", "funk", "motown", "gospel")),
    ("ambient", ("sleep", "drone", "new age", "field recordings")),
    ("world", ("afrobeat", "bollywood", "k-pop", "city pop")),
)
SCENES: Final = tuple((genre, scene) for genre, scenes in _GENRES for scene in scenes)
SCENES_PER_GENRE: Final = 4
_TRACKS_PER_SCENE: Final = 20

_FIRST: Final = (
    "Amber Broken Café Cobalt Distant Electric Faded Glass Golden Hollow Ivory Jasmine Kind Lunar Midnight Neon "
    "Ochre Paper Quiet Restless Silver Tender Ultra Velvet Wild Yellow Ångström Été Northern Little"
).split()
_SECOND: Final = (
    "Anchors Birds Cities Deserts Echoes Fires Gardens Harbours Islands Journeys Kites Lanterns Mirrors Nights "
    "Oceans Pianos Questions Rivers Signals Tides Umbrellas Valleys Windows Years Sæters Señoras Rooms Machines"
).split()
_BAND: Final = ("The {a} {b}", "{a} {b}", "{b} of {a}", "{a} & the {b}", "{a}{b}")
_TITLE: Final = ("{a} {b}", "{b}", "{a} {b} (Live)", "Under {a} {b}", "No More {b}", "Don't Wake the {b}")


@dataclass(frozen=True)
class Catalogue:
    """Tracks as columns; tracks of an album, and albums of an artist, are neighbours.

    Attributes:
        scene: Of each track, index into `SCENES`.
        second_scene: Another scene of the same genre that plays it too.
        popularity: Of each track, relative.
        release_day: Of each track, days from the first simulated day; negative is before.
        album_first: Of each track, the first track of its album; `album_size` its length.
        artist_first: Of each track, the first track of its artist; `artist_size` how many.
        first_album_size: Of each track, the length of its artist's first album (always out already).
        scenes: How many of `SCENES` are in use.
    """

    titles: list[str]
    artist_ids: list[str]
    artist_names: list[str]
    album_titles: list[str]
    isrcs: list[str]
    mbids: list[str]
    duration_ms: Ints
    scene: Ints
    second_scene: Ints
    popularity: Floats
    release_day: Ints
    album_first: Ints
    album_size: Ints
    artist_first: Ints
    artist_size: Ints
    first_album_size: Ints
    scenes: int

    def __len__(self) -> int:
        """How many tracks."""
        return len(self.titles)

    def genres(self, track: int) -> list[str]:
        """Genre and scene of a track."""
        return list(SCENES[int(self.scene[track])])


def make_catalogue(tracks: int, days: int, rng: np.random.Generator) -> Catalogue:
    """Invent a catalogue.

    Args:
        tracks: How many tracks.
        days: Days of the simulation; a few albums come out in it.
        rng: Source of chance.
    """
    sizes = _pieces(tracks, rng.choice([1, 2, 8, 9, 10, 11, 12, 14], size=tracks, p=[0.12, 0.08] + [0.8 / 6] * 6))
    albums = len(sizes)
    per_artist = _pieces(albums, rng.choice([1, 2, 3, 4], size=albums, p=[0.35, 0.3, 0.2, 0.15]))
    artists = len(per_artist)
    artist_of_album = np.repeat(np.arange(artists), per_artist)
    album_of_track = np.repeat(np.arange(albums), sizes)
    artist_of_track = artist_of_album[album_of_track]

    scenes = int(np.clip(tracks // _TRACKS_PER_SCENE, 2, len(SCENES)))
    artist_scene = (np.arange(artists) * 7919 + rng.integers(0, scenes)) % scenes
    genre_start = artist_scene // SCENES_PER_GENRE * SCENES_PER_GENRE
    neighbours = np.minimum(scenes - genre_start, SCENES_PER_GENRE)
    second = genre_start + (artist_scene - genre_start + 1 + rng.integers(0, 3, artists)) % neighbours

    artist_popularity = rng.lognormal(0.0, 1.15, artists)
    popularity = artist_popularity[artist_of_track] * rng.lognormal(0.0, 0.8, tracks)
    album_first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    artist_sizes = np.bincount(artist_of_track, minlength=artists)
    artist_first = (np.cumsum(artist_sizes) - artist_sizes)[artist_of_track]
    first_albums = np.cumsum(per_artist) - per_artist

    album_release = -rng.integers(30, 9_000, albums)
    later = np.setdiff1d(np.flatnonzero(sizes > 2), first_albums)  # noqa: PLR2004 (singles are no event)
    new = rng.permutation(later)[: max(1, albums // 50)]
    if days > 1 and new.size:
        album_release[new] = rng.integers(0, days, new.size)
    bands = _names(_BAND, artists, rng)
    return Catalogue(
        titles=_names(_TITLE, tracks, rng),
        artist_ids=[f"art:{i}" for i in artist_of_track],
        artist_names=[bands[i] for i in artist_of_track],
        album_titles=list(np.array(_names(_TITLE[:2], albums, rng), dtype=object)[album_of_track]),
        isrcs=[f"QZ{'ABCDEFGHJK'[i % 10]}{i // 10 % 10}{i // 100 % 10}{i:07d}" for i in range(tracks)],
        mbids=[_uuid(value) for value in rng.bytes(16 * tracks).hex(" ", 16).split()],
        duration_ms=(np.clip(rng.normal(212, 48, tracks), 62, 540) * 1000).astype(np.int64),
        scene=artist_scene[artist_of_track],
        second_scene=second[artist_of_track],
        popularity=popularity,
        release_day=album_release[album_of_track],
        album_first=album_first,
        album_size=sizes[album_of_track],
        artist_first=artist_first,
        artist_size=artist_sizes[artist_of_track],
        first_album_size=sizes[first_albums][artist_of_track],
        scenes=scenes,
    )


def write_catalogue(catalogue: Catalogue, first_day: date, path: Path) -> int:
    """Write the columns of silver.tracks as CSV, genres joined by `;`; returns the bytes."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(
        "track_id track_title artist_id artist_name album_title isrc recording_mbid duration_ms released_on "
        "genres source".split()
    )
    for i, title in enumerate(catalogue.titles):
        released = first_day + timedelta(days=int(catalogue.release_day[i]))
        out.writerow(
            [
                f"trk:{i}",
                title,
                catalogue.artist_ids[i],
                catalogue.artist_names[i],
                catalogue.album_titles[i],
                catalogue.isrcs[i],
                catalogue.mbids[i],
                int(catalogue.duration_ms[i]),
                released.isoformat(),
                ";".join(catalogue.genres(i)),
                "simulated",
            ]
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(text.getvalue().encode())


def _pieces(total: int, drawn: Ints) -> Ints:
    """The first of the drawn sizes that fill `total`, the last one cut."""
    ends = np.cumsum(drawn)
    count = int(np.searchsorted(ends, total)) + 1
    sizes = drawn[:count].astype(np.int64)
    sizes[-1] -= ends[count - 1] - total
    return sizes


def _names(patterns: tuple[str, ...], count: int, rng: np.random.Generator) -> list[str]:
    pattern = rng.integers(0, len(patterns), count)
    first, second = rng.integers(0, len(_FIRST), count), rng.integers(0, len(_SECOND), count)
    found, seen = [], dict[str, int]()
    for p, a, b in zip(pattern, first, second, strict=True):
        name = patterns[p].format(a=_FIRST[a], b=_SECOND[b])
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
