"""What the log of a table tells about its changes, read by delta-rs in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from earshot.core.changes import CONSUMED
from earshot.core.open_tables import newest_first, opened
from earshot.core.tables import spec_of

# Operations that leave every row as it was.
_SAME_ROWS = ("CREATE TABLE", "OPTIMIZE", "VACUUM", "SET TBL", "UNSET TBL", "ADD COL", "CHANGE COL", "UPGRADE", "FSCK")

_COMMITS_AT_FIRST = 2


@dataclass(frozen=True)
class Change:
    """One commit: its number, and what its writer left in `userMetadata`."""

    version: int
    operation: str
    metadata: Mapping[str, Any]

    @property
    def leaves_rows(self) -> bool:
        """Whether every row is as it was before."""
        return self.operation.upper().startswith(_SAME_ROWS)


@dataclass(frozen=True)
class Span:
    """A file of a table partitioned by day: its day, and bounds of the times in it."""

    day: date
    first: datetime
    last: datetime


class TableHistory:
    """The log of one table, as it was at the first look.

    `functools.cached_property` would do, but for its lock, which before Python 3.12 all tables share: threads that
    open tables at the same time would wait for one another.

    Args:
        root: Root of the lake.
        name: `layer.noun`.
    """

    def __init__(self, root: str, name: str) -> None:
        self.spec = spec_of(name)
        self.path = f"{root.rstrip('/')}/{name.replace('.', '/')}"
        self._seen: tuple[int | None, pa.Table] | None = None
        self._after: dict[int, list[Change] | None] = {}

    @property
    def version(self) -> int | None:
        """The latest commit; None where nothing was ever written."""
        latest, files = self._now
        return latest if latest or files.num_rows else None

    def looked(self) -> Self:
        """After that first look, so that threads can share it."""
        _ = self._now
        return self

    def changes(self) -> Iterator[Change]:
        """The commits that the log still has, newest first, read while they are asked for."""
        latest, _ = self._now
        for entry in newest_first(self.path, at_first=_COMMITS_AT_FIRST):
            version, operation = int(entry["version"]), str(entry.get("operation", ""))
            if latest is not None and version <= latest:
                yield Change(version, operation, _metadata(entry.get("userMetadata")))

    def changes_after(self, version: int) -> list[Change] | None:
        """The later commits, newest first; None where the log does not have them all, or not that far."""
        if version not in self._after:
            later = list(takewhile(lambda change: change.version > version, self.changes()))
            latest = -1 if self.version is None else self.version
            self._after[version] = later if len(later) == latest - version else None
        return self._after[version]

    @property
    def consumed(self) -> dict[str, int] | None:
        """What the latest commit that says so had consumed: the version of each source; None where none says."""
        for change in self.changes():
            if isinstance(recorded := change.metadata.get(CONSUMED), dict):
                return {str(source): int(version) for source, version in recorded.items()}
        return None

    def days(self) -> frozenset[date]:
        """The values of the partition column (a date) that have rows now."""
        _, files = self._now
        return frozenset(files[f"partition.{self._day}"].unique().to_pylist()) if files.num_rows else frozenset()

    def rows(self, days: Collection[date]) -> int:
        """How many rows these days have, as the log counts them."""
        return sum(self.rows_by_day(days).values())

    def rows_by_day(self, days: Collection[date]) -> dict[date, int]:
        """How many rows each of these days has, as the log counts them; none of a day that has no files."""
        _, files = self._now
        if "num_records" not in files.column_names or not days:
            return {}
        day = f"partition.{self._day}"
        there = files.filter(pc.is_in(files[day], pa.array(days, pa.date32())))
        sums = there.group_by(day, use_threads=False).aggregate([("num_records", "sum")])
        return dict(zip(sums[day].to_pylist(), pc.fill_null(sums["num_records_sum"], 0).to_pylist(), strict=True))

    def changed_days(self, version: int) -> frozenset[date] | None:
        """The days whose files that commit added or removed; None where the log does not tell any more."""
        try:
            after, before = self._days_of_files(version), self._days_of_files(version - 1) if version else {}
        except DeltaError:
            return None
        return None if after is None or before is None else frozenset(day for _, day in after.items() ^ before.items())

    def latest(self, column: str, day: date) -> datetime | None:
        """The largest timestamp of a column on a day; None where the files carry no statistics."""
        _, files = self._now
        if f"max.{column}" not in files.column_names:
            return None
        maxima = files.filter(pc.equal(files[f"partition.{self._day}"], pa.scalar(day)))[f"max.{column}"]
        found: datetime | None = None if maxima.null_count else pc.max(maxima).as_py()
        return found

    def latest_of(self, columns: Iterable[str], day: date) -> datetime | None:
        """The largest timestamp of several columns; None where the log does not tell of one of them."""
        found = [self.latest(column, day) for column in columns]
        return None if None in found else max(moment for moment in found if moment is not None)

    def spans(self, first: str, last: str) -> list[Span] | None:
        """Of each file, the least `first` and the largest `last`; None where a file carries no statistics."""
        _, files = self._now
        if not files.num_rows:
            return []
        columns = (f"partition.{self._day}", f"min.{first}", f"max.{last}")
        if not set(columns) <= set(files.column_names) or any(files[name].null_count for name in columns):
            return None
        days, lows, highs = (files[name].to_pylist() for name in columns)
        # Delta's log has milliseconds.
        return [Span(d, low, high + timedelta(milliseconds=1)) for d, low, high in zip(days, lows, highs, strict=True)]

    @property
    def _day(self) -> str:
        return self.spec.partition_by[0]

    @property
    def _now(self) -> tuple[int | None, pa.Table]:
        """The latest commit and the files that it left, with their statistics."""
        if self._seen is None:
            self._seen = self._at(None)
        return self._seen

    def _at(self, version: int | None) -> tuple[int | None, pa.Table]:
        with opened(self.path, version) as table:
            if table is None:
                return None, pa.table({})
            return table.version(), pa.table(table.get_add_actions(flatten=True))

    def _days_of_files(self, version: int) -> dict[str, date] | None:
        found, files = self._at(version)
        if found is None:
            return None
        return dict(zip(files["path"].to_pylist(), files[f"partition.{self._day}"].to_pylist(), strict=True))


def _metadata(text: Any) -> dict[str, Any]:
    try:
        read = json.loads(text) if text else {}
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
