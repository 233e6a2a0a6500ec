"""A play that is put together from the fields of an item, with what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.events import at_ms, extra_of, names_track, text_of, whole
from earshot.importers.faults import Faults, masked_json
from earshot.importers.rows import Row
from earshot.importers.shape import LISTENER, TIME_PRESENT, TIME_READABLE, TRACK_PRESENT, TYPED_FIELDS, Source

Moment = Callable[[Any], datetime | None]
_MS = 1000


class Draft:
    """A play while it is put together.

    Args:
        item: What the source tells, by its own names.
        source: Limits and defaults.
        hidden: Names of the item's identities; they are left out of what is kept of it.
    """

    def __init__(self, item: Mapping[str, Any], source: Source, hidden: Collection[str] = ()) -> None:
        self.play: Row = {}
        self.faults = Faults()
        self._item, self._source, self._hidden = item, source, hidden

    def texts(self, columns: Mapping[str, str]) -> None:
        """Take texts: column to name in the item. Empty ones are null."""
        for column, name in columns.items():
            value = self._item.get(name)
            if value is not None and value != "":
                self.play[column] = text_of(name, value, self._source.limits, self.faults)

    def listener(self, value: object) -> None:
        """Take the identity; numbers are identities too."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is not None and value != "":
            self.play[LISTENER] = text_of(LISTENER, value, self._source.limits, self.faults)

    def moment(self, column: str, name: str, read: Moment, what: str) -> None:
        """Take a time.

        Args:
            column: started_at or ended_at.
            name: Of the item's field.
            read: Gives the time, or None where the value is none.
            what: What it should have been, for the cause.
        """
        value = self._item.get(name)
        if value is None or value == "":
            self.faults.note(TIME_PRESENT, f"{name} is missing")
            return
        self.play[column] = read(value)
        if self.play[column] is None:
            self.faults.field(TIME_READABLE, name, value, f"is no {what}")

    def milliseconds(self, column: str, name: str, factor: int = 1) -> None:
        """Take a length, in units of `factor` milliseconds; fractions are rounded, empty ones are null."""
        value = self._item.get(name)
        if value is None or value == "":
            return
        number = number_of(value)
        self.play[column] = None if number is None else whole(float(round(number * factor)))
        if self.play[column] is None:
            self.faults.field(TYPED_FIELDS, name, value, "is no number")

    def keep(self, fields: Mapping[str, Any]) -> None:
        """Keep fields that have no column; empty ones are left out."""
        if filled := {name: value for name, value in fields.items() if value is not None and value != ""}:
            self.play[c.EXTRA] = extra_of(filled, self._source.limits, self.faults)

    def kept_as(self, item: Mapping[str, Any], hidden: Collection[str]) -> Draft:
        """Keep another item than the one that the fields came from, where there are faults."""
        self._item, self._hidden = item, hidden
        return self

    def done(self) -> Row:
        """The play, with its faults."""
        if not names_track(self.play) and not self.faults:
            self.faults.note(TRACK_PRESENT, "neither an id of the track nor its title and artist are there")
        if self.faults:
            self.play |= self.faults.marks() | {c.RAW: masked_json(self._item, self._hidden)}
        return self.play


def number_of(value: object) -> float | None:
    """A finite number, also one in a text; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.replace("_", "x")) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def epoch_seconds(value: object) -> datetime | None:
    """The time of epoch seconds, fractions included."""
    number = number_of(value)
    return None if number is None or abs(number) > _LATEST_S else at_ms(round(number * _MS))


def epoch_milliseconds(value: object) -> datetime | None:
    """The time of epoch milliseconds."""
    number = number_of(value)
    return None if number is None or abs(number) > _LATEST_S * _MS else at_ms(round(number))


def clock(text: str, zone: ZoneInfo, *formats: str) -> datetime | None:
    """The time that a clock showed; of two that are the same (an hour that is repeated) the first.

    Args:
        text: ISO 8601, or in one of the formats; a zone in it wins.
        zone: Of the clock.
        formats: As `datetime.strptime` has them; month names are English.
    """
    for fmt in ("", *formats):
        try:
            moment = datetime.strptime(text.strip(), fmt) if fmt else datetime.fromisoformat(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


_LATEST_S = 300_000_000_000
