"""Landing files: which lines arrive when, what is wrong with them, and the truth of it."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated.faults import broken, near_copy
from earshot.importers.simulated.geography import DAY_MS
from earshot.importers.simulated.lines import ROWS_AT_ONCE, LineWriter, line_bytes
from earshot.importers.simulated.plays import Plays
from earshot.importers.simulated.scenario import Scenario, day_number
from earshot.importers.simulated.truth import (
    ACCEPTED,
    COPIED_FILE,
    DUPLICATE,
    QUARANTINED,
    FileTruth,
    Truth,
)

Ints = NDArray[np.int64]

_HOUR_MS: Final = 3_600_000
_NEW_KEY: Final = "new_key"
_EXACT, _NEAR = "duplicate_line", "near_duplicate"
_FAR_INSERT: Final = 50
_OTHER_CLIENT: Final = (
    {"device": "speaker", "platform": "sonos", "app_version": "9.3.0"},
    {"device": "web", "platform": "chrome", "app_version": "9.2.1"},
)


@dataclass(frozen=True)
class _Extra:
    """A line that is put in after row `after` of a file."""

    after: int
    content: bytes
    fault: str
    kind: int
    ring: int
    of_row: int = -1
    of_file: str = ""
    of_line: int = 0


@dataclass(frozen=True)
class _Copy:
    """A line that comes again in the next file."""

    content: bytes
    kind: int
    ring: int
    of_file: str
    of_line: int


@dataclass
class Tally:
    """What was written."""

    files: int = 0
    lines: int = 0
    bytes: int = 0


@dataclass
class Deliveries:
    """Writes the landing folder day by day, in the order in which files arrive.

    Attributes:
        landing: OUT/landing.
        first_day: The first simulated day.
        days: How many.
        scenario: What goes wrong.
        writer: Makes the lines.
        truth: Told of every line.
        seed: Source of chance, with the number of the file.
    """

    landing: Path
    first_day: date
    days: int
    first_midnight: int
    scenario: Scenario
    writer: LineWriter
    truth: Truth
    seed: int
    tally: Tally = field(default_factory=Tally)
    _late: dict[int, list[tuple[int, Plays]]] = field(default_factory=dict)
    _copies: list[_Copy] = field(default_factory=list)
    _resent: dict[int, list[tuple[str, FileTruth]]] = field(default_factory=dict)
    _events: int = 1
    _near: int = 1

    def deliver(self, number: int, plays: Plays) -> None:
        """Write the files that arrive on a day: late ones, those of the day, and copies of old ones.

        Args:
            number: Of the day, from 0.
            plays: All that started on it, sorted by start.
        """
        arrivals = self.scenario.arrivals
        day = self._date(number)
        for origin, late in self._late.pop(number, []):
            self._write(f"{day}/late-{self._date(origin)}.jsonl", origin, late, number)
        rng = np.random.default_rng([self.seed, 3, number])
        plays = self._hold_back(number, plays, rng)
        hours = 24 // arrivals.files_per_day
        midnight = self.first_midnight + number * DAY_MS
        edges = np.searchsorted(plays.start, midnight + np.arange(arrivals.files_per_day + 1) * hours * _HOUR_MS)
        for index, (low, high) in enumerate(pairwise(edges.tolist())):
            packed = bool(arrivals.gzip_every_days) and index == 0 and (number + 1) % arrivals.gzip_every_days == 0
            name = f"{day}/plays-{day}T{index * hours:02d}.jsonl{'.gz' if packed else ''}"
            written = self._write(name, number, plays.take(slice(low, high)), number)
            self._plan_copy(number, index, name, written)
        for name, truth in self._resent.pop(number, []):
            self._resend(name, f"{day}/resent-{name.rpartition('/')[2]}", truth)

    def _date(self, number: int) -> str:
        return (self.first_day + timedelta(days=number)).isoformat()

    def _hold_back(self, number: int, plays: Plays, rng: np.random.Generator) -> Plays:
        """Keep what is late for the day on which it arrives."""
        arrivals = self.scenario.arrivals
        last = min(arrivals.late_days, self.days - 1 - number)
        late = rng.random(len(plays)) < arrivals.late_share
        delay = rng.integers(1, max(last, 1) + 1, len(plays))
        if last < 1 or not late.any():
            return plays
        for days in range(1, last + 1):
            chosen = late & (delay == days)
            if chosen.any():
                self._late.setdefault(number + days, []).append((number, plays.take(chosen)))
        return plays.take(~late)

    def _write(self, name: str, origin: int, plays: Plays, arrives: int) -> FileTruth:
        """Write one file, a bounded number of rows at a time; returns its truth."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([self.seed, 4, self.tally.files])
        parts: list[FileTruth] = []
        with path.open("wb") as plain:
            packed = gzip.GzipFile("", "wb", 6, plain, mtime=0) if name.endswith(".gz") else None
            out = cast(BinaryIO, packed or plain)
            lines = 0
            for low in range(0, max(len(plays), 1), ROWS_AT_ONCE):
                rows = plays.take(slice(low, low + ROWS_AT_ONCE))
                part = self._write_rows(out, name, origin, rows, arrives, lines, rng)
                parts.append(part)
                lines += len(part)
            if packed:
                packed.close()
        columns = ("fault", "rule", "expected", "kind", "ring")
        truth = FileTruth(name, *(np.concatenate([getattr(part, column) for part in parts]) for column in columns))
        self.truth.write_file(truth)
        self._count(path, lines)
        return truth

    def _write_rows(
        self,
        out: BinaryIO,
        name: str,
        origin: int,
        plays: Plays,
        arrives: int,
        lines_before: int,
        rng: np.random.Generator,
    ) -> FileTruth:
        drift = self.scenario.drift
        drifted = drift is not None and origin >= day_number(drift.day, self.days)
        lines = self.writer.render(
            plays, self._date(origin), self.first_midnight + origin * DAY_MS, self._events, drifted=drifted
        )
        self._events += len(plays)
        data, offsets = line_bytes(lines)
        fault = self._draw_faults(len(plays), arrives, rng)
        none = self.truth.words.number(None)
        codes, rules = np.full(len(plays), none), np.full(len(plays), none)
        expected = np.full(len(plays), ACCEPTED)
        if drifted:
            codes[self.writer.drifts(plays)] = self.truth.words.number(_NEW_KEY)
        changed: dict[int, bytes] = {}
        for row in np.flatnonzero(fault >= 0).tolist():
            fault_name = self._fault_names[fault[row]]
            line, rule = broken(bytes(data[offsets[row] : offsets[row + 1]]), fault_name, rng)
            changed[row] = line
            codes[row], rules[row] = self.truth.words.number(fault_name), self.truth.words.number(rule)
            expected[row] = ACCEPTED if rule is None else QUARANTINED
        extras = self._draw_extras(plays, fault < 0, data, offsets, rng, first=lines_before == 0)
        _put(out, data, offsets, changed, extras)
        return self._account(
            name, plays, (codes, rules, expected), extras, lines_before, (data, offsets), fault < 0, rng
        )

    @property
    def _fault_names(self) -> list[str]:
        names = list(type(self.scenario.faults).model_fields)
        return [*names, self.scenario.broken_day.fault] if self.scenario.broken_day else names

    def _draw_faults(self, count: int, arrives: int, rng: np.random.Generator) -> Ints:
        """Of each line the index of its fault, -1 for none; renamed keys come in one file of three."""
        rates = self.scenario.faults.model_dump()
        rates["renamed_key"] *= 3 if self.tally.files % 3 == 0 else 0
        shares = np.cumsum(list(rates.values()))
        chance = rng.random(count)
        fault = np.searchsorted(shares, chance, side="right")
        fault = np.where(fault < len(shares), fault, -1)
        day = self.scenario.broken_day
        if day and day_number(day.day, self.days) == arrives:
            fault = np.where((fault < 0) & (rng.random(count) < day.share), len(shares), fault)
        return fault

    def _draw_extras(
        self,
        plays: Plays,
        good: NDArray[np.bool_],
        data: memoryview,
        offsets: Ints,
        rng: np.random.Generator,
        *,
        first: bool,
    ) -> list[_Extra]:
        """Lines that repeat rows of this file, and those of earlier files that come again in this one."""
        rates = self.scenario.duplicates
        count = len(plays)
        chance = rng.random(count)
        found = []
        for row in np.flatnonzero(good & (chance < rates.within_file)).tolist():
            after = min(count - 1, row + int(rng.integers(0, _FAR_INSERT)))
            content = bytes(data[offsets[row] : offsets[row + 1]])
            found.append(_Extra(after, content, _EXACT, int(plays.kind[row]), int(plays.ring[row]), row))
        clean = good & (plays.kind == 0) & ~plays.failed & (plays.played > 0)
        near = clean & (chance >= rates.within_file) & (chance < rates.within_file + rates.near)
        for row in np.flatnonzero(near).tolist():
            line = bytes(data[offsets[row] : offsets[row + 1]])
            other = _OTHER_CLIENT[1 if b'"device":"speaker"' in line else 0]
            found.append(_Extra(row, near_copy(line, self._near, other, rng), _NEAR, 0, 0, row))
            self._near += 1
        if first and count:
            for copy in self._copies:
                after = int(rng.integers(0, count))
                found.append(_Extra(after, copy.content, _EXACT, copy.kind, copy.ring, -1, copy.of_file, copy.of_line))
            self._copies = []
        return sorted(found, key=lambda extra: extra.after)

    def _account(
        self,
        name: str,
        plays: Plays,
        columns: tuple[Ints, Ints, Ints],
        extras: list[_Extra],
        lines_before: int,
        content: tuple[memoryview, Ints],
        good: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> FileTruth:
        """The truth of these lines; some good ones are kept to come again in a later file."""
        words = self.truth.words
        after = np.array([extra.after for extra in extras], np.int64)
        rows = np.arange(len(plays))
        line_of_row = lines_before + 1 + rows + np.searchsorted(after, rows, side="left")
        line_of_extra = lines_before + 1 + after + 1 + np.arange(after.size)
        self.truth.write_duplicates(
            name,
            line_of_extra,
            [name if extra.of_row >= 0 else extra.of_file for extra in extras],
            [int(line_of_row[extra.of_row]) if extra.of_row >= 0 else extra.of_line for extra in extras],
            [extra.fault == _EXACT for extra in extras],
        )
        data, offsets = content
        again = good & (rng.random(len(plays)) < self.scenario.duplicates.across_files)
        for row in np.flatnonzero(again).tolist():
            line = bytes(data[offsets[row] : offsets[row + 1]])
            kept = _Copy(line, int(plays.kind[row]), int(plays.ring[row]), name, int(line_of_row[row]))
            self._copies.append(kept)
        order = np.argsort(np.concatenate([line_of_row, line_of_extra]), kind="stable")
        added = (
            [words.number(extra.fault) for extra in extras],
            [words.number(None) for _ in extras],
            [DUPLICATE for _ in extras],
            [extra.kind for extra in extras],
            [extra.ring for extra in extras],
        )
        return FileTruth(
            name,
            *(
                np.concatenate([column, np.array(more, np.int64)])[order]
                for column, more in zip((*columns, plays.kind, plays.ring), added, strict=True)
            ),
        )

    def _plan_copy(self, number: int, index: int, name: str, truth: FileTruth) -> None:
        arrivals = self.scenario.arrivals
        every, comes = arrivals.copied_file_every_days, number + arrivals.copied_file_after_days
        if every and (number + 1) % every == 0 and index == number % arrivals.files_per_day and comes < self.days:
            self._resent.setdefault(comes, []).append((name, truth))

    def _resend(self, original: str, name: str, truth: FileTruth) -> None:
        """Write the same bytes under another name: every line of it is a duplicate."""
        shutil.copyfile(self.landing / original, self.landing / name)
        count = len(truth)
        copied = np.full(count, self.truth.words.number(COPIED_FILE))
        self.truth.write_file(
            FileTruth(name, copied, np.full(count, -1), np.full(count, DUPLICATE), truth.kind, truth.ring)
        )
        numbers = np.arange(1, count + 1)
        self.truth.write_duplicates(name, numbers, [original] * count, numbers, [True] * count)
        self._count(self.landing / name, count)

    def _count(self, path: Path, lines: int) -> None:
        self.tally.files += 1
        self.tally.lines += lines
        self.tally.bytes += path.stat().st_size


def _put(out: BinaryIO, data: memoryview, offsets: Ints, changed: dict[int, bytes], extras: list[_Extra]) -> None:
    """Write all rows, some replaced, some followed by extra lines."""
    following: dict[int, list[bytes]] = {}
    for extra in extras:
        following.setdefault(extra.after, []).append(extra.content)
    done = 0
    for row in sorted({*changed, *following}):
        out.write(data[offsets[done] : offsets[row]])
        out.write(changed.get(row) or data[offsets[row] : offsets[row + 1]])
        for line in following.get(row, ()):
            out.write(line)
        done = row + 1
    out.write(data[offsets[done] : offsets[-1]])
