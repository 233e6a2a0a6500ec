"""What is asked of a web catalogue and what it answers, and when two names mean the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

_BRACKETS = re.compile(r"\s*[\(\[][^()\[\]]*[\)\]]")
_EDITION = re.compile(r"\s+-\s+.*\b(remaster(ed)?|version|edit|mix|live|mono|stereo)\b.*$", re.IGNORECASE)
_FEATURED = re.compile(r"\s+(feat\.?|ft\.?|featuring)\s.*$", re.IGNORECASE)
_YEAR, _MONTH, _DAY = 1, 2, 3


@dataclass(frozen=True)
class WantedTrack:
    """A track that is played and that the catalogue does not know."""

    track_id: str
    title: str | None = None
    artist_name: str | None = None
    artist_id: str | None = None
    isrc: str | None = None
    recording_mbid: str | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, str | None]) -> WantedTrack:
        """From a row with the columns of silver.tracks."""
        named = {name: row.get(name) for name in ("artist_name", "artist_id", "isrc", "recording_mbid")}
        return cls(str(row["track_id"]), row.get("track_title"), **named)


@dataclass(frozen=True)
class FoundTrack:
    """What a web catalogue knows of it; what it does not know is None."""

    title: str
    artist_name: str
    source: str
    artist_id: str | None = None
    album_title: str | None = None
    isrc: str | None = None
    recording_mbid: str | None = None
    duration_ms: int | None = None
    released_on: date | None = None
    genres: tuple[str, ...] = ()


class CatalogueClient(Protocol):
    """A web catalogue."""

    name: str

    def prepare(self, wanted: list[WantedTrack]) -> None:
        """Ask in bulk for what can be asked in bulk.

        Raises:
            HttpError: It did not answer.
        """

    def find(self, wanted: WantedTrack) -> FoundTrack | None:
        """The track; None where the catalogue does not know it.

        Raises:
            HttpError: It did not answer.
        """


def same_name(one: str | None, other: str | None) -> bool:
    """Whether two titles or artists mean the same.

    Case, accents, punctuation, brackets, editions (`- Remastered 2011`) and featured artists do not count.
    """
    first, second = _bare(one), _bare(other)
    return bool(first) and first == second


def partial_date(text: str | None) -> date | None:
    """A date from `2026-03-29`, `2026-03` or `2026` (its first day); None for anything else."""
    parts = (text or "").split("-")
    if not 1 <= len(parts) <= _DAY or not all(part.isdecimal() for part in parts):
        return None
    year, month, day = (*map(int, parts), 1, 1)[:_DAY]
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _bare(text: str | None) -> str:
    short = _FEATURED.sub("", _EDITION.sub("", _BRACKETS.sub("", text or ""))) or text or ""
    folded = unicodedata.normalize("NFKD", short.casefold())
    return "".join(letter for letter in folded if letter.isalnum())
