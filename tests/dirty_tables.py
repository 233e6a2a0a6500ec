"""Tables with known errors: a clean one, and its dirty twin with a few cells spoilt."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

Row = dict[str, str]
Spoil = Callable[[str, random.Random], str]


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 (no secret)


def as_table(rows: Sequence[Mapping[str, str]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]})


def as_csv(rows: Sequence[Mapping[str, str]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


def plays(seed: int = 1, rows: int = 2000) -> list[Row]:
    """A listening log in which a listener has one country and a track one title and artist."""
    chance = seeded(seed)
    titles = [f"{_word(chance, 3)} {_word(chance, 2)} {_word(chance, 4)}" for _ in range(60)]
    artists = [f"{_word(chance, 4)} {_word(chance, 3)}" for _ in range(12)]
    found = []
    for n in range(rows):
        listener, track = chance.randrange(80), chance.randrange(60)
        found.append(
            {
                "event": f"e-{n}",
                "listener": f"listener-{listener:04d}",
                "started": f"2026-03-{1 + n % 28:02d}T{chance.randrange(24):02d}:{chance.randrange(60):02d}:00Z",
                "track": f"trk:{track}",
                "title": titles[track],
                "artist": artists[track % 12],
                "played_ms": str(chance.randrange(1, 300_000)),
                "country": ("DE", "FR", "US", "GB")[listener % 4],
                "tier": ("free", "premium", "family")[listener % 3],
            }
        )
    return found


def spoilt(
    rows: Sequence[Row], how: Mapping[str, Spoil], share: float, seed: int = 2
) -> tuple[list[Row], set[tuple[int, str]]]:
    """The rows with a share of the cells of some columns spoilt, and which cells they are."""
    chance = seeded(seed)
    dirty = [dict(row) for row in rows]
    wrong = set()
    for n, row in enumerate(dirty):
        for name, spoil in how.items():
            if chance.random() < share:
                row[name] = spoil(row[name], chance)
                if row[name] != rows[n][name]:
                    wrong.add((n, name))
    return dirty, wrong


def typo(value: str, chance: random.Random) -> str:
    """One letter replaced by x."""
    place = chance.choice([n for n, letter in enumerate(value) if letter.isalpha()])
    return f"{value[:place]}x{value[place + 1 :]}"


def gone(value: str, chance: random.Random) -> str:
    return ""


def replaced_by(*others: str) -> Spoil:
    return lambda value, chance: chance.choice(others)


SPOILT_PLAYS: Mapping[str, Spoil] = {
    "title": typo,
    "artist": gone,
    "started": replaced_by("01/03/2026 10:00", "yesterday"),
    "played_ms": replaced_by("-1", "99999999999"),
    "country": replaced_by("N/A", "DE", "US"),
    "tier": typo,
}


def _word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice("bdfglmnprst") + chance.choice("aeiou") for _ in range(syllables))
