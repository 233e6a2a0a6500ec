"""Which days of the plays changed since a table was last built from them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

from earshot.core.changes import TOUCHED, TouchedDays
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables, spec_of

__all__ = ["TouchedDays", "touched_days", "touched_days_of_each"]

_RULES: Final = "settings.marts"


def touched_days(tables: Tables, consumer_table: str, sources: Sequence[str], *, rules: str = "") -> TouchedDays:
    """The days of the sources that changed since the consumer's last recorded position.

    A writer names the days it touched in its commit's `userMetadata` (`touched_days`); of a commit
    that does not, the partitions of its files tell. Compaction and vacuum touch nothing. Of a table
    that was built by other rules, or without one of its columns, everything is to be rebuilt.

    Args:
        tables: The lake.
        consumer_table: Table whose commits carry {"consumed": {source: version}}.
        sources: Tables partitioned by UTC day.
        rules: What the rows depend on besides the sources, as text; empty where it does not matter.
    """
    return touched_days_of_each(tables, {consumer_table: sources}, {consumer_table: rules})[consumer_table]


def touched_days_of_each(
    tables: Tables, consumers: Mapping[str, Sequence[str]], rules: Mapping[str, str]
) -> dict[str, TouchedDays]:
    """`touched_days` of several consumers, at one version of the sources that they share.

    Args:
        tables: The lake.
        consumers: Each with its sources.
        rules: Of each consumer.
    """
    names = frozenset(source for sources in consumers.values() for source in sources)
    with ThreadPoolExecutor(thread_name_prefix="touched") as pool:
        positions = pool.map(lambda consumer: TableHistory(tables.root, consumer).consumed, consumers)
        looked = pool.map(lambda source: TableHistory(tables.root, source).looked(), names)
        histories = dict(zip(names, looked, strict=True))
        return {
            consumer: _touched(consumer, position, {name: histories[name] for name in sources}, rules[consumer])
            for (consumer, sources), position in zip(consumers.items(), positions, strict=True)
        }


def _touched(
    consumer_table: str, position: dict[str, int] | None, histories: Mapping[str, TableHistory], rules: str
) -> TouchedDays:
    consumed = {source: history.version for source, history in histories.items() if history.version is not None}
    if rules and consumed:
        made_by = zlib.crc32(" ".join((rules, *spec_of(consumer_table).column_names)).encode())
        position = position if position and position.get(_RULES) == made_by else None
        consumed[_RULES] = made_by
    touched: set[date] = set()
    for source, history in histories.items():
        changed = None if position is None else _changed_since(history, position.get(source, -1))
        if changed is None:
            every = frozenset[date]().union(*(history.days() for history in histories.values()))
            return TouchedDays(every, consumed, complete=bool(consumed))
        touched |= changed
    return TouchedDays(frozenset(touched), consumed)


def _changed_since(history: TableHistory, position: int) -> frozenset[date] | None:
    """Days that later commits changed; None where the log does not tell."""
    if history.version is None:
        return frozenset() if position < 0 else None
    fresh = history.changes_after(position)
    if fresh is None:
        return None
    touched: set[date] = set()
    for change in fresh:
        if change.leaves_rows:
            continue
        named = change.metadata.get(TOUCHED)
        days = history.changed_days(change.version) if named is None else map(date.fromisoformat, named)
        if days is None:
            return None
        touched.update(days)
    return frozenset(touched)
