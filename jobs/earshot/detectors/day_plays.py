"""The plays of one day as numbers, read column by column, and those of a few listeners as units.

A column is kept only for listeners who played enough, and only as numbers, so that ten million plays of a day need some
hundred megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.core import columns as c
from earshot.core.arrow_columns import Flags, Integers, coded, micros, opens
from earshot.core.settings import ManipulationSettings
from earshot.detectors.signals import Unit

Read = Callable[[Sequence[str]], pa.Table]
"""From names of columns of silver.listens to these columns of one day; texts may be dictionary arrays."""
Codes = NDArray[np.int32]

UNKNOWN: Final = ""
_TEXTS: Final = (c.NETWORK_TOKEN, c.TRACK_ID, c.COUNTRY)
_SHORT_MS: Final = 60_000
_MICROS: Final = 1_000_000
_HALF: Final = 32


@dataclass(frozen=True)
class DayPlays:
    """N plays of a day: of listeners who played enough, or are known.

    Attributes:
        read: Reads further columns of the whole day.
        rows: N, places among all plays of the day.
        listener: N, places in the names of listeners.
        codes: By column, N places in its names.
        names: By column, texts; `UNKNOWN` where a play tells none.
        start: N, seconds since 1970.
        heard_ms: N; 0 where it is unknown.
        known: L, whether each of the listeners is known.
    """

    read: Read
    rows: Integers
    listener: Codes
    codes: Mapping[str, Codes]
    names: Mapping[str, pa.Array]
    start: Integers
    heard_ms: Integers
    known: Flags

    @classmethod
    def of(cls, read: Read, *, least: int, known_listeners: Collection[str]) -> DayPlays:
        """The plays of listeners with at least so many plays, and of known ones."""
        listener, listeners = _codes(read, c.LISTENER_ID)
        known = pc.is_in(listeners, value_set=pa.array(sorted(known_listeners), listeners.type))
        is_known = known.to_numpy(zero_copy_only=False)
        rows = np.flatnonzero((is_known | (np.bincount(listener, minlength=len(listeners)) >= least))[listener])
        codes, names = {}, {c.LISTENER_ID: listeners}
        for name in _TEXTS:
            whole, names[name] = _codes(read, name)
            codes[name] = whole[rows]
        start = micros(read([c.STARTED_AT])[c.STARTED_AT])[rows] // _MICROS
        heard_ms = pc.fill_null(read([c.PLAYED_MS])[c.PLAYED_MS], 0).to_numpy()[rows]
        return cls(read, rows, listener[rows], codes, names, start, heard_ms, is_known)

    def loops(self, settings: ManipulationSettings) -> Flags:
        """N, whether about as much was heard as makes a play count."""
        return np.asarray((self.heard_ms >= settings.loop_ms_low) & (self.heard_ms <= settings.loop_ms_high))

    def short(self, settings: ManipulationSettings) -> Flags:
        """N, whether less than a minute was heard, and enough to count."""
        return np.asarray((self.heard_ms >= settings.loop_ms_low) & (self.heard_ms <= _SHORT_MS))

    def units(self, listeners: Flags, settings: ManipulationSettings) -> Iterator[tuple[str, Unit]]:
        """Plays of some listeners (L flags) by network, with whose they are."""
        of_them = np.flatnonzero(listeners[self.listener])
        keys = pairs(self.listener[of_them], self.codes[c.NETWORK_TOKEN][of_them])
        order = np.argsort(keys, kind="stable")
        rows, keys = of_them[order], keys[order]
        if not rows.size:
            return
        begins = np.flatnonzero(opens(keys))
        counts = zip(
            *(
                np.add.reduceat(which[rows], begins, dtype=np.int64).tolist()
                for which in (self.heard_ms > 0, self.loops(settings), self.short(settings))
            ),
            strict=True,
        )
        devices, device_names = _codes(self.read, c.DEVICE_TOKEN)
        device = _texts(device_names, devices[self.rows[rows]])
        network, track, country = (_texts(self.names[name], self.codes[name][rows]) for name in _TEXTS)
        listener = _texts(self.names[c.LISTENER_ID], self.listener[rows])
        plays = list(zip(self.start[rows].tolist(), self.heard_ms[rows].tolist(), track, strict=True))
        ends = [*begins[1:].tolist(), len(rows)]
        for begin, end, (heard, loops, short) in zip(begins.tolist(), ends, counts, strict=True):
            yield (
                listener[begin],
                Unit(
                    network=network[begin],
                    heard=heard,
                    loops=loops,
                    short=short,
                    plays=tuple(plays[begin:end]),
                    devices=frozenset(device[begin:end]) - {UNKNOWN},
                    countries=frozenset(country[begin:end]) - {UNKNOWN},
                ),
            )


def pairs(one: Codes | Integers, other: Codes | Integers) -> Integers:
    """Two numbers in one; `first_of` gives back the first."""
    return one.astype(np.int64) << _HALF | other


def first_of(keys: Integers) -> Integers:
    """The first numbers of pairs."""
    return keys >> _HALF


def _codes(read: Read, name: str) -> tuple[Codes, pa.Array]:
    codes, names = coded(read([name])[name], missing=UNKNOWN)
    return codes.astype(np.int32), names


def _texts(names: pa.Array, codes: Codes) -> list[str]:
    found: list[str] = names.take(pa.array(codes)).to_pylist()
    return found
